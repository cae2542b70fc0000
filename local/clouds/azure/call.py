"""One request as the emulator sees it: which service and action, by whom, on what."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from local.clouds.azure.errors import Refused


@dataclass
class Call:
    """A request, and after routing its names. `service` is the resource provider without "Microsoft."
    in lower case (compute, network, resources, ...) or token, imds, ingestion, query, blob; `action`
    is the rest of the RBAC action (virtualMachines/write). `params` are the parts of the path, the
    query and the top of the JSON body, to match faults with."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    service: str = ""
    action: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    principal: str = ""
    fate: Refused | None = None
    """What a long operation will end with, when it was scripted to fail."""
    target: str = ""
    """Path and query as they were sent: signatures are made of them."""

    @property
    def caller(self) -> str:
        """The object id of who calls; empty before authentication."""
        return self.principal

    @property
    def writes(self) -> bool:
        """Whether the call may change something."""
        return self.method not in ("GET", "HEAD", "OPTIONS") and self.service not in ("token", "query")

    def document(self) -> dict[str, Any]:
        """The JSON object in the body. Raises Refused when it is none."""
        try:
            read = json.loads(self.body or b"{}")
        except ValueError:
            read = None
        if not isinstance(read, dict):
            raise Refused(
                400, "InvalidRequestContent", "The request content was invalid and could not be read."
            )
        return read


def parse(method: str, target: str, headers: dict[str, str], body: bytes) -> Call:
    """Reads a request. Query names are kept as written, but `api-version` is in lower case."""
    path, _, query = target.partition("?")
    asked = dict(parse_qsl(query, keep_blank_values=True))
    asked = {"api-version" if name.lower() == "api-version" else name: value for name, value in asked.items()}
    return Call(method, unquote(path), asked, headers, body, target=target)
