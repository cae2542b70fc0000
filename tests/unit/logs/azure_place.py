"""One attempt's log in the emulated Azure, and what reads it."""

from typing import Any

from local.clouds.azure import EmulatedAzure
from shared.model.environment import Environment, ResourceRow
from shared.model.machine import Offer
from shared.model.run import Attempt, Run
from tests.azure_cloud import Clients as Sdk
from tests.unit.clouds.azure.monitoring import Way

RUN = Run(id="runrunrunrunrun1", name="happy", session_id="s", work_dir="az://work/some/path")
ATTEMPT = Attempt(number=2, offer=Offer(machine_type="m"), state="working", seen_at=1.0)
GONE = ATTEMPT.but(state="gone", gone_at=9.0)
FOLDER = "some/path/.headnode/logs/runrunrunrunrun1/2"


class Log:
    """Both places of one attempt's log, written as a runner does."""

    def __init__(self, cloud: EmulatedAzure, way: Way) -> None:
        self.cloud, self.way = cloud, way
        self._part: dict[int, Any] = {}

    def blob(self, *numbers: int, part: int = 1, text: str = "line {}") -> None:
        """Appends lines to a part of the blob."""
        if part not in self._part:
            container = Sdk(self.cloud).blobs("store").get_container_client("work")
            self._part[part] = container.get_blob_client(f"{FOLDER}/{part:04d}.log")
            self._part[part].create_append_blob()
        data = "".join(f"{number} {text.format(number)}\n" for number in numbers)
        self._part[part].append_block(data.encode())

    def table(self, *numbers: int, text: str = "line {}", run: str = RUN.id, attempt: int = 2) -> None:
        """Sends lines to the table."""
        self.way.send(
            *(
                {"workflowId": run, "attempt": attempt, "seq": number, "message": text.format(number)}
                for number in numbers
            )
        )

    def queries(self) -> int:
        return len(self.cloud.journal.entries("query", "run"))


def environment(log: Log, **config: Any) -> Environment:
    row = ResourceRow(
        key="workspace",
        type="x",
        name="ws",
        state="present",
        facts={"customerId": str(log.way.workspace.properties.customer_id)},
    )
    given = {"region": "westeurope", "workDir": "az://work/other", "storageAccount": "store", **config}
    return Environment(id="e", name="e", platform="azure-cloud", config=given, resources=(row,))
