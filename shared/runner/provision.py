"""Brings a fresh cloud image what Nextflow needs: Docker, else Java and Nextflow's own launcher. Never
touches a machine that has them, that is emulated, or whose system this user may not change."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Callable

from shared.runner.errors import Failed, StepFailed
from shared.runner.http import exchange
from shared.runner.process import output
from shared.runner.retry import repeated

INSTALL_WITHIN = 300.0
LOCKED_WITHIN = 120
"""Seconds for which a fresh Ubuntu may itself be busy with its packages."""
APT = ["-o", f"DPkg::Lock::Timeout={LOCKED_WITHIN}"]
LOCKED_TRIES, LOCKED_PAUSE = 8, 15.0
"""How often the lists of packages are asked for while another apt holds their lock, which it does not wait
for, and the seconds between."""
LAUNCHER = "https://get.nextflow.io"
LAUNCHER_WITHIN = 120.0
PACKAGES = {
    "dnf": {"docker": ["docker"], "java": ["java-17-amazon-corretto-headless"]},
    "yum": {"docker": ["docker"], "java": ["java-17-amazon-corretto-headless"]},
    "apt-get": {"docker": ["docker.io"], "java": ["openjdk-17-jre-headless"]},
}
"""Amazon Linux 2023 and Debian or Ubuntu, by the names of their own repositories."""

Say = Callable[[str], None]


def engine_ready(bin_dir: Path, say: Say, system: Path = Path("/usr/bin")) -> None:
    """Installs Docker where neither it nor Nextflow is here; without it, Java and the launcher into
    `bin_dir`. What cannot be done is said, and left to the engine's own message. Blocks for minutes."""
    if shutil.which("nextflow") or docker_works():
        return
    # Root can "write" a file system that is mounted read-only as far as its mode goes; access() knows.
    if os.environ.get("HEADNODE_ROOT") or os.geteuid() != 0 or not os.access(system, os.W_OK):
        return
    manager = next((each for each in PACKAGES if shutil.which(each)), "")
    if manager and tried(lambda: install_docker(manager, say), say):
        return
    if manager and not shutil.which("java"):
        tried(lambda: install(manager, "java", say), say)
    if shutil.which("java"):
        tried(lambda: fetch_launcher(bin_dir, say), say)


def docker_works() -> bool:
    """Whether there is a Docker that answers."""
    if shutil.which("docker") is None:
        return False
    try:
        output(["docker", "info"], 20.0)
    except StepFailed:
        return False
    return True


def install_docker(manager: str, say: Say) -> None:
    """Installs and starts it. Raises StepFailed when it does not answer afterwards."""
    if not shutil.which("docker"):
        install(manager, "docker", say)
    output(["systemctl", "start", "docker"], 60.0)
    output(["docker", "info"], 20.0)


def install(manager: str, what: str, say: Say) -> None:
    """Installs packages of the image's own repositories; raises StepFailed."""
    packages = PACKAGES[manager][what]
    say(f"installing {' '.join(packages)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}
    environment = {**os.environ, **quiet}
    options: list[str] = []
    if manager == "apt-get":
        options = APT
        lists_updated(environment)
    output([manager, *options, "install", "-y", *packages], INSTALL_WITHIN, environment)


def lists_updated(environment: dict[str, str]) -> None:
    """apt's lists of packages, as of now. Raises StepFailed when another apt does not let go of them."""
    for left in reversed(range(LOCKED_TRIES)):
        try:
            output(["apt-get", *APT, "update"], INSTALL_WITHIN, environment)
            return
        except StepFailed as error:
            if not left or "lock" not in str(error):
                raise
        time.sleep(LOCKED_PAUSE)


def fetch_launcher(bin_dir: Path, say: Say) -> None:
    """Puts Nextflow's launcher into `bin_dir` and that on PATH; raises StepFailed."""
    say(f"fetching Nextflow's launcher from {LAUNCHER}")
    try:
        answer = repeated(lambda: exchange("GET", LAUNCHER), LAUNCHER_WITHIN)
    except Failed as error:
        raise StepFailed(str(error)) from None
    if answer.status != 200 or not answer.body.startswith(b"#!"):
        raise StepFailed(f"{LAUNCHER} answered {answer.status}")
    bin_dir.mkdir(parents=True, exist_ok=True)
    launcher = bin_dir / "nextflow"
    launcher.write_bytes(answer.body)
    launcher.chmod(0o755)
    os.environ["PATH"] = f"{bin_dir}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def tried(act: Callable[[], None], say: Say) -> bool:
    """Whether it worked; why not is said."""
    try:
        act()
    except (StepFailed, OSError) as error:
        say(str(error))
        return False
    return True
