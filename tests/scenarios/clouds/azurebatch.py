"""Azure Batch for scenario tests: an account with room, and what is in it."""

from typing import Any

from local.clouds.azure.batch.models import Job, Quotas
from shared.providers.azure.batch.permissions import permissions
from tests.scenarios.clouds.azure import CONTAINER, LOCATION, NOTHING, Azure

BATCH = "acct"
FORGE = {"vmType": "Standard_D4ds_v5", "vmCount": 4}


class Batch(Azure):
    """The emulated Azure with this platform's least config."""

    platform = "azure-batch"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.emulated.batch_account(BATCH, quotas=Quotas(dedicated=200, low_priority=200))

    def config(self) -> dict[str, Any]:
        return {"region": LOCATION, "workDir": f"az://{CONTAINER}/runs", "forge": FORGE}

    def credentials(self) -> tuple[str, dict[str, Any], dict[str, Any]]:
        _, public, secret = super().credentials()
        return "azure_entra", {**public, "batchName": BATCH}, secret

    def enforce(self, step: str | None, without: str = "") -> None:
        block = permissions(step) if step else NOTHING
        kept = {kind: [each for each in listed if each != without] for kind, listed in block.items()}
        self.emulated.enforce("operator", kept)

    def jobs(self) -> dict[str, Job]:
        self.emulated.settle()
        return {job.id: job for job in self.emulated.state.batch.accounts[BATCH].jobs.values()}

    def pools(self) -> list[str]:
        self.emulated.settle()
        return [pool.id for pool in self.emulated.state.batch.accounts[BATCH].pools.values()]
