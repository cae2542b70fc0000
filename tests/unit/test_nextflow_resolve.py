"""`local.nextflow.resolve` against pretended tools: the way it takes, what it keeps, what a kill leaves."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local import nextflow
from local.nextflow import FAILURE_LASTS, FORCE, MAVEN_VERSION, Engine, NextflowUnavailableError, resolve

ROOT = Path(__file__).parents[2]
NEEDED = ["bash", "sh", "dirname", "readlink", "mkdir", "touch", "sleep", "cat", "chmod", "head", "sed"]

# What any Nextflow answers to the three things that it is asked; `$1...` is whatever followed its name.
ANSWERS = """
case "$*" in
    *-version*) echo "  version {version} build 1" ;;
    *"plugin install nf-tower"*) exit {no_tower} ;;
    *" main.nf"*) exit {broken} ;;
    *) printf '%s\\n' "token=${{TOWER_ACCESS_TOKEN-}}" "$@" ;;
esac
"""
MVN = "mkdir -p lib && touch lib/nextflow-1.jar"
PIP = """
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/bin" && printf '#!/bin/sh\\nexec "$JAVA_CMD" "$@"\\n' > "$2/bin/nextflow"
"""
NO = 'echo "[ERROR] no such artifact"; exit 1'


class Machine:
    """A machine whose PATH holds what a test put there, and which logs every call of it."""

    def __init__(self, root: Path) -> None:
        self.bin, self.cache, self.calls, self.time = root / "bin", root / "cache", root / "calls", 1e9
        self.bin.mkdir()
        for name in NEEDED:
            (self.bin / name).symlink_to(shutil.which(name) or "")
        self.environ = {"PATH": str(self.bin), "HOME": str(root)}

    def has(self, name: str, body: str) -> Path:
        program = self.bin / name
        program.write_text(f'#!/bin/sh\necho {name} >> "{self.calls}"\n{body}\n')
        program.chmod(0o755)
        return program

    def has_nextflow(
        self, version: str = "26.1.0", no_tower: int = 0, broken: int = 0, name: str = "nextflow"
    ) -> Path:
        return self.has(name, ANSWERS.format(version=version, no_tower=no_tower, broken=broken))

    def has_java(self, no_tower: int = 0, broken: int = 0) -> Path:
        return self.has_nextflow(MAVEN_VERSION, no_tower, broken, name="java")

    def resolve(self, forced: str = "") -> Engine:
        return resolve(self.cache, environ={**self.environ, FORCE: forced}, now=lambda: self.time)

    def called(self) -> list[str]:
        """The tools called since the last time that this was asked."""
        names = self.calls.read_text().split() if self.calls.exists() else []
        self.calls.unlink(missing_ok=True)
        return names


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def run(engine: Engine, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*engine.command, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environ},
    )


def test_a_nextflow_on_path_is_taken_first(machine: Machine) -> None:
    program = machine.has_nextflow()
    machine.has_java()
    machine.has("mvn", MVN)
    assert machine.resolve() == Engine(
        "path", [str(program)], "26.1.0", True, "Nextflow 26.1.0, found on this machine"
    )
    assert "mvn" not in machine.called()


def test_one_that_runs_no_pipeline_is_passed_over(machine: Machine) -> None:
    machine.has_nextflow(broken=1)
    machine.has_java()
    machine.has("pip", PIP)
    engine = machine.resolve()
    assert (engine.kind, engine.version, engine.tower) == ("pypi", MAVEN_VERSION, True)


def test_maven_comes_after_a_launcher_that_cannot_download(machine: Machine) -> None:
    machine.has_java(no_tower=1)
    machine.has("pip", "exit 1")
    machine.has("mvn", MVN)
    engine = machine.resolve()
    assert (engine.kind, engine.version, engine.tower) == ("maven", MAVEN_VERSION, False)
    assert "nf-tower" in engine.note
    assert [path.name for path in machine.cache.glob("*-*")] == [f"maven-{MAVEN_VERSION}"]


def test_without_any_the_script_twin_runs(machine: Machine, tmp_path: Path) -> None:
    engine = machine.resolve()
    assert (engine.kind, engine.tower) == ("script", False)
    for reason in ("path: no nextflow on PATH", "pypi: no pip or pip3 on PATH", "maven: no mvn on PATH"):
        assert reason in engine.note
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline/main.sh").write_text('echo "to $OUTDIR"')
    (tmp_path / "pipeline/main.nf").touch()
    (tmp_path / "params.json").write_text('{"input": "a", "outdir": "from/params", "n": 1}')
    flags = ["-with-tower", "http://127.0.0.1:1", "-resume"]
    place = str(tmp_path / "pipeline/main.nf")
    assert run(engine, "-log", "x", "run", place, *flags, "--outdir", "there").stdout == "to there\n"
    assert (
        run(engine, "run", *flags, place, "-params-file", str(tmp_path / "params.json")).stdout
        == "to from/params\n"
    )
    assert run(engine, "run", str(tmp_path / "pipeline"), OUTDIR="by-env").stdout == "to by-env\n"
    refused = run(engine, "run", "nextflow-io/hello")
    assert refused.returncode == 1
    assert "no Nextflow" in refused.stderr


@pytest.mark.parametrize("fetcher", ["pip", "mvn"])
def test_a_launcher_passes_everything_on_if_it_can_report(machine: Machine, fetcher: str) -> None:
    machine.has_java()
    machine.has(fetcher, {"pip": PIP, "mvn": MVN}[fetcher])
    said = run(machine.resolve(), "run", "a b", "-with-tower", "http://c", TOWER_ACCESS_TOKEN="t").stdout
    assert said.splitlines()[0] == "token=t"
    assert said.splitlines()[-4:] == ["run", "a b", "-with-tower", "http://c"]


@pytest.mark.parametrize("fetcher", ["pip", "mvn"])
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["run", "a b", "-with-tower", "http://c", "-resume"], ["run", "a b", "-resume"]),
        (["run", "x", "-with-tower"], ["run", "x"]),
        (["run", "x", "-with-tower", "-resume"], ["run", "x", "-resume"]),
        (["run", "-with-tower", "https://c", "x", ""], ["run", "x", ""]),
    ],
)
def test_a_launcher_drops_what_it_cannot_do(
    machine: Machine, fetcher: str, given: list[str], kept: list[str]
) -> None:
    machine.has_java(no_tower=1)
    machine.has(fetcher, {"pip": PIP, "mvn": MVN}[fetcher])
    done = run(machine.resolve(), *given, TOWER_ACCESS_TOKEN="t")
    assert done.stdout.splitlines()[0] == "token="
    assert done.stdout.splitlines()[-len(kept) :] == kept
    assert "://" not in done.stdout
    assert "tasks are not reported" in done.stderr


def test_a_launcher_works_through_a_link(machine: Machine, tmp_path: Path) -> None:
    machine.has_java()
    machine.has("mvn", MVN)
    (tmp_path / "linked").symlink_to(machine.resolve().command[0])
    said = subprocess.run([tmp_path / "linked", "help"], capture_output=True, text=True, check=True).stdout
    assert f"{machine.cache}/maven-{MAVEN_VERSION}/lib/*" in said


def test_success_is_kept(machine: Machine) -> None:
    machine.has_java()
    machine.has("mvn", MVN)
    first = machine.resolve()
    machine.called()
    machine.time += 100 * FAILURE_LASTS
    (machine.bin / "mvn").unlink()
    assert machine.resolve() == first
    assert machine.called() == []


def test_what_is_kept_is_made_anew_once_it_is_gone(machine: Machine) -> None:
    machine.has_java()
    machine.has("mvn", MVN)
    engine = machine.resolve()
    shutil.rmtree(Path(engine.command[0]).parent)
    assert machine.resolve() == engine
    assert os.access(engine.command[0], os.X_OK)


def test_a_record_that_was_cut_short_is_no_record(machine: Machine) -> None:
    machine.has_nextflow()
    machine.resolve()
    (machine.cache / "path.json").write_text('{"engine": {"ki')
    assert machine.resolve().kind == "path"


def test_failure_is_kept_for_a_day(machine: Machine) -> None:
    machine.has_java()
    machine.has("mvn", NO)
    assert "no such artifact" in machine.resolve().note
    machine.called()
    machine.time += FAILURE_LASTS - 1
    assert machine.resolve().kind == "script"
    assert machine.called() == []
    machine.has("mvn", MVN)
    machine.time += 2
    assert machine.resolve().kind == "maven"


def test_a_tool_that_was_missing_ends_a_failure_early(machine: Machine) -> None:
    assert machine.resolve().kind == "script"
    machine.has_java()
    machine.has("mvn", MVN)
    assert machine.resolve().kind == "maven"
    program = machine.has_nextflow()
    assert machine.resolve().command == [str(program)]


def test_forcing_a_way_takes_only_that_one(machine: Machine) -> None:
    elsewhere = machine.has_nextflow("9.9.9").rename(machine.bin / "other")
    machine.has_nextflow()
    machine.has_java()
    machine.has("mvn", NO)
    with pytest.raises(NextflowUnavailableError, match=r"=maven: mvn could not fetch it .*no such artifact"):
        machine.resolve("maven")
    machine.has("mvn", MVN)
    assert machine.resolve("maven").kind == "maven", (
        "a forced way does not wait for a failure to be forgotten"
    )
    assert machine.resolve("script").kind == "script"
    assert machine.resolve("path").version == "26.1.0"
    assert machine.resolve(str(elsewhere)).version == "9.9.9"
    with pytest.raises(NextflowUnavailableError, match="no such way"):
        machine.resolve("magic")
    with pytest.raises(NextflowUnavailableError, match="does not start"):
        machine.resolve("/no/such/nextflow")


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_killed_resolution_leaves_nothing_in_the_way(machine: Machine, tmp_path: Path) -> None:
    machine.has_java()
    pid = tmp_path / "pid"
    machine.has("mvn", f'mkdir lib && touch lib/nextflow-half.jar && echo $$ > "{pid}.part"\n'
                       f'cat "{pid}.part" > "{pid}"; exec sleep 600')  # fmt: skip
    code = (
        f"from pathlib import Path; from local.nextflow import resolve; resolve(Path({str(machine.cache)!r}))"
    )
    victim = subprocess.Popen([sys.executable, "-c", code], env={**machine.environ, "PYTHONPATH": str(ROOT)})
    try:
        wait_for(lambda: pid.exists() and bool(pid.read_text().strip()))
    finally:
        victim.kill()
        victim.wait()
    try:
        assert list(machine.cache.glob("building-maven-*"))
        assert not (machine.cache / "maven.json").exists()
        machine.has("mvn", MVN)
        engine = machine.resolve()
    finally:
        os.kill(int(pid.read_text()), signal.SIGKILL)  # the orphan that the victim could not take along
    assert engine.kind == "maven"
    assert not list(machine.cache.glob("building-*"))
    assert not list(Path(engine.command[0]).parent.glob("lib/*half*"))


def test_a_fetch_that_hangs_is_ended_with_its_children(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nextflow, "_FETCH_SECONDS", 0.5)
    machine.has_java()
    machine.has("mvn", f'sleep 600 &\necho $! > "{tmp_path}/pid"; wait')
    assert "mvn could not fetch it (not done after" in machine.resolve().note
    child = Path("/proc") / (tmp_path / "pid").read_text().strip() / "cmdline"
    wait_for(lambda: not child.exists() or child.read_bytes() == b"")


def test_two_at_once_fetch_once(machine: Machine) -> None:
    machine.has_java()
    machine.has("mvn", f"sleep 0.5; {MVN}")
    code = (
        f"from pathlib import Path; from local.nextflow import resolve; resolve(Path({str(machine.cache)!r}))"
    )
    environ = {**machine.environ, "PYTHONPATH": str(ROOT)}
    both = [subprocess.Popen([sys.executable, "-c", code], env=environ) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert machine.called().count("mvn") == 1
