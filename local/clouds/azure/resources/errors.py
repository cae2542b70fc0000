"""Refusals of resource groups' own."""

from local.clouds.azure.errors import Refused, conflict, invalid


def elsewhere(name: str, location: str) -> Refused:
    """A group can not move."""
    return conflict(
        "InvalidResourceGroupLocation",
        f"The Resource group '{name}' already exists in location '{location}'.",
    )


def bad_name(name: str) -> Refused:
    """At most 90 characters: letters, digits, _ - . and parentheses, with no dot at the end."""
    return invalid(
        f"The provided resource group name '{name}' has these invalid characters.", "InvalidResourceGroup"
    )


def bad_filter(text: str) -> Refused:
    """Only tags can be filtered by."""
    return invalid(f"Invalid $filter '{text}' specified in the query string.", "InvalidFilterInQueryString")
