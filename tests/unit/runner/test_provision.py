"""What a fresh image is given, shown with stand-ins for its package manager and Docker."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.runner import provision
from shared.runner.provision import engine_ready
from tests.unit.runner.world import serving

LAUNCHER = b"#!/bin/sh\necho launcher\n"


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A PATH with nothing but what a test puts there."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("HEADNODE_ROOT", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    yield folder


def tool(tools: Path, name: str, body: str = "") -> None:
    (tools / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "$CALLS"\n{body}\n')
    (tools / name).chmod(0o755)


def calls(tools: Path) -> list[str]:
    path = tools.parent / "calls"
    return path.read_text().splitlines() if path.exists() else []


def ready(tools: Path) -> list[str]:
    said: list[str] = []
    engine_ready(tools.parent / "bin", said.append, system=tools)
    return said


@pytest.mark.parametrize("name", ["nextflow", "docker"])
def test_a_machine_that_has_an_engine_is_left_alone(tools: Path, name: str) -> None:
    tool(tools, name, "echo answers")
    tool(tools, "dnf")
    assert ready(tools) == []
    assert not [call for call in calls(tools) if call.startswith("dnf")]


@pytest.mark.parametrize("manager", ["dnf", "apt-get"])
def test_docker_is_installed_and_started(tools: Path, manager: str) -> None:
    docker = f"printf '#!/bin/sh\\necho server\\n' > {tools}/docker; /bin/chmod 755 {tools}/docker"
    tool(tools, manager, f'case "$*" in *install*docker*) {docker} ;; esac')
    tool(tools, "systemctl")
    assert [line for line in ready(tools) if not line.startswith("installing")] == []
    assert calls(tools)[-1] == "systemctl start docker"


def test_another_apt_is_waited_for(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provision, "LOCKED_PAUSE", 0.0)
    lists = f'[ -e {tools}/free ] && exit 0; printf "" > {tools}/free; echo "Could not get lock"; exit 100'
    docker = f"printf '#!/bin/sh\\necho server\\n' > {tools}/docker; /bin/chmod 755 {tools}/docker"
    tool(tools, "apt-get", f'case "$*" in *update) {lists} ;; *install*docker*) {docker} ;; esac')
    tool(tools, "systemctl")
    assert [line for line in ready(tools) if not line.startswith("installing")] == []
    assert [call.split()[-1] for call in calls(tools)[:3]] == ["update", "update", "docker.io"]
    assert all("DPkg::Lock::Timeout=120" in call for call in calls(tools)[:3])


def test_without_docker_java_and_the_launcher(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = f"printf '#!/bin/sh\\n' > {tools}/java; /bin/chmod 755 {tools}/java"
    tool(tools, "dnf", f'case "$*" in *docker*) echo no such package; exit 1 ;; *) {java} ;; esac')
    with serving(lambda *_: (200, LAUNCHER)) as url:
        monkeypatch.setattr(provision, "LAUNCHER", url)
        said = ready(tools)
    assert any("no such package" in line for line in said)
    assert (tools.parent / "bin" / "nextflow").read_bytes() == LAUNCHER
    assert os.environ["PATH"].startswith(str(tools.parent / "bin"))


def test_what_is_no_launcher_is_not_kept(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tools, "java")
    tool(tools, "dnf", "exit 1")
    with serving(lambda *_: (200, b"<html>log in first</html>")) as url:
        monkeypatch.setattr(provision, "LAUNCHER", url)
        assert "answered 200" in ready(tools)[-1]
    assert not (tools.parent / "bin").exists()


def test_an_emulated_machine_is_never_changed(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tools, "dnf")
    monkeypatch.setenv("HEADNODE_ROOT", "/somewhere")
    assert ready(tools) == []
    monkeypatch.delenv("HEADNODE_ROOT")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert ready(tools) == []
    assert calls(tools) == []
