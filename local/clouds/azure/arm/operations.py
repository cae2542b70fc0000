"""Long operations: where a client is told to look for their end, and what it finds there.

The addresses are always given. Reading them needs an action of its own, which a role may well lack, and
only the principal that began an operation may ask for it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.arm.routes import SUBSCRIPTION, Route
from local.clouds.azure.call import Call
from local.clouds.azure.errors import Refused, forbidden

if TYPE_CHECKING:
    from local.clouds.azure.state import State


@dataclass
class Operation:
    """One that was begun."""

    id: str
    principal: str
    over_at: float
    target: str
    error: Refused | None = None


def begin(
    state: "State", call: Call, act: Callable[[], None], *, seconds: float, target: str = ""
) -> Operation:
    """Does `act` after so many seconds on the cloud's clock, at the earliest with the next call."""
    operation = Operation(str(uuid.uuid4()), call.principal, state.now + seconds, target, call.fate)
    state.operations[operation.id] = operation
    state.agenda.at(operation.over_at, act)
    return operation


def links(
    state: "State", call: Call, operation: Operation, location: str, *, result: bool
) -> list[tuple[str, str]]:
    """The headers of an accepted request; `result` adds Location, as deletions have it."""
    provider = "Microsoft." + call.path.split("/providers/Microsoft.")[-1].split("/")[0]
    kind = "operationstatuses" if provider.lower() == "microsoft.operationalinsights" else "operations"
    base = f"{state.url}/subscriptions/{call.names['subscription']}/providers/{provider}/locations/{location}"
    version = f"api-version={call.query.get('api-version', '')}"
    found = [
        ("Azure-AsyncOperation", f"{base}/{kind}/{operation.id}?{version}"),
        ("Retry-After", f"{state.timings.retry_after:g}"),
    ]
    if result:
        found.append(("Location", f"{base}/operationResults/{operation.id}?{version}"))
    return found


def status(state: "State", call: Call) -> Answer:
    """The body that Azure-AsyncOperation promises."""
    operation = _mine(state, call)
    if state.now < operation.over_at:
        return _paced(state, Answer.json({"name": operation.id, "status": "InProgress"}))
    if operation.error:
        return Answer.json({"name": operation.id, "status": "Failed", "error": operation.error.body()})
    return Answer.json({"name": operation.id, "status": "Succeeded"})


def result(state: "State", call: Call) -> Answer:
    """What Location promises: 202 until it is over, then the resource, or nothing."""
    operation = _mine(state, call)
    if state.now < operation.over_at:
        there = f"{state.url}{call.path}?api-version={call.query.get('api-version', '')}"
        answer = _paced(state, Answer(202))
        answer.headers.append(("Location", there))
        return answer
    if operation.error:
        return operation.error.answer()
    found = state.store.get(operation.target) if operation.target else None
    return Answer.json(found.shown()) if found else Answer(204)


def _paced(state: "State", answer: Answer) -> Answer:
    answer.headers.append(("Retry-After", f"{state.timings.retry_after:g}"))
    return answer


def _mine(state: "State", call: Call) -> Operation:
    found = state.operations.get(call.names["operation"])
    if found is None:
        raise Refused(404, "NotFound", "The operation was not found.")
    if found.principal != call.principal:
        raise forbidden(call.principal, "read the operation of another principal", call.path)
    return found


_PLACE = SUBSCRIPTION + "/providers/{provider}/locations/{location}"
_ANY = frozenset({"*"})
_READ = "{provider}/locations"
routes = [
    Route("GET", f"{_PLACE}/operations/{{operation}}", f"{_READ}/operations/read", status, _ANY),
    Route(
        "GET", f"{_PLACE}/operationstatuses/{{operation}}", f"{_READ}/operationStatuses/read", status, _ANY
    ),
    Route("GET", f"{_PLACE}/operationResults/{{operation}}", f"{_READ}/operationResults/read", result, _ANY),
    Route(
        "GET",
        f"{SUBSCRIPTION}/operationresults/{{operation}}",
        "Microsoft.Resources/subscriptions/operationresults/read",
        result,
        _ANY,
    ),
]
