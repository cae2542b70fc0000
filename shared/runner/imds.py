"""The machine's own metadata service (IMDSv2): its id, its role's keys, and the spot notice. In a container
of ECS, and so in a job of Batch, the keys are those of the container's role."""

from __future__ import annotations

import calendar
import json
import os
import threading
import time
from collections.abc import Mapping

from shared.runner.errors import Failed
from shared.runner.http import exchange
from shared.runner.sigv4 import Keys

LINK_LOCAL = "http://169.254.169.254"
CONTAINER = "http://169.254.170.2"
"""Where a container of ECS gets the keys of its own role; the path is in its environment."""
TOKEN_LIFE = 21600
REFRESH_BEFORE = 300.0
"""Seconds before their end at which keys are renewed."""


class Metadata:
    """Asks the metadata service. Thread-safe. Where there is none, every answer is empty."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._base = environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", LINK_LOCAL).rstrip("/")
        self._off = environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"
        relative = environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "")
        full = environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
        self._container = CONTAINER + relative if relative else full
        self._token = ""
        self._token_until = 0.0
        self._keys: Keys | None = None
        self._lock = threading.Lock()

    def get(self, path: str) -> str:
        """A value, or "" when there is none or no service. Never raises, blocks for 2 s at most."""
        try:
            return self._get(path)
        except Failed:
            return ""

    def keys(self) -> Keys | None:
        """The role's keys, renewed before they end; None without a role. Old keys are kept for as long
        as they live when new ones cannot be had."""
        with self._lock:
            now = time.time()
            if self._keys is None or self._keys.expires - now < REFRESH_BEFORE:
                fresh = self._fetch_keys()
                self._keys = fresh or (self._keys if self._keys and self._keys.expires > now else None)
            return self._keys

    def interruption(self) -> str:
        """The notice that the cloud takes this machine back, as it words it; "" while there is none."""
        return self.get("/latest/meta-data/spot/instance-action")

    def _fetch_keys(self) -> Keys | None:
        try:
            given = json.loads(self._container_keys() if self._container else self._role_keys())
            expires = float(calendar.timegm(time.strptime(given["Expiration"][:19], "%Y-%m-%dT%H:%M:%S")))
            return Keys(given["AccessKeyId"], given["SecretAccessKey"], given["Token"], expires)
        except (ValueError, KeyError, TypeError):
            return None

    def _role_keys(self) -> str:
        """The machine's own role's keys, as JSON."""
        path = "/latest/meta-data/iam/security-credentials/"
        role = self.get(path).split("\n")[0].strip()
        return self.get(path + role) if role else ""

    def _container_keys(self) -> str:
        """The keys of the container's own role, which are not those of the machine under it."""
        try:
            answer = exchange("GET", self._container, {}, timeout=2.0, proxies=False)
        except Failed:
            return ""
        return answer.body.decode(errors="replace") if answer.status == 200 else ""

    def _get(self, path: str) -> str:
        if self._off:
            return ""
        if time.monotonic() > self._token_until:
            life = {"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_LIFE)}
            given = exchange("PUT", self._base + "/latest/api/token", life, b"", timeout=1.0, proxies=False)
            if given.status != 200:
                return ""
            self._token, self._token_until = given.body.decode(), time.monotonic() + TOKEN_LIFE / 2
        headers = {"X-aws-ec2-metadata-token": self._token}
        answer = exchange("GET", self._base + path, headers, timeout=2.0, proxies=False)
        if answer.status == 401:
            self._token_until = 0.0
        return answer.body.decode(errors="replace") if answer.status == 200 else ""
