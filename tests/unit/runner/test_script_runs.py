"""A run of the script engine, from the boot document to the power switch."""

import base64
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.runner.world import BOOT_TOKEN, RUN, RUN_TOKEN, Stage, ends, serving, until


def test_a_script_runs_and_everything_is_kept(the: Stage) -> None:
    folder = the.pipeline("#!/bin/sh\necho hello $GREETED\nmkdir -p results\necho 42 > results/answer.txt\n")
    the.asks(pipeline=str(folder), params={"greeted": "world", "path": "/evil"})
    ends(the.boots())
    steps = [report["step"] for report in the.control.events("boot")]
    assert steps == ["boot", "fetch spec", "stage", "pipeline", "engine"]
    assert len(the.control.events("start")) == 1
    end = the.control.end
    assert (end["exit_status"], end["error"]) == (0, "")
    assert end["machine"]["id"] == end["machine_id"] == "i-0123456789abcdef0"
    assert end["machine"]["disk_free_gb"] > 0
    assert the.live() == ["hello world"]
    kept = (the.work_dir / f"nf-{RUN}.txt").read_text().splitlines()
    assert "hello world" in kept
    assert kept[0].startswith("headnode: boot: machine i-0123456789abcdef0")
    assert (the.work_dir / f"nf-{RUN}.exit").read_text() == "0\n"
    assert (the.work_dir / "results" / RUN / "answer.txt").read_text() == "42\n"


def test_lines_are_visible_within_two_seconds(the: Stage) -> None:
    late = "import time\n[print(time.time(), flush=True) or time.sleep(0.4) for _ in range(8)]"
    the.asks(pipeline=str(the.pipeline(f"#!/usr/bin/env python3\n{late}\n")))
    machine = the.boots()
    delays: list[float] = []
    while machine.alive:
        lines = the.live()
        delays += [time.time() - float(line) for line in lines[len(delays) :]]
        time.sleep(0.02)
    assert len(delays) == 8
    assert max(delays) < 2.0, delays


@pytest.mark.parametrize(("how", "status"), [("exit 3", 3), ("kill -9 $$", 137), ("kill -TERM $$", 143)])
def test_the_exit_status_is_the_real_one(the: Stage, how: str, status: int) -> None:
    the.asks(pipeline=str(the.pipeline(f"#!/bin/sh\necho the reason\n{how}\n")))
    ends(the.boots())
    assert the.control.end["exit_status"] == status
    assert the.control.end["error"] == ""
    assert "the reason" in the.control.end["message"]
    assert (the.work_dir / f"nf-{RUN}.exit").read_text() == f"{status}\n"


def test_a_pipeline_from_git_at_a_revision(the: Stage) -> None:
    folder = the.pipeline("#!/bin/sh\necho version one\n")
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "main"], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "one"], check=True)
    subprocess.run([*git, "tag", "v1"], check=True)
    (folder / "main").write_text("#!/bin/sh\necho version two\n")
    subprocess.run([*git, "commit", "--quiet", "-am", "two"], check=True)
    the.asks(pipeline=f"file://{folder}", revision="v1")
    ends(the.boots())
    assert the.live() == ["version one"]


TOKEN = "git-token-canary"


@contextmanager
def private(folder: Path) -> Iterator[str]:
    """A repository that is served to nobody but the holder of the token."""

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        given = base64.b64encode(f"me:{TOKEN}".encode()).decode()
        if headers.get("Authorization") != f"Basic {given}":
            return 401, b""
        file = folder / ".git" / path.partition("?")[0].removeprefix("/lab/pipeline.git/")
        return (200, file.read_bytes()) if file.is_file() else (404, b"")

    with serving(answer) as url:
        yield url


