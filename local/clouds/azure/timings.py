"""How long things take in the emulated cloud, in seconds of its clock."""

from dataclasses import dataclass, field


@dataclass
class Timings:
    """Everything is 0, so done with the next call, unless told otherwise. `TYPICAL` are figures for a
    cloud that takes its time."""

    transitions: dict[str, float] = field(default_factory=dict)
    """By RBAC action (Microsoft.Compute/virtualMachines/write); "*" is for all others."""
    propagation: float = 0.0
    """Until a role assignment counts."""
    directory: float = 0.0
    """Until the directory knows a new identity: PrincipalNotFound, unless the type is given."""
    ingestion: float = 0.0
    """Until a log record can be queried."""
    nic_reservation: float = 180.0
    """A NIC that a vanished or failed VM leaves is kept for it this long."""
    retry_after: float = 0.0
    """What answers about unfinished operations ask clients to wait."""
    autoscale_pause: float = 30.0
    """After a pool's formula was set, until it may be set again."""
    spot_notice: float = 30.0
    """Between the Preempt event and the end of a spot VM."""

    def of(self, action: str) -> float:
        """The transition time of an action."""
        wanted = action.lower()
        found = next((seconds for name, seconds in self.transitions.items() if name.lower() == wanted), None)
        return self.transitions.get("*", 0.0) if found is None else found


TYPICAL = {
    "Microsoft.Batch/batchAccounts/pools/resize": 60.0,
    "Microsoft.Batch/batchAccounts/pools/nodes/boot": 90.0,
    "Microsoft.Batch/batchAccounts/pools/delete": 60.0,
    "Microsoft.Batch/batchAccounts/jobs/tasks/prepare": 2.0,
    "Microsoft.Batch/batchAccounts/jobs/terminate": 5.0,
    "Microsoft.Batch/batchAccounts/jobs/delete": 10.0,
    "Microsoft.Compute/virtualMachines/write": 25.0,
    "Microsoft.Compute/virtualMachines/delete": 40.0,
    "Microsoft.Network/virtualNetworks/write": 4.0,
    "Microsoft.Network/virtualNetworks/delete": 10.0,
    "Microsoft.Network/virtualNetworks/subnets/write": 4.0,
    "Microsoft.Network/virtualNetworks/subnets/delete": 10.0,
    "Microsoft.Network/networkInterfaces/write": 2.0,
    "Microsoft.Network/networkInterfaces/delete": 10.0,
    "Microsoft.Network/publicIPAddresses/write": 4.0,
    "Microsoft.Network/publicIPAddresses/delete": 10.0,
    "Microsoft.OperationalInsights/workspaces/write": 20.0,
    "Microsoft.OperationalInsights/workspaces/delete": 5.0,
    "Microsoft.OperationalInsights/workspaces/tables/write": 15.0,
    "Microsoft.OperationalInsights/workspaces/tables/delete": 5.0,
    "Microsoft.Resources/subscriptions/resourceGroups/delete": 60.0,
}
"""Rough seconds as people see them; no document promises any."""
