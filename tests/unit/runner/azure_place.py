"""Runs on VMs of the emulated Azure: their control plane, what they write, and how it is read."""

import base64
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from shared.logs.azure import AzureLogs
from shared.model.environment import Environment, ResourceRow
from shared.model.machine import Offer
from shared.model.run import Attempt, Run
from shared.nextflow.boot import boot_document
from shared.providers.azure.clients import Clients
from tests.unit.clouds.azure.monitoring import STREAM, Way, make_way
from tests.unit.runner.azure_vm import AzureVm
from tests.unit.runner.world import (
    BOOT_TOKEN,
    RUN,
    RUN_TOKEN,
    SESSION,
    ControlPlane,
    path_with,
    serving,
)

BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"
RIGHTS = {"dataActions": ["Microsoft.Insights/Telemetry/Write", BLOBS]}
REMOVES = {"actions": ["Microsoft.Compute/virtualMachines/delete"], **RIGHTS}
FOREVER = "#!/bin/sh\necho up\nsleep 600\n"


@dataclass
class Place:
    """One run on VMs, the control plane that it talks to, and its log as a reader sees it."""

    root: Path
    cloud: EmulatedAzure
    control: ControlPlane
    vm: AzureVm
    way: Way
    attempt: int = 1
    pace: str = "1"
    path: str = ""
    names: list[str] = field(default_factory=list)

    def asks(self, main: str = "", **changes: Any) -> None:
        """What the control plane hands out: a script run with its work directory in a container."""
        folder = self.root / "pipeline"
        folder.mkdir(exist_ok=True)
        if main:
            (folder / "main").write_text(main)
            (folder / "main").chmod(0o755)
        rule = self.way.rule.immutable_id
        blob = f"{self.vm.storage_url}/work/some/path/.headnode/logs/{RUN}/{self.attempt}"
        ingest = f"{self.way.ingest}/dataCollectionRules/{rule}/streams/{STREAM}"
        given = {
            "run": RUN,
            "attempt": self.attempt,
            "name": "happy_euler",
            "session": SESSION,
            "engine": "script",
            "pipeline": str(folder),
            "work_dir": "az://work/some/path",
            "deadline": time.time() + 3600,
            "heartbeat": 0.3,
            "logs": {"kind": "azure", "blob": blob, "ingest": ingest, "run": RUN, "attempt": self.attempt},
            "region": "westeurope",
            "token": RUN_TOKEN,
            "api": f"{self.control.url}/api",
            "workspace": 0,
            "azure": {
                "client_id": self.vm.client_id,
                "storage_account": "store",
                "storage_url": self.vm.storage_url,
                "vm_id": "",
            },
        }
        self.control.spec = {**given, **changes}

    def boots(self, lives: float = 3600.0, **properties: Any) -> str:
        """Makes a VM with the boot document as its custom data; its name."""
        now = time.time()
        document = boot_document(
            control_url=f"{self.control.url}/api",
            run_id=RUN,
            attempt=self.attempt,
            token=BOOT_TOKEN,
            deadline=now + lives,
            now=now,
        )
        assert len(document.encode()) < 65_536
        self.vm.name = f"vm-{len(self.names) + 1}"
        self.names.append(self.vm.name)
        self.vm.boots(base64.b64encode(document.encode()).decode(), **properties)
        return self.vm.name

    @property
    def source(self) -> AzureLogs:
        """What the control plane reads the log with."""
        customer = str(self.way.workspace.properties.customer_id)
        row = ResourceRow(key="workspace", type="x", name="ws", facts={"customerId": customer})
        config = {"workDir": "az://work/some/path", "storageAccount": "store"}
        place = Environment(id="e", name="e", platform="azure-cloud", config=config, resources=(row,))
        return AzureLogs(place, Clients(None))

    @property
    def run(self) -> Run:
        return Run(id=RUN, name="happy", session_id=SESSION, work_dir="az://work/some/path")

    def lines(self, attempt: int = 1) -> list[str]:
        """The log's lines so far, without the runner's own."""
        seen = Attempt(number=attempt, offer=Offer(machine_type="m"), state="working", seen_at=1.0)
        page = self.source.live(self.run, seen, "", 100_000)
        return [line for line in page.lines if not line.startswith("headnode: ")]

    @property
    def files(self) -> dict[str, bytes]:
        found = self.cloud.files("store", "work")
        return {name.removeprefix("some/path/"): data for name, data in found.items()}

    def console(self) -> str:
        return self.cloud.room.console(self.vm.vm_id)

    def ends(self, name: str, power: str = "stopped", seconds: float = 40.0) -> None:
        """Waits until a VM is off, or gone."""
        self.cloud.until(name, power, seconds)


@pytest.fixture
def place(
    tmp_path: Path, azure_with_machines: EmulatedAzure, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    control, cloud = ControlPlane(), azure_with_machines
    vm = AzureVm(cloud)
    cloud.enforce(vm.client_id, RIGHTS)
    seen = cloud.room._environment
    with serving(control.routes) as control.url:
        made = Place(tmp_path, cloud, control, vm, make_way(cloud, vm.clients))

        def environment(id: str) -> dict[str, str]:
            more = {"PATH": made.path} if made.path else {}
            return {**seen(id), "HEADNODE_PACE": made.pace, **more}

        monkeypatch.setattr(cloud.room, "_environment", environment)
        monkeypatch.setattr(cloud.room, "share", [tmp_path])
        yield made


def log(attempt: int) -> str:
    return f".headnode/logs/{RUN}/{attempt}/0001.log"


def journal(place: Place) -> list[Any]:
    return place.cloud.journal.entries()


def tokens(place: Place) -> dict[str, Any]:
    return place.cloud.state.directory._tokens


def nextflow(place: Place) -> None:
    """Puts a stand-in for Nextflow on the machines' PATH."""
    tools = place.root / "tools"
    tools.mkdir()
    shutil.copy(Path(__file__).with_name("fake_nextflow.py"), tools / "nextflow")
    (tools / "nextflow").chmod(0o755)
    (place.root / "nf").mkdir()
    place.path = path_with(tools)


def engine(place: Place, **params: Any) -> dict[str, Any]:
    return {
        "engine": "nextflow",
        "pipeline": str(place.root / "nf"),
        "params": params,
        "environment": {"WHO": f"machine {place.attempt}", "HEADNODE_ENGINE": "host"},
    }
