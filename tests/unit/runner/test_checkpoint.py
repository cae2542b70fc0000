"""Checkpoints: what is taken, what is not, and that it comes back exactly as it was."""

import io
import os
import tarfile
import time
from pathlib import Path

import pytest

from shared.runner import checkpoint, tasklogs
from shared.runner.checkpoint import QUIET, Checkpoint, unpack
from shared.runner.errors import Failed
from shared.runner.workdir import PosixDir

OLD = time.time() - 10 * QUIET


def task(work: Path, unit: str, exit_code: str | None = "0", when: float = OLD) -> Path:
    """A task directory as Nextflow leaves it."""
    folder = work / unit
    folder.mkdir(parents=True)
    (folder / ".command.run").write_text("#!/bin/sh\n")
    (folder / "out").write_text(unit)
    if exit_code is not None:
        (folder / ".exitcode").write_text(exit_code)
        os.utime(folder / ".exitcode", (when, when))
    return folder


def there(tmp_path: Path) -> tuple[Checkpoint, Path, Path]:
    """A checkpoint with its work and launch directories, which do not exist on the next machine."""
    work, launch = tmp_path / "work", tmp_path / "launch"
    work.mkdir()
    (launch / ".nextflow" / "cache").mkdir(parents=True)
    return Checkpoint(PosixDir(tmp_path / "store"), "session", work, launch), work, launch


def kept(tmp_path: Path) -> list[str]:
    top = tmp_path / "store" / ".headnode" / "session" / "work"
    return sorted(str(path.relative_to(top)).removesuffix(".tar.gz") for path in top.rglob("*.tar.gz"))


def test_only_finished_and_successful_tasks_are_taken(tmp_path: Path) -> None:
    ours, work, _ = there(tmp_path)
    task(work, "aa/good")
    task(work, "aa/failed", "1")
    task(work, "bb/running", None)
    task(work, "bb/fresh", when=time.time())
    assert ours.save() == 1
    assert kept(tmp_path) == ["aa/good"]
    assert ours.save(final=True) == 1
    assert kept(tmp_path) == ["aa/good", "bb/fresh"]
    assert ours.save(final=True) == 0


def test_fetched_inputs_and_collected_files_are_taken_once_they_are_quiet(tmp_path: Path) -> None:
    ours, work, _ = there(tmp_path)
    for unit in ("stage-1234/ab/cdef", "tmp/01/2345"):
        (work / unit).mkdir(parents=True)
        (work / unit / "input").write_text("data")
    assert ours.save() == 0
    for path in work.rglob("*"):
        os.utime(path, (OLD, OLD))
    assert ours.save() == 2
    assert kept(tmp_path) == ["stage-1234/ab/cdef", "tmp/01/2345"]


def test_everything_comes_back_as_it_was(tmp_path: Path) -> None:
    ours, work, launch = there(tmp_path)
    folder = task(work, "aa/one")
    (folder / "absolute").symlink_to(folder / "out")
    (folder / "dangling").symlink_to("/nowhere/at/all")
    (folder / "sub dir").mkdir()
    (folder / "sub dir" / "ünï").write_bytes(b"\0\xff")
    (folder / "hard").hardlink_to(folder / "out")
    (folder / "out").chmod(0o750)
    (launch / ".nextflow" / "history").write_text("h")
    for number, path in enumerate(sorted(folder.rglob("*"), reverse=True)):
        os.utime(path, ns=(1, 1_700_000_000_123_456_700 + number), follow_symlinks=False)
    os.utime(folder, ns=(1, 1_600_000_000_000_000_001))
    before = snapshot(folder)
    ours.save(final=True)
    (tmp_path / "work").rename(tmp_path / "lost")
    (launch / ".nextflow").rename(tmp_path / "lost too")
    again = Checkpoint(PosixDir(tmp_path / "store"), "session", work, launch)
    assert again.restore() == 1
    assert snapshot(folder) == before
    assert (launch / ".nextflow" / "history").read_text() == "h"
    assert again.save(final=True) == 0


