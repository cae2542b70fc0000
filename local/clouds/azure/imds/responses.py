"""Answers of the instance metadata service; there is none without the header `Metadata: true`."""

from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.arm.store import Resource
from local.clouds.azure.batch import identities as nodes
from local.clouds.azure.call import Call
from local.clouds.azure.compute import life
from local.clouds.azure.compute.models import MACHINE
from local.clouds.azure.entra.responses import managed
from local.clouds.azure.imds import models

if TYPE_CHECKING:
    from local.clouds.azure.state import State


class _Bad(Exception):
    """A request that the service turns down."""


def token(state: "State", call: Call) -> Answer:
    """A token of the identity of the VM, or of a Batch node's pool."""
    try:
        holder = nodes.holder(state, call.names["machine"]) or _vm(state, call)
        _check(call)
    except _Bad as bad:
        return _bad(str(bad))
    principal = models.identity(state, holder, call.query)
    if principal is None:
        return Answer.json({"error": "invalid_request", "error_description": "Identity not found"}, 400)
    return managed(state, principal, call)


def instance(state: "State", call: Call) -> Answer:
    """The document or a part of it; leaves also as text."""
    try:
        vm = _vm(state, call)
    except _Bad as bad:
        return _bad(str(bad))
    try:
        found = models.leaf(
            models.document(state, vm), [p for p in call.names.get("rest", "").split("/") if p]
        )
    except (LookupError, ValueError):
        return Answer.json({"error": "Not found"}, 404)
    if call.query.get("format") == "text":
        if isinstance(found, (dict, list)):
            return _bad("format=text is for leaves")
        return Answer(200, str(found).encode(), [("Content-Type", "text/plain; charset=utf-8")])
    return Answer.json(found)


def events(state: "State", call: Call) -> Answer:
    """What is going to happen to the VM."""
    try:
        return Answer.json(models.scheduled(_vm(state, call)))
    except _Bad as bad:
        return _bad(str(bad))


def acknowledge(state: "State", call: Call) -> Answer:
    """The machine is ready for an event; it happens at once."""
    try:
        vm = _vm(state, call)
        wanted = models.requested(call.body)
    except (_Bad, ValueError, KeyError, TypeError) as bad:
        return _bad(str(bad))
    known = {each["EventId"] for each in models.scheduled(vm)["Events"]}
    if not wanted or not wanted <= known:
        return _bad("no such event")
    vm.kept["acknowledged"] = True
    life.preempt(state, vm)
    return Answer(200)


def _check(call: Call) -> None:
    if call.headers.get("metadata", "").lower() != "true":
        raise _Bad("Required metadata header not specified")
    if "x-forwarded-for" in call.headers:
        raise _Bad("metadata is not for others")
    if not call.query.get("api-version"):
        raise _Bad("api-version was not specified in the request")


def _vm(state: "State", call: Call) -> Resource:
    _check(call)
    for each in state.store.of(MACHINE):
        if each.properties["vmId"] == call.names["machine"]:
            return each
    raise _Bad("no such machine")


def _bad(message: str) -> Answer:
    return Answer.json({"error": f"Bad request. {message}"}, 400)
