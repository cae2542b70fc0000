"""A machine's file system: the host's, read-only, with /etc, /var, /tmp and /run of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

OWN = ("etc", "var", "tmp", "run")
KERNEL = ("proc", "dev", "sys")
HOST_ETC = "/run/host-etc"
MACHINE = "/run/headnode"
"""Where a machine finds its power switch and its init."""
HOME = "/var/lib/machine"


def furnish(root: Path) -> None:
    """The directories that a machine may write, under `root`. Idempotent."""
    for name in ("etc/headnode", "var/lib/headnode", "var/log", "var/tmp", "tmp", "run", HOME[1:]):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("tmp", "var/tmp"):
        (root / name).chmod(0o1777)


def usable() -> bool:
    """Whether bubblewrap is here and may make namespaces; tries it with a program that does nothing."""
    if shutil.which("bwrap") is None or not sys.platform.startswith("linux"):
        return False
    probe = ["bwrap", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--unshare-pid", "true"]
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0


def bubblewrap(directory: Path, share: list[Path]) -> list[str]:
    """The command that everything in the machine is started by. Links the host's /etc into the
    machine's, so that it has users, certificates and resolver, and can add files."""
    root = directory / "root"
    host_etc(root / "etc")
    words = ["bwrap", "--die-with-parent", "--unshare-pid", "--unshare-uts", "--unshare-ipc"]
    words += ["--hostname", f"machine-{directory.name}"[:63], "--proc", "/proc", "--dev", "/dev"]
    for entry in sorted(Path("/").iterdir()):
        if entry.name in (*OWN, *KERNEL) or entry.name in ("lost+found", "old_root"):
            continue
        if entry.is_symlink():
            words += ["--symlink", str(entry.readlink()), str(entry)]
        elif entry.is_dir() and os.access(entry, os.R_OK | os.X_OK):
            words += ["--ro-bind", str(entry), str(entry)]
    words += ["--ro-bind", "/sys", "/sys"]
    for name in OWN:
        words += ["--bind", str(root / name), f"/{name}"]
    words += ["--ro-bind", "/etc", HOST_ETC, "--bind", str(directory / "run"), MACHINE]
    for path in (Path(sys.prefix), Path(sys.base_prefix), *resolver()):
        if path.parts[1] in OWN:
            words += ["--ro-bind", str(path), str(path)]
    for path in share:
        words += ["--bind", str(path), str(path)]
    return [*words, "--chdir", HOME, "--"]


def host_etc(etc: Path) -> None:
    """Links for what the host has in /etc and the machine does not."""
    for entry in Path("/etc").iterdir():
        if not (etc / entry.name).is_symlink() and not (etc / entry.name).exists():
            (etc / entry.name).symlink_to(f"{HOST_ETC}/{entry.name}")


def resolver() -> list[Path]:
    """The directory that the host's resolv.conf really lies in, where that is in /run."""
    real = Path("/etc/resolv.conf").resolve()
    return [real.parent] if real.exists() and real.parts[1] == "run" else []
