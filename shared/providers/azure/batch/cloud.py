"""The platform `azure-batch`: a run is a head job on one pool, its tasks are tasks on the same or another."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.errors import Fault, Refused, Retry
from shared.logs.blob import log_url
from shared.model.environment import Environment, Leftover, Made, Resource, ResourceRow
from shared.model.machine import Machine, Offer, Order, Tended
from shared.model.run import Attempt, Run
from shared.model.settings import Settings
from shared.ports import Clock, Registries
from shared.providers.azure.batch import configs, graph, growing, jobs, left, pools, probe, shares, validate
from shared.providers.azure.batch.account import SLACK, BatchAccount
from shared.providers.azure.batch.clients import BatchClients
from shared.providers.azure.batch.errors import is_gone
from shared.providers.fields import variables


class AzureBatch:
    """`ports.Provider` for one environment. Cheap to make; keeps nothing but what it was given."""

    confirm_after = 0.0
    leaves_tasks = True

    def __init__(
        self,
        environment: Environment,
        clients: BatchClients,
        settings: Settings,
        clock: Clock,
        registries: Registries,
    ) -> None:
        self._account = BatchAccount(environment, clients, settings, clock, registries)

    def check(self) -> list[Fault]:
        """Holds the environment against the account: its quotas first."""
        return validate.check(self._account)

    def details(self) -> dict[str, Any]:
        """The Batch account's ARM id, and what could not be checked."""
        return validate.details(self._account)

    def resources(self) -> list[Resource]:
        """One pool, or two; where the pools are the user's own, what runs leave."""
        return graph.resources(self._account)

    def ensure(self, row: ResourceRow, made: Mapping[str, ResourceRow]) -> Made:  # noqa: ARG002
        """Makes the pool, or finds it made. Raises NotYet while it gets the nodes that it always has, or the
        one that it is tried with."""
        if row.key == left.RUNS:
            return left.ensure(self._account)
        return probe.check(self._account, row, pools.ensure(self._account, row))

    def remove(self, row: ResourceRow) -> bool:
        """One move towards its absence; True when Azure answered that it does not exist. With
        `disposeOnDeletion` off the pool stays, and counts as gone."""
        if row.key == left.RUNS:
            return left.remove(self._account)
        forge = self._account.options.forge
        return True if forge and not forge.disposes else pools.remove(self._account, row)

    def leftovers(self, rows: Sequence[ResourceRow]) -> list[Leftover]:
        """Each pool by its name; or what runs left."""
        found = ((row, self._left(row)) for row in rows)
        return [Leftover(type=row.type, cloud_id=row.name, why=why) for row, why in found if why]

    def _left(self, row: ResourceRow) -> str:
        """Why it counts as left; empty when it is gone."""
        try:
            if row.key == left.RUNS:
                return left.shown(self._account)
            return "" if is_gone(pools.get(self._account, row.name)) else self._kept()
        except (Refused, Retry) as error:
            return str(error)

    def _kept(self) -> str:
        forge = self._account.options.forge
        return "it is kept: disposeOnDeletion is off" if forge and not forge.disposes else "it still exists"

    def offers(self, run: Run) -> list[Offer]:  # noqa: ARG002
        """One: the pool of head jobs. Pure."""
        account = self._account
        forge = account.options.forge
        spot = forge is not None and forge.head.spot
        kind = "1 slot" if account.head_slots == 1 else f"{account.head_slots} slots"
        return [Offer(machine_type=kind, place=account.head_pool, spot=spot, tended=True)]

    def check_run(self, run: Run) -> list[Fault]:
        """The launch's own Nextflow config, as far as it can be read."""
        return [*configs.run_faults(self._account, run), *shares.run_faults(self._account, run)]

    def start(self, order: Order) -> str:
        """One request makes the job with its head task; the same order twice is one job."""
        return jobs.start(self._account, order)

    def find(self, run_id: str, attempt: int) -> Machine | None:
        """By the job's id, which is the attempt's own."""
        return jobs.find(self._account, run_id, attempt)

    def look(self, ids: Sequence[str]) -> dict[str, Machine]:
        """Two reads for each job, a few at once."""
        return jobs.look(self._account, ids)

    def machines(self) -> Iterator[list[Machine]]:
        """Head jobs of this installation in the Batch account, 1,000 to a page."""
        return jobs.machines(self._account)

    def tend(self) -> Tended:
        """One listing of the account's jobs, one of the tasks of each on our pools, one read of each pool;
        two writes for a pool that has to grow, or may shrink."""
        return growing.tend(self._account)

    def stop(self, ids: Sequence[str]) -> dict[str, str]:
        """Ends the head jobs, and Nextflow's jobs that a dead head left."""
        return jobs.stop(self._account, ids)

    def end_tasks(self, jobs: Sequence[str], since: float) -> None:
        """One listing, and a request for each of Nextflow's jobs that is still active."""
        left.end_tasks(self._account, jobs, since)

    def mark(self, ids: Sequence[str], tag: str, value: str | None) -> None:
        """Marks jobs that carry our marker."""
        jobs.mark(self._account, ids, tag, value)

    def scope(self) -> str:
        """Who we are there, and the Batch account. No call."""
        account = self._account
        who = account.environment.credentials_id or "own"
        return f"azure-batch:{who}:{account.options.region}:{account.name}"

    def spec(self, run: Run, attempt: Attempt) -> dict[str, Any]:
        """Where the runner ships its log, how it gets at the container, and the config and variables with
        which Nextflow sends its tasks. One call where a signature is needed and there is no key for it."""
        account, options = self._account, self._account.options
        work_dir = run.work_dir if run.work_dir.startswith("az://") else options.work_dir
        blob = log_url(account.clients.endpoints, account.storage_name, work_dir, run.id, attempt.number)
        # Without a deadline nothing runs: somebody only wants to see the config.
        deadline = attempt.deadline or run.deadline
        sas = self._sas(work_dir, deadline) if deadline and not options.head_client else ""
        head = variables(account.environment.config, ("head",))
        tasks = configs.written(account, work_dir, sas)
        own = {
            "HEADNODE_ENGINE": "host",
            "HEADNODE_WORK": "direct",
            "NXF_PLUGINS_DEFAULT": "nf-azure",
            **tasks.variables,
        }
        return {
            "logs": {"kind": "azure", "blob": blob, "ingest": "", "run": run.id, "attempt": attempt.number},
            "region": options.region,
            "environment": {**head, **own},
            "azure": {
                "client_id": options.head_client,
                "storage_account": account.storage_name,
                "storage_url": account.clients.endpoints.blob(account.storage_name),
                "vm_id": jobs.job_id(run.id, attempt.number),
                "self_delete": False,
                "sas": sas,
            },
            "tasks": tasks.text,
        }

    def _sas(self, work_dir: str, deadline: float) -> str:
        """A signature for the work container that outlives the run, whose job ends before it (`longest`)."""
        account, now = self._account, self._account.clock.now()
        container = work_dir.removeprefix("az://").partition("/")[0]
        ends = max(min(deadline, now + account.longest) + SLACK, now + account.options.token_duration)
        return account.clients.sas(account.storage_name, container, now, ends)
