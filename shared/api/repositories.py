"""What an address of a pipeline says by itself. Nothing is fetched: an API that follows people's addresses
could be made to look into its own network."""

import re
from typing import Any
from urllib.parse import urlsplit

PROVIDERS = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "bitbucket.org": "bitbucket",
    "dev.azure.com": "azurerepos",
}
SSH = re.compile(r"^(?:ssh://)?git@([^:/]+)[:/](.+)$")
"""`git@host:owner/name` and `ssh://git@host/owner/name`."""
SHORT = re.compile(r"^[\w.-]+/[\w.-]+$")


def described(address: str, revision: str) -> dict[str, Any]:
    """Project, provider and addresses of a pipeline; raises ValueError for what is no address."""
    host, path = split(address)
    project = path.strip("/").removesuffix(".git")
    if not project:
        raise ValueError("names no repository")
    url = f"https://{host}/{project}" if host else address
    return {
        "projectName": project,
        "simpleName": project.rpartition("/")[2],
        "repositoryUrl": url,
        "cloneUrl": f"{url}.git" if host else address,
        "provider": PROVIDERS.get(host, "git" if host else "local"),
        "configFiles": [],
        "workDirs": [],
        "profiles": [],
        "revisions": [revision] if revision else [],
        "warnings": ["the repository was not read: branches, tags and profiles are not listed"],
    }


def split(address: str) -> tuple[str, str]:
    """Host and path of an address; no host for a folder. A bare `owner/name` is on GitHub."""
    if found := SSH.match(address):
        return found[1], found[2]
    if SHORT.match(address):
        return "github.com", address
    parts = urlsplit(address)
    return (parts.hostname or "" if parts.scheme in ("http", "https") else ""), parts.path
