"""Refusals of Microsoft.Network."""

from local.clouds.azure.errors import Refused, conflict, invalid


def subnet_in_use(subnet: str, user: str) -> Refused:
    """Something stands in the subnet."""
    return invalid(
        f"Subnet {subnet} is in use by {user} and cannot be deleted. In order to delete the subnet, delete"
        " all the resources within the subnet.",
        "InUseSubnetCannotBeDeleted",
    )


def interface_in_use(interface: str, machine: str) -> Refused:
    """A VM has it."""
    return invalid(f"Network Interface {interface} is used by existing resource {machine}.", "NicInUse")


def reserved(interface: str, machine: str, seconds: float) -> Refused:
    """A VM that is gone, or never came to be, has it for a while still."""
    return invalid(
        f"Nic(s) in request is reserved for another Virtual Machine for {seconds:.0f} seconds. Please provide"
        f" another nic(s) or retry after {seconds:.0f} seconds. Reserved VM: {machine}, Nic: {interface}",
        "NicReservedForAnotherVm",
    )


def address_in_use(address: str, user: str) -> Refused:
    """A network interface has it."""
    return invalid(
        f"Public IP address {address} can not be deleted since it is still allocated to resource {user}.",
        "PublicIPAddressCannotBeDeleted",
    )


def no_reference(id: str, by: str) -> Refused:
    """A request names something that is not there, or is in another region."""
    return invalid(
        f"Resource {id} referenced by resource {by} was not found. Please make sure that the referenced"
        " resource exists, and that both resources are in the same region.",
        "InvalidResourceReference",
    )


def not_ready(id: str, state: str, by: str) -> Refused:
    """A request names something that is still being made or removed."""
    return conflict(
        "ReferencedResourceNotProvisioned",
        f"Cannot proceed with operation because resource {id} used by resource {by} is not in Succeeded"
        f" state. Resource is in {state} state.",
    )


def busy(id: str) -> Refused:
    """One change at a time."""
    return Refused(
        429,
        "AnotherOperationInProgress",
        f"Another operation on this or dependent resource {id} is in progress.",
    )


def subnet_full(subnet: str, prefix: str) -> Refused:
    """Every address has somebody."""
    return invalid(
        f"Subnet {subnet} with address prefix {prefix} does not have enough capacity for 1 IP addresses.",
        "SubnetIsFull",
    )


def bad_prefix(text: str) -> Refused:
    """No address range, or one outside of its network."""
    return invalid(f"Address prefix '{text}' is not valid for this network.", "NetcfgInvalidSubnet")
