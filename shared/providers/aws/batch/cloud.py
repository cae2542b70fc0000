"""The platform `aws-batch`: a run is a head job on one queue, its tasks are jobs on another."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.errors import Fault
from shared.model.environment import Environment, Leftover, Made, Resource, ResourceRow
from shared.model.machine import Machine, Offer, Order
from shared.model.run import Attempt, Run
from shared.model.settings import Settings
from shared.nextflow import batch
from shared.ports import Clock, Undivided
from shared.providers.aws.batch import graph, jobs, listing, looks, making, validate
from shared.providers.aws.batch.account import BatchAccount
from shared.providers.aws.clients import Clients
from shared.providers.fields import variables


class AwsBatch(Undivided):
    """`ports.Provider` for one environment. Cheap to make; keeps nothing but what it was given."""

    confirm_after = 0.0

    def __init__(self, environment: Environment, clients: Clients, settings: Settings, clock: Clock) -> None:
        self._account = BatchAccount(environment, clients, settings, clock)

    def check(self) -> list[Fault]:
        """Holds the environment against the account: the quota of job queues first."""
        return validate.check(self._account)

    def details(self) -> dict[str, Any]:
        """The most that a task can have; with Forge subnets, security groups and images that it was not told,
        and how many queues are left: up to eight reads."""
        return looks.details(self._account)

    def resources(self) -> list[Resource]:
        """Roles, file systems, launch template, compute environments, queues; only the job definition when
        the queues are the user's own."""
        return graph.resources(self._account)

    def ensure(self, row: ResourceRow, made: Mapping[str, ResourceRow]) -> Made:
        """Makes it, or looks how far an earlier try came. Raises NotYet while AWS is still at it."""
        return making.ensure(self._account.part(row.shared), row, made)

    def remove(self, row: ResourceRow) -> bool:
        """One move towards its absence; True when AWS answered that it does not exist."""
        return making.remove(self._account.part(row.shared), row)

    def leftovers(self, rows: Sequence[ResourceRow]) -> list[Leftover]:
        """Each by its name; the profile by a deletion that must find nothing."""
        found = ((row, making.left(self._account.part(row.shared), row)) for row in rows)
        return [Leftover(type=row.type, cloud_id=row.name, why=why) for row, why in found if why]

    def offers(self, run: Run) -> list[Offer]:  # noqa: ARG002
        """One: the head queue, which is never Spot. Pure."""
        options = self._account.batch
        size = f"{options.head_cpus}x{options.head_memory}MiB"
        return [Offer(machine_type=size, place=self._account.head_queue)]

    def start(self, order: Order) -> str:
        """One SubmitJob; unless it is the first, after a look for the job that may be there already."""
        return jobs.start(self._account, order)

    def find(self, run_id: str, attempt: int) -> Machine | None:
        """By the job's name, which is the attempt's own."""
        return jobs.find(self._account, run_id, attempt)

    def look(self, ids: Sequence[str]) -> dict[str, Machine]:
        """By id, 100 to a call."""
        return jobs.look(self._account, ids)

    def machines(self) -> Iterator[list[Machine]]:
        """Head jobs of this installation's queues, and dead ones whose tasks still work."""
        return listing.machines(self._account)

    def stop(self, ids: Sequence[str]) -> dict[str, str]:
        """Terminates the head jobs and the tasks that they left, a thousand at a time."""
        return jobs.stop(self._account, ids)

    def mark(self, ids: Sequence[str], tag: str, value: str | None) -> None:
        """Tags jobs that carry our tag."""
        jobs.mark(self._account, ids, tag, value)

    def scope(self) -> str:
        """Who we are there, the region, and the queue where it is the user's own: it is in no listing of
        another environment's. No call."""
        account = self._account
        who = account.clients.role or account.environment.credentials_id or "own"
        queue = f":{account.head_queue}" if account.batch.work is None else ""
        return f"aws-batch:{who}:{account.options.region}{queue}"

    def spec(self, run: Run, attempt: Attempt) -> dict[str, Any]:
        """Where the runner ships its log, the region, the head job's variables, and the config that sends
        tasks to the work queue. Nextflow works in the bucket itself: its tasks are on other machines."""
        options = self._account.options
        group, stream = options.log_group, f"{run.id}/{attempt.number}"
        own = {"HEADNODE_ENGINE": "host", "HEADNODE_WORK": "direct"}
        return {
            "logs": {"kind": "cloudwatch", "group": group, "stream": stream, "region": options.region},
            "region": options.region,
            "environment": {**variables(self._account.environment.config, ("head",)), **own},
            "tasks": batch.config(self._tasks(run)),
        }

    def _tasks(self, run: Run) -> batch.Tasks:
        """How this environment's tasks run."""
        account, options = self._account, self._account.batch
        config = account.environment.config
        known = account.environment.details.get("limits") or {}
        return batch.Tasks(
            queue=account.work_queue,
            region=account.options.region,
            work_dir=run.work_dir,
            job_role=options.compute_role,
            execution_role=options.execution_role,
            cli_path=options.cli_path,
            volumes=(*options.volumes, *options.mounts),
            log_group=str(config.get("logGroup") or ""),
            spot=options.work is not None and options.work.spot,
            wave=options.wave,
            fusion=options.fusion,
            snapshots=config.get("fusionSnapshots") is True,
            cpus=int(known.get("cpus") or 0),
            memory=int(known.get("memory") or 0),
            tags=jobs.task_tags(account, run),
            variables=variables(config, ("compute",)),
        )
