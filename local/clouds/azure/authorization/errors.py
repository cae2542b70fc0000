"""Refusals of Microsoft.Authorization."""

from local.clouds.azure.errors import Refused, conflict, invalid


def principal_not_found(principal: str, tenant: str) -> Refused:
    """A directory that does not know somebody, maybe not yet."""
    return invalid(
        f"Principal {principal.replace('-', '')} does not exist in the directory {tenant}. Check that you"
        " have the correct principal ID. If you are creating this principal and then immediately assigning a"
        " role, this error might be related to a replication delay. In this case, set the role assignment"
        " principalType property to a value, such as ServicePrincipal, User, or Group.",
        "PrincipalNotFound",
    )


def exists(name: str) -> Refused:
    """The same role for the same principal at the same scope, under another name."""
    id = name.replace("-", "")
    said = f"The role assignment already exists. The ID of the existing role assignment is {id}."
    return conflict("RoleAssignmentExists", said)


def unchangeable() -> Refused:
    """An assignment can not become another one."""
    return conflict(
        "RoleAssignmentUpdateNotPermitted",
        "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
    )


def same_name(name: str) -> Refused:
    """Names of custom roles are unique in a tenant."""
    return conflict(
        "RoleDefinitionWithSameNameExists", f"A custom role with the name '{name}' already exists."
    )


def in_use(count: int) -> Refused:
    """A role that somebody has can not be removed."""
    said = f"There are existing role assignments referencing role ({count})."
    return invalid(said, "RoleDefinitionHasAssignments")


def no_definition(id: str) -> Refused:
    """An assignment of nothing."""
    return invalid(
        f"The specified role definition with ID '{id}' does not exist.", "RoleDefinitionDoesNotExist"
    )


def not_found(kind: str, name: str) -> Refused:
    """404 of a definition or an assignment."""
    return Refused(404, f"{kind}NotFound", f"The {kind} '{name}' is not found.")


def not_assignable(scope: str) -> Refused:
    """Outside of a role's assignable scopes."""
    return invalid(
        f"The role definition is not assignable at scope '{scope}'.", "RoleDefinitionNotAssignableAtScope"
    )


def bad_condition(why: str) -> Refused:
    """A condition that Azure, or the emulator, can not evaluate. The text is Azure's, the code is not
    documented."""
    said = f"The given role assignment condition is invalid. ({why})"
    return invalid(said, "InvalidRoleAssignmentCondition")