def snapshot(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Modes, times to the nanosecond, and contents."""
    return {
        str(path.relative_to(folder.parent)): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            str(path.readlink()) if path.is_symlink() else path.read_bytes().hex() if path.is_file() else "",
        )
        for path in (folder, *folder.rglob("*"))
    }


def test_the_state_is_written_when_it_changed_and_only_then(tmp_path: Path) -> None:
    ours, _, launch = there(tmp_path)
    state = launch / ".nextflow" / "cache" / "db"
    state.write_text("1")
    stored = tmp_path / "store" / ".headnode" / "session" / "nextflow.tar.gz"
    ours.save()
    stored.unlink()
    ours.save()
    assert not stored.exists()
    state.write_text("22")
    ours.save()
    assert stored.exists()


def test_a_file_that_vanishes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, work, _ = there(tmp_path)
    task(work, "aa/one")
    real, calls = checkpoint.pack, []

    def vanishing(path: Path, to: io.IOBase) -> None:
        calls.append(path)
        if len(calls) == 1:
            raise FileNotFoundError(path)
        real(path, to)  # type: ignore[arg-type]

    monkeypatch.setattr(checkpoint, "pack", vanishing)
    assert ours.save() == 0
    assert not list((tmp_path / "store").rglob("*part"))
    assert ours.save() == 1


def test_no_time_is_left(tmp_path: Path) -> None:
    ours, work, _ = there(tmp_path)
    task(work, "aa/one")
    assert ours.save(final=True, until=time.monotonic() - 1) == 0
    assert kept(tmp_path) == []


def archive(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as packed:
        for member in members:
            packed.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def member(name: str, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def test_an_archive_that_leads_outside_is_refused(tmp_path: Path) -> None:
    into = tmp_path / "into"
    into.mkdir()
    link = member("link", type=tarfile.SYMTYPE, linkname=str(tmp_path))
    for bad in (
        archive(tmp_path / "1.tar.gz", member("../escaped", size=1)),
        archive(tmp_path / "2.tar.gz", member(f"{tmp_path}/escaped", size=1)),
        archive(tmp_path / "3.tar.gz", link, member("link/escaped", size=1)),
    ):
        with pytest.raises(Failed, match="leads outside"):
            unpack(bad, into)
    assert not (tmp_path / "escaped").exists()


def test_a_damaged_archive_is_a_failure_and_no_crash(tmp_path: Path) -> None:
    good = archive(tmp_path / "good.tar.gz", member("a", size=50_000))
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(good.read_bytes()[:-30])
    with pytest.raises(Failed, match="damaged"):
        unpack(cut, tmp_path)
    cut.write_bytes(b"this is no archive")
    with pytest.raises(Failed, match="damaged"):
        unpack(cut, tmp_path)


LOGS = ".headnode/session/logs"


def logs_of(tmp_path: Path, unit: str) -> dict[str, bytes]:
    """What was kept of a task's log files, in the archive's order."""
    with tarfile.open(tmp_path / "store" / LOGS / f"{unit}.tar.gz") as archive:
        return {each.name.rpartition("/")[2]: archive.extractfile(each).read() for each in archive}  # type: ignore[union-attr]


def test_of_tasks_that_failed_or_work_the_log_is_kept(tmp_path: Path) -> None:
    ours, work, _ = there(tmp_path)
    failed, working = task(work, "aa/failed", "1"), task(work, "bb/working", None)
    (failed / ".command.log").write_text("boom\n")
    (working / ".command.log").write_text("so far\n")
    (failed / ".command.err").symlink_to("/etc/passwd")
    os.mkfifo(failed / ".command.out")
    assert ours.save() == 0
    assert logs_of(tmp_path, "aa/failed") == {
        ".command.run": b"#!/bin/sh\n",
        ".exitcode": b"1",
        ".command.log": b"boom\n",
    }
    assert logs_of(tmp_path, "bb/working")[".command.log"] == b"so far\n"
    archive = tmp_path / "store" / LOGS / "bb/working.tar.gz"
    written = archive.stat().st_mtime_ns
    ours.save()
    assert archive.stat().st_mtime_ns == written
    (working / ".command.log").write_text("so far\nand on\n")
    ours.save()
    assert logs_of(tmp_path, "bb/working")[".command.log"] == b"so far\nand on\n"
    (working / ".exitcode").write_text("0")
    assert ours.save(final=True) == 1
    assert kept(tmp_path) == ["bb/working"]


def test_of_a_very_long_log_the_end_is_kept(tmp_path: Path) -> None:
    ours, work, _ = there(tmp_path)
    folder = task(work, "aa/failed", "1")
    with (folder / ".command.log").open("wb") as file:
        file.seek(tasklogs.MOST + 999)
        file.write(b"!\nthe end\n")
    ours.save()
    found = logs_of(tmp_path, "aa/failed")[".command.log"]
    assert found.startswith(b"headnode: the first 1009 bytes are left out\n\0")
    assert found.endswith(b"!\nthe end\n")


def test_the_log_files_of_a_task_come_first_in_its_archive(tmp_path: Path) -> None:
    ours, work, _ = there(tmp_path)
    folder = task(work, "aa/one")
    for name in ("!before", "MANIFEST", ".command.log", ".command.sh"):
        (folder / name).write_text(name)
    ours.save(final=True)
    with tarfile.open(tmp_path / "store/.headnode/session/work/aa/one.tar.gz") as archive:
        assert [each.name.removeprefix("one/") for each in archive] == [
            "one",
            ".command.sh",
            ".command.run",
            ".exitcode",
            ".command.log",
            "MANIFEST",
            "!before",
            "out",
        ]
