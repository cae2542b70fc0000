"""What a test does to Batch behind everybody's back."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from local.clouds.azure.batch import accounts, allocation, life
from local.clouds.azure.batch.models import Account, Body, Job, Node, Pool, Quotas, Registry, Task
from local.clouds.azure.services import SUBSCRIPTION_ID

if TYPE_CHECKING:
    from local.clouds.azure.state import State


class BatchHands:
    """The emulated Azure's own grip on its Batch accounts. Everything raises LookupError for what is
    not there."""

    state: "State"

    def batch_account(
        self,
        name: str,
        group: str = "batch-rg",
        location: str = "westeurope",
        quotas: Quotas | None = None,
    ) -> str:
        """A Batch account at $URL/batch/{name}, in a resource group of its own unless told otherwise. One
        that is there stays, with other quotas where some are given. Its ARM id. Raises ValueError for
        a name that Azure would refuse."""
        with self.state.turn:
            return accounts.make(self.state, SUBSCRIPTION_ID, name, group, location, quotas)

    def registry(self, name: str, users: Mapping[str, str], identities: Iterable[str] = ()) -> None:
        """From now on images that begin with this name (a server, or a part of one: `docker.io/lab`) are
        pulled by these users with their passwords, and by these identities (ARM ids), only."""
        with self.state.turn:
            found = Registry(dict(users), frozenset(each.lower() for each in identities))
            self.state.batch.registries[name.lower()] = found

    def file_share(self, account: str, name: str) -> None:
        """A file share of a storage account, which nodes mount with one of its keys."""
        with self.state.turn:
            self.state.batch.shares.add((account, name))

    def batch_key(self, account: str) -> str:
        """The primary key of an account."""
        return self._account(account).keys["primary"]

    def batch_pool(self, account: str, pool: str) -> Pool:
        """A pool, after what is due by now."""
        with self.state.turn:
            self.state.agenda.run(self.state.now)
            return self._pool(account, pool)

    def preempt(self, account: str, pool: str, node: str = "") -> str:
        """Spot takes a node back (the first low-priority one unless told otherwise): its tasks wait
        again, and it stays `preempted` until `restore`. Its id."""
        with self.state.turn:
            found = self._node(account, pool, node, "")
            where = self._pool(account, pool)
            allocation.preempt(self.state, self._account(account), where, found, self.state.now)
            return found.id

    def restore(self, account: str, pool: str, node: str = "") -> str:
        """Spot gives a preempted node back. Its id."""
        with self.state.turn:
            found = self._node(account, pool, node, "preempted")
            where = self._pool(account, pool)
            allocation.restore(self.state, self._account(account), where, found, self.state.now)
            return found.id

    def starve(self, account: str, pool: str, code: str = "AllocationFailed", most: int = 0) -> None:
        """From now on the pool gets no more than so many nodes of a kind, and says `code`; an empty
        code ends it."""
        with self.state.turn:
            self._pool(account, pool).shortage = (code, most) if code else None

    def spoil_start_task(self, account: str, pool: str, exit_code: int = 1) -> None:
        """The start task of every node to come ends like this."""
        with self.state.turn:
            self._pool(account, pool).start_task_exit = exit_code

    def cut_off(self, subnet: str, of: str = "internet") -> None:
        """From now on nodes in a subnet reach nothing but Batch (`internet`), or not even that (`batch`);
        an empty word gives them their way out again."""
        with self.state.turn:
            self.state.batch.cut_off[subnet.lower()] = of

    def end_task(
        self,
        account: str,
        job: str,
        task: str,
        exit_code: int | None = 0,
        files: dict[str, bytes] | None = None,
        failure: Body | None = None,
    ) -> None:
        """A task that runs ends, and leaves these files ("stdout.txt": b"..."). With a `failure` of Batch's
        own it has no exit code."""
        with self.state.turn:
            self.state.agenda.run(self.state.now)
            found = self._task(account, job, task)
            if found.state.name != "running":
                raise LookupError(f"the task {task} is {found.state.name}")
            found.files |= files or {}
            code = None if failure else exit_code
            where = self._account(account)
            life.end(self.state, where, found, self.state.now, exit_code=code, failure=failure)

    def end_job(self, account: str, job: str) -> None:
        """Somebody ends a job."""
        with self.state.turn:
            life.terminate(
                self.state, self._account(account), self._job(account, job), "UserTerminate", self.state.now
            )

    def write_file(self, account: str, job: str, task: str, name: str, data: bytes) -> None:
        """A task writes to a file: what it held is replaced."""
        with self.state.turn:
            self._task(account, job, task).files[name] = data

    def _account(self, name: str) -> Account:
        found = accounts.find(self.state, name)
        if found is None:
            raise LookupError(f"no such Batch account: {name}")
        return found

    def _pool(self, account: str, name: str) -> Pool:
        found = self._account(account).pools.get(name.lower())
        if found is None:
            raise LookupError(f"no such pool: {name}")
        return found

    def _node(self, account: str, pool: str, name: str, state: str) -> Node:
        self.state.agenda.run(self.state.now)
        for node in self._pool(account, pool).nodes.values():
            wanted = node.id == name if name else not node.dedicated
            fits = node.state.name == state if state else node.state.name != "preempted"
            if wanted and fits:
                return node
        raise LookupError(f"no such node: {name or state or 'low-priority'}")

    def _job(self, account: str, name: str) -> Job:
        found = self._account(account).jobs.get(name.lower())
        if found is None:
            raise LookupError(f"no such job: {name}")
        return found

    def _task(self, account: str, job: str, name: str) -> Task:
        found = self._job(account, job).tasks.get(name.lower())
        if found is None:
            raise LookupError(f"no such task: {name}")
        return found
