"""Which of a workspace's credentials open the repository of a run's pipeline."""

import json
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from shared.model.access import Credentials
from shared.model.run import Run
from shared.ports import World

GITHUB = "https://github.com"
SHORT = re.compile(r"[\w.-]+/[\w.-]+")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANYBODY = "x-access-token"
"""What GitHub takes as a user where the token says who it is."""


def access(world: World, run: Run) -> list[dict[str, str]]:
    """`server`, `user` and `token` of the `github` credentials whose `baseUrl` (none: GitHub) the pipeline is
    under, the longest winning, then the first by name; empty where there are none. All others stay sealed:
    whoever runs a pipeline can read what its machine gets."""
    server, path = split(str(run.launch.get("pipeline") or ""))
    if not server:
        return []
    found = [each for each in github(world, run.workspace_id) if covers(base_of(each), f"{server}{path}")]
    if not found:
        return []
    record = max(found, key=lambda each: len(base_of(each)))
    keys = json.loads(world.vault.open(record.sealed, f"credentials/{record.id}"))
    token = keys.get("token") or keys.get("password")
    return [{"server": server, "user": str(keys.get("username") or ANYBODY), "token": str(token)}]


def base_of(record: Credentials) -> str:
    """Where credentials are good, without a slash at its end; empty for what is no such address."""
    server, path = split(str(record.public.get("baseUrl") or GITHUB))
    return f"{server}{path}".rstrip("/") if server else ""


def covers(base: str, address: str) -> bool:
    """Whether an address is a base or below it."""
    return bool(base) and f"{address.removesuffix('.git')}/".startswith(f"{base}/")


def github(world: World, workspace: int) -> Iterator[Credentials]:
    """A workspace's credentials for GitHub, by name, but for those that were refused."""
    after = ""
    while True:
        page = world.store.find(Credentials, "workspace", str(workspace), after=after)
        yield from (each for each in page.items if each.provider == "github" and each.status == "AVAILABLE")
        after = page.after
        if not after:
            return


def split(address: str) -> tuple[str, str]:
    """Scheme, host and port of an address, and its path; `owner/name` is on GitHub. Empty for what no
    password is sent to: folders, SSH, and plain http to anywhere but this machine."""
    if SHORT.fullmatch(address):
        return GITHUB, f"/{address}"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    except ValueError:
        return "", ""
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if not safe or not host or "@" in parts.netloc:
        return "", ""
    return f"{parts.scheme}://{host}{port}", parts.path
