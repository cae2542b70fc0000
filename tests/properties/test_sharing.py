"""Environments that share something, created and disposed of in any order, with messages delivered twice and
the process killed between two writes: it is there while somebody needs it, and no longer."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.errors import Fault, NotYet
from shared.model.environment import Environment, Leftover, Made, Resource, ResourceRow
from shared.model.machine import Machine
from shared.model.message import STEPS
from shared.model.settings import Settings
from shared.model.share import Share
from shared.ports import World
from shared.steps import environments
from shared.steps.deliver import handle
from tests.clock import FakeClock
from tests.scenarios.rig import Cut, Knife, Rig, SeededIds, cut_ports

SHARE = "the-one-they-share"


@dataclass
class Account:
    """A cloud with one shared thing and one of each environment's own; each comes and goes in a few calls."""

    there: dict[str, str] = field(default_factory=dict)
    """Name -> half, whole, going or almost gone."""
    wrong: list[str] = field(default_factory=list)
    """What was asked for and must never be: a step takes an exception for a bad day."""
    platform = "tiny"

    def config(self) -> dict[str, Any]:
        return {}


@dataclass
class Tiny:
    """`ports.Provider` on such an account, as far as creation and disposal go."""

    environment: Environment
    account: Account
    confirm_after = 0.0

    def check(self) -> list[Fault]:
        return []

    def details(self) -> dict[str, Any]:
        return {}

    def resources(self) -> list[Resource]:
        return [
            Resource(key="both", type="Queue", name="shared", shared=SHARE),
            Resource(key="own", type="Job", name=self.environment.id, needs=("both",)),
        ]

    def ensure(self, row: ResourceRow, made: Mapping[str, ResourceRow]) -> Made:
        state = self.account.there.get(row.name)
        if state in ("going", "almost gone") or not set(row.needs) <= set(made):
            self.account.wrong.append(f"{row.name} is made while it is {state}")
        if state != "whole":
            self.account.there[row.name] = "whole" if state else "half"
            raise NotYet("half of it is there", after=1.0)
        return Made(cloud_id=row.name)

    def remove(self, row: ResourceRow) -> bool:
        following = {"going": "almost gone", "almost gone": ""}
        state = self.account.there.pop(row.name, "")
        state = following.get(state, "going") if state else ""
        if state:
            self.account.there[row.name] = state
        return not state

    def leftovers(self, rows: Sequence[ResourceRow]) -> list[Leftover]:
        return [Leftover(type=row.type, cloud_id=row.name) for row in rows if row.name in self.account.there]

    def machines(self) -> Iterator[list[Machine]]:
        return iter(())

    def scope(self) -> str:
        return "tiny"


def started(directory: str, account: Account) -> Rig:
    """A control plane over that account."""

    def wrap(world: World) -> World:
        bound = lambda environment: Tiny(environment, account)  # noqa: E731
        return replace(world, provider=bound, faults=lambda platform, config: [])

    rig = Rig(Path(directory), Settings(installation="tiny"), FakeClock(), SeededIds("tiny"), account, wrap)  # type: ignore[arg-type]
    rig.credentials = lambda: ""  # type: ignore[method-assign]
    return rig


events = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.just(0)),
        st.tuples(st.just("dispose"), st.integers(0, 4)),
        st.tuples(st.just("deliver"), st.integers(1, 4)),
        st.tuples(st.just("again"), st.integers(1, 4)),
        st.tuples(st.just("time"), st.integers(1, 20)),
        st.tuples(st.just("settle"), st.integers(1, 40)),
        st.tuples(st.just("kill"), st.integers(1, 6)),
    ),
    min_size=4,
    max_size=30,
)


LATE = [("create", 0), ("settle", 10), ("dispose", 0), ("settle", 8), ("create", 0), ("settle", 40)]
"""One comes while the last one takes it apart."""
TWO = [
    ("create", 0),
    ("create", 0),
    ("settle", 9),
    ("dispose", 1),
    ("settle", 40),
    ("dispose", 0),
    ("create", 0),
]


@example(events=LATE)
@example(events=TWO)
@settings(max_examples=80, deadline=None)
@given(events=events)
def test_it_is_there_while_somebody_needs_it_and_goes_with_the_last(events: list[tuple[str, int]]) -> None:
    account = Account()
    with tempfile.TemporaryDirectory() as directory:
        rig = started(directory, account)
        begun: list[Environment] = []
        for kind, number in events:
            happen(rig, begun, kind, number)
            needed(rig, account)
        rig.drain(200)
        needed(rig, account)
        for each in begun:
            environments.dispose_environment(rig.world, rig.get_environment(each))
        rig.drain(400)
        assert {rig.get_environment(each).status for each in begun} <= {"DELETED"}
        assert (account.there, account.wrong) == ({}, [])
        assert rig.world.store.get(Share, SHARE) is None


def happen(rig: Rig, begun: list[Environment], kind: str, number: int) -> None:
    """One event."""
    if kind == "create":
        begun.append(rig.environment(name=f"e{len(begun)}"))
    elif kind == "dispose" and number < len(begun):
        environments.dispose_environment(rig.world, rig.get_environment(begun[number]))
    elif kind == "time":
        rig.clock.advance(float(number))
    elif kind == "settle":
        rig.drain(float(number), step=1.0)
    elif kind == "kill":
        killed(rig, number)
    elif kind in ("deliver", "again"):
        delivered(rig, number, twice=kind == "again")


def delivered(rig: Rig, number: int, twice: bool) -> None:
    """Some messages, the newest first, each perhaps a second time."""
    for delivery in reversed(rig.world.queue.receive(STEPS, number)):
        for _ in range(1 + twice):
            handle(delivery.text, rig.world)
        rig.world.queue.done(delivery)


def killed(rig: Rig, at: int) -> None:
    """The process ends at one of its next writes, and another one takes over."""
    alive, rig.world = rig.world, cut_ports(rig.world, Knife(at=at, after=bool(at % 2)))
    try:
        delivered(rig, 4, twice=False)
    except Cut:
        rig.restart()
    else:
        rig.world = alive


def needed(rig: Rig, account: Account) -> None:
    """Whoever is AVAILABLE has what it needs, whole."""
    for each in rig.world.store.find(Environment, "live", "all").items:
        if each.status == "AVAILABLE":
            assert account.there.get("shared") == "whole"
            assert account.there.get(each.id) == "whole"
