"""Answers about resource groups."""

import re
from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.arm import operations
from local.clouds.azure.arm.store import Resource
from local.clouds.azure.arm.tracked import group_of, pages, region
from local.clouds.azure.call import Call
from local.clouds.azure.compute import life
from local.clouds.azure.errors import Refused, conflict, no_group
from local.clouds.azure.resources import errors, models

if TYPE_CHECKING:
    from local.clouds.azure.state import State

_NAME = re.compile(r"[\w().-]{0,89}[\w()-]")


def put(state: "State", call: Call) -> Answer:
    """Makes or changes one; it is ready at once."""
    name, asked = call.names["group"], call.document()
    if not _NAME.fullmatch(name):
        raise errors.bad_name(name)
    if not asked.get("location"):
        raise Refused(400, "LocationRequired", "The location property is required for this definition.")
    id = f"/subscriptions/{call.names['subscription']}/resourceGroups/{name}"
    found = state.store.get(id)
    if found and found.state == "Deleting":
        raise conflict(
            "ResourceGroupBeingDeleted", f"The resource group '{name}' is in deprovisioning state."
        )
    if found and region(found.body) != region(asked):
        raise errors.elsewhere(name, found.body["location"])
    status = 200 if found else 201
    if found is None:
        found = state.store.put(Resource(id, models.TYPE, name, state="Succeeded", made_at=state.now))
    found.body = {"location": asked["location"], "tags": asked.get("tags") or {}}
    return Answer.json(found.shown(), status)


def get(state: "State", call: Call) -> Answer:
    """One."""
    return Answer.json(group_of(state, call).shown())


def head(state: "State", call: Call) -> Answer:
    """204 when it exists, else 404."""
    try:
        group_of(state, call)
    except Refused:
        return Answer(404)
    return Answer(204)


def listing(state: "State", call: Call) -> Answer:
    """All, or those with a tag."""
    condition = call.query.get("$filter", "")
    try:
        found = [g for g in state.store.of(models.TYPE) if models.matches(g, condition)]
    except ValueError:
        raise errors.bad_filter(condition) from None
    return pages(state, call, [group.shown() for group in found])


def contents(state: "State", call: Call) -> Answer:
    """What is in a group."""
    group = group_of(state, call)
    found = [
        each
        for each in state.store.under(group.id)
        if "/subnets/" not in each.id and "/tables/" not in each.id
    ]
    return pages(
        state, call, [{k: v for k, v in each.shown().items() if k != "properties"} for each in found]
    )


def delete(state: "State", call: Call) -> Answer:
    """202: machines lose power now, and the rest goes when the time has passed."""
    group = state.store.get(call.path)
    if group is None:
        raise no_group(call.names["group"])
    group.state = "Deleting"
    for each in state.store.under(group.id):
        each.state = "Deleting" if each.state else ""
        life.pull_plug(state, each)

    def over() -> None:
        # An earlier deletion may have been first, and another group may bear its name now.
        if state.store.get(group.id) is group:
            models.empty(state, group)
            state.store.remove(group)

    seconds = state.timings.of("Microsoft.Resources/subscriptions/resourceGroups/delete")
    operation = operations.begin(state, call, over, seconds=seconds)
    version = call.query["api-version"]
    base = f"{state.url}/subscriptions/{call.names['subscription']}/operationresults"
    answer = Answer(202)
    answer.headers += [
        ("Location", f"{base}/{operation.id}?api-version={version}"),
        ("Retry-After", f"{state.timings.retry_after:g}"),
    ]
    return answer