def test_a_pipeline_from_a_private_repository(the: Stage) -> None:
    folder = the.pipeline("#!/bin/sh\necho private\nenv | grep -c GIT_CONFIG\n")
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@t"]
    for words in (["init", "--quiet"], ["add", "main"], ["commit", "--quiet", "-m", "one"]):
        subprocess.run([*git, *words], check=True)
    subprocess.run([*git, "update-server-info"], check=True)
    with private(folder) as url:
        access = [{"server": url, "user": "me", "token": TOKEN}]
        the.asks(pipeline=f"{url}/lab/pipeline.git", git=access)
        ends(the.boots())
        assert the.live() == ["private", "0"]
        the.control.reports.clear()
        the.asks(pipeline=f"{url}/lab/pipeline.git")
        ends(the.boots())
    assert "cannot be fetched" in the.control.end["error"]
    for path in the.root.rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pipeline": "/nowhere"}, "pipeline: pipeline /nowhere not found"),
        ({"pipeline": "PIPELINE", "main": "other"}, "the pipeline's folder has no other"),
        ({"pipeline": "PIPELINE", "main": "../../../etc/passwd"}, "is not in the pipeline's folder"),
        ({"pipeline": "PIPELINE", "files": {"../x": "y"}}, "'../x' is not a file name"),
        ({"pipeline": "PIPELINE", "engine": "cobol"}, "engine 'cobol' is not known"),
        ({"pipeline": "--upload-pack=x"}, "is not the name of a pipeline"),
        ({"pipeline": "PIPELINE", "secrets": [{"name": "S", "source": "?"}]}, "secret S: its source"),
        ({"pipeline": "PIPELINE", "work_dir": "relative"}, "is neither s3://"),
        ({"pipeline": "PIPELINE", "attempt": "one"}, "attempt is not of type int"),
    ],
)
def test_a_step_that_fails_ends_the_run_with_its_reason(
    the: Stage, changes: dict[str, object], reason: str
) -> None:
    folder = str(the.pipeline("#!/bin/sh\necho no\n"))
    the.asks(**{key: folder if value == "PIPELINE" else value for key, value in changes.items()})
    ends(the.boots())
    assert reason in the.control.end["error"]
    assert the.control.end["exit_status"] is None
    assert not the.control.events("start")


def test_a_spec_that_is_no_json_is_asked_for_again_and_then_used(the: Stage) -> None:
    folder = the.pipeline("#!/bin/sh\necho fine\n")
    the.control.spec = b"<html>not ours</html>"
    machine = the.boots()
    until(lambda: [path for path, _ in the.control.requests].count("spec") >= 2)
    the.asks(pipeline=str(folder))
    ends(machine)
    assert the.control.end["exit_status"] == 0


def test_pre_and_post_run_scripts(the: Stage) -> None:
    the.asks(
        pipeline=str(the.pipeline("#!/bin/sh\necho $FROM_PRE $FROM_SPEC\nexit 5\n")),
        pre_run="export FROM_PRE=pre",
        post_run='echo "post saw $NXF_EXIT_STATUS"\nexit 9',
        environment={"FROM_SPEC": "spec"},
    )
    ends(the.boots())
    assert the.live() == ["pre spec", "post saw 5"]
    assert the.control.end["exit_status"] == 5
    assert "the post-run script ended with status 9" in (the.work_dir / f"nf-{RUN}.txt").read_text()


def test_a_failing_pre_run_script_is_the_run_s_end(the: Stage) -> None:
    the.asks(pipeline=str(the.pipeline("#!/bin/sh\necho never\n")), pre_run="(exit 4)")
    ends(the.boots())
    assert the.control.end["exit_status"] == 4
    assert "the pre-run script ended with status 4" in the.control.end["message"]
    assert "never" not in the.live()


def test_secrets_are_masked_and_leave_nothing_behind(the: Stage) -> None:
    the.asks(
        pipeline=str(
            the.pipeline(
                '#!/bin/sh\nstat -c "%a" "$NXF_SECRETS_FILE"\ncat "$NXF_SECRETS_FILE"; echo\n'
                f'echo "$NXF_SECRETS_FILE" > {the.work_dir}/where\n'
                f"echo token {RUN_TOKEN} {BOOT_TOKEN}\nenv | grep -c TOWER_ACCESS_TOKEN\n"
            )
        ),
        secrets=[{"name": "PASSWORD", "source": "given", "value": "hunter2-canary"}],
    )
    machine = the.boots()
    ends(machine)
    assert the.live() == ["600", '[{"name": "PASSWORD", "value": "***"}]', "token *** ***", "1"]
    store = Path((the.work_dir / "where").read_text().strip())
    assert not store.exists()
    assert not store.parent.exists()
    canaries = (b"hunter2-canary", RUN_TOKEN.encode(), b"boot-canary")
    for path in the.root.rglob("*"):
        if path.is_file() and path.name not in ("main", "user-data", "boot.json", "report.conf", "plan.json"):
            assert not any(canary in path.read_bytes() for canary in canaries), path


def test_a_long_line_and_a_flood_of_lines(the: Stage) -> None:
    program = "print('x' * 450_000)\nfor n in range(50_000): print(n)\nprint('last, with no end', end='')"
    the.asks(pipeline=str(the.pipeline(f"#!/usr/bin/env python3\n{program}\n")))
    ends(the.boots())
    lines = the.live()
    assert [len(line) for line in lines[:3]] == [200_000, 200_000, 50_000]
    assert lines[3:-1] == [str(n) for n in range(50_000)]
    assert lines[-1] == "last, with no end"


def test_output_of_an_orphan_does_not_keep_the_machine(the: Stage) -> None:
    the.asks(pipeline=str(the.pipeline("#!/bin/sh\nsetsid sleep 1000 &\necho done\n")))
    ends(the.boots())
    assert the.control.end["exit_status"] == 0
