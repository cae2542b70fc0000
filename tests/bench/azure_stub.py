"""A very fast stand-in for ARM's virtual machines, Entra and one append blob, for benchmarks.

    with stub.azure(machines=10_000, doomed=100) as running:
        os.environ["HEADNODE_AZURE_URL"] = running.url

Knows tokens, PUT (create-only), GET, PATCH and DELETE of VMs, listings of VMs in pages of 50 as ARM's, and
empty listings of what belongs to VMs.
"""

import argparse
import asyncio
import json
import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.bench.ec2_stub import labels
from tests.bench.stub import Answer, http, serve

PAGE = 50
"""VMs in a page: what ARM answers when nothing else is asked for."""
GROUP = "/subscriptions/{subscription}/resourceGroups/bench/providers/Microsoft.Compute/virtualMachines/"
SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-111122223333"
ABSENT = json.dumps({"error": {"code": "ResourceNotFound", "message": "not found"}}).encode()
EXISTS = json.dumps({"error": {"code": "PreconditionFailed", "message": "exists"}}).encode()


class Fleet:
    """VMs: id in lower case -> the body."""

    def __init__(self, count: int, doomed: int, installation: str, now: float) -> None:
        self.machines: dict[str, dict[str, Any]] = {}
        for number in range(count):
            overdue = number * doomed // count != (number + 1) * doomed // count
            id = machine_id(number)
            self.machines[id.lower()] = shown(id, labels(number, installation, now, overdue))

    def page(self, url: str, at: int) -> bytes:
        """A page of the listing that begins at the `at`-th VM."""
        ids = list(self.machines)[at : at + PAGE]
        found: dict[str, Any] = {"value": [self.machines[id] for id in ids]}
        if at + PAGE < len(self.machines):
            found["nextLink"] = f"{url}&$skiptoken={at + PAGE}"
        return json.dumps(found).encode()


def machine_id(number: int) -> str:
    """The id of a synthetic VM."""
    return GROUP.format(subscription=SUBSCRIPTION) + f"vm-{number:06d}"


def shown(id: str, tags: dict[str, str]) -> dict[str, Any]:
    """A VM as ARM shows it, as far as anybody looks."""
    return {
        "id": id,
        "name": id.rpartition("/")[2],
        "type": "Microsoft.Compute/virtualMachines",
        "location": "westeurope",
        "tags": tags,
        "properties": {
            "provisioningState": "Succeeded",
            "timeCreated": "2026-11-20T00:00:00.0000000Z",
            "hardwareProfile": {"vmSize": "Standard_D2ds_v4"},
            "storageProfile": {"osDisk": {"osType": "Linux", "diskSizeGB": 128}},
            "osProfile": {"computerName": "headnode", "adminUsername": "headnode"},
        },
    }


class Front:
    """Finds the operation of a request."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def answer(self, head: str, body: bytes) -> Answer:
        """The operation's name and the answer."""
        method, target, _ = head.split(" ", 2)
        parts = urlsplit(target)
        path = parts.path.lower()
        if path.endswith("/openid-configuration"):
            return "authority", http(json.dumps(authority(head, parts.path)).encode())
        if path.endswith("/oauth2/v2.0/token"):
            token = {"token_type": "Bearer", "expires_in": 3600, "access_token": "bench"}
            return "token", http(json.dumps(token).encode())
        if path.endswith("/virtualmachines"):
            at = int(dict(parse_qsl(parts.query)).get("$skiptoken", 0))
            url = f"http://{host_of(head)}{target.partition('&$skiptoken')[0]}"
            return "VM list", http(self._fleet.page(url, at))
        if "/virtualmachines/" in path:
            return f"VM {method}", self._machine(method, parts.path, body)
        return f"other {method}", http(b'{"value": []}')

    def _machine(self, method: str, path: str, body: bytes) -> bytes:
        known = self._fleet.machines
        there = known.get(path.lower())
        if method == "PUT":
            if there:
                return http(EXISTS, status="412 Precondition Failed")
            known[path.lower()] = made = shown(path, json.loads(body)["tags"])
            return http(json.dumps(made).encode(), status="201 Created")
        if there is None:
            return http(ABSENT, status="404 Not Found")
        if method == "DELETE":
            del known[path.lower()]
            return http(b"", status="202 Accepted")
        if method == "PATCH":
            there["tags"] = json.loads(body)["tags"]
        return http(json.dumps(there).encode())


def host_of(head: str) -> str:
    """Where the caller finds the stub."""
    return next(line[6:].strip() for line in head.split("\r\n") if line.lower().startswith("host:"))


def authority(head: str, path: str) -> dict[str, str]:
    """Where Entra gives tokens."""
    base = f"https://{host_of(head)}/{path.split('/')[1]}"
    return {
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "issuer": f"{base}/v2.0",
    }


def main() -> None:
    """python -m tests.bench.azure_stub MACHINES DOOMED INSTALLATION NOW"""
    parser = argparse.ArgumentParser()
    parser.add_argument("machines", type=int)
    parser.add_argument("doomed", type=int)
    parser.add_argument("installation")
    parser.add_argument("now", type=float, default=time.time())
    given = parser.parse_args()
    fleet = Fleet(given.machines, given.doomed, given.installation, given.now)
    asyncio.run(serve(Front(fleet).answer))


if __name__ == "__main__":
    main()
