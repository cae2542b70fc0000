"""The strict front: every call passes here before and after moto sees it."""

import threading
import traceback
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from local.clouds.answer import Answer, Dropped
from local.clouds.aws import backends
from local.clouds.aws.call import Call, parse
from local.clouds.aws.faults import Faults
from local.clouds.aws.permissions.judge import Judge
from local.clouds.aws.wire import refusal
from local.clouds.journal import Journal

_TURNS = ("batch", "ec2", "efs", "fsx", "iam", "sts", "dynamodb", "s3", "logs", "events")
"""Services that take one call at a time: moto's state is made for one thread, and a conditional write
must be atomic. SQS is not among them, since a receive may wait."""


class Service(Protocol):
    """What the overlay adds to one service of moto's."""

    def before(self, call: Call) -> Answer | None:
        """An answer instead of moto's, or None."""

    def after(self, call: Call, answer: Answer) -> Answer:
        """moto's answer, seen and maybe changed."""


class Side(Protocol):
    """Something served beside the AWS services, under a path of its own."""

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer: ...


class Gateway:
    """`app(environ) -> Answer` for the front."""

    def __init__(self, faults: Faults, journal: Journal, judge: Judge) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self._moto = DomainDispatcherApplication(create_backend_app)
        self._faults = faults
        self._journal = journal
        self.services: dict[str, list[Service]] = {}
        self.sides: dict[str, Side] = {}
        self._judge = judge
        self.crashes: list[str] = []
        """Tracebacks of the emulator's own errors, moto's included."""
        self.locks: dict[str, threading.RLock] = {name: threading.RLock() for name in _TURNS}

    def turn(self, service: str) -> AbstractContextManager[Any]:
        """Holds other calls of that service off, for services that need it."""
        return self.locks.get(service) or nullcontext()

    def __call__(self, environ: dict[str, Any]) -> Answer:
        body = environ["wsgi.input"].read()
        environ["wsgi.input"].seek(0)
        path, headers = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"), headers_of(environ)
        side = self.sides.get(path.split("/", 2)[1])
        if side:
            return side.answer(environ["REQUEST_METHOD"], path, headers, body)
        call = parse(environ["REQUEST_METHOD"], path, environ["QUERY_STRING"], headers, body)
        try:
            answer = self._serve(call, environ)
            self._faults.after(call)
        except Dropped:
            self._journal.add(call, 0, "dropped")
            raise
        except Exception as error:
            answer = self._crashed(call, error)
        self._journal.add(call, answer.status, _code(answer))
        return answer

    def _crashed(self, call: Call, error: Exception) -> Answer:
        """A client deserves an answer that it can read, and a test should know."""
        what = f"{call.service}:{call.action}"
        if isinstance(error, NotImplementedError):
            return refusal(call, "NotImplemented", f"The emulator cannot do {what}: {error}", 501)
        self.crashes.append("".join(traceback.format_exception(error)))
        return refusal(call, "InternalFailure", f"The emulator broke at {what}: {error!r}", 500)

    def _serve(self, call: Call, environ: dict[str, Any]) -> Answer:
        refused = self._judge(call) or self._faults.before(call)
        return refused or self._judge.after(call, self._work(call, environ))

    def _work(self, call: Call, environ: dict[str, Any]) -> Answer:
        with self.turn(call.service):
            services = self.services.get(call.service, [])
            for service in services:
                answer = service.before(call)
                if answer:
                    return answer
            answer = self._faults.within(call) or self._ask_moto(environ)
            for service in services:
                answer = service.after(call, answer)
            return answer

    def _ask_moto(self, environ: dict[str, Any]) -> Answer:
        answer = Answer(500)

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            answer.status, answer.headers = int(status.split()[0]), list(headers)

        environ["HTTP_X_MOTO_ACCOUNT_ID"] = backends.ACCOUNT
        parts = self._moto(environ, start_response)
        try:
            answer.body = b"".join(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()
        return answer


def headers_of(environ: dict[str, Any]) -> dict[str, str]:
    """The request's headers by lower-case name."""
    found = {
        key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key.startswith("HTTP_")
    }
    found["content-type"] = environ.get("CONTENT_TYPE", "")
    return found


def _code(answer: Answer) -> str:
    """The error code of an answer, for the journal."""
    if answer.status < 400:
        return ""
    text = answer.body[:2000].decode("utf-8", "replace")
    for mark, end in (("<Code>", "</Code>"), ('"__type": "', '"'), ('"__type":"', '"')):
        _, found, rest = text.partition(mark)
        if found:
            return rest.partition(end)[0].rpartition("#")[2]
    return ""
