"""Signed calls to AWS services, repeated while that may help."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any

from shared.runner.errors import Denied, Failed
from shared.runner.http import Answer, exchange
from shared.runner.imds import Metadata
from shared.runner.retry import repeated
from shared.runner.sigv4 import Keys, signed

AGAIN = ("Throttling", "ThrottlingException", "SlowDown", "RequestTimeout", "ServiceUnavailable",
         "ExpiredToken", "ExpiredTokenException", "RequestTimeTooSkewed", "InternalError")  # fmt: skip


class Aws:
    """Signs and sends. Keys come from the environment, else from the machine's role. Thread-safe."""

    def __init__(self, region: str, metadata: Metadata, environ: Mapping[str, str] = os.environ) -> None:
        self.region = region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        self._metadata = metadata
        self._environ = environ

    def endpoint(self, service: str) -> str:
        """Where the environment says that a service is; "" for AWS's own address."""
        own = self._environ.get(f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}", "")
        return (own or self._environ.get("AWS_ENDPOINT_URL", "")).rstrip("/")

    def host(self, service: str) -> str:
        """A service's base address."""
        zone = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        return self.endpoint(service) or f"https://{service}.{self.region}.{zone}"

    def keys(self) -> Keys:
        """Raises Failed where there are none (yet: a role may take a moment to arrive)."""
        access = self._environ.get("AWS_ACCESS_KEY_ID", "")
        if access:
            secret = self._environ.get("AWS_SECRET_ACCESS_KEY", "")
            return Keys(access, secret, self._environ.get("AWS_SESSION_TOKEN", ""))
        found = self._metadata.keys()
        if found is None:
            raise Failed("this machine has no AWS credentials")
        return found

    def send(
        self,
        service: str,
        method: str,
        url: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        patience: float = 60.0,
    ) -> Answer:
        """One call, repeated for up to `patience` seconds. 404 is an answer; raises Denied for any other
        refusal, and Failed when nothing usable came back."""

        def once() -> Answer:
            # Said, or urllib says that it is a form; and signed, as S3 wants it.
            said = {"Content-Type": "application/octet-stream"} if body else {}
            given = {**said, **(headers or {})}
            sent = signed(method, url, given, body, keys=self.keys(), service=service, region=self.region)
            data = body if body or method in ("PUT", "POST") else None
            answer = exchange(method, url, sent, data, timeout=60.0)
            if answer.status < 300 or answer.status == 404:
                return answer
            code = error_code(answer)
            text = f"{service}: {code or answer.status}"
            if answer.again or code in AGAIN:
                raise Failed(text, answer.after)
            raise Denied(text, code, answer.status)

        return repeated(once, patience)

    def call(self, service: str, target: str, body: dict[str, Any], patience: float = 60.0) -> Any:
        """One call of a JSON service; raises as `send` does."""
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
        url = self.host(service) + "/"
        answer = self.send(service, "POST", url, json.dumps(body).encode(), headers, patience)
        if answer.status == 404:
            raise Denied(f"{service}: {error_code(answer) or 404}", error_code(answer), 404)
        return json.loads(answer.body or b"{}")


def error_code(answer: Answer) -> str:
    """The service's own word for an error, from a JSON or an XML body."""
    text = answer.body[:4096].decode(errors="replace")
    found = re.search(r"<Code>([^<]+)</Code>", text) or re.search(
        r'"__type"\s*:\s*"(?:[^"#]*#)?([^"]+)"', text
    )
    return found.group(1) if found else ""
