"""Every request to the Batch service, from its account to its answer."""

import email.utils
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.batch import access, accounts, errors, shapes, shown
from local.clouds.azure.batch.models import Account, Body
from local.clouds.azure.call import Call
from local.clouds.azure.errors import Refused

if TYPE_CHECKING:
    from local.clouds.azure.state import State

VERSIONS = frozenset({"2025-06-01", "2024-07-01.20.0", "2024-02-01.19.0", "2023-11-01.18.0"})
"""The one of the SDK, and those that Nextflow's plugins still send."""
_ROOT = "Microsoft.Batch/batchAccounts"


@dataclass
class Request:
    """A request that was let in."""

    state: "State"
    call: Call
    account: Account

    @property
    def url(self) -> str:
        """Where the account's service is."""
        return f"{self.state.url}/batch/{self.account.name}"

    @property
    def names(self) -> dict[str, str]:
        """The parts of the path."""
        return self.call.names

    @property
    def now(self) -> float:
        """The cloud's time."""
        return self.state.now

    def body(self) -> Body:
        """The JSON object that was sent. Raises Refused."""
        try:
            body = self.call.document()
        except Refused:
            raise errors.bad_body() from None
        shapes.check(body)
        return body

    def check_match(self, changed_at: float, version: int) -> None:
        """Raises Refused for a resource that is not, or is, the one of If-Match, or If-None-Match."""
        mine = shown.etag(changed_at, version)
        wanted = self.call.headers.get("if-match", "").strip('"')
        unwanted = self.call.headers.get("if-none-match", "").strip('"')
        if (wanted and wanted not in ("*", mine)) or (unwanted and unwanted in ("*", mine)):
            raise errors.changed()

    def done(self, status: int, path: str = "", changed_at: float = 0.0, version: int = 0) -> Answer:
        """An answer without a body; `path` is what was written, from the account on."""
        headers = [("DataServiceId", f"{self.url}/{path}")] if path else []
        if status == 201:
            headers.append(("Location", f"{self.url}/{path}"))
        if changed_at:
            headers.append(("ETag", shown.etag(changed_at, version)))
            headers.append(("Last-Modified", email.utils.formatdate(changed_at, usegmt=True)))
        return Answer(status, b"", headers)


Handler = Callable[[Request], Answer]


def admitted(handle: Handler, action: str) -> Callable[["State", Call], Answer]:
    """The handler behind the door: the account, who asks, the version, and then scripted faults.

    Rights on jobs are rights on data; those on pools are rights on the account itself."""
    needed = f"{_ROOT}/{action}"

    def serve(state: "State", call: Call) -> Answer:
        account = accounts.find(state, call.names["account"])
        if account is None:
            said = "The specified account does not exist."
            raise errors.BatchRefused(404, "AccountNotFound", said)
        access.admit(state, call, account, needed, data=action.startswith("jobs"))
        version = call.query.get("api-version", "")
        if version not in VERSIONS:
            raise errors.bad_version(version)
        state.strike(call)
        answer = handle(Request(state, call, account))
        said = call.headers.get("client-request-id", "")
        if said and call.headers.get("return-client-request-id", "").lower() == "true":
            answer.headers.append(("client-request-id", said))
        return answer

    return serve
