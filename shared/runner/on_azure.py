"""A machine that is an Azure VM: blobs, the log in an append blob and a table, scheduled events."""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any

from shared.runner.azblob import BlobDir, Container
from shared.runner.azlog import AzureLog, Count, Parts
from shared.runner.aztable import Table
from shared.runner.azure import ARM, Azure
from shared.runner.azure_imds import Event, Instance
from shared.runner.cloud import Cloud, Notice
from shared.runner.console import Console
from shared.runner.errors import Failed, StepFailed
from shared.runner.shipping import Shipper
from shared.runner.workdir import WorkDir

PREEMPT, OTHERS = 30.0, 120.0
"""Seconds that a spot eviction announces itself before it happens (best effort); the others take minutes."""
TABLE_WITHIN = 3.0
"""Seconds that the last lines get to reach the table, once the run's end is reported."""
DELETE = "2024-11-01"
"""The first version that deletes by force when asked to."""
SECRETS = (
    *("AZURE_CLIENT_SECRET", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN"),
    "AZURE_BATCH_ACCOUNT_KEY",
)


class AzureCloud(Cloud):
    """`given` is the spec's part about Azure; it is empty while there is no spec. `environ` are the
    machine's own variables, `own` the run's: these never say where a token is sent."""

    scheme = "az://"
    notice_every = 1.0

    def __init__(
        self,
        given: Mapping[str, Any],
        environ: Mapping[str, str] = os.environ,
        own: Mapping[str, str] | None = None,
    ) -> None:
        self._given = given
        self._environ = environ
        self._own = own or {}
        self.removes_itself = bool(given.get("self_delete"))
        self._instance = Instance(str(given.get("client_id") or ""), environ)
        self._azure = Azure(self._instance, sas=str(given.get("sas") or ""))
        self._events: list[Event] = []
        self._table: Table | None = None

    def machine_id(self) -> str:
        """A task of Azure Batch is told its job, and is not the VM that it runs on."""
        if job := self._environ.get("AZ_BATCH_JOB_ID"):
            return job
        # Azure writes an id now this way, now that; the control plane knows it in lower case.
        return (str(self._given.get("vm_id") or "") or self._instance.id()).lower()

    def notice(self) -> Notice | None:
        events = self._instance.events()
        if not events:
            return None
        self._events = events
        said = "; ".join(f"{each.kind} {each.not_before}".strip() for each in events)
        return Notice(said, min(PREEMPT if each.kind == "Preempt" else OTHERS for each in events))

    def secrets(self) -> Iterable[str]:
        signature = urllib.parse.parse_qs(str(self._given.get("sas") or "")).get("sig", [""])[0]
        return [signature, *(self._own.get(name, "") for name in SECRETS)]

    def work_dir(self, address: str) -> WorkDir:
        if not address.startswith(self.scheme):
            return super().work_dir(address)
        container, _, prefix = address[len(self.scheme) :].partition("/")
        account = str(self._given.get("storage_account") or "")
        storage = str(self._given.get("storage_url") or "") or f"https://{account}.blob.core.windows.net"
        if not container or not (account or self._given.get("storage_url")):
            raise StepFailed(f"work directory {address}: its storage account is not known")
        return BlobDir(Container(self._azure, f"{storage.rstrip('/')}/{container}"), prefix.strip("/"))

    def shipper(self, console: Console, logs: dict[str, str]) -> Shipper:
        if logs.get("kind") != "azure":
            return super().shipper(console, logs)
        self._instance.learned = console.mask.add
        run, attempt = logs.get("run", ""), int(logs.get("attempt", "1"))
        self._table = Table(self._azure, logs.get("ingest", ""), run, attempt, console.say)
        log = AzureLog(Parts(self._azure, logs["blob"]), self._table)
        return Shipper(console, log, numbers=Count())

    def shortfall(self) -> str:
        return self._table.shortfall() if self._table else ""

    def let_go(self) -> None:
        """Agrees that what was announced begins: now, and not before, everything is saved."""
        if self._table:
            self._table.close(0.5 if self._events else TABLE_WITHIN)
        if self._events:
            try:
                self._instance.acknowledge(self._events)
            except Failed as error:
                print(f"headnode: {error}", flush=True)

    def remove_machine(self) -> bool:
        """DELETE of this VM in its identity's name, which must have that right: by force, since nothing
        is left to be saved."""
        vm = self.machine_id() if self.removes_itself else ""
        if not vm:
            return False
        base = (self._environ.get("HEADNODE_AZURE_URL") or ARM).rstrip("/")
        url = f"{base}{vm}?api-version={DELETE}&forceDeletion=true"
        try:
            self._azure.send(ARM, "DELETE", url, accept=(404,), patience=60.0)
        except Failed as error:
            print(f"headnode: this machine cannot remove itself: {error}", flush=True)
            return False
        return True
