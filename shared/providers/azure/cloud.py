"""The platform `azure-cloud`: a run is one VM, the environment a resource group with what machines need."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.errors import Fault
from shared.logs.blob import log_url
from shared.model.environment import Environment, Leftover, Made, Resource, ResourceRow
from shared.model.machine import Machine, Offer, Order
from shared.model.run import Attempt, Run
from shared.model.settings import Settings
from shared.ports import Clock, Undivided
from shared.providers.azure import bodies, forge, graph, machines, ordering, validate
from shared.providers.azure.account import Account
from shared.providers.azure.clients import Clients
from shared.providers.fields import variables


class AzureCloud(Undivided):
    """`ports.Provider` for one environment. Cheap to make; keeps nothing but what it was given."""

    confirm_after = 10.0
    """Azure accepts a VM first and looks for a place then: AllocationFailed comes within seconds."""

    def __init__(self, environment: Environment, clients: Clients, settings: Settings, clock: Clock) -> None:
        self._account = Account(environment, clients, settings, clock)

    def check(self) -> list[Fault]:
        """Holds the environment against the account, by reads that the create permissions allow. A
        permission that is missing is a fault of the credentials, once the environment is old enough for
        a fresh grant to be known. Raises Retry when the cloud gave no usable answer."""
        return validate.check(self._account)

    def details(self) -> dict[str, Any]:
        """Ids of the user's identity, subnets of the user's network, and what was not checked."""
        return validate.details(self._account)

    def resources(self) -> list[Resource]:
        """Up to ten resources; what the user brings is not among them."""
        return graph.resources(self._account)

    def ensure(self, row: ResourceRow, made: Mapping[str, ResourceRow]) -> Made:
        """One or two calls. Its cloud id is its ARM id."""
        return forge.ensure(self._account, row, made)

    def remove(self, row: ResourceRow) -> bool:
        """One step towards its absence; True when Azure answered that it does not exist. Raises Refused
        for one that is not ours."""
        return forge.remove(self._account, row)

    def leftovers(self, rows: Sequence[ResourceRow]) -> list[Leftover]:
        """By deletions that must find nothing: the dispose permissions allow no look."""
        return forge.leftovers(self._account, rows)

    def offers(self, run: Run) -> list[Offer]:  # noqa: ARG002
        """Sizes x zones x subnets x market (see `ordering.offers`). Pure."""
        return ordering.offers(self._account)

    def start(self, order: Order) -> str:
        """One PUT of a VM, that may only create; after a lost answer the same order finds its machine."""
        return ordering.start(self._account, order)

    def find(self, run_id: str, attempt: int) -> Machine | None:
        """By the tags of the run and the attempt, in a listing of the environment's group."""
        return machines.find(self._account, run_id, attempt)

    def look(self, ids: Sequence[str]) -> dict[str, Machine]:
        """One read for each, a few at once."""
        return machines.look(self._account, ids)

    def machines(self) -> Iterator[list[Machine]]:
        """VMs of the subscription with the installation's tag in the region, and what vanished VMs left."""
        return machines.machines(self._account)

    def stop(self, ids: Sequence[str]) -> dict[str, str]:
        """Deletes those that carry our tag, by force, a few at once, each after a look at its tags."""
        return machines.stop(self._account, ids)

    def mark(self, ids: Sequence[str], tag: str, value: str | None) -> None:
        """Tags those that carry our tag."""
        machines.mark(self._account, ids, tag, value)

    def scope(self) -> str:
        """Who we are there, the subscription and the region. No call."""
        who = self._account.environment.credentials_id or "own"
        return f"azure:{who}:{self._account.subscription.rpartition('/')[2]}:{self._account.options.region}"

    def spec(self, run: Run, attempt: Attempt) -> dict[str, Any]:
        """Where the runner ships its log, which identity it has, the region, and the environment's
        variables."""
        account = self._account
        work_dir = run.work_dir if run.work_dir.startswith("az://") else account.options.work_dir
        blob = log_url(account.clients.endpoints, account.storage_name, work_dir, run.id, attempt.number)
        logs = {"kind": "azure", "blob": blob, "ingest": ingestion(account)}
        return {
            "logs": {**logs, "run": run.id, "attempt": attempt.number},
            "region": account.options.region,
            "environment": variables(account.environment.config),
            "azure": {
                "client_id": client_id(account),
                "storage_account": account.storage_name,
                "storage_url": account.clients.endpoints.blob(account.storage_name),
                "vm_id": "",
                "self_delete": account.options.self_delete,
            },
        }


def ingestion(account: Account) -> str:
    """Where log lines are sent, without the query; empty while nobody knows, and then they go to the work
    directory alone."""
    endpoint = account.options.endpoint or account.fact("endpoint", "logsIngestion")
    rule = account.options.rule_id or account.fact("rule", "immutableId")
    if not endpoint or not rule:
        return ""
    return f"{endpoint.rstrip('/')}/dataCollectionRules/{rule}/streams/{bodies.stream_name(account)}"


def client_id(account: Account) -> str:
    """The client id of the machines' identity: the user's, or ours."""
    if not account.options.identity_id:
        return account.fact("identity", "clientId")
    kept = account.environment.details.get("identity")
    found = kept.get("clientId") if isinstance(kept, dict) else ""
    return account.options.identity_client_id or str(found or "")
