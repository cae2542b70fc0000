"""The emulated Azure as one object: start it, point the SDKs at its url, and script its bad days."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from local.clouds.azure.arm.judge import Block, Judge
from local.clouds.azure.arm.store import Resource
from local.clouds.azure.batch.hands import BatchHands
from local.clouds.azure.blob import accounts
from local.clouds.azure.blob.models import BLOCK, Blob, Content
from local.clouds.azure.compute import life
from local.clouds.azure.compute.models import MACHINE, find
from local.clouds.azure.door import Door
from local.clouds.azure.entra.models import TENANT
from local.clouds.azure.entra.responses import IDENTITY_HEADER
from local.clouds.azure.faults import Faults
from local.clouds.azure.front import Front
from local.clouds.azure.gateway import Gateway
from local.clouds.azure.services import SUBSCRIPTION_ID
from local.clouds.azure.state import State
from local.clouds.azure.timings import Timings
from local.clouds.front import until_a_signal
from local.clouds.journal import Journal
from local.clouds.machines import MachineRoom


class EmulatedAzure(BatchHands):
    """One subscription of one tenant, over plain HTTP on one port: ARM, the token endpoint, blob
    storage and the metadata service of every VM.

    A context manager; `start` and `stop` do the same by hand. `clock` gives epoch seconds: transition
    times, propagation and expiries follow it (machines live in real time). With `machines` VMs are
    processes that carry out their custom data.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        directory: Path | None = None,
        machines: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._address = (host, port)
        self._front: Front | None = None
        self._machines = machines
        self.faults = Faults()
        self.journal = Journal(clock)
        self.room = MachineRoom(directory, self._seen_by)
        self.state = State(clock, self.room, self.faults, machines=machines)
        self._gateway = Gateway(self.state, self.journal)

    @property
    def crashes(self) -> list[str]:
        """Tracebacks of the emulator's own errors: none, or the emulator is at fault."""
        return self._gateway.crashes

    @property
    def url(self) -> str:
        """The endpoint of everything: base_url of the SDKs, authority of tokens."""
        if self._front is None:
            raise RuntimeError("the emulated Azure is not running")
        return self._front.url

    @property
    def judge(self) -> Judge:
        """Who may what, and what was refused."""
        return self.state.judge

    @property
    def timings(self) -> Timings:
        """How long things take; back to nothing after `reset`."""
        return self.state.timings

    def start(self) -> Self:
        """Binds the port and serves; returns when it can be called."""
        self._front = Front(*self._address, self._gateway)
        self.state.url = self._front.url
        self._front.start()
        return self

    def stop(self) -> None:
        """Ends every machine, stops serving and removes what it wrote. Idempotent."""
        if self._front:
            self.reset()
            self._front.stop()
            self._front = None
        self.close_door()

    def close_door(self) -> None:
        """Only the emulator's own address leads here. Idempotent."""
        if self.state.door:
            self.state.door.close()
            self.state.door = None

    def open_door(self) -> dict[str, str]:
        """Azure's own names lead here too, over TLS, for who is given these variables; from now on the tasks
        of Batch are. Raises RuntimeError unless it runs."""
        self.state.door = self.state.door or Door(self._gateway)
        return self.state.door.environment()

    def reset(self) -> None:
        """An empty subscription again: no resources, machines, tokens, faults, journal or roles."""
        with self._gateway.turn:
            for vm in self.state.store.of(MACHINE):
                vm.state = "Deleting"
            self.state.batch.clear()
        self.room.clear()
        with self._gateway.turn:
            self.state.clear()
            self.state.machines = self._machines
            for part in (self.faults, self.journal, self.crashes):
                part.clear()

    def account(
        self,
        name: str,
        group: str = "storage-rg",
        location: str = "westeurope",
        containers: Iterable[str] = (),
        keyed: bool = False,
    ) -> str:
        """A storage account at $URL/blob/{name}, in a resource group of its own unless told otherwise,
        with these containers; what is there already stays. A `keyed` one lets in who has a key of it, any
        other nobody but Entra's. Its ARM id. Raises ValueError for a name that Azure would refuse."""
        with self._gateway.turn:
            return accounts.make(self.state, SUBSCRIPTION_ID, name, group, location, containers, keyed)

    def storage_key(self, account: str) -> str:
        """The first key of a keyed storage account. Raises KeyError for any other."""
        return self.state.blobs.keys[account][0]

    def files(self, account: str, container: str) -> dict[str, bytes]:
        """The blobs of a container by name, as its owner sees them. Empty when there is no such container."""
        with self._gateway.turn:
            found = self.state.blobs.containers.get(account, {}).get(container)
            return {name: blob.content.read() for name, blob in found.blobs.items()} if found else {}

    def put(self, account: str, container: str, name: str, data: bytes) -> None:
        """Writes a block blob, as its owner would."""
        with self._gateway.turn:
            blob = Blob(BLOCK, Content(data), self.state.now)
            self.state.blobs.touch(blob, self.state.now)
            self.state.blobs.containers[account][container].put(name, blob)

    def enforce(self, who: str, *roles: Block) -> None:
        """From now on a principal (client id, object id or name) may do what these roles' permissions
        ({"actions": [...], "dataActions": [...]}) allow, anywhere, and nothing else; role assignments
        no longer count for it. Raises LookupError for a principal that is not known."""
        found = self.state.directory.find(who)
        if found is None:
            raise LookupError(f"no such principal: {who}")
        self.judge.enforced[found.object_id] = list(roles)

    def evict(self, vm: str, notice: float | None = None) -> None:
        """Spot takes a VM (id, vmId or name) back: a Preempt event at once, the end after `notice`
        seconds of the clock, and of real time where there are machines. Raises LookupError."""
        with self._gateway.turn:
            found = self._vm(vm)
            seconds = self.timings.spot_notice if notice is None else notice
            life.announce(self.state, found, seconds)
        if self.state.machines:
            self.room.later(seconds, lambda: self._preempt(found))

    def fail(self, vm: str) -> None:
        """The machine loses power, as by a crash of its guest: the VM is `stopped`, and is billed."""
        with self._gateway.turn:
            found = self._vm(vm)
            found.kept["power"] = "stopped"
            life.pull_plug(self.state, found)

    def settle(self) -> None:
        """Does what is due by the clock now, without waiting for the next call."""
        with self._gateway.turn:
            self.state.agenda.run(self.state.now)

    def resources(self, type: str = "") -> list[Resource]:
        """What there is, in the order it was made; of one type where given."""
        self.settle()
        with self._gateway.turn:
            return self.state.store.of(type) if type else list(self.state.store)

    def until(self, vm: str, power: str, timeout: float = 20.0) -> None:
        """Blocks until a VM is in a power state (running, stopped, deallocated), or `gone`. Raises
        TimeoutError with what its machine printed."""
        over = time.monotonic() + timeout
        while self._power(vm) != power:
            if time.monotonic() > over:
                found = find(self.state, vm)
                said = self.room.console(found.properties["vmId"])[-2000:] if found else ""
                raise TimeoutError(f"{vm} is {self._power(vm)}, not {power}: {said}")
            time.sleep(0.01)

    def _power(self, vm: str) -> str:
        self.settle()
        found = find(self.state, vm)
        return str(found.kept["power"]) if found else "gone"

    def _vm(self, vm: str) -> Resource:
        found = find(self.state, vm)
        if found is None:
            raise LookupError(f"no such VM: {vm}")
        return found

    def _preempt(self, vm: Resource) -> None:
        with self._gateway.turn:
            life.preempt(self.state, vm)

    def _seen_by(self, vm_id: str) -> dict[str, str]:
        return {
            "AZURE_POD_IDENTITY_AUTHORITY_HOST": f"{self.url}/imds/{vm_id}",
            "HEADNODE_AZURE_URL": self.url,
        }

    def environment(self) -> dict[str, str]:
        """The variables of somebody who acts as the app `operator`, with a client secret."""
        operator = self.state.directory.operator
        return {
            "HEADNODE_AZURE_URL": self.url,
            "AZURE_AUTHORITY_HOST": self.url,
            "AZURE_TENANT_ID": TENANT,
            "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID,
            "AZURE_CLIENT_ID": operator.client_id,
            "AZURE_CLIENT_SECRET": operator.secret,
        }

    def function_environment(self) -> dict[str, str]:
        """The variables of a Function, whose own identity is the principal `function`."""
        return {
            "HEADNODE_AZURE_URL": self.url,
            "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID,
            "IDENTITY_ENDPOINT": f"{self.url}/msi/token",
            "IDENTITY_HEADER": IDENTITY_HEADER,
        }

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()


def serve(host: str = "127.0.0.1", port: int = 4577, *, directory: Path | None = None) -> None:
    """Runs the emulated Azure until SIGINT or SIGTERM. Blocks."""
    until_a_signal(EmulatedAzure(port, host=host, directory=directory))
