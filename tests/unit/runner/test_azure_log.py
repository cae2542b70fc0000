"""The log in append blobs: every line once, whatever answers get lost."""

import random

import pytest

from local.clouds.azure import EmulatedAzure
from shared.runner.azlog import GIVE_UP, AzureLog, Count, Parts
from shared.runner.errors import Denied, Failed, RunnerError
from shared.runner.shipping import Line
from tests.clock import FakeClock
from tests.unit.runner.azure_vm import AzureVm
from tests.unit.runner.world import RUN

FOLDER = f"some/path/.headnode/logs/{RUN}/1"


class Aside:
    """In the place of the table: keeps what it is offered."""

    def __init__(self) -> None:
        self.alive = True
        self.lines: list[Line] = []

    def offer(self, lines: list[Line]) -> None:
        self.lines += lines


@pytest.fixture
def vm(azure: EmulatedAzure) -> AzureVm:
    made = AzureVm(azure)
    made.start()
    made.may()
    return made


def parts(vm: AzureVm, **options: int) -> Parts:
    return Parts(vm.azure(), f"{vm.storage_url}/work/{FOLDER}", **options)


def kept(vm: AzureVm) -> list[bytes]:
    """The parts of the log, in their order."""
    found = vm.cloud.files("store", "work")
    assert sorted(found) == [f"{FOLDER}/{number:04d}.log" for number in range(1, len(found) + 1)]
    return [found[name] for name in sorted(found)]


def insisted(log: AzureLog, lines: list[Line], tries: int = 20) -> int:
    """Sends until it worked, as the shipper does; how often it failed."""
    for failures in range(tries):
        try:
            log.send(lines)
        except RunnerError:
            continue
        return failures
    raise AssertionError(f"{lines} could not be sent")


def test_lines_are_numbered_from_one() -> None:
    count = Count()
    assert [count.next(9.0), count.next(9.0), count.next(1.0)] == [1, 2, 3]


def test_a_line_has_its_number_and_a_part_begins_once(vm: AzureVm) -> None:
    log = AzureLog(parts(vm), Aside())
    log.send([(1, "one"), (2, "")])
    log.send([(3, "drei — ünïcode")])
    assert kept(vm) == ["1 one\n2 \n3 drei — ünïcode\n".encode()]
    actions = [each.action for each in vm.cloud.journal.entries() if each.service == "storage"]
    assert actions == ["PutBlob", "AppendBlock", "AppendBlock"]


KINDS = ("reset-after", "reset-before", "503", "throttle")


@pytest.mark.parametrize("seed", range(25))
def test_every_line_is_there_once_whatever_gets_lost(vm: AzureVm, seed: int) -> None:
    """Answers are lost before and after the work was done, at any call, also several times in a row."""
    print("seed", seed)
    chance = random.Random(seed)
    aside = Aside()
    log = AzureLog(parts(vm, blocks=chance.choice([2, 3, 100])), aside)
    count, sent = Count(), []
    for _ in range(12):
        for action in ("PutBlob", "AppendBlock", "GetBlobProperties"):
            if chance.random() < 0.4:
                kind = chance.choice(KINDS)
                vm.cloud.faults.add("storage", action, kind=kind, times=chance.randint(1, 3))
        lines = [(count.next(0.0), f"line {chance.random()}") for _ in range(chance.randint(1, 5))]
        insisted(log, lines)
        sent += lines
        vm.cloud.faults.clear()
    assert b"".join(kept(vm)).decode() == "".join(f"{number} {text}\n" for number, text in sent)
    assert aside.lines == sent


def test_a_part_ends_before_it_is_full(vm: AzureVm) -> None:
    log = AzureLog(parts(vm, blocks=2), Aside())
    for number in range(1, 6):
        log.send([(number, "x")])
    assert kept(vm) == [b"1 x\n2 x\n", b"3 x\n4 x\n", b"5 x\n"]


def test_a_part_that_is_full_all_the_same(vm: AzureVm) -> None:
    vm.cloud.state.blobs.append_blocks = 2
    log = AzureLog(parts(vm), Aside())
    for number in range(1, 4):
        insisted(log, [(number, "x")])
    assert kept(vm) == [b"1 x\n2 x\n", b"3 x\n"]


def test_what_somebody_else_wrote_into_the_log_loses_no_line(vm: AzureVm) -> None:
    log = AzureLog(parts(vm), Aside())
    log.send([(1, "x")])
    parts(vm).append(b"0 foreign\n")
    assert insisted(log, [(2, "y")]) == 1
    assert kept(vm) == [b"1 x\n0 foreign\n2 y\n"]


def test_a_part_that_was_taken_away_begins_anew(vm: AzureVm) -> None:
    log = AzureLog(parts(vm), Aside())
    log.send([(1, "x")])
    vm.cloud.state.blobs.containers["store"]["work"].remove(f"{FOLDER}/0001.log")
    assert insisted(log, [(2, "y")]) == 1
    assert kept(vm) == [b"2 y\n"]


def test_a_grant_that_has_not_arrived_is_waited_for(azure: EmulatedAzure, azure_clock: FakeClock) -> None:
    made = AzureVm(azure)
    made.start()
    azure.timings.propagation = 600
    made.may()
    log = AzureLog(Parts(made.azure(), f"{made.storage_url}/work/{FOLDER}"), Aside())
    with pytest.raises(Failed) as again:
        log.send([(1, "x")])
    assert not isinstance(again.value, Denied)
    azure_clock.advance(600)
    log.send([(1, "x")])
    assert kept(made) == [b"1 x\n"]


def test_after_half_an_hour_without_the_blob_the_table_alone_goes_on(vm: AzureVm) -> None:
    clock, aside = FakeClock(), Aside()
    log = AzureLog(parts(vm), aside, clock.now)
    log.send([(1, "in the blob")])
    vm.cloud.faults.add("storage", "*", kind="503", times=None)
    with pytest.raises(Failed):
        log.send([(2, "lost to the blob")])
    clock.advance(GIVE_UP - 1)
    with pytest.raises(Failed):
        log.send([(2, "lost to the blob")])
    clock.advance(2)
    log.send([(2, "lost to the blob")])
    vm.cloud.faults.clear()
    log.send([(3, "in the blob again")])
    assert kept(vm) == [b"1 in the blob\n3 in the blob again\n"]
    assert [number for number, _ in aside.lines] == [1, 2, 3]
    vm.cloud.faults.add("storage", "*", kind="503", times=None)
    aside.alive = False
    clock.advance(10 * GIVE_UP)
    for _ in range(3):
        with pytest.raises(Failed):
            log.send([(4, "kept for later, since the table is gone too")])
        clock.advance(GIVE_UP)
