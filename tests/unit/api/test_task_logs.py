"""/workflow/{id}/log/{taskId} and /download/{taskId}: what a task left, and nothing else."""

import gzip
import io
import os
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.logs.file import FileLogs
from shared.steps import taskfiles
from tests.unit.api.front import Front

UNIT = "ab/" + "c0ffee" * 5
MACHINE = f"/var/lib/headnode/work/{UNIT}"
CLOUD = f"s3://bucket/work/{UNIT}"


@pytest.fixture
def run(api: Front) -> str:
    return api.launch(api.environment())


def report(api: Front, run: str, workdir: Any, status: str = "COMPLETED", task: int = 1) -> None:
    """A task, as the run's Nextflow tells of it."""
    token = api.run_token(run)
    told = {"taskId": task, "status": status, "hash": "ab/c0ffee", "name": "one", "workdir": workdir}
    session = api.run(run).session_id
    api.post("/trace/create", {"workflowId": run, "sessionId": session, "runName": "one"}, token=token)
    api.put(f"/trace/{run}/progress", {"tasks": [told]}, token=token)


def archive(**files: bytes | tarfile.TarInfo) -> bytes:
    """A packed task directory; `_` begins a name in place of its dot."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        folder = tarfile.TarInfo(UNIT[3:])
        folder.type = tarfile.DIRTYPE
        packed.addfile(folder)
        for name, data in files.items():
            if isinstance(data, tarfile.TarInfo):
                packed.addfile(data)
                continue
            info = tarfile.TarInfo(f"{UNIT[3:]}/{name.replace('_', '.', 1).replace('_', '.')}")
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def kept(api: Front, run: str, data: bytes, kind: str = "work") -> None:
    """Puts an archive where the machine's runner would."""
    api.cloud.files[f".headnode/{api.run(run).session_id}/{kind}/{UNIT}.tar.gz"] = data


def log(api: Front, run: str, query: str = "") -> Any:
    return api.get(f"/workflow/{run}/log/1{query}")["log"]


def test_files_in_the_work_directory(api: Front, run: str) -> None:
    report(api, run, CLOUD)
    api.cloud.files |= {f"{UNIT}/.command.log": b"one\r\ntwo\nthree", f"{UNIT}/.command.sh": b"echo\n"}
    found = log(api, run)
    assert (found["entries"], found["pending"], found["truncated"]) == (["one", "two", "three"], False, False)
    assert "forwardToken" not in found
    assert [each["fileName"] for each in found["downloads"]] == [".command.log", ".command.sh"]
    answer = api.call("GET", f"/workflow/{run}/download/1?fileName=.command.log")
    assert (answer.status_code, answer.content) == (200, b"one\r\ntwo\nthree")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment")
    answer = api.call(
        "GET", f"/workflow/{run}/download/1?fileName=.command.log", headers={"range": "bytes=-5"}
    )
    assert (answer.status_code, answer.content) == (206, b"three")


def test_a_log_that_grows_is_read_page_by_page(api: Front, run: str) -> None:
    report(api, run, CLOUD, "RUNNING")
    first = log(api, run)
    assert (first["entries"], first["pending"], "kept yet" in first["message"]) == ([], True, True)
    name = f"{UNIT}/.command.log"
    api.cloud.files[name] = b"line 0\nline"
    page = log(api, run)
    lines = page["entries"]
    assert lines == ["line 0"]
    for number in range(1, 4):
        api.cloud.files[name] = b"".join(b"line %d\n" % each for each in range(number + 1))
        token = page["forwardToken"]
        page = log(api, run, f"?next={token}")
        assert page["rewindToken"] == token
        lines += page["entries"]
    assert lines == [f"line {number}" for number in range(4)]
    report(api, run, CLOUD, "COMPLETED")
    end = log(api, run, f"?next={page['forwardToken']}")
    assert (end["entries"], end["pending"], "forwardToken" in end) == ([], False, False)


