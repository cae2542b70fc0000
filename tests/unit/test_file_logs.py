"""Logs of the local platform: pages of a growing file put together are the file."""

import random
from pathlib import Path

import pytest

from shared.errors import Invalid
from shared.logs.file import FileLogs, log_path
from shared.model.environment import Environment
from shared.model.machine import Offer
from shared.model.run import Attempt, Run

RUN = Run(id="r" * 16, name="r", session_id="s")
ATTEMPT = Attempt(number=2, offer=Offer(machine_type="process"))


@pytest.fixture
def logs(tmp_path: Path) -> FileLogs:
    work = tmp_path / "work"
    work.mkdir()
    (work / "nf-x.txt").write_bytes(b"0123456789")
    (work / "link").symlink_to("/etc/passwd")
    config = {"workDir": str(work)}
    return FileLogs(Environment(id="e", name="e", platform="local-platform", config=config), tmp_path)


@pytest.fixture
def live(tmp_path: Path) -> Path:
    path = log_path(tmp_path, RUN.id, 2)
    path.parent.mkdir(parents=True)
    return path


def test_a_log_that_does_not_exist_yet_is_an_empty_page(logs: FileLogs) -> None:
    page = logs.live(RUN, ATTEMPT, "", 10)
    assert (page.lines, page.cursor, page.end) == ((), "", True)


@pytest.mark.parametrize("seed", range(10))
def test_no_gap_and_no_duplicate_while_it_grows(logs: FileLogs, live: Path, seed: int) -> None:
    chance = random.Random(seed)
    print(f"seed {seed}")
    text = "".join("é" * chance.randrange(3000) + f"{n}\n" for n in range(200))
    data, written, cursor = text.encode(), 0, ""
    lines: list[str] = []
    ended = False
    while written < len(data) or not ended:
        step = chance.randrange(20_000)
        with live.open("ab") as file:
            file.write(data[written : written + step])
        written += step
        page = logs.live(RUN, ATTEMPT, cursor, chance.randrange(1, 20))
        lines += page.lines
        cursor, ended = page.cursor, page.end
    assert lines == text.splitlines()


def test_a_line_that_is_being_written_is_left_for_later(logs: FileLogs, live: Path) -> None:
    live.write_text("one\ntwo")
    page = logs.live(RUN, ATTEMPT, "", 10)
    assert (page.lines, page.cursor) == (("one",), "4")
    assert logs.live(RUN, ATTEMPT, "4", 10).lines == ()
    with live.open("a") as file:
        file.write(" and more\n")
    assert logs.live(RUN, ATTEMPT, "4", 10).lines == ("two and more",)


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "²", " 1"])
def test_a_cursor_that_is_none_of_ours(logs: FileLogs, live: Path, cursor: str) -> None:
    with pytest.raises(Invalid):
        logs.live(RUN, ATTEMPT, cursor, 10)


def test_files_of_the_work_directory(logs: FileLogs) -> None:
    assert logs.size(RUN, "nf-x.txt") == 10
    assert logs.read(RUN, "nf-x.txt", 3, 4) == b"3456"
    assert logs.read(RUN, "nf-x.txt", 8) == b"89"
    assert logs.size(RUN, "other") is None
    assert logs.size(RUN, "link") is None
    with pytest.raises(Invalid):
        logs.read(RUN, "link")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "/etc/passwd", "a//b", "a/../b", "a/", "a\\b", "a\0b"]
)
def test_names_that_lead_elsewhere(logs: FileLogs, name: str) -> None:
    for ask in (logs.size, logs.read):
        with pytest.raises(Invalid):
            ask(RUN, name)
