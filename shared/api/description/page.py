"""The description as one page of HTML: no script, nothing from elsewhere, so it works behind any wall."""

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import Any

from shared.api.description.shapes import COMPONENTS

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "details{border-top:1px solid #ddd;padding:.4rem 0}summary{cursor:pointer}code{font-size:.9em}"
    "table{border-collapse:collapse;margin:.5rem 0}td,th{text-align:left;padding:.15rem .8rem .15rem 0;"
    "vertical-align:top}.m{display:inline-block;width:4.5rem;font-weight:600}nav a{margin-right:1rem}"
    "@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}a{color:#8bf}}"
)
DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{DIGEST}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def page(document: dict[str, Any]) -> str:
    """The whole page."""
    info = document["info"]
    groups = sorted(operations(document), key=lambda each: (each[0] == "not served", each[0]))
    tags = [(tag, [each[1:] for each in rows]) for tag, rows in groupby(groups, key=lambda each: each[0])]
    links = "".join(f'<a href="#{anchor(tag)}">{escape(tag)}</a>' for tag, _ in tags)
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width"><title>headnode API</title>',
        f"<style>{STYLE}</style></head><body><h1>{escape(info['title'])} API {escape(info['version'])}</h1>",
        f'{text(info["description"])}<p>For programs: <a href="openapi.json">openapi.json</a></p>',
        f'<nav>{links}<a href="#schemas">schemas</a></nav>',
    ]
    for tag, rows in tags:
        parts.append(f'<h2 id="{anchor(tag)}">{escape(tag)}</h2>')
        parts += [operation(method, path, one) for method, path, one in rows]
    parts.append('<h2 id="schemas">Schemas</h2>')
    for name, schema in document["components"]["schemas"].items():
        told = text(schema.get("description", ""))
        parts.append(f'<h3 id="schema-{escape(name)}">{escape(name)}</h3>{told}{fields(schema)}')
    return "".join([*parts, "</body></html>"])


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Tag, method, path and what is said of each operation."""
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            yield (one["tags"] or ["other"])[0], method, path, one


def operation(method: str, path: str, one: dict[str, Any]) -> str:
    """One operation, folded up."""
    rows = [
        (each["name"], each["in"], kind(each["schema"]), "yes" if each.get("required") else "",
         escape(each.get("description", "")))
        for each in one["parameters"]
    ]  # fmt: skip
    parts = [
        f'<details><summary><code><span class="m">{method.upper()}</span>{escape(path)}</code> ',
        f"{escape(one['summary'])}</summary>{text(one.get('description', ''))}",
        table(("parameter", "in", "type", "required", ""), rows),
    ]
    if body := one.get("requestBody"):
        needed = "Body" if body.get("required") else "Body (may be absent)"
        parts.append(f"<p>{needed}: {contents(body)}</p>")
    answers = [
        (code, escape(each["description"]), contents(each), "", "") for code, each in one["responses"].items()
    ]
    parts.append(table(("answer", "", "body"), answers))
    return "".join([*parts, "</details>"])


def contents(holder: dict[str, Any]) -> str:
    """The media types of a body, and their schemas."""
    found = holder.get("content", {}).items()
    return ", ".join(f"{escape(media)} {kind(each.get('schema', {}))}" for media, each in found)


def kind(schema: dict[str, Any]) -> str:
    """A schema in a few words, with links to what it names."""
    if reference := schema.get("$ref"):
        name = escape(reference.removeprefix(COMPONENTS))
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(map(kind, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {kind(schema.get('items', {}))}"
    if "enum" in schema:
        return escape(" | ".join(map(str, schema["enum"])))
    if inner := schema.get("properties"):
        return escape("{" + ", ".join(inner) + "}") if len(inner) > 1 else one_field(inner)
    limits = [
        f"{word} {schema[name]}"
        for name, word in (("minimum", ">="), ("maximum", "<="), ("maxLength", "up to"))
        if name in schema
    ]
    return escape(" ".join([str(schema.get("type", "any")), schema.get("format", ""), *limits]))


def one_field(inner: dict[str, Any]) -> str:
    """An object that holds one thing."""
    [(name, schema)] = inner.items()
    return f"{{{escape(name)}: {kind(schema)}}}"


def fields(schema: dict[str, Any]) -> str:
    """The fields of an object."""
    required = schema.get("required", [])
    rows = [
        (name, kind(inner), "yes" if name in required else "", escape(inner.get("description", "")), "")
        for name, inner in schema.get("properties", {}).items()
    ]
    return table(("field", "type", "required", ""), rows)


def table(heads: tuple[str, ...], rows: list[tuple[str, str, str, str, str]]) -> str:
    """Rows under their heads; nothing without rows. The first cell is a name, the others are HTML."""
    if not rows:
        return ""
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join(
        f"<tr><td><code>{escape(name)}</code></td>{''.join(f'<td>{each}</td>' for each in rest)}</tr>"
        for name, *rest in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def text(words: str) -> str:
    """A paragraph."""
    return f"<p>{escape(words)}</p>" if words else ""


def anchor(tag: str) -> str:
    """A tag as the target of a link."""
    return "tag-" + tag.replace(" ", "-")
