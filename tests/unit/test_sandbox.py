"""The machine sandbox: user data is carried out, `shutdown` ends it, and nothing survives its end."""

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.providers.local import processes, rootfs, userdata
from shared.providers.local.sandbox import Machine, Sandbox

BWRAP = pytest.mark.skipif(not rootfs.usable(), reason="bubblewrap is not usable here")


@pytest.fixture(params=[pytest.param(True, marks=BWRAP), False], ids=["bwrap", "plain"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return Sandbox(request.param)


def boot(sandbox: Sandbox, directory: Path, user_data: str, **options: object) -> Machine:
    directory.mkdir(parents=True, exist_ok=True)
    document = directory / "user-data"
    document.write_text(user_data)
    return sandbox.start(document, directory, {}, **options)  # type: ignore[arg-type]


def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


def sleepers(seconds: str) -> list[str]:
    everything = [processes.command(int(p.name)) for p in Path("/proc").iterdir() if p.name.isdigit()]
    return [command for command in everything if command.strip() == f"sleep {seconds}"]


def test_a_cloud_config_is_carried_out_and_the_machine_stays_on(sandbox: Sandbox, tmp_path: Path) -> None:
    encoded = base64.b64encode(b"from base64").decode()
    machine = boot(
        sandbox,
        tmp_path / "m",
        f"""#cloud-config
write_files:
  - path: /etc/headnode/secret
    permissions: "0600"
    owner: root:root
    content: |
      one
      two
  - {{path: /var/lib/headnode/b, encoding: b64, content: {encoded}}}
runcmd:
  - [sh, -c, 'stat -c "%a %s" "${{HEADNODE_ROOT:-}}/etc/headnode/secret"']
  - this-command-does-not-exist
  - cat "${{HEADNODE_ROOT:-}}/var/lib/headnode/b"; echo; echo last-$((1 + 1))
""",
    )
    until(lambda: "last-2" in machine.console())
    assert "600 8" in machine.console()
    assert "from base64" in machine.console()
    assert machine.alive
    assert machine.wait(0.0) is None
    machine.kill()
    assert not machine.alive
    assert machine.wait(5) == 137
    assert machine.ended["why"] == "killed"


def test_a_script_ends_its_machine_by_shutdown(sandbox: Sandbox, tmp_path: Path) -> None:
    statuses: list[int] = []
    script = "#!/bin/sh\necho up\nshutdown -h now\nsleep 60\n"
    machine = boot(sandbox, tmp_path / "m", script, on_exit=statuses.append)
    assert machine.wait(10) == 0
    until(lambda: statuses)
    assert (statuses, machine.ended["why"]) == ([0], "shutdown")


@pytest.mark.parametrize("command", ["poweroff", "halt", "shutdown -P now", "shutdown -h +0"])
def test_every_way_to_power_off(sandbox: Sandbox, tmp_path: Path, command: str) -> None:
    assert boot(sandbox, tmp_path / "m", f"#!/bin/sh\n{command}\nsleep 60\n").wait(10) == 0


def test_a_planned_shutdown_can_be_called_off(sandbox: Sandbox, tmp_path: Path) -> None:
    machine = boot(sandbox, tmp_path / "m", "#!/bin/sh\nshutdown -h +90\necho up\n")
    until(lambda: "up" in machine.console())
    power = tmp_path / "m" / "run" / "power"
    power.write_text("0.2\n")
    subprocess.run([tmp_path / "m" / "run" / "bin" / "shutdown", "-c"], check=True)
    assert machine.wait(0.5) is None
    power.write_text("0.2\n")
    assert machine.wait(5) == 0


def test_work_gets_a_sigterm_at_shutdown(sandbox: Sandbox, tmp_path: Path) -> None:
    script = "#!/bin/bash\ntrap 'echo saved; exit' TERM\necho up\nwhile :; do sleep 0.05; done\n"
    machine = boot(sandbox, tmp_path / "m", script)
    until(lambda: "up" in machine.console())
    machine.press_power()
    assert machine.wait(10) == 0
    assert "saved" in machine.console()


def test_nothing_escapes_a_kill(sandbox: Sandbox, tmp_path: Path) -> None:
    script = (
        "#!/bin/sh\nsetsid sleep 94501 &\n(nohup setsid sh -c 'sleep 94501 & sleep 94501' &)\n"
        "trap '' TERM HUP\necho up\nsleep 94501\n"
    )
    machine = boot(sandbox, tmp_path / "m", script)
    until(lambda: len(sleepers("94501")) == 4)
    machine.kill()
    assert sleepers("94501") == []


def test_an_argument_list_lives_as_long_as_its_program(sandbox: Sandbox, tmp_path: Path) -> None:
    machine = sandbox.start(["sh", "-c", "echo $WHO; exit 3"], tmp_path / "m", {"WHO": "me"})
    assert machine.wait(10) == 3
    assert machine.ended["why"] == "exit"
    assert machine.console() == "me\n"


def test_the_machine_has_only_the_environment_it_was_given(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY_SECRET", "of-the-host")
    machine = sandbox.start(["env"], tmp_path / "m", {"MINE": "yes"})
    assert machine.wait(10) == 0
    assert "MINE=yes" in machine.console()
    assert "of-the-host" not in machine.console()
    assert [p for p in (tmp_path / "m").rglob("*") if p.is_file() and b"MINE" in p.read_bytes()] == [
        tmp_path / "m" / "console.log"
    ]


@BWRAP
def test_the_root_of_an_isolated_machine_is_read_only_but_for_its_shares(tmp_path: Path) -> None:
    shared = tmp_path / "work"
    shared.mkdir()
    script = f"touch /usr/x /root/x; touch /tmp/mine && touch {shared}/made && echo fine"
    machine = Sandbox(True).start(["sh", "-c", script], tmp_path / "m", {}, share=[shared])
    assert machine.wait(10) == 0
    assert (shared / "made").exists()
    assert machine.console().count("Read-only file system") == 2
    assert not Path("/tmp/mine").exists()


HOST = """
import sys, time
from pathlib import Path
from shared.providers.local.sandbox import Sandbox
outlive = sys.argv[2] == "outlive"
Sandbox().start(["sleep", sys.argv[3]], Path(sys.argv[1]), {}, outlive=outlive)
print("up", flush=True)
time.sleep(600)
"""


def killed_host(directory: Path, mode: str, seconds: str) -> None:
    """Runs a host that starts a machine, and kills the host with SIGKILL."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", HOST, str(directory), mode, seconds]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == b"up\n"
        host.send_signal(signal.SIGKILL)


def test_a_machine_survives_its_host_and_is_found_again(tmp_path: Path) -> None:
    killed_host(tmp_path / "m", "outlive", "94502")
    statuses: list[int] = []
    found = Sandbox().adopt(tmp_path / "m", statuses.append)
    assert found is not None
    assert found.alive
    found.kill()
    assert sleepers("94502") == []
    until(lambda: statuses == [137])
    assert Sandbox().adopt(tmp_path / "m") is None


def test_a_machine_dies_with_its_host_unless_told_otherwise(tmp_path: Path) -> None:
    killed_host(tmp_path / "m", "die", "94503")
    until(lambda: not sleepers("94503"))


def test_a_machine_ends_when_its_supervisor_is_killed(sandbox: Sandbox, tmp_path: Path) -> None:
    statuses: list[int] = []
    machine = sandbox.start(["sh", "-c", "setsid sleep 94504"], tmp_path / "m", {}, statuses.append)
    until(lambda: sleepers("94504"))
    processes.send(machine.pid)
    until(lambda: statuses == [137])
    assert machine.ended["why"] == "lost"
    until(lambda: not sleepers("94504"))


@pytest.mark.parametrize(
    "text", ["", "\x1f\x8b", "Content-Type: a/b", "#cloud-config\n[", "#cloud-config\n- 1", "#include\nx"]
)
def test_unreadable_user_data_is_ignored_with_a_reason(text: str) -> None:
    plan = userdata.plan(text)
    assert plan["ignored"]
    assert (plan["files"], plan["commands"], plan["script"]) == ([], [], "")
