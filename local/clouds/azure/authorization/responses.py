"""Answers about role definitions and assignments."""

import re
from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.arm.store import Resource
from local.clouds.azure.arm.tracked import pages
from local.clouds.azure.authorization import errors, models
from local.clouds.azure.authorization.models import ASSIGNMENT, DEFINITION
from local.clouds.azure.call import Call
from local.clouds.azure.errors import invalid

if TYPE_CHECKING:
    from local.clouds.azure.state import State

_FILTER = re.compile(r"(?:(atScope\(\))|(principalId|roleName) eq '([^']*)'|assignedTo\('([^']*)'\))")


def define(state: "State", call: Call) -> Answer:
    """201 for every write, also of one that exists: real Azure does so, and the SDK wants nothing else."""
    asked = call.document().get("properties") or {}
    models.check_definition(state, call, asked)
    found = models.definition(state, call.names["name"])
    if found is None:
        subscription = "/".join(call.names["scope"].split("/")[:3])
        id = f"{subscription}/providers/{DEFINITION}/{call.names['name']}"
        found = state.store.put(Resource(id, DEFINITION, call.names["name"], made_at=state.now))
    found.properties = {**asked, "type": "CustomRole"}
    return Answer.json(found.shown(), 201)


def get_definition(state: "State", call: Call) -> Answer:
    """One custom role."""
    found = models.definition(state, call.names["name"])
    if found is None:
        raise errors.not_found("RoleDefinition", call.names["name"])
    return Answer.json(found.shown())


def definitions(state: "State", call: Call) -> Answer:
    """Custom roles, of one name where asked."""
    wanted = _condition(call)
    found = state.store.of(DEFINITION)
    if "roleName" in wanted:
        found = [each for each in found if each.properties["roleName"] == wanted["roleName"]]
    return pages(state, call, [each.shown() for each in found])


def undefine(state: "State", call: Call) -> Answer:
    """Removes a role that nobody has; 204 when there is none."""
    found = models.definition(state, call.names["name"])
    if found is None:
        return Answer(204)
    users = [
        each
        for each in state.store.of(ASSIGNMENT)
        if each.properties["roleDefinitionId"].lower().endswith(found.name.lower())
    ]
    if users:
        raise errors.in_use(len(users))
    state.store.remove(found)
    return Answer.json(found.shown())


def assign(state: "State", call: Call) -> Answer:
    """201 for a new one; the same again is 200, another one under its name is refused."""
    asked, scope = call.document().get("properties") or {}, call.names["scope"]
    models.check_guid(call.names["name"])
    models.check_scope(state, scope)
    models.check_condition(asked)
    found = state.store.get(call.path)
    if found:
        if models.key(found.properties) != models.key({**asked, "scope": scope}):
            raise errors.unchangeable()
        return Answer.json(found.shown())
    models.check_assignment(state, call, asked)
    id = f"{scope.rstrip('/')}/providers/{ASSIGNMENT}/{call.names['name']}"
    made = state.store.put(Resource(id, ASSIGNMENT, call.names["name"], made_at=state.now))
    made.properties = {"principalType": "ServicePrincipal", **asked, "scope": scope}
    return Answer.json(made.shown(), 201)


def get_assignment(state: "State", call: Call) -> Answer:
    """One."""
    found = state.store.get(call.path)
    if found is None:
        raise errors.not_found("RoleAssignment", call.names["name"])
    return Answer.json(found.shown())


def assignments(state: "State", call: Call) -> Answer:
    """Those at a scope and below; with atScope() not those below."""
    wanted, scope = _condition(call), call.names["scope"].lower().rstrip("/")
    found = []
    for each in state.store.of(ASSIGNMENT):
        at = each.properties["scope"].lower().rstrip("/")
        near = (scope + "/").startswith(at + "/")
        if not near and ("atScope" in wanted or not at.startswith(scope + "/")):
            continue
        if (
            wanted.get("principalId", each.properties["principalId"]).lower()
            == each.properties["principalId"].lower()
        ):
            found.append(each)
    return pages(state, call, [each.shown() for each in found])


def unassign(state: "State", call: Call) -> Answer:
    """200 with what was removed, 204 when there is none."""
    found = state.store.get(call.path)
    if found is None:
        return Answer(204)
    state.store.remove(found)
    return Answer.json(found.shown())


def _condition(call: Call) -> dict[str, str]:
    text, wanted = call.query.get("$filter", ""), {}
    for part in filter(None, re.split(r"\s+and\s+", text)):
        match = _FILTER.fullmatch(part.strip())
        if match is None:
            raise invalid(
                f"Invalid $filter '{text}' specified in the query string.", "InvalidFilterInQueryString"
            )
        if match[1]:
            wanted["atScope"] = ""
        else:
            wanted[match[2] or "principalId"] = match[3] or match[4]
    return wanted
