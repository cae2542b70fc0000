"""Answers about user-assigned identities."""

from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.arm.tracked import group_of, make, removed
from local.clouds.azure.call import Call
from local.clouds.azure.msi import models

if TYPE_CHECKING:
    from local.clouds.azure.state import State


def put(state: "State", call: Call) -> Answer:
    """Ready at once; other services may not know it yet."""
    group_of(state, call, writes=True)
    resource, new = make(state, call, models.properties_of(state, call.path.rstrip("/")), writes="")
    return Answer.json(resource.shown(), 201 if new else 200)


def delete(state: "State", call: Call) -> Answer:
    """Gone at once, with its place in the directory; assignments to it stay behind."""
    found = state.store.get(call.path)
    answer = removed(state, call)
    if found:
        state.directory.remove(found.properties["principalId"])
    return answer
