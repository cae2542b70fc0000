"""Whoever we are at a Batch account and its storage: the accounts' keys, an Entra application, or the host's
own identity; and requests of the Batch service in that name.

As for ARM, requests are made by hand over urllib3: importing azure-batch takes longer than ten of them. The
tests let the real SDKs read the same emulator, and check our signatures against theirs.
"""

import functools
import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from shared.azure_endpoints import BATCH_SCOPE, STORAGE_SCOPE, Endpoints
from shared.errors import Refused, Unreachable
from shared.logs.wire import Reply, Wire
from shared.logs.wire import refusal as blob_refusal
from shared.providers.azure.batch import shapes, signing
from shared.providers.azure.batch.errors import is_gone, normalised, refusal
from shared.providers.azure.clients import Clients
from shared.providers.azure.errors import Answer

VERSION = "2025-06-01"
"""Of the Batch service; the older ones end (Azure/Batch issue 140, 2026-05-15)."""
MEDIA = "application/json; odata=minimalmetadata"
DELEGATION = "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"


class BatchClients(Clients):
    """As `Clients`, with `batchName`, `batchKey`, `storageName` and `storageKey` among the credentials.
    An Entra application goes before keys: it can do less. Thread-safe."""

    @property
    def keyed(self) -> bool:
        """Whether we are the holder of the accounts' keys, and nobody in Entra."""
        return bool(self._keys.get("batchKey") or self._keys.get("storageKey")) and not self.is_application

    @property
    def is_application(self) -> bool:
        """Whether we are an Entra application with a secret."""
        return bool(self._keys.get("clientId"))

    @property
    def batch_name(self) -> str:
        """The Batch account that the credentials name; empty where they name none."""
        return self._keys.get("batchName", "")

    @property
    def batch_key(self) -> str:
        """Its key; empty unless that is who we are."""
        return self._keys.get("batchKey", "") if self.keyed else ""

    def storage_key(self, account: str) -> str:
        """The key of a storage account; empty unless the credentials have it, also beside an application."""
        return self._keys.get("storageKey", "") if account and account == self.storage_name else ""

    @property
    def application(self) -> dict[str, str]:
        """The Entra application's `tenantId`, `clientId` and `clientSecret`; empty where there is none."""
        names = ("tenantId", "clientId", "clientSecret")
        return {name: self._keys.get(name, "") for name in names} if self.is_application else {}

    @functools.cached_property
    def wire(self) -> Wire:
        """Requests of any service of Azure, signed with a key where keys are all we have."""
        return KeyWire(self._keys, self.endpoints) if self.keyed else super().wire

    def batch(
        self,
        method: str,
        url: str,
        *,
        action: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        accept: tuple[str | int, ...] = (),
    ) -> Answer:
        """One request of the Batch service. `url` is whole, `action` the permission it needs, for texts.

        Raises what `errors` makes of a refusal, but for the codes in `accept`; 404 there means that the
        pool, job or task is gone (`errors.is_gone`), not that the account cannot be seen. Raises Unreachable
        for an answer of another shape than the service's (`shapes`)."""
        from urllib.parse import quote

        asked = {"api-version": VERSION, **(query or {})}
        more = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items())
        whole = url if "api-version=" in url else f"{url}?{more}"
        headers = {"Accept": "application/json"}
        content = b""
        if body is not None:
            headers["Content-Type"] = MEDIA
            content = json.dumps(body).encode()
        reply = self.wire.send(method, whole, scope=BATCH_SCOPE, headers=headers, body=content)
        answer = read(reply, action)
        expected = (404 in accept and is_gone(answer)) or answer.code in accept
        if answer.status < 300:
            shapes.check(answer.body, action)
        elif not expected:
            raise refusal(answer, action)
        return answer

    def sas(self, account: str, container: str, now: float, ends: float) -> str:
        """A signature that opens a container until then, as a query. One call unless we have the key. Raises
        Refused for a time that Azure does not give."""
        begins = now - signing.EARLIER
        if self.keyed:
            return signing.container_sas(account, container, self._keys.get("storageKey", ""), begins, ends)
        if ends - now > signing.MOST_DELEGATED:
            raise Refused("Azure signs for 7 days at the most without an account's key: shorten the run")
        key = self._delegation_key(account, begins, ends)
        return signing.delegated_sas(account, container, key, begins, ends)

    def _delegation_key(self, account: str, begins: float, ends: float) -> dict[str, str]:
        """A key of user delegation, by the names of its parts."""
        # From its beginning to its end there may be seven days, and the beginning is in the past.
        first = max(begins, ends - signing.MOST_DELEGATED)
        body = (
            f"<KeyInfo><Start>{signing.utc(first)}</Start><Expiry>{signing.utc(ends)}</Expiry></KeyInfo>"
        ).encode()
        url = f"{self.endpoints.blob(account)}/?restype=service&comp=userdelegationkey"
        headers = {"x-ms-version": signing.VERSION, "Content-Type": "application/xml"}
        reply = self.wire.send("POST", url, scope=STORAGE_SCOPE, headers=headers, body=body)
        if reply.status != 200:
            raise blob_refusal(reply, DELEGATION)
        try:
            root = ElementTree.fromstring(reply.body)  # noqa: S314 (the cloud's own answer)
        except ElementTree.ParseError as error:
            raise Unreachable(f"{DELEGATION}: the answer cannot be read") from error
        return {each.tag: each.text or "" for each in root}


class KeyWire(Wire):
    """Signs requests with the keys of a Batch account and of a storage account. There are no tokens: ARM
    cannot be asked for anything."""

    def __init__(self, keys: Mapping[str, str], known: Endpoints) -> None:
        super().__init__(self._no_token, known)
        self._keys = keys

    @staticmethod
    def _no_token(scope: str) -> str:
        raise Refused(
            f"these credentials are accounts' keys: {scope.split('/')[2]} takes an Entra application"
        )

    def send(
        self,
        method: str,
        url: str,
        *,
        scope: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Reply:
        """As `Wire.send`."""
        if scope == BATCH_SCOPE:
            name, key, sign = "batchName", "batchKey", signing.batch_headers
        elif scope == STORAGE_SCOPE:
            name, key, sign = "storageName", "storageKey", signing.blob_headers
        else:
            return super().send(method, url, scope=scope, headers=headers, body=body)
        self._check_place(url)
        account, secret = self._keys.get(name, ""), self._keys.get(key, "")
        if not (account and secret):
            raise Refused(f"the credentials lack {name} or {key}")
        try:
            own = sign(account, secret, method, url, headers or {}, body)
        except ValueError:
            raise Refused(f"{key} of the credentials is not a key (base64)") from None
        return self._exchanged(method, url, {**(headers or {}), **own}, body)


def read(reply: Reply, action: str) -> Answer:
    """An answer of Batch with its document. Raises Unreachable for one that is cut off or no JSON."""
    document: Any = {}
    if reply.body:
        try:
            document = json.loads(reply.body)
        except (ValueError, RecursionError) as error:
            if reply.status < 400:
                raise Unreachable(f"{action}: the answer cannot be read") from error
    found = document if isinstance(document, dict) else {}
    if 300 <= reply.status < 400:
        raise Unreachable(f"{action}: the answer leads elsewhere ({reply.status})")
    if reply.status >= 400 and "error" not in found:
        found = normalised(found)
    return Answer(reply.status, reply.headers, found)
