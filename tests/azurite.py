"""Azurite: Microsoft's own emulator of storage accounts, started for tests. It comes from npm, once, into
this Python's environment; `python -m tests.azurite` fetches it before any test needs it."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

VERSION = "3.37.0"
ROOT = Path(sys.prefix) / f"azurite-{VERSION}"
PROGRAM = ROOT / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The account and key that every storage emulator has, published by Microsoft: no secret."""
STARTS_WITHIN = 30.0
LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at (https?://\S+)")


@dataclass(frozen=True)
class Azurite:
    """A running one. Everything in it is gone when it ends."""

    blob: str
    queue: str
    table: str

    def connection(self, **other: str) -> str:
        """The connection string; `other` replaces an endpoint (table="http://...")."""
        ends = {"blob": self.blob, "queue": self.queue, "table": self.table, **other}
        parts = [f"{kind.title()}Endpoint={url}/{ACCOUNT}" for kind, url in ends.items()]
        return ";".join(
            ["DefaultEndpointsProtocol=http", f"AccountName={ACCOUNT}", f"AccountKey={KEY}", *parts]
        )

    def new_table(self) -> str:
        """Makes an empty table; its name."""
        from azure.data.tables import TableServiceClient

        name = f"t{uuid.uuid4().hex}"
        with TableServiceClient.from_connection_string(self.connection()) as service:
            service.create_table(name)
        return name

    def new_queues(self, *steps: str) -> str:
        """Makes an empty queue for each step; what stands before the step in their names."""
        from azure.storage.queue import QueueServiceClient

        prefix = f"q{uuid.uuid4().hex[:12]}"
        with QueueServiceClient.from_connection_string(self.connection()) as service:
            for step in steps:
                service.create_queue(f"{prefix}-{step}")
        return prefix


def install() -> str:
    """Fetches Azurite unless it is there; why that was not possible, or nothing. Safe for several
    processes at once."""
    if PROGRAM.exists():
        return ""
    if not shutil.which("npm") or not shutil.which("node"):
        return "Azurite needs node and npm"
    with Path(f"{ROOT}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return "" if PROGRAM.exists() else _fetched()


def _fetched() -> str:
    """What npm said when it failed."""
    fresh = Path(tempfile.mkdtemp(dir=ROOT.parent, prefix=f"{ROOT.name}."))
    wanted = ["npm", "install", f"azurite@{VERSION}", "--prefix", str(fresh), "--ignore-scripts"]
    done = subprocess.run([*wanted, "--no-audit", "--no-fund"], capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(fresh)
        return f"npm cannot fetch Azurite: {done.stderr.strip().splitlines()[-1:]}"
    fresh.rename(ROOT)
    return ""


@contextmanager
def running(*more: str) -> Iterator[Azurite]:
    """Azurite on free ports of the loopback interface, keeping everything in memory; with further flags."""
    services = [part for kind in ("blob", "queue", "table") for part in (f"--{kind}Port", "0")]
    flags = ["--silent", "--skipApiVersionCheck", "--disableTelemetry", "--inMemoryPersistence"]
    with tempfile.TemporaryDirectory() as empty:
        process = subprocess.Popen(
            ["node", str(PROGRAM), *services, *flags, *more],
            cwd=empty,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": os.environ["PATH"], "HOME": empty},
        )
        assert process.stdout is not None
        reader = threading.Thread(target=process.stdout.read, daemon=True)
        try:
            found = _listening(process)
            reader.start()  # else its log fills the pipe
            yield found
        finally:
            process.kill()
            process.wait()
            if reader.ident:
                reader.join()
            process.stdout.close()


def _listening(process: "subprocess.Popen[str]") -> Azurite:
    """Where it listens, once all three services do."""
    assert process.stdout is not None
    found: dict[str, str] = {}
    said: list[str] = []
    end = time.monotonic() + STARTS_WITHIN
    while len(found) < 3:
        line = process.stdout.readline()
        said.append(line)
        assert line and time.monotonic() < end, f"Azurite did not start: {''.join(said)}"
        if match := LISTENING.search(line):
            found[match[1].lower()] = match[2]
    return Azurite(**found)


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """One Azurite for all tests of a process; skips with the reason where it cannot be had."""
    why_not = install()
    if why_not:
        pytest.skip(why_not)
    with running() as found:
        yield found


if __name__ == "__main__":
    sys.exit(install())
