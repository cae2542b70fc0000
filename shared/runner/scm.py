"""How Nextflow and git are let into a pipeline's repository."""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

PLAIN = "https://github.com"


def config(access: list[dict[str, str]]) -> str:
    """The file that NXF_SCM_FILE names (nextflow.io/docs, "Git configuration"); empty without access."""
    return "".join(provider(each["server"], each["user"], each["token"]) for each in access)


def provider(server: str, user: str, token: str) -> str:
    """One provider: GitHub itself by its own name, any other server as one that speaks as GitHub does."""
    lines = [f"user = {quoted(user)}", f"password = {quoted(token)}"]
    name = "github"
    if server != PLAIN:
        name = quoted(urlsplit(server).hostname or "server")
        endpoint = quoted(f"{server}/api/v3")
        lines += ["platform = 'github'", f"server = {quoted(server)}", f"endpoint = {endpoint}"]
    inner = "".join(f"        {line}\n" for line in lines)
    return f"providers {{\n    {name} {{\n{inner}    }}\n}}\n"


def quoted(text: str) -> str:
    """A text for Groovy, in which nothing is replaced."""
    for sign, written in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(sign, written)
    return f"'{text}'"


def settings(access: list[dict[str, str]]) -> list[tuple[str, str]]:
    """git's own settings for the same servers: a header, in the environment and never among arguments,
    which everybody on a machine can read."""
    return [
        (f"http.{each['server']}/.extraHeader", f"Authorization: Basic {basic(each['user'], each['token'])}")
        for each in access
    ]


def basic(user: str, token: str) -> str:
    """As HTTP's basic scheme has it (RFC 7617)."""
    return base64.b64encode(f"{user}:{token}".encode()).decode()


def secrets(access: list[dict[str, str]]) -> list[str]:
    """What of it must never be in a log."""
    return [word for each in access for word in (each["token"], basic(each["user"], each["token"]))]
