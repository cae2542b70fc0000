"""Refusals of Microsoft.OperationalInsights."""

from local.clouds.azure.errors import Refused, conflict, invalid


def no_workspace(name: str) -> Refused:
    """404 of what a table is a part of."""
    return Refused(
        404,
        "ParentResourceNotFound",
        "Failed to perform 'write' on resource(s) of type 'workspaces/tables', because the parent resource"
        f" 'Microsoft.OperationalInsights/workspaces/{name}' could not be found.",
    )


def busy(what: str, state: str) -> Refused:
    """One change at a time."""
    return conflict("Conflict", f"Another operation on '{what}' is in progress; its state is {state}.")


def elsewhere(name: str, location: str) -> Refused:
    """A deleted workspace of that name can come back, but not in another place."""
    return conflict(
        "Conflict",
        f"The workspace '{name}' was deleted in location '{location}' and can be recovered there; its name is"
        " taken until it is gone for good.",
    )


def bad_table_name(name: str) -> Refused:
    """Custom tables say that they are."""
    return invalid(f"The name of a custom table must end with '_CL', and '{name}' does not.")


def bad_schema(said: str) -> Refused:
    """The columns can not be had."""
    return invalid(f"The schema of the table is invalid: {said}")


def bad_retention(what: str, days: object, least: int, most: int) -> Refused:
    """Days out of bounds."""
    return invalid(f"{what} must be between {least} and {most} days, not {days}.")


def fixed_retention(plan: str) -> Refused:
    """Only one plan lets choose."""
    return invalid(f"retentionInDays can not be set for a table of plan {plan}.")
