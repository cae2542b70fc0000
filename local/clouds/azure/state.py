"""What the emulated cloud is made of, handed to every operation."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.arm.judge import Judge
from local.clouds.azure.arm.operations import Operation
from local.clouds.azure.arm.store import Agenda, Resource, Store
from local.clouds.azure.batch.models import Batch
from local.clouds.azure.blob.delegation import Keys
from local.clouds.azure.blob.models import Accounts
from local.clouds.azure.call import Call
from local.clouds.azure.entra.models import Directory
from local.clouds.azure.faults import Faults
from local.clouds.azure.keyvault.models import Vaults
from local.clouds.azure.timings import Timings
from local.clouds.machines import MachineRoom

if TYPE_CHECKING:
    from local.clouds.azure.door import Door

PAGE = 50


@dataclass
class State:
    """One subscription of one tenant."""

    clock: Callable[[], float]
    room: MachineRoom
    faults: Faults
    url: str = ""
    door: "Door | None" = None
    """Open where Azure's own names lead here too."""
    machines: bool = True
    page_size: int = PAGE
    timings: Timings = field(default_factory=Timings)
    store: Store = field(default_factory=Store)
    agenda: Agenda = field(default_factory=Agenda)
    directory: Directory = field(default_factory=Directory)
    operations: dict[str, Operation] = field(default_factory=dict)
    soft_deleted: dict[str, Resource] = field(default_factory=dict)
    """Workspaces that may come back, by id in lower case."""
    blobs: Accounts = field(default_factory=Accounts)
    delegation: Keys = field(default_factory=Keys)
    vaults: Vaults = field(default_factory=Vaults)
    batch: Batch = field(default_factory=Batch)
    turn: threading.RLock = field(default_factory=threading.RLock)
    """Held by whoever looks at any of this, or changes it."""

    def __post_init__(self) -> None:
        self.judge = Judge(self)

    @property
    def now(self) -> float:
        """The cloud's time."""
        return self.clock()

    def strike(self, call: Call) -> None:
        """Lets scripted refusals of the service strike, once a request was found in order."""
        answer = self.faults.within(call)
        if answer:
            raise Struck(answer)

    def clear(self) -> None:
        """An empty subscription; machines are ended by whoever knows them."""
        for part in (self.store, self.agenda, self.directory, self.operations, self.soft_deleted, self.judge):
            part.clear()
        self.blobs.clear()
        self.vaults.clear()
        self.batch.clear()
        self.page_size, self.timings = PAGE, Timings()


class Struck(Exception):
    """A scripted fault's answer, on its way out."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer
