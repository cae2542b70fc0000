"""Where the demo plays: one module for each, with the same few operations (`Place`)."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from local.demo.places.aws import EmulatedAccount
from local.demo.places.azure import EmulatedSubscription
from local.demo.places.azurebatch import EmulatedBatchAccount
from local.demo.places.batch import EmulatedBatch
from local.demo.places.here import ThisMachine
from shared.errors import Refused

if TYPE_CHECKING:
    from local.demo import Options


class Place(Protocol):
    """A cloud, or this machine, that knows what the demo's user owns there."""

    platform: str
    """The platform's name in the API."""
    role: str
    """Whose permissions the control plane acts under; empty where there are none to be held to."""
    plugin: str
    """The plugin of Nextflow's that sends tasks there; empty where a machine runs them itself."""
    carried: str
    """That plugin as NAME@VERSION where the engine carries it, so that tasks really go there; else empty."""

    @property
    def title(self) -> str:
        """What it is, for people."""

    def start(self) -> Mapping[str, str]:
        """Starts it; the environment variables that lead programs to it."""

    def stop(self) -> None:
        """Ends it with its machines. Idempotent."""

    def open(self, shared: list[Path]) -> None:
        """Makes what the user owns beforehand, and lets machines read these paths."""

    def enforce(self, permissions: Any) -> None:
        """From now on the control plane may do what these permissions allow, and nothing else."""

    def credentials(self) -> list[dict[str, Any]]:
        """The requests' bodies for credentials: the environment's, then those that its options name. Empty
        where none are needed."""

    def config(self) -> dict[str, Any]:
        """The environment's options."""

    def interrupt(self) -> str:
        """Takes the machine that runs away, as spot does; returns its id."""

    @property
    def mark(self) -> int:
        """How many calls there were."""

    def calls(self, since: int) -> list[str]:
        """The control plane's calls after a mark."""

    def reads_log(self, call: str) -> bool:
        """Whether a call reads a run's log or files."""

    def leftovers(self) -> list[str]:
        """Everything that still exists, but for what the user owns himself."""

    def kept(self) -> list[str]:
        """What stays because it is the user's: the run's files and its log."""

    def result(self, run: str) -> Any:
        """The `summary.json` that the run left in its work directory; None when there is none."""


def place_of(options: "Options", directory: Path) -> Place:
    """The place that the options name. Raises Refused for one that there is not."""
    if options.platform == "aws-cloud":
        return EmulatedAccount(directory, spot=options.spot_interruption)
    if options.platform == "aws-batch":
        return EmulatedBatch(directory, spot=False)
    if options.platform == "azure-batch":
        return EmulatedBatchAccount(directory, options.option)
    if options.platform == "azure-cloud":
        return EmulatedSubscription(directory, spot=options.spot_interruption)
    if options.platform == "local":
        return ThisMachine(directory / "work")
    raise Refused(f"the demo has no platform {options.platform!r}")
