"""The emulated Azure with a Batch account under the scenarios: a run's machine is a head job."""

import json
from typing import Any

from local.clouds.azure.batch.access import SHARED_KEY
from local.clouds.azure.batch.models import ENDED, Job, Quotas
from shared.model.access import Credentials
from shared.model.run import Run
from shared.providers.azure.batch.permissions import permissions
from tests.scenarios.clouds import Shown
from tests.scenarios.clouds.azure import ACCOUNT, CONTAINER, GROUP, LOCATION, NOTHING, Azure
from tests.unit.clouds.azure.batch import job_body, pool_body, service

BATCH = "acct"
FORGE = {"vmType": "Standard_D4ds_v5", "vmCount": 4}
PASSWORD = "canary-of-quay"
"""Of the user `lab` at quay.io."""
CALLS = {"launch": "CreateJob", "list": "ListJobs", "remove": "TerminateJob"}
ENDING = ("terminating", "deleting", ENDED)


class Batch(Azure):
    """`Cloud` on the emulated Batch. Its pools take any order: no offer is ever refused."""

    platform = "azure-batch"
    types = ("1 slot", "1 slot")
    refuses = False
    made = ["BatchPool"]
    keyed = False
    """Whether we come with the accounts' keys, and not as an Entra application; set before the first call."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.emulated.batch_account(BATCH, quotas=Quotas(dedicated=200, low_priority=200))

    def config(self) -> dict[str, Any]:
        return {"region": LOCATION, "workDir": f"az://{CONTAINER}/runs", "forge": FORGE}

    def credentials(self) -> tuple[str, dict[str, Any], dict[str, Any]]:
        if self.keyed:
            self.emulated.account(ACCOUNT, group=GROUP, location=LOCATION, keyed=True)
            secrets = {
                "batchKey": self.emulated.batch_key(BATCH),
                "storageKey": self.emulated.storage_key(ACCOUNT),
            }
            return "azure", {"batchName": BATCH, "storageName": ACCOUNT}, secrets
        _, public, secret = super().credentials()
        return "azure_entra", {**public, "batchName": BATCH}, secret

    def enforce(self, step: str | None, without: str = "") -> None:
        block = permissions(step) if step else NOTHING
        kept = {kind: [each for each in listed if each != without] for kind, listed in block.items()}
        self.emulated.enforce("operator", kept)

    def machines(self) -> list[Shown]:
        return [
            Shown(each.id, marks(each.body), each.state.name not in ENDING) for each in self.jobs().values()
        ]

    def started(self, run: Run) -> list[str]:
        made = self.emulated.journal.entries("batch", "CreateJob")
        asked = [each for each in made if each.status in (0, 201) and each.principal in (self.us, SHARED_KEY)]
        return list(
            dict.fromkeys(
                str(each.params["id"]) for each in asked if marks(each.params).get("headnode:run") == run.id
            )
        )

    def resources(self) -> list[str]:
        there = [each for each in super().resources() if each not in (BATCH, "batch-rg")]
        return [*there, *(each for each in self.pools() if each != "theirs")]

    def tag(self, id: str, key: str, value: str) -> None:
        body = self.jobs()[id].body
        body["metadata"] = [*(body.get("metadata") or []), {"name": key, "value": value}]

    def end(self, id: str) -> None:
        self.emulated.end_job(BATCH, id)
        self.emulated.settle()

    def stranger(self, tags: dict[str, str]) -> str:
        id = f"headnode-theirs-{len(self.jobs())}"
        metadata = [{"name": name, "value": value} for name, value in tags.items()]
        with service(self.emulated) as client:
            if "theirs" not in self.pools():
                client.create_pool(pool_body("theirs"))
            client.create_job(job_body(id, "theirs", metadata=metadata))
        return id

    def strike(self, call: str, kind: str, times: int | None = 1) -> None:
        if call != "forge":
            self.emulated.faults.add("batch", CALLS[call], kind=kind, times=times)
        else:
            super().strike(call, kind, times)

    def no_capacity(self, type: str | None = None, times: int | None = None) -> None:
        del type, times
        for name in self.pools():
            self.emulated.starve(BATCH, name)

    def jobs(self) -> dict[str, Job]:
        self.emulated.settle()
        return {job.id: job for job in self.emulated.state.batch.accounts[BATCH].jobs.values()}

    def pools(self) -> list[str]:
        self.emulated.settle()
        return [pool.id for pool in self.emulated.state.batch.accounts[BATCH].pools.values()]


def marks(body: dict[str, Any]) -> dict[str, str]:
    """The metadata of a job."""
    return {str(each["name"]): str(each["value"]) for each in body.get("metadata") or []}


def login(rig: Any, password: str = PASSWORD, provider: str = "container-reg", workspace: int = 0) -> str:
    """Stores a login to a registry as the API does."""
    new, secret = rig.world.ids.new(22), {"userName": "lab", "registry": "quay.io", "password": password}
    sealed = rig.world.vault.seal(json.dumps(secret), f"credentials/{new}")
    public = {"userName": "lab", "registry": "quay.io"}
    record = Credentials(
        id=new, workspace_id=workspace, name=f"reg-{new[:6]}", provider=provider, public=public, sealed=sealed
    )
    rig.world.store.save(record)
    return str(new)
