"""Lines, masks, stamps and the console that keeps them, without a machine."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.runner.console import SPARE, Console
from shared.runner.errors import Failed
from shared.runner.lines import LONGEST, Mask, Splitter, Stamps
from shared.runner.shipping import BATCH_BYTES, BATCH_LINES, FileTarget, Line, Shipper, first_part

Opened = Callable[[Path], Console]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Consoles that are closed at the end."""
    consoles: list[Console] = []

    def console(path: Path) -> Console:
        consoles.append(Console(path, Mask()))
        return consoles[-1]

    yield console
    for each in consoles:
        each.close()


def masking(*secrets: str) -> Mask:
    mask = Mask()
    for secret in secrets:
        mask.add(secret)
    return mask


def split(data: bytes, mask: Mask, cuts: list[int]) -> list[str]:
    splitter = Splitter(mask)
    lines: list[str] = []
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        lines += splitter.feed(data[start:end])
    return [*lines, *splitter.end()]


@pytest.mark.parametrize("seed", range(20))
def test_lines_do_not_depend_on_how_bytes_arrive(seed: int) -> None:
    chance = random.Random(seed)
    print(f"seed {seed}")
    words = ["ä", "é\r", "", "swordfish", "x" * 50, "\u20ac" * 7, "\x1b[1m"]
    text = "\n".join(chance.choice(words) for _ in range(60))
    data = text.encode()
    cuts = sorted(chance.randrange(len(data)) for _ in range(12))
    expected = [line.rstrip("\r").replace("swordfish", "***") for line in text.split("\n")]
    while expected and not expected[-1] and text.endswith("\n"):
        expected.pop()
    assert split(data, masking("swordfish"), cuts) == split(data, masking("swordfish"), [])
    assert split(data + b"\n", masking("swordfish"), cuts)[: len(expected)] == expected


@pytest.mark.parametrize("offset", [-12, -5, -1, 0, 1, 5])
def test_a_secret_across_the_cut_of_a_long_line_is_masked(offset: int) -> None:
    secret = "swordfish-canary"
    text = "x" * (LONGEST + offset) + secret + "y" * LONGEST
    data = text.encode()
    for cuts in ([], [LONGEST + 3], list(range(1000, len(data), 4096))):
        lines = split(data, masking(secret), cuts)
        whole = "".join(lines)
        assert whole == text.replace(secret, "***")
        assert all(len(line) <= LONGEST for line in lines)


def test_a_secret_of_several_lines_and_one_within_another() -> None:
    mask = masking("first line\nsecond line", "abc", "password", "password-long")
    assert mask("see second line, password-long, password, abc") == "see ***, ***, ***, abc"


def test_stamps_grow_strictly_and_follow_the_clock() -> None:
    stamps = Stamps()
    assert [stamps.next(1.0), stamps.next(1.0), stamps.next(0.5), stamps.next(2.0)] == [
        1000,
        1001,
        1002,
        2000,
    ]


@pytest.mark.parametrize(
    "lines",
    [[(n, "x") for n in range(25_000)], [(n, "é" * 200_000) for n in range(9)], [(0, "")]],
    ids=["many", "long", "one"],
)
def test_a_call_takes_no_more_than_cloudwatch_does(lines: list[Line]) -> None:
    part = first_part(lines)
    assert part == lines[: len(part)]
    assert 1 <= len(part) <= BATCH_LINES
    size = sum(len(text.encode()) + 26 for _, text in part)
    assert size <= BATCH_BYTES or len(part) == 1
    assert size <= 1_048_576


def test_the_console_gives_every_line_once_in_order(
    tmp_path: Path, opened: Callable[[Path], Console]
) -> None:
    console = opened(tmp_path / "console.txt")
    taken: list[str] = []
    for number in range(500):
        console.write(f"line {number}")
        if number % 7 == 0:
            taken += console.take(30)
    while more := console.take(100):
        taken += more
    assert taken == [f"line {number}" for number in range(500)]
    assert (tmp_path / "console.txt").read_text().splitlines() == taken


def test_a_full_disk_keeps_lines_in_memory_and_says_what_it_lost(
    tmp_path: Path, opened: Callable[[Path], Console]
) -> None:
    full = tmp_path / "console.txt"
    full.symlink_to("/dev/full")
    console = opened(full)
    line = "x" * 1000
    for _ in range(2 * SPARE // 1000):
        console.write(line)
    taken = []
    while more := console.take(100_000):
        taken += more
    kept = SPARE // 1000
    assert taken[:-1] == [line] * kept
    assert taken[-1] == f"headnode: {2 * SPARE // 1000 - kept} lines were lost: the disk is full"


class Broken:
    """A target that fails for a while, and notes what it was sent."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.lines: list[Line] = []
        self.calls = threading.Semaphore(0)

    def send(self, lines: list[Line]) -> None:
        self.calls.release()
        if self.failures:
            self.failures -= 1
            raise Failed("away")
        self.lines += lines


def test_lines_wait_for_a_target_that_is_away(tmp_path: Path, opened: Opened) -> None:
    console, target = opened(tmp_path / "c.txt"), Broken(failures=3)
    shipper = Shipper(console, target, every=0.01)
    for number in range(30):
        console.write(str(number))
        time.sleep(0.002)
    assert shipper.drain(10)
    assert [text for _, text in target.lines] == [str(number) for number in range(30)]
    stamps = [stamp for stamp, _ in target.lines]
    assert stamps == sorted(set(stamps))
    assert target.failures == 0


def test_a_line_that_comes_between_the_last_look_and_the_end_is_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: Opened
) -> None:
    console, target = opened(tmp_path / "c.txt"), Broken(failures=0)
    looked, ending, take = threading.Event(), threading.Event(), console.take

    def slowly(limit: int) -> list[str]:
        lines = take(limit)
        looked.set()
        ending.wait(5)
        return lines

    monkeypatch.setattr(console, "take", slowly)
    shipper = Shipper(console, target, every=0.01)
    assert looked.wait(5)
    console.write("last words")
    threading.Timer(0.1, ending.set).start()
    assert shipper.drain(5)
    assert [text for _, text in target.lines] == ["last words"]


def test_what_cannot_be_shipped_is_given_up_in_time(
    tmp_path: Path, opened: Callable[[Path], Console]
) -> None:
    console, target = opened(tmp_path / "c.txt"), Broken(failures=10**9)
    shipper = Shipper(console, target, every=0.01)
    console.write("lost")
    assert not shipper.drain(0.2)
    assert shipper.trouble == "away"


def test_a_log_file_that_cannot_be_written(tmp_path: Path, opened: Opened) -> None:
    (tmp_path / "log").symlink_to("/dev/full")
    with pytest.raises(Failed, match="No space left"):
        FileTarget(tmp_path / "log").send([(1, "x")])
