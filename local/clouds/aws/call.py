"""One API call as the front of the emulator sees it: which service and action, by whom, with what."""

import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

_SCOPE = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_SIGNED_AS = {"monitoring": "cloudwatch", "elasticfilesystem": "efs", "states": "stepfunctions"}
"""Names that services sign with, where botocore calls them otherwise."""
_READS = re.compile(
    "Describe|Get|List|Head|Lookup|Search|Query|Scan|BatchGet|TransactGet|Filter|Receive|Assume|Encrypt|Decrypt"
    "|GenerateDataKey|Simulate"
)


@dataclass
class Call:
    """A request, parsed far enough to be judged, faulted and journalled. `params` are flat for the
    query protocols (`TagSpecification.1.Tag.1.Key`), nested for JSON, and query string plus `Bucket`
    and `Key` for S3."""

    service: str
    action: str
    region: str
    access_key: str
    method: str
    path: str
    body: bytes
    params: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    principal: str = ""

    @property
    def writes(self) -> bool:
        """Whether the call may change something; dry runs change nothing."""
        return not _READS.match(self.action) and self.params.get("DryRun") != "true"

    @property
    def caller(self) -> str:
        """Who calls, as far as is known."""
        return self.principal or self.access_key

    @property
    def signed(self) -> bool:
        """Whether it carries a signature or is a presigned URL."""
        return bool(self.access_key)


def parse(method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Call:
    """Reads a request; header names are lower-case. Blank `action` means: nothing we can name."""
    asked = dict(parse_qsl(query, keep_blank_values=True))
    scope = _SCOPE.search(headers.get("authorization", ""))
    if scope:
        access_key, region, service = scope.groups()
    else:
        access_key, region, service = _presigned(asked)
    service = _SIGNED_AS.get(service, service)
    call = Call(service, "", region, access_key, method, unquote(path), body, headers=headers)
    _name(call, asked)
    return call


def _presigned(asked: dict[str, str]) -> tuple[str, str, str]:
    parts = asked.get("X-Amz-Credential", "").split("/")
    return (parts[0], parts[2], parts[3]) if len(parts) == 5 else ("", "us-east-1", "s3")


def _name(call: Call, asked: dict[str, str]) -> None:
    target = call.headers.get("x-amz-target", "")
    if target:
        call.action = target.rpartition(".")[2]
        call.params = _json(call.body)
    elif call.service != "s3" and call.headers.get("content-type", "").startswith("application/x-www-form"):
        call.params = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        call.action = call.params.get("Action", "")
    else:
        found, parts = rest_action(call.service, call.method, call.path, asked, call.headers)
        call.action = found
        call.params = {**asked, **parts}
        if call.headers.get("content-type", "").endswith("json"):
            call.params |= _json(call.body)


def _json(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body or b"{}")
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


@dataclass(frozen=True)
class _Route:
    action: str
    method: str
    path: re.Pattern[str]
    wanted: tuple[tuple[str, str], ...]
    headers: tuple[str, ...]

    def fits(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str]
    ) -> re.Match[str] | None:
        if method != self.method or any(name not in headers for name in self.headers):
            return None
        for key, value in self.wanted:
            if key not in query or (value and query[key] != value):
                return None
        return self.path.fullmatch(path)


@cache
def _routes(service: str) -> tuple[_Route, ...]:
    """A REST service's operations from botocore's own model, the most demanding first."""
    from botocore.exceptions import UnknownServiceError
    from botocore.session import get_session

    try:
        model = get_session().get_service_model(service)
    except UnknownServiceError:
        return ()
    routes = [_route(model.operation_model(name)) for name in model.operation_names]
    return tuple(sorted(routes, key=lambda route: -len(route.wanted) - len(route.headers)))


def _route(operation: Any) -> _Route:
    path, _, query = operation.http["requestUri"].partition("?")
    wanted = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "x-id"]
    headers = []
    shape = operation.input_shape
    for name in shape.required_members if shape else ():
        place = shape.members[name].serialization
        if place.get("location") == "querystring":
            wanted.append((place["name"], ""))
        elif place.get("location") == "header" and place["name"] != "x-amz-tagging":
            headers.append(place["name"].lower())
    pattern = re.sub(r"\\\{(\w+)\\\+\\\}", r"(?P<\1>.+)", re.escape(path))
    # An ARN has slashes of its own, which are decoded by now.
    pattern = re.sub(r"\\\{(\w*Arn)\\\}", r"(?P<\1>.+)", pattern)
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern)
    return _Route(
        operation.name, operation.http["method"], re.compile(pattern + "/?"), tuple(wanted), tuple(headers)
    )


def rest_action(
    service: str, method: str, path: str, query: dict[str, str], headers: dict[str, str]
) -> tuple[str, dict[str, str]]:
    """The operation that a REST request asks for, and the parts of its path by name."""
    for route in _routes(service):
        match = route.fits(method, path, query, headers)
        if match:
            return route.action, match.groupdict()
    return "", {}
