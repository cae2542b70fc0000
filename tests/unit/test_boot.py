"""The boot document: valid for cloud-init, clean for shellcheck, small, and silent about its token."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.nextflow.boot import LIMIT, boot_document
from shared.providers.local import userdata

TOKEN = "0123456789abcdef" * 4
LARGEST: dict[str, Any] = {
    "control_url": "https://"
    + "a-very-long-label." * 13
    + "execute-api.eu-central-1.amazonaws.com/stage/api",
    "run_id": "R" * 16,
    "attempt": 99,
    "token": TOKEN * 4,
    "deadline": 1_800_604_800.25,
    "now": 1_800_000_000.0,
}
QUOTED = ("--exclude", "SC2016,SC1003")
"""About an address with quotes and dollars in single quotes, which is how it is meant."""
NASTY = {**LARGEST, "control_url": 'http://[::1]:8080/it\'s "quoted"/$(reboot)/`id`/%s\\'}


def files(**changes: Any) -> dict[str, dict[str, Any]]:
    document = yaml.safe_load(boot_document(**{**LARGEST, **changes}))
    return {entry["path"]: entry for entry in document["write_files"]}


def test_it_fits_with_room_to_spare() -> None:
    assert len(boot_document(**LARGEST).encode()) < LIMIT / 2


def test_the_same_attempt_gives_the_same_bytes() -> None:
    assert boot_document(**LARGEST) == boot_document(**LARGEST)


@pytest.mark.parametrize("given", [LARGEST, NASTY], ids=["largest", "nasty"])
def test_boot_json_says_what_the_runner_needs(given: dict[str, Any]) -> None:
    entry = files(**given)["/etc/headnode/boot.json"]
    assert json.loads(entry["content"]) == {
        "control": given["control_url"],
        "run": "R" * 16,
        "attempt": 99,
        "token": TOKEN * 4,
        "deadline": 1_800_604_801,
    }


def test_only_root_reads_what_holds_the_token() -> None:
    for path, entry in files().items():
        assert entry["permissions"] in ("0600", "0700"), path
    assert TOKEN not in files()["/etc/headnode/boot.sh"]["content"]
    assert TOKEN not in json.dumps(yaml.safe_load(boot_document(**LARGEST))["runcmd"])


@pytest.mark.parametrize("given", [LARGEST, NASTY], ids=["largest", "nasty"])
def test_cloud_init_finds_nothing_wrong(given: dict[str, Any], tmp_path: Path) -> None:
    if shutil.which("cloud-init") is None:
        pytest.skip("cloud-init is not installed")
    path = tmp_path / "user-data"
    path.write_text(boot_document(**given))
    done = subprocess.run(
        ["cloud-init", "schema", "-c", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("given", [LARGEST, NASTY], ids=["largest", "nasty"])
def test_shellcheck_finds_nothing_wrong(given: dict[str, Any], tmp_path: Path) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    path = tmp_path / "boot.sh"
    path.write_text(files(**given)["/etc/headnode/boot.sh"]["content"])
    done = subprocess.run(["shellcheck", *QUOTED, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    subprocess.run(["sh", "-n", str(path)], check=True)


def test_the_guard_comes_before_anything_that_can_hang() -> None:
    text = files()["/etc/headnode/boot.sh"]["content"]
    guard = text.index('\nshutdown -h "+$minutes"')
    for slow in ("\nneed() {", "|| need", "\nuntil within", "python3 "):
        assert guard < text.index(slow)


def test_the_sandbox_understands_all_of_it() -> None:
    plan = userdata.plan(boot_document(**LARGEST))
    assert plan["ignored"] == ""
    assert [entry["mode"] for entry in plan["files"]] == [0o600, 0o600, 0o700]
    assert len(plan["commands"]) == 1


def test_an_address_that_would_break_out_is_refused() -> None:
    with pytest.raises(ValueError, match="control characters"):
        boot_document(**{**LARGEST, "control_url": "http://x/\noutput = /etc/passwd"})


STUBS = {
    "date": "#!/bin/sh\necho 1800000000\n",
    "shutdown": '#!/bin/sh\necho "shutdown $*" >> "$CALLS"\n',
    "curl": '#!/bin/sh\necho "curl $*" >> "$CALLS"\n[ "$1" = --config ] && cp "${4#@}" "$CALLS.report"\n'
    'exit "${CURL:-0}"\n',
    "sleep": '#!/bin/sh\necho "sleep $*" >> "$CALLS"\n',
    "timeout": '#!/bin/sh\nshift\nexec "$@"\n',
    "python3": "#!/bin/sh\nexit 3\n",
}


def booted(
    tmp_path: Path, *, without: tuple[str, ...] = (), deadline: float = 1_800_000_150.0, **environment: str
) -> list[str]:
    """Runs the script with stand-ins for all that it calls; what it called."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "mkdir", "chmod", "tail", "tr", "cat", "cp", "printf", "env"):
        (tools / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    for name, text in STUBS.items():
        if name not in without:
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
    etc = tmp_path / "etc" / "headnode"
    etc.mkdir(parents=True)
    script = files(deadline=deadline)["/etc/headnode/boot.sh"]["content"]
    # The directories that a real machine's PATH is completed with would lead to this host's programs.
    (etc / "boot.sh").write_text(script.replace(":/usr/sbin:/sbin", ""))
    calls = tmp_path / "calls"
    given = {"PATH": str(tools), "HEADNODE_ROOT": str(tmp_path), "CALLS": str(calls), **environment}
    subprocess.run(["/bin/sh", str(etc / "boot.sh")], env=given, check=False, capture_output=True, timeout=30)
    return calls.read_text().splitlines()


def test_the_guard_is_set_to_the_deadline(tmp_path: Path) -> None:
    assert booted(tmp_path)[0] == "shutdown -h +3"


@pytest.mark.parametrize(("deadline", "minutes"), [(1_700_000_000.0, 1), (9_000_000_000.0, 120_000_000)])
def test_the_guard_bears_a_wrong_clock(tmp_path: Path, deadline: float, minutes: int) -> None:
    assert booted(tmp_path, deadline=deadline)[0] == f"shutdown -h +{minutes}"


def test_a_runner_that_fails_is_reported_and_the_machine_ends(tmp_path: Path) -> None:
    calls = booted(tmp_path)
    assert calls[-1] == "shutdown -h now"
    said = json.loads((tmp_path / "calls.report").read_text())
    assert (said["event"], said["step"], said["exit_status"]) == ("end", "run the runner", None)
    assert said["error"] == "run the runner failed with status 3"
    assert not any(TOKEN in call for call in calls)


def test_a_download_that_never_works_is_given_up(tmp_path: Path) -> None:
    calls = booted(tmp_path, CURL="22")
    assert sum(call.startswith("curl -fsS") for call in calls) == 20
    waits = [int(call.split()[1]) for call in calls if call.startswith("sleep")]
    assert waits[:6] == [1, 2, 4, 8, 16, 32]
    assert sum(waits) < 600
    assert json.loads((tmp_path / "calls.report").read_text())["step"] == "download the runner"
    assert calls[-1] == "shutdown -h now"


def test_a_machine_without_python_or_a_package_manager(tmp_path: Path) -> None:
    calls = booted(tmp_path, without=("python3",))
    said = json.loads((tmp_path / "calls.report").read_text())
    assert said["step"] == "find python3"
    assert "no package manager here can install python3" in said["message"]
    assert calls[-1] == "shutdown -h now"
