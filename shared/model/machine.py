"""Machines: what can be asked for (offers), what is asked (orders), and what the cloud shows."""

from shared.model.records import Model

PENDING, RUNNING, STOPPED, STOPPING = "pending", "running", "stopped", "stopping"
FAILED, GONE = "failed", "gone"
"""The states a provider maps its cloud's own words to. `stopped`: its guest has ended by itself, and what
is left of it (a disk, the tasks of a head job) costs until it is removed. `failed`: the order was accepted
and could not be carried out; nothing runs, but something is there to be removed. `gone`: nothing is billed
any more and the machine cannot come back; a cloud that keeps a tombstone for a while reports it as gone."""


class Offer(Model, frozen=True, kw_only=True):
    """One way to get a machine. Offers are tried in order until one is accepted."""

    machine_type: str
    place: str = ""
    """Subnet (AWS) or zone (Azure); empty lets the cloud choose."""
    spot: bool = False
    tended: bool = False
    """Its work runs on other machines too, which somebody has to see to (`Provider.tend`)."""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.machine_type, self.place, "spot" if self.spot else "on-demand")))


class Task(Model, frozen=True, kw_only=True):
    """What a pipeline's task asks for, in the pipeline's own words: sizes are texts such as `8 GB`, empty
    where the directive is absent."""

    cpus: int = 1
    memory: str = ""
    disk: str = ""
    machine_type: str = ""
    arm: bool = False
    """Whether its image is made for Arm processors too."""


class Order(Model, frozen=True, kw_only=True):
    """Everything a provider needs to start exactly one machine."""

    run_id: str
    attempt: int
    token: str
    """Idempotency token, at most 64 characters: the same token asks for the same machine."""
    offer: Offer
    boot: str
    """User data: a complete cloud-init document, at most 16,384 bytes."""
    deadline: float
    owner: str
    labels: dict[str, str] = {}
    first: bool = False
    """Nothing was ever asked for this attempt: a cloud that takes no token need not look before it asks."""


class Machine(Model, frozen=True, kw_only=True):
    """A machine as the cloud shows it, with our tags read back."""

    id: str
    state: str
    reason: str = ""
    """The cloud's own word for why it ended, e.g. `Server.SpotInstanceTermination`."""
    words: str = ""
    """The last that its guest printed, where the cloud keeps that and nothing else may tell why it died."""
    queued: bool = False
    """The cloud has not begun it: it stands in a queue, and `reason` says why when it has stood long."""
    interrupted: bool = False
    """It ended because the cloud took it back (spot) or failed: the work may go on elsewhere."""
    run_id: str = ""
    attempt: int = 0
    environment_id: str = ""
    started_at: float = 0.0
    deadline: float = 0.0
    hold_until: float = 0.0
    orphan_since: float = 0.0


class Tended(Model, frozen=True, kw_only=True):
    """What was found of the machines that the tasks of an environment's runs are on."""

    waits: str = ""
    """What tasks wait for, in the cloud's words where it has some; empty while that needs no words."""
    lost: str = ""
    """Why tasks will never get a machine any more."""
    after: float = 0.0
    """Seconds until the cloud takes a change that it did not take now; 0.0 where there is none."""
