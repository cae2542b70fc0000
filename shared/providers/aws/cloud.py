"""The platform `aws-cloud`: a run is one EC2 instance, the environment an IAM role and profile."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.errors import Fault
from shared.model.environment import Environment, Leftover, Made, Resource, ResourceRow
from shared.model.machine import Machine, Offer, Order
from shared.model.run import Attempt, Run
from shared.model.settings import Settings
from shared.ports import Clock, Undivided
from shared.providers.aws import choices, forge, machines, ordering, validate
from shared.providers.aws.account import Account
from shared.providers.aws.clients import Clients
from shared.providers.fields import variables


class AwsCloud(Undivided):
    """`ports.Provider` for one environment. Cheap to make; keeps nothing but what it was given."""

    confirm_after = 0.0

    def __init__(self, environment: Environment, clients: Clients, settings: Settings, clock: Clock) -> None:
        self._account = Account(environment, clients, settings, clock)

    def check(self) -> list[Fault]:
        """Holds the environment against the account, by reads that the validate permissions allow.
        A permission that is missing is a fault of the credentials; an optional one is not asked for
        twice. Raises Retry when the cloud gave no usable answer."""
        return validate.check(self._account)

    def details(self) -> dict[str, Any]:
        """The default image and subnets, for `Environment.details`; up to two reads."""
        return choices.details(self._account)

    def resources(self) -> list[Resource]:
        """Role and instance profile; empty when the user brings a profile."""
        return forge.resources(self._account)

    def ensure(self, row: ResourceRow, made: Mapping[str, ResourceRow]) -> Made:  # noqa: ARG002
        """Makes it, or completes what an earlier try made. Its cloud id is its name."""
        return Made(cloud_id=forge.ensure(self._account, row))

    def remove(self, row: ResourceRow) -> bool:
        """One step towards its absence; True when AWS answered that it does not exist. Raises Refused
        for a role that does not carry our tags."""
        return forge.remove(self._account, row)

    def leftovers(self, rows: Sequence[ResourceRow]) -> list[Leftover]:
        """Role and profile, by name."""
        return forge.leftovers(self._account, rows)

    def offers(self, run: Run) -> list[Offer]:  # noqa: ARG002
        """Types x subnets x market (see `ordering.offers`). Pure when the record has `details`; else
        the subnets are looked up once an hour."""
        return ordering.offers(self._account)

    def start(self, order: Order) -> str:
        """One RunInstances call with the order's token; no other call when the record has `details`.
        A token that was used before returns its machine."""
        return machines.start(self._account, order)

    def find(self, run_id: str, attempt: int) -> Machine | None:
        """By the tags of the run and the attempt."""
        return machines.find(self._account, run_id, attempt)

    def look(self, ids: Sequence[str]) -> dict[str, Machine]:
        """By id, 200 to a call."""
        return machines.look(self._account, ids)

    def machines(self) -> Iterator[list[Machine]]:
        """By the installation's tag, 1,000 to a page."""
        return machines.machines(self._account)

    def stop(self, ids: Sequence[str]) -> dict[str, str]:
        """Terminates those that carry our tag, 500 to a call, after a batched look at their tags."""
        return machines.stop(self._account, ids)

    def mark(self, ids: Sequence[str], tag: str, value: str | None) -> None:
        """Tags those that carry our tag, 500 to a call."""
        machines.mark(self._account, ids, tag, value)

    def scope(self) -> str:
        """Who we are there, and the region. Two credentials of one account are two scopes: neither
        then depends on what the other may see. No call."""
        who = self._account.clients.role or self._account.environment.credentials_id or "own"
        return f"aws:{who}:{self._account.options.region}"

    def spec(self, run: Run, attempt: Attempt) -> dict[str, Any]:
        """Where the runner ships its log, the region, and the environment's variables."""
        options = self._account.options
        group, stream = options.log_group, f"{run.id}/{attempt.number}"
        return {
            "logs": {"kind": "cloudwatch", "group": group, "stream": stream, "region": options.region},
            "region": options.region,
            "environment": variables(self._account.environment.config),
        }
