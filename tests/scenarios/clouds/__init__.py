"""The clouds that the scenarios play on: the same suites for each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from shared.model.run import Run


@dataclass(frozen=True)
class Shown:
    """A machine as the cloud shows it."""

    id: str
    tags: dict[str, str]
    alive: bool


class Cloud(Protocol):
    """An emulated account that a test can look into, script and disturb."""

    platform: str
    types: tuple[str, str]
    """Two machine types; the first is the default."""
    capacity: str
    """The cloud's word for having no machine."""
    refuses: bool
    """Whether an order is refused when no machine can be had; else it waits in the cloud's own queue."""
    made: list[str]
    """The types of what an environment is made of, in order."""

    def config(self) -> dict[str, Any]:
        """The least config of an environment."""

    def credentials(self) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Provider, public keys and secret keys."""

    def machines(self) -> list[Shown]:
        """Every machine that the cloud still shows."""

    def started(self, run: Run) -> list[str]:
        """The ids of all machines that were ever started for a run."""

    def resources(self) -> list[str]:
        """What exists of any environment, machines apart."""

    def tag(self, id: str, key: str, value: str) -> None:
        """Sets a machine's tag, as a person would."""

    def end(self, id: str) -> None:
        """Ends a machine behind our back."""

    def stranger(self, tags: dict[str, str]) -> str:
        """A machine of somebody else; its id."""

    def keep(self, run: Run) -> None:
        """Puts the console where a runner would, before it says its end."""

    def strike(self, call: str, kind: str, times: int | None = 1) -> None:
        """Scripts bad days. `call`: launch, list, remove, or forge (each call of create and dispose,
        once). `kind`: throttle, 5xx, 503, reset-before, reset-after."""

    def no_capacity(self, type: str | None = None, times: int | None = None) -> None:
        """No machine of that type (None: of any) can be had."""

    def enforce(self, step: str | None, without: str = "") -> None:
        """Holds our credentials to the permissions of a step (None: to none at all), without one block
        or action."""

    def refused(self) -> list[str]:
        """The calls that were refused for want of a permission."""

    def cut(self, write: Callable[[Callable[[], Any]], Any], monkeypatch: Any) -> None:
        """Every HTTP request of the cloud's SDK goes through `write`, at the SDK's own transport."""


def alive(cloud: Cloud, run: Run | None = None) -> list[Shown]:
    """The machines that run, of one run or of all."""
    return [
        each
        for each in cloud.machines()
        if each.alive and (run is None or each.tags.get("headnode:run") == run.id)
    ]