def test_pages_put_together_are_the_log(api: Front, run: str) -> None:
    report(api, run, CLOUD)
    wanted = [f"{number:04d} ä" for number in range(200)]
    api.cloud.files[f"{UNIT}/.command.out"] = "\n".join(wanted).encode()
    found: list[str] = []
    query = "?maxLength=100"
    while True:
        page = log(api, run, query)
        found += page["entries"]
        if "forwardToken" not in page:
            break
        assert page["truncated"]
        query = f"?maxLength=100&next={page['forwardToken']}"
    assert found == wanted


def test_what_stderr_says_is_the_log_where_nothing_else_is(api: Front, run: str) -> None:
    report(api, run, CLOUD, "FAILED")
    api.cloud.files |= {f"{UNIT}/.command.log": b"", f"{UNIT}/.command.err": b"no such file\n"}
    assert log(api, run)["entries"] == ["no such file"]


@pytest.mark.parametrize("kind", ["work", "logs"])
def test_files_in_the_archive_of_a_machine(api: Front, run: str, kind: str) -> None:
    report(api, run, MACHINE)
    assert log(api, run)["message"] == "no log of this task was kept"
    kept(api, run, archive(_command_sh=b"echo\n", _exitcode=b"0", _command_log=b"hi\n", out=b"x" * 999), kind)
    found = log(api, run)
    assert found["entries"] == ["hi"]
    assert [each["fileName"] for each in found["downloads"]] == [".command.log", ".command.sh", ".exitcode"]
    answer = api.call("GET", f"/workflow/{run}/download/1?fileName=.command.sh")
    assert answer.content == b"echo\n"
    assert api.call("GET", f"/workflow/{run}/download/1?fileName=.command.err").status_code == 404


def test_an_archive_of_any_size_is_read_only_at_its_beginning(api: Front, run: str) -> None:
    report(api, run, MACHINE)
    kept(api, run, archive(_command_log=b"hi\n", big=os.urandom(3_000_000)))
    read = api.cloud.read
    asked: list[int] = []

    def counted(run: Any, name: str, start: int = 0, length: int | None = None) -> bytes:
        asked.append(length or 0)
        return read(run, name, start, length)

    api.cloud.read = counted  # type: ignore[method-assign]
    assert log(api, run)["entries"] == ["hi"]
    assert sum(asked) <= 2 * taskfiles.PIECE


def evil(name: str, kind: bytes = tarfile.SYMTYPE, size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, "/etc/passwd", size
    return info


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no archive at all",
        archive(_command_log=b"x" * 5000)[:60],
        gzip.compress(b"\0" * 100),
        gzip.compress(os.urandom(2000)),
        archive(link=evil(f"{UNIT[3:]}/.command.log")),
        archive(link=evil(f"{UNIT[3:]}/.command.log", tarfile.LNKTYPE)),
        archive(deep=evil("a/b/.command.log", tarfile.REGTYPE)),
        archive(bomb=evil(f"{UNIT[3:]}/.command.log", tarfile.REGTYPE, 1 << 40)),
        gzip.compress(archive(_command_log=b"1") * 2),
    ],
    ids=["empty", "text", "cut", "zeros", "noise", "link", "hardlink", "deep", "bomb", "twice"],
)
def test_a_hostile_archive_gives_nothing_and_harms_nobody(api: Front, run: str, data: bytes) -> None:
    report(api, run, MACHINE)
    kept(api, run, data)
    assert log(api, run)["entries"] == []


def test_an_archive_that_unpacks_to_very_much_is_left(
    api: Front, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taskfiles, "LARGEST", 1_000_000)
    report(api, run, MACHINE)
    kept(api, run, archive(_command_sh=b"echo\n", _command_log=b"\0" * 2_000_000))
    assert [each["fileName"] for each in log(api, run)["downloads"]] == [".command.sh"]


