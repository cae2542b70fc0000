"""From names, files and options to the bodies that the API wants."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

from local.cli.fields import FIELDS
from shared.errors import Refused

IN_FILE = (
    "name", "platform", "credentials", "credentialsId", "description", "config", "labels", "labelIds",
)  # fmt: skip


def environment_file(path: Path) -> dict[str, Any]:
    """An environment file (YAML or JSON): `name`, `platform`, `credentials` (name or id),
    `description`, `labels`, `config`; also a whole request body with `computeEnv`. Raises Refused, naming
    what is wrong."""
    read = mapping(path)
    labels = read.get("labelIds")
    inner = read.get("computeEnv", read)
    if not isinstance(inner, dict):
        raise Refused(f"{path}: computeEnv must be a mapping")
    unknown = sorted(set(map(str, inner)) - set(IN_FILE))
    if unknown:
        raise Refused(f"{path}: unknown field {unknown[0]!r} (known: {', '.join(IN_FILE)})")
    if not isinstance(inner.get("config", {}), dict):
        raise Refused(f"{path}: config must be a mapping")
    return {**({"labelIds": labels} if labels else {}), **inner}


def mapping(path: Path) -> dict[str, Any]:
    """A YAML or JSON file that holds a mapping. Raises Refused, saying where it is wrong."""
    import yaml

    try:
        read = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Refused(f"{path}: {error}") from None
    if not isinstance(read, dict):
        raise Refused(f"{path}: not a mapping of names to values")
    return read


def environment_body(
    api: Any, file: Path | None, config: dict[str, Any], options: dict[str, Any]
) -> dict[str, Any]:
    """The body that creates an environment: the file's values, overridden by the options."""
    read = environment_file(file) if file else {}
    options = {key: value for key, value in options.items() if value not in (None, "")}
    merged = {"platform": "aws-cloud", **read, **options}
    if merged["platform"] == "local":
        merged["platform"] = "local-platform"
    if not merged.get("name"):
        raise typer.BadParameter("an environment needs a name (an argument, or `name` in the file)")
    wanted = str(merged.get("credentials") or merged.get("credentialsId") or "")
    given = with_registries(api, merged.get("config", {}))
    body: dict[str, Any] = {
        "name": merged["name"],
        "platform": merged["platform"],
        "description": merged.get("description", ""),
        "config": {
            "discriminator": merged["platform"],
            **given,
            **keys_of(merged["platform"], config),
        },
    }
    if wanted:
        body["credentialsId"] = credentials_id(api, wanted)
    labels = [*(merged.get("labelIds") or ()), *label_ids(api, merged.get("labels") or ())]
    return {"computeEnv": body, **({"labelIds": labels} if labels else {})}


def changes(file: Path | None, settings: Iterable[str]) -> dict[str, Any]:
    """A config's fields from an environment file, and over them from `forge.vmCount=8` (the value as JSON
    where it is, else as text). Raises BadParameter for another form."""
    found: dict[str, Any] = dict(environment_file(file).get("config", {})) if file else {}
    for text in settings:
        path, equals, value = text.partition("=")
        if not (path and equals):
            raise typer.BadParameter(f"{text!r} is not FIELD=VALUE")
        *parents, name = path.split(".")
        place = found
        for parent in parents:
            inner = place.get(parent)
            place[parent] = place = dict(inner) if isinstance(inner, dict) else {}
        place[name] = plain(value)
    if not found:
        raise typer.BadParameter("nothing to change: give --set or a file with a config")
    return found


def label_ids(api: Any, texts: Any) -> list[int]:
    """The ids of labels written as NAME or NAME=VALUE; new ones are made. Raises Refused for no list."""
    if not isinstance(texts, (list, tuple)):
        raise Refused("labels must be a list of NAME or NAME=VALUE")
    return [int(label_of(api, str(text))["id"]) for text in texts]


def label_of(api: Any, text: str) -> dict[str, Any]:
    """The label written as NAME or NAME=VALUE: a new one, or the one that is there."""
    name, equals, value = text.partition("=")
    body = {"name": name, "value": value, "resource": True} if equals else {"name": name}
    made: dict[str, Any] = api.post("/labels", body)
    return made


def keys_of(platform: str, config: dict[str, Any]) -> dict[str, Any]:
    """The options' values under the names that the platform has for them."""
    if not str(platform).startswith("azure"):
        return config
    renamed = {field.key: field.azure for field in FIELDS if field.azure}
    return {renamed.get(key, key): value for key, value in config.items()}


def credentials_id(api: Any, wanted: str) -> str:
    """The id of the credentials with that id or name. Raises Refused when there are none."""
    return str(one_of(api.get("/credentials")["credentials"], wanted, "credentials")["id"])


def with_registries(api: Any, config: dict[str, Any]) -> dict[str, Any]:
    """A config whose logins to container registries (`forge.containerRegIds`) may be named, with their ids.
    Raises Refused for those that there are not."""
    forge = config.get("forge")
    named = forge.get("containerRegIds") if isinstance(forge, dict) else None
    if not isinstance(forge, dict) or not isinstance(named, list):
        return config
    ids = [credentials_id(api, str(each)) for each in named]
    return {**config, "forge": {**forge, "containerRegIds": ids}}


def one_of(listed: list[dict[str, Any]], wanted: str, what: str) -> dict[str, Any]:
    """The listed object with that id, else with that name. Raises Refused when there is none."""
    for key in ("id", "name"):
        found = [entry for entry in listed if entry.get(key) == wanted]
        if found:
            return found[0]
    raise Refused(f"no {what} {wanted!r}")


def parameters(given: list[str]) -> dict[str, Any]:
    """Pipeline parameters from `name=value` (the value as JSON where it is, else as text) and files;
    later ones win."""
    found: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if equals and not Path(text).is_file():
            found[key] = plain(value)
        else:
            found.update(mapping(Path(text)))
    return found


def plain(value: str) -> Any:
    """A number, true, false or null as such; everything else is text."""
    try:
        read = json.loads(value)
    except ValueError:
        return value
    return value if isinstance(read, (dict, list, str)) else read
