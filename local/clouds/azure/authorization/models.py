"""Definitions belong to the tenant, assignments to a scope; either survives the group it speaks of,
except assignments at the group itself or below."""

import uuid
from typing import TYPE_CHECKING, Any

from local.clouds.azure.arm.store import Resource
from local.clouds.azure.authorization import conditions, errors
from local.clouds.azure.authorization.builtin import BUILT_IN
from local.clouds.azure.call import Call
from local.clouds.azure.entra.models import TENANT
from local.clouds.azure.errors import forbidden, invalid, no_group, not_found

if TYPE_CHECKING:
    from local.clouds.azure.state import State

DEFINITION = "Microsoft.Authorization/roleDefinitions"
ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
_ACCOUNTS = "/providers/microsoft.storage/storageaccounts"


def definition(state: "State", name: str) -> Resource | None:
    """A custom role by the last part of its id."""
    found = state.store.of(DEFINITION)
    return next((each for each in found if each.name.lower() == name.lower()), None)


def check_guid(name: str) -> None:
    """Raises Refused for a name that is no GUID."""
    try:
        uuid.UUID(name)
    except ValueError:
        raise invalid(f"The name '{name}' is not a valid GUID.", "InvalidRoleAssignmentId") from None


def check_scope(state: "State", scope: str) -> None:
    """Raises Refused for a scope in a group, or in a storage account, that does not exist."""
    parts = scope.strip("/").split("/")
    if len(parts) >= 4 and state.store.get("/" + "/".join(parts[:4])) is None:
        raise no_group(parts[3])
    account = "/" + "/".join(parts[:8])
    if account.lower().rpartition("/")[0].endswith(_ACCOUNTS) and state.store.get(account) is None:
        raise not_found("Microsoft.Storage/storageAccounts", parts[7], parts[3])


def check_definition(state: "State", call: Call, asked: dict[str, Any]) -> None:
    """Raises Refused unless it could be written."""
    check_guid(call.names["name"])
    if not asked.get("roleName") or not asked.get("assignableScopes") or not asked.get("permissions"):
        raise invalid("roleName, permissions and assignableScopes are required.", "InvalidRoleDefinition")
    for scope in asked["assignableScopes"]:
        check_scope(state, scope)
    for each in state.store.of(DEFINITION):
        if (
            each.properties["roleName"] == asked["roleName"]
            and each.name.lower() != call.names["name"].lower()
        ):
            raise errors.same_name(asked["roleName"])


def check_assignment(state: "State", call: Call, asked: dict[str, Any]) -> None:
    """Raises Refused unless it could be written as a new one."""
    scope, role = call.names["scope"], str(asked.get("roleDefinitionId", "")).rpartition("/")[2].lower()
    custom = definition(state, role)
    if custom is None and role not in BUILT_IN:
        raise errors.no_definition(str(asked.get("roleDefinitionId")))
    if custom and not _assignable(custom, scope):
        raise errors.not_assignable(scope)
    if role in BUILT_IN and BUILT_IN[role].privileged and state.judge.is_enforced(call.principal):
        raise forbidden(call.principal, f"{ASSIGNMENT}/write", scope)
    principal = state.directory.by_object.get(str(asked.get("principalId", "")).lower())
    unknown = principal is None or state.now < principal.made_at + state.timings.directory
    if unknown and not asked.get("principalType"):
        raise errors.principal_not_found(str(asked.get("principalId")), TENANT)
    for each in state.store.of(ASSIGNMENT):
        if key(each.properties) == key({**asked, "scope": scope}):
            raise errors.exists(each.name)


def check_condition(asked: dict[str, Any]) -> None:
    """Raises Refused for a condition that is not of version 2.0, or is not understood."""
    condition, version = asked.get("condition"), asked.get("conditionVersion")
    if not condition:
        if version:
            raise errors.bad_condition("a version without a condition")
        return
    if version != "2.0":
        raise errors.bad_condition(f"conditionVersion must be 2.0, not {version}")
    try:
        conditions.read(condition)
    except conditions.UnreadableCondition as error:
        raise errors.bad_condition(str(error)) from None


def key(properties: dict[str, Any]) -> tuple[str, ...]:
    """What makes two assignments the same."""
    role = str(properties.get("roleDefinitionId", "")).rpartition("/")[2]
    return tuple(str(each).lower() for each in (role, properties.get("principalId"), properties.get("scope")))


def _assignable(role: Resource, scope: str) -> bool:
    wanted = scope.lower().rstrip("/") + "/"
    return any(
        wanted.startswith(each.lower().rstrip("/") + "/") for each in role.properties["assignableScopes"]
    )