@pytest.mark.parametrize(
    "workdir",
    [
        "",
        None,
        "s3://bucket/work",
        "s3://bucket/work/../../etc",
        f"s3://bucket/work/../secrets/{UNIT}",
        f"s3://bucket/secrets/{UNIT}",
        f"s3://other/work/{UNIT}",
        f"az://bucket/work/{UNIT}",
        f"file:///etc/{UNIT}",
        f"s3://bucket/work/{UNIT}/..",
        f"s3://bucket/work/{UNIT}%2f..%2f",
        f"s3://bucket/work/{UNIT}\n",
        "s3://bucket/work/ab/" + "g" * 30,
        "/etc",
        f"{MACHINE}/../{UNIT}x",
    ],
)
def test_a_work_directory_that_is_not_the_runs_is_never_read(api: Front, run: str, workdir: Any) -> None:
    report(api, run, workdir)
    api.cloud.files[f"{UNIT}/.command.log"] = b"secret\n"
    found = log(api, run)
    assert found["entries"] == found["downloads"] == []
    assert found["message"]
    answer = api.call("GET", f"/workflow/{run}/download/1?fileName=.command.log")
    assert answer.status_code == 404
    assert "not found" in answer.json()["message"]


@pytest.mark.parametrize(
    "name", ["", "..", "nf.txt", ".command.log/..", "%2e%2e%2f.command.log", ".command.log%00", "out.bam"]
)
def test_only_files_of_these_names_can_be_had(api: Front, run: str, name: str) -> None:
    report(api, run, CLOUD)
    answer = api.call("GET", f"/workflow/{run}/download/1?fileName={name}")
    assert answer.status_code == 400
    assert ".command.out" in answer.json()["message"]


def test_tasks_and_cursors_that_there_are_not(api: Front, run: str) -> None:
    for path in ("log/7", "download/7?fileName=.command.log"):
        assert "not found" in api.call("GET", f"/workflow/{run}/{path}").json()["message"]
    report(api, run, CLOUD)
    for cursor in ("x", ".command.sh:1", ".command.log:-1", ".command.log:9999999999999999", "../x:1"):
        assert api.call("GET", f"/workflow/{run}/log/1?next={cursor}").status_code == 400
    api.cloud.files[f"{UNIT}/.command.log"] = b"one\n"
    assert log(api, run, "?next=.command.log:400")["entries"] == []


def test_another_run_s_token_reads_nothing(api: Front, run: str) -> None:
    report(api, run, CLOUD)
    other = api.run_token(api.launch(api.environment("other")))
    for path in ("log/1", "download/1?fileName=.command.log"):
        assert api.call("GET", f"/workflow/{run}/{path}", token=other).status_code in (401, 403, 404)


def test_a_run_that_was_started_elsewhere_says_where_its_files_are(api: Front) -> None:
    id = api.post("/trace/create", {"sessionId": "s-1", "runName": "far"})["workflowId"]
    api.put(f"/trace/{id}/progress", {"tasks": [{"taskId": 1, "status": "COMPLETED", "workdir": CLOUD}]})
    found = api.get(f"/workflow/{id}/log/1")["log"]
    assert "elsewhere" in found["message"]
    assert api.call("GET", f"/workflow/{id}/download/1?fileName=.command.log").status_code == 404


def test_links_on_this_machine_are_not_followed(api: Front, tmp_path: Path) -> None:
    work, secret = tmp_path / "work", tmp_path / "secret"
    secret.write_text("secret\n")
    folder = work / UNIT
    folder.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere" / ("d" * 30)
    elsewhere.mkdir(parents=True)
    (elsewhere / ".command.log").write_text("secret\n")
    (work / "dd").symlink_to(elsewhere.parent)
    (folder / ".command.log").symlink_to(secret)
    os.mkfifo(folder / ".command.out")
    (folder / ".command.err").write_text("fine\n")
    api.world = replace(api.world, logs=lambda place: FileLogs(place, tmp_path))
    api.__post_init__()
    id = api.launch(api.environment(workDir=str(work)))
    report(api, id, f"{work}/{UNIT}")
    report(api, id, f"{work}/dd/{'d' * 30}", task=2)
    found = log(api, id)
    assert (found["entries"], [each["fileName"] for each in found["downloads"]]) == (
        ["fine"],
        [".command.err"],
    )
    assert api.get(f"/workflow/{id}/log/2")["log"]["entries"] == []
