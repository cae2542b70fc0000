"""Refusals of Microsoft.Compute."""

from local.clouds.azure.errors import Refused, conflict, invalid


def exists(name: str) -> Refused:
    """If-None-Match: * and it is there."""
    return Refused(412, "PreconditionFailed", f"The condition of If-None-Match is not met: '{name}' exists.")


def changed(name: str) -> Refused:
    """If-Match and it is another."""
    return Refused(412, "PreconditionFailed", f"The condition of If-Match is not met for '{name}'.")


def unchangeable(what: str) -> Refused:
    """Some properties are for ever."""
    return conflict("PropertyChangeNotAllowed", f"Changing property '{what}' is not allowed.")


def bad_size(size: str) -> Refused:
    """No such size."""
    return invalid(f"The value {size} provided for the VM size is not valid.")


def no_way_in() -> Refused:
    """A Linux VM needs a password or a key."""
    return invalid(
        "Authentication using either SSH or by user name and password must be enabled in Linux profile."
    )


def too_long(what: str, limit: int) -> Refused:
    """Custom data, user data and names have limits."""
    return invalid(f"{what} is too long; the maximum is {limit}.")


def not_base64(what: str) -> Refused:
    """Custom data and user data are sent in base64."""
    return invalid(f"{what} must be in Base64 encoding.")


def required(what: str) -> Refused:
    """A parameter is missing."""
    return invalid(f"Required parameter '{what}' is missing (null).")


def disk_exists(name: str) -> Refused:
    """Disks have names of their own."""
    return conflict(
        "ConflictingUserInput",
        f"Disk {name} already exists in resource group. Only CreateOption.Attach is supported.",
    )


def not_spot() -> Refused:
    """Only spot VMs are evicted."""
    return invalid("Eviction policy and eviction are for VMs of priority Spot.", "InvalidParameter")
