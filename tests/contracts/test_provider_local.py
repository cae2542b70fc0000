"""`local-platform` keeps the provider contract, with real process trees."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import NoCapacity
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.ports import Provider
from shared.providers.local import processes, sandbox
from shared.providers.local.directory import MARKER
from shared.providers.local.machine import FORGET_AFTER
from shared.providers.local.provider import KILL_AFTER, LocalProvider
from tests.clock import FakeClock
from tests.contracts.provider_suite import Place, ProviderContract, listed, make, order, unmake

SLEEPS = "#cloud-config\nruncmd: [[sh, -c, 'trap \"\" TERM; sleep 600 & wait; wait']]\n"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def place(tmp_path: Path, clock: FakeClock) -> Iterator[Place]:
    data = tmp_path / "data"

    def bound(installation: str, environment: Environment) -> Provider:
        return LocalProvider(environment, Settings(installation=installation), clock, data)

    def machines() -> list[sandbox.Machine]:
        found = [sandbox.seen(path) for path in (data / "local" / "machines").glob("local-*")]
        return [machine for machine in found if machine is not None and machine.alive]

    def end(machine: str) -> None:
        switch = data / "local" / "machines" / machine / "run" / "power"
        switch.write_text("0\n")
        settle(lambda: processes.started(known.pid) == "" if (known := alive(machine)) else True)

    def alive(machine: str) -> sandbox.Machine | None:
        found = sandbox.seen(data / "local" / "machines" / machine)
        return found if found is not None and found.alive else None

    def settle_all() -> None:
        stopping = [
            path.parent
            for path in data.glob("local/machines/*/about.json")
            if b"stopped_at" in path.read_bytes()
        ]
        settle(lambda: not any(alive(path.name) for path in stopping))

    environment = Environment(
        id="3nvironment0000000001",
        name="here",
        platform="local-platform",
        config={"workDir": str(tmp_path / "work")},
    )
    yield Place(
        provider=lambda environment: bound("this", environment),
        other=lambda environment: bound("that", environment),
        environment=environment,
        end=end,
        settle=settle_all,
    )
    for machine in machines():
        processes.send(machine.pid, 15)


def settle(done: object, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not done():  # type: ignore[operator]
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


class TestLocalPlatform(ProviderContract):
    pass


def test_a_directory_that_was_there_is_never_ours(place: Place) -> None:
    work = Path(place.environment.config["workDir"])
    work.mkdir()
    (work / "mine").write_text("precious")
    provider = place.provider(place.environment)
    rows = make(provider)
    assert provider.leftovers(rows) == []
    unmake(provider, rows)
    assert (work / "mine").read_text() == "precious"


def test_what_runs_have_put_there_stays_the_users(place: Place) -> None:
    work = Path(place.environment.config["workDir"])
    provider = place.provider(place.environment)
    rows = make(provider)
    (work / "results").mkdir()
    (work / "results" / "answer").write_text("42")
    (work / ".headnode" / "session").mkdir(parents=True)
    unmake(provider, rows)
    assert [path.name for path in work.rglob("*")] == ["results", "answer"]


def test_a_directory_of_two_environments_goes_with_the_last(place: Place) -> None:
    work = Path(place.environment.config["workDir"])
    one, two = place.provider(place.environment), place.provider(place.environment.but(id="another"))
    rows = make(one)
    make(two)
    unmake(one, rows)
    assert (work / MARKER).exists()
    unmake(two, rows)
    assert not work.exists()


def test_another_installation_s_marker_is_left_alone(place: Place) -> None:
    work = Path(place.environment.config["workDir"])
    rows = make(place.provider(place.environment))
    stranger = place.other(place.environment)
    unmake(stranger, rows)
    assert (work / MARKER).exists()


def test_machines_are_found_by_a_provider_that_did_not_start_them(place: Place) -> None:
    started = place.provider(place.environment).start(order(place.provider(place.environment)))
    again = place.provider(place.environment)
    assert list(listed(again)) == [started]
    assert again.stop([started]) == {}
    place.settle()
    assert listed(again) == {}


def test_a_machine_that_vanished_was_taken_away(place: Place, tmp_path: Path) -> None:
    provider = place.provider(place.environment)
    started = provider.start(order(provider))
    process = sandbox.seen(tmp_path / "data" / "local" / "machines" / started)
    assert process is not None
    processes.send(process.pid)
    settle(lambda: not process.alive)
    shown = provider.look([started])[started]
    assert (shown.state, shown.interrupted, shown.reason) == ("gone", True, "lost")


def test_most_machines(place: Place) -> None:
    limited = place.environment.but(config={**place.environment.config, "maxMachines": 1})
    provider = place.provider(limited)
    first = provider.start(order(provider))
    assert provider.start(order(provider)) == first
    with pytest.raises(NoCapacity):
        provider.start(order(provider, attempt=2))


def test_one_that_does_not_go_is_killed(place: Place, clock: FakeClock) -> None:
    provider = place.provider(place.environment)
    started = provider.start(order(provider, boot=SLEEPS))
    provider.stop([started])
    clock.advance(KILL_AFTER + 1)
    provider.stop([started])
    settle(lambda: provider.look([started])[started].state == "gone")


def test_a_machine_that_was_stopped_before_it_started_stays_gone(place: Place, tmp_path: Path) -> None:
    provider = place.provider(place.environment)
    started = provider.start(order(provider))
    provider.stop([started])
    place.settle()
    assert provider.start(order(provider)) == started
    assert provider.look([started])[started].state == "gone"


def test_tombstones_give_back_their_room_and_are_forgotten(
    place: Place, tmp_path: Path, clock: FakeClock
) -> None:
    provider = place.provider(place.environment)
    started = provider.start(order(provider))
    provider.stop([started])
    place.settle()
    folder = tmp_path / "data" / "local" / "machines" / started
    assert listed(provider) == {}
    assert not (folder / "root").exists()
    assert not any(b"runcmd" in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert provider.look([started])[started].state == "gone"
    clock.advance(FORGET_AFTER + 1)
    assert listed(provider) == {}
    assert not folder.exists()


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({}, "workDir"),
        ({"workDir": "relative"}, "workDir"),
        ({"workDir": "/a/../b"}, "workDir"),
        ({"workDir": "/etc/passwd"}, "workDir"),
        ({"workDir": "/tmp/x", "maxMachines": 0}, "maxMachines"),
        ({"workDir": "/tmp/x", "environment": "A=b"}, "environment"),
        ({"workDir": "/tmp/x", "preRunScript": 1}, "preRunScript"),
    ],
)
def test_faults_name_their_field(place: Place, config: dict[str, object], field: str) -> None:
    provider = place.provider(place.environment.but(config=config))
    assert [fault.field for fault in provider.check()] == [field]
