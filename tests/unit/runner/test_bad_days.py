"""What goes wrong around a machine, and that it ends all the same: saved, reported, powered off."""

import signal
import time
from pathlib import Path

import pytest

from shared.runner.archive import zipapp_bytes
from tests.unit.runner.world import BOOT_TOKEN, RUN, RUN_TOKEN, Stage, ends, until

FOREVER = "#!/bin/sh\necho up\nsleep 600\n"
CLEANS_UP = "#!/bin/bash\ntrap 'echo cleaned up; exit 7' TERM\necho up\nwhile :; do sleep 0.05; done\n"


def test_a_cancel_comes_with_the_heartbeat(the: Stage) -> None:
    the.asks(pipeline=str(the.pipeline(CLEANS_UP)), heartbeat=0.1)
    machine = the.boots()
    until(lambda: "up" in the.live())
    the.control.answer = {"go_on": False, "cancel": True, "deadline": 0}
    ends(machine)
    assert (the.control.end["error"], the.control.end["exit_status"]) == ("cancelled", 7)
    assert "cleaned up" in (the.work_dir / f"nf-{RUN}.txt").read_text()


def test_sigterm_is_passed_on_and_everything_is_saved(the: Stage) -> None:
    the.asks(pipeline=str(the.pipeline(CLEANS_UP)))
    machine = the.boots()
    until(lambda: "up" in the.live())
    machine.press_power()
    ends(machine)
    assert (the.control.end["error"], the.control.end["exit_status"]) == ("terminated", 7)
    assert "cleaned up" in (the.work_dir / f"nf-{RUN}.txt").read_text()


def test_the_deadline_stops_the_work_in_time_to_save_it(the: Stage) -> None:
    deadline = time.time() + 6
    the.asks(pipeline=str(the.pipeline(FOREVER)), deadline=deadline)
    ends(the.boots(deadline=deadline))
    assert the.control.end["error"] == "deadline reached"
    assert the.control.end["exit_status"] == 128 + signal.SIGTERM
    assert (the.work_dir / f"nf-{RUN}.exit").exists()
    assert time.time() < deadline + 5


def test_a_deadline_that_moves_is_heard(the: Stage) -> None:
    the.asks(pipeline=str(the.pipeline(FOREVER)), heartbeat=0.1)
    machine = the.boots()
    until(lambda: "up" in the.live())
    the.control.answer = {"go_on": True, "cancel": False, "deadline": time.time() + 1}
    ends(machine)
    assert the.control.end["error"] == "deadline reached"


def test_a_spot_notice_is_reported_and_the_run_has_no_verdict(the: Stage) -> None:
    the.asks(pipeline=str(the.pipeline(FOREVER)))
    machine = the.boots()
    until(lambda: "up" in the.live())
    the.metadata.action = "2027-01-01T00:00:00Z"
    ends(machine)
    (notice,) = the.control.events("notice")
    assert "terminate" in notice["message"]
    assert (the.control.end["error"], the.control.end["exit_status"]) == ("interrupted", None)


def test_the_control_plane_is_away_for_a_while(the: Stage) -> None:
    the.asks(pipeline=str(the.pipeline("#!/bin/sh\necho up\nsleep 1\necho done\n")), heartbeat=0.1)
    machine = the.boots()
    until(lambda: the.control.events("heartbeat"))
    the.control.down = True
    until(lambda: "done" in the.live())
    assert not the.control.events("end")
    the.control.down = False
    ends(machine)
    assert the.control.end["exit_status"] == 0
    ordered = [report["event"] for report in the.control.reports if report["event"] != "heartbeat"]
    assert ordered == ["boot"] * 5 + ["start", "end"]


@pytest.mark.parametrize("when", ["at boot", "at work"])
def test_a_machine_that_is_not_wanted_any_more(the: Stage, when: str) -> None:
    the.asks(pipeline=str(the.pipeline(FOREVER)), heartbeat=0.1)
    the.control.gone = when == "at boot"
    machine = the.boots()
    if when == "at work":
        until(lambda: "up" in the.live())
        the.control.gone = True
    ends(machine)
    assert not the.control.events("end")
    assert not (the.work_dir / f"nf-{RUN}.txt").exists()


def test_the_machine_powers_off_when_nothing_can_be_saved(the: Stage) -> None:
    blocked = the.work_dir / f"nf-{RUN}.txt.headnode-part"
    blocked.mkdir()
    the.asks(pipeline=str(the.pipeline("#!/bin/sh\nexit 3\n")))
    ends(the.boots(HEADNODE_PACE="0.005"))
    assert the.control.end["exit_status"] == 3
    assert "files could not be saved" in the.control.end["message"]


def test_a_disk_that_is_full_at_the_start(the: Stage) -> None:
    def full(root: Path) -> None:
        folder = root / "var" / "lib" / "headnode" / "run" / RUN
        folder.mkdir(parents=True)
        (folder / f"nf-{RUN}-params.json").symlink_to("/dev/full")

    the.asks(pipeline=str(the.pipeline(FOREVER)))
    ends(the.boots(before=full))
    assert the.control.end["error"] == "stage: files cannot be written: No space left on device"


def test_a_password_in_the_pipeline_s_address_is_never_shown(the: Stage) -> None:
    the.asks(pipeline="http://user:pass-canary@127.0.0.1:1/repository")
    machine = the.boots()
    ends(machine)
    assert "pipeline http://127.0.0.1:1/repository cannot be fetched" in the.control.end["error"]
    assert "canary" not in str(the.control.reports)
    assert "canary" not in the.log_file.read_text() + machine.console()


def test_a_defect_of_the_runner_still_ends_the_run(the: Stage) -> None:
    the.asks(pipeline=str(the.pipeline(FOREVER)), secrets=["not an object"])
    machine = the.boots()
    ends(machine)
    assert the.control.end["error"] == "stage: the runner failed unexpectedly (AttributeError)"
    assert "headnode: stage: 0 files, 1 secrets" in machine.console()
    assert "Traceback" in machine.console()


def test_a_runner_that_cannot_be_downloaded(the: Stage) -> None:
    """The guard and the trap are the shell's own: the machine ends without any runner."""
    the.control.runner = b"not a zip"
    ends(the.boots())
    assert the.control.end["step"] == "run the runner"
    assert the.control.end["error"] == "run the runner failed with status 1"


def test_a_runner_that_crashes_is_reported_by_the_shell(the: Stage) -> None:
    the.asks(pipeline=str(the.pipeline(FOREVER)))
    the.control.runner = zipapp_bytes()[:-200]
    ends(the.boots())
    assert the.control.end["error"].startswith("run the runner failed")
    tokens = [token for path, token in the.control.requests if path == "report"]
    assert tokens == [f"Bearer {BOOT_TOKEN}"]


def test_tokens_are_used_for_what_they_are_for_and_never_as_arguments(the: Stage) -> None:
    the.asks(pipeline=str(the.pipeline("#!/bin/sh\ncat /proc/[0-9]*/cmdline | tr '\\0' ' '\n")))
    ends(the.boots())
    used = {path: token for path, token in the.control.requests if path != "runner.pyz"}
    assert used == {"spec": f"Bearer {BOOT_TOKEN}", "report": f"Bearer {RUN_TOKEN}"}
    text = "\n".join(the.live())
    assert "runner.pyz" in text
    assert "***" not in text
    assert BOOT_TOKEN not in text
