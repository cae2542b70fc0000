"""What is alike for every type of resource: look it up, list it in pages, make it, remove it."""

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from local.clouds.answer import Answer
from local.clouds.azure.arm import operations
from local.clouds.azure.arm.store import Resource
from local.clouds.azure.call import Call
from local.clouds.azure.errors import Refused, conflict, no_group, not_found

if TYPE_CHECKING:
    from local.clouds.azure.state import State

SHOWN = ("location", "tags", "sku", "kind", "identity", "zones", "plan", "extendedLocation")
"""What of a request's top level a resource keeps."""


def type_of(id: str) -> str:
    """Microsoft.Network/virtualNetworks/subnets for the id of a subnet."""
    words = id.split("/providers/")[-1].strip("/").split("/")
    return "/".join([words[0], *words[1::2]])


def group_of(state: "State", call: Call, *, writes: bool = False) -> Resource:
    """The resource group that a request names. Raises Refused when there is none, or, for a request
    that writes, when it is being deleted."""
    name = call.names["group"]
    found = state.store.get(f"/subscriptions/{call.names['subscription']}/resourceGroups/{name}")
    if found is None:
        raise no_group(name)
    if writes and found.state == "Deleting":
        raise conflict(
            "ResourceGroupBeingDeleted",
            f"The resource group '{name}' is in deprovisioning state and cannot perform this operation.",
        )
    return found


def existing(state: "State", call: Call) -> Resource:
    """The resource at the request's path. Raises Refused."""
    group_of(state, call)
    found = state.store.get(call.path)
    if found is None:
        raise not_found(type_of(call.path), call.path.rstrip("/").rpartition("/")[2], call.names["group"])
    return found


def read(state: "State", call: Call) -> Answer:
    """GET of one."""
    return Answer.json(existing(state, call).shown())


def lister(
    type: str, show: Callable[["State", Resource], dict[str, Any]] | None = None
) -> Callable[["State", Call], Answer]:
    """GET of all of a type, in a resource group or in the subscription."""

    def handle(state: "State", call: Call) -> Answer:
        below = f"/subscriptions/{call.names['subscription']}"
        if "group" in call.names:
            below = group_of(state, call).id
        if "parent" in call.names:
            below = call.path.rstrip("/").rpartition("/")[0]
        found = state.store.of(type, below)
        return pages(state, call, [show(state, each) if show else each.shown() for each in found])

    return handle


def pages(state: "State", call: Call, values: list[dict[str, Any]]) -> Answer:
    """One page of a listing; `nextLink` leads to the rest."""
    start = int(call.query.get("$skiptoken") or 0)
    page: dict[str, Any] = {"value": values[start : start + state.page_size]}
    if start + state.page_size < len(values):
        kept = "&".join(f"{k}={v}" for k, v in call.query.items() if k != "$skiptoken")
        page["nextLink"] = f"{state.url}{call.path}?{kept}&$skiptoken={start + state.page_size}"
    return Answer.json(page)


def make(
    state: "State", call: Call, properties: dict[str, Any], *, begins: str = "", writes: str = "Succeeded"
) -> tuple[Resource, bool]:
    """Writes the resource at the request's path, and whether it is new. `begins` is its
    provisioningState until a long operation is over; types without one pass writes=""."""
    group = group_of(state, call, writes=True)
    asked, old = call.document(), state.store.get(call.path)
    if old and old.state == "Deleting":
        raise conflict("Conflict", f"The resource '{old.name}' is being deleted.")
    body = {key: asked[key] for key in SHOWN if asked.get(key) is not None}
    if not body.get("location") and "parent" not in call.names:
        raise Refused(400, "LocationRequired", "The location property is required for this definition.")
    _same_place(old, body)
    if old is None:
        id = f"{group.id}/{call.path.strip('/').split('/', 4)[4]}".rstrip("/")
        old = state.store.put(Resource(id, type_of(id), id.rpartition("/")[2], made_at=state.now))
        new = True
    else:
        new, old.generation = False, old.generation + 1
    old.body, old.properties, old.state = body, properties, begins or writes
    return old, new


def region(body: dict[str, Any]) -> str:
    """The location in a body as a region's name: "West Europe" is westeurope."""
    return str(body.get("location") or "").lower().replace(" ", "")


def _same_place(old: Resource | None, body: dict[str, Any]) -> None:
    before, after = region(old.body if old else body), region(body)
    if before != after:
        raise conflict("InvalidResourceLocation", f"The resource already exists in location '{before}'.")


def accepted(
    state: "State", call: Call, resource: Resource, new: bool, done: Callable[[], None] | None = None
) -> Answer:
    """201 or 200 to a PUT whose resource becomes Succeeded, or Failed, after its transition time."""

    def over() -> None:
        if state.store.get(resource.id) is resource and resource.state != "Deleting":
            resource.state = "Failed" if operation.error else "Succeeded"
            if done:
                done()

    operation = operations.begin(
        state, call, over, seconds=state.timings.of(f"{resource.type}/write"), target=resource.id
    )
    answer = Answer.json(resource.shown(), 201 if new else 200)
    answer.headers += operations.links(state, call, operation, _place(state, resource), result=False)
    return answer


def leaving(
    state: "State", call: Call, resource: Resource | None, gone: Callable[[], None] | None = None
) -> Answer:
    """202 to a DELETE; the resource is Deleting until its transition time has passed. 204 when there
    is nothing to delete."""
    if resource is None:
        return Answer(204)
    resource.state = "Deleting"

    def over() -> None:
        # An earlier deletion, or that of the group, may have been first, and another may bear its name now.
        if state.store.get(resource.id) is resource:
            _take_out(state, resource)
            if gone:
                gone()

    operation = operations.begin(state, call, over, seconds=state.timings.of(f"{resource.type}/delete"))
    answer = Answer(202)
    answer.headers += operations.links(state, call, operation, _place(state, resource), result=True)
    return answer


def removed(state: "State", call: Call) -> Answer:
    """A DELETE that is done at once."""
    group_of(state, call)
    found = state.store.get(call.path)
    if found is None:
        return Answer(204)
    _take_out(state, found)
    return Answer(200)


def _take_out(state: "State", resource: Resource) -> None:
    """What is below a resource, role assignments at it among them, goes along."""
    for each in state.store.under(resource.id):
        state.store.remove(each)
    state.store.remove(resource)


def _place(state: "State", resource: Resource) -> str:
    """Where a resource is; a part of another is where that is."""
    around = state.store.get(resource.id.rsplit("/", 2)[0])
    return str(resource.body.get("location") or (around and around.body.get("location")) or "global")


def stamp(at: float) -> str:
    """Azure's time of day, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1e6):06d}0Z"


def copied(value: Any) -> Any:
    """A deep copy of JSON."""
    return json.loads(json.dumps(value))
