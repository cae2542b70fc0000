"""What a step needs from the world. Each port has one contract suite in tests/contracts that runs over
every implementation. Methods block unless said otherwise; errors are those of `shared.errors`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shared.errors import Fault
from shared.model.access import Credentials, Registry
from shared.model.environment import Environment, Leftover, Made, Resource, ResourceRow
from shared.model.machine import Machine, Offer, Order, Task, Tended
from shared.model.message import Message
from shared.model.records import Model, R, Record
from shared.model.run import Attempt, Run
from shared.model.search import Query
from shared.model.settings import Settings


class Clock(Protocol):
    """Time, so that tests own it."""

    def now(self) -> float:
        """Epoch seconds, UTC."""


class Ids(Protocol):
    """Randomness, so that tests repeat it."""

    def new(self, length: int = 16) -> str:
        """A fresh random identifier: `length` base-62 characters."""

    def secret(self) -> str:
        """A fresh secret of 256 bits as 64 hex characters."""


class Vault(Protocol):
    """Keeps secrets unreadable at rest. Bound to a context, so that one record's secret cannot be
    moved into another record."""

    def seal(self, secret: str, context: str) -> str: ...

    def open(self, sealed: str, context: str) -> str:
        """The secret. Raises Refused when it was not sealed here, or for another context."""


Registries = Callable[[str], Registry]
"""Opens somebody's login to a container registry, by the id of the credentials. It is asked for when it is
written to a cloud, and kept nowhere. Raises Refused for credentials that are none of the workspace's, or of
something else."""


class Found(Model, frozen=True, kw_only=True):
    """One page of a listing; `after` continues it and is empty at the end."""

    items: tuple[Any, ...] = ()
    after: str = ""


class Hits(Model, frozen=True, kw_only=True):
    """One page of a search. `total` counts all that match; when `exact` is not so, there are more, and
    it is what was counted: always beyond this page, so that who pages by it reaches everything."""

    items: tuple[Any, ...] = ()
    total: int = 0
    exact: bool = True
    more: bool = False
    """Whether something comes after this page."""


class Store(Protocol):
    """Records, with compare-and-swap. Every method either happens whole or raises `Retry`/`Conflict`."""

    def get(self, kind: type[R], id: str) -> R | None:
        """The newest committed value (strongly consistent)."""

    def get_many(self, kind: type[R], ids: Iterable[str]) -> dict[str, R]:
        """Those that exist, by id; any number of ids."""

    def get_each(self, *wanted: tuple[type[Record], str]) -> list[Record | None]:
        """Records of any kinds by id, in the order asked, as `get` gives each. One round of the store for
        up to 100."""

    def save(self, record: R) -> R:
        """Creates (generation 0) or replaces (the generation that was read), with its indexes and
        unique names. Returns the record with its new generation.

        Raises Exists (id or unique name taken) or Stale (somebody wrote it since)."""

    def save_all(self, *records: Record) -> None:
        """As `save` for several records, atomically: all or none. At most 100 changes (a record, and each
        listing or name that it enters or leaves), of 2.8 MB as stored; raises TooLarge for more. Records
        of `model.trace` are saved with others of their run only."""

    def put_many(self, records: Iterable[Record]) -> None:
        """Creates or overwrites without looking at generations; batched, not atomic, idempotent. For
        facts that only one writer owns, such as tasks. The records have no unique names."""

    def remove(self, kind: type[Record], ids: Iterable[str]) -> None:
        """Forgets records with their indexes and names; those that do not exist are no error."""

    def find(
        self,
        kind: type[R],
        index: str,
        partition: str,
        *,
        after: str = "",
        limit: int = 100,
        newest_first: bool = False,
        upto: str = "",
    ) -> Found:
        """Records listed under an index partition, by sort key then id. `after` is a previous page's;
        `upto` leaves out sort keys greater than it. Never scans."""

    def search(self, kind: type[R], query: Query, *, offset: int, limit: int, count: bool = True) -> Hits:
        """Records that match (`Query.matches`), the highest sort key first, then the highest id. By index,
        never a scan. Without `count` the `total` is left at 0 and no more is read than is needed. Raises
        Refused when the words are so short and rare that too much had to be read."""


@dataclass(frozen=True)
class Delivery:
    """A message in hand. `receipt` is the queue's own handle; `text` what was really delivered, also
    when it is not one of our messages."""

    text: str
    receipt: str
    step: str
    count: int
    """How often this very message was delivered, this one included."""


class Queue(Protocol):
    """At-least-once delivery. Order is not promised, duplicates happen."""

    def send(self, *messages: Message, after: float = 0.0) -> None:
        """Deliver each not earlier than `after` seconds from now. A queue with a smaller limit for
        delays delivers early (the step then asks again). Durable when it returns."""

    def receive(self, steps: Sequence[str], limit: int = 10) -> list[Delivery]:
        """Up to `limit` messages of these steps that are due, hidden from others for a while.
        Does not wait."""

    def done(self, *deliveries: Delivery) -> None:
        """Forget them. Idempotent; a delivery that timed out meanwhile is no error."""

    def release(self, delivery: Delivery, after: float = 0.0) -> None:
        """Make it visible again after so many seconds."""


class Provider(Protocol):
    """A cloud, bound to one environment (its account, region and options). Acts and decides nothing.

    A method that writes is idempotent: it may be called again after any crash."""

    confirm_after: float
    """Seconds after which a started machine is looked at once more, since this cloud says only then
    whether it can make it; 0.0 where an accepted order is a machine."""
    leaves_tasks: bool
    """Whether tasks of a machine that was killed go on elsewhere, in groups that only its Nextflow's reports
    tell of (`end_tasks`)."""

    def check(self) -> list[Fault]:
        """Holds the environment against the account; reads only. Every fault at once."""

    def details(self) -> dict[str, Any]:
        """What the config leaves to the cloud (default image, subnets), looked up once so that a
        launch need not; reads only. Kept as `Environment.details`."""

    def resources(self) -> list[Resource]:
        """The graph of what this environment is made of; empty when everything is the user's own.
        Pure: no call, the same answer each time."""

    def ensure(self, row: ResourceRow, made: Mapping[str, ResourceRow]) -> Made:
        """Makes the resource, or finds the one we made before. `made` has the rows that are present,
        by key: all that it needs is among them. Raises NotYet while the cloud is still at it."""

    def remove(self, row: ResourceRow) -> bool:
        """Asks for its removal; True once the cloud says that it is gone. A resource that never
        existed is gone. Never touches what does not carry our tag and installation."""

    def leftovers(self, rows: Sequence[ResourceRow]) -> list[Leftover]:
        """Lists what still exists of this environment's resources. Its machines are in `machines`."""

    def offers(self, run: Run) -> list[Offer]:
        """The ways to get a machine, in the order of preference. Pure."""

    def check_run(self, run: Run) -> list[Fault]:
        """Holds a launch's own words against the environment, before anything is paid for. Pure."""

    def start(self, order: Order) -> str:
        """Starts one machine with one write call and returns its id. The same order twice is one
        machine. Raises NoCapacity, NotYet, Refused, or Retry."""

    def find(self, run_id: str, attempt: int) -> Machine | None:
        """The machine of that attempt by its tags, if the cloud shows one that is not gone or failed."""

    def look(self, ids: Sequence[str]) -> dict[str, Machine]:
        """These machines as they are now; one that the cloud no longer knows is missing."""

    def machines(self) -> Iterator[list[Machine]]:
        """All machines of this installation in the environment's account and region that are not
        gone, in pages of at most 1,000. Memory is bounded by a page."""

    def tend(self) -> Tended:
        """Where the work of runs goes to machines beside their own (`Offer.tended`): looks at what waits
        there, and asks for as many as that needs, and for no more. Nothing elsewhere. Raises Refused or
        Retry when it cannot look."""

    def stop(self, ids: Sequence[str]) -> dict[str, str]:
        """Asks for the removal of machines, in batches. Returns id -> reason for those that the
        cloud did not accept; a machine that is already gone is accepted."""

    def end_tasks(self, jobs: Sequence[str], since: float) -> None:
        """Ends the groups of tasks that a dead machine's Nextflow said it had made, later than `since`
        (epoch seconds, UTC). Asked only where `leaves_tasks`."""

    def mark(self, ids: Sequence[str], tag: str, value: str | None) -> None:
        """Sets a tag on machines, or takes it away (None)."""

    def scope(self) -> str:
        """Names the account and region: environments with the same scope share their listing."""

    def spec(self, run: Run, attempt: Attempt) -> dict[str, Any]:
        """The platform's part of the runner's spec: `logs`, `region`, `environment`."""


class Undivided:
    """The part of `Provider` that a platform leaves out where nothing of a run is ours to see to but its own
    machine: its tasks are there too, or the cloud itself finds machines for them."""

    leaves_tasks = False

    def check_run(self, run: Run) -> list[Fault]:  # noqa: ARG002
        """What a launch says is left to Nextflow."""
        return []

    def tend(self) -> Tended:
        """Nothing."""
        return Tended()

    def end_tasks(self, jobs: Sequence[str], since: float) -> None:
        """Nothing: tasks end with their machine, or are found by their run."""


class LogPage(Model, frozen=True, kw_only=True):
    """Lines from a cursor on. `cursor` continues, also when there was nothing new."""

    lines: tuple[str, ...] = ()
    cursor: str = ""
    end: bool = False
    """Nothing more can be read at this moment."""


class LogSource(Protocol):
    """An environment's log lines and files."""

    def live(self, run: Run, attempt: Attempt, cursor: str, limit: int) -> LogPage:
        """Lines that the machine shipped, from a cursor (empty: the first line). No gap, no duplicate.
        A stream that does not exist yet is an empty page."""

    def size(self, run: Run, name: str) -> int | None:
        """Bytes of a file in the run's work directory; None when it is not there."""

    def read(self, run: Run, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of a file in the run's work directory. `name` is made of bare file names with `/` between;
        raises Invalid for another, Refused for a file that is not there. No link is followed."""


class Accounts(Protocol):
    """Somebody's accounts in clouds, seen by credentials that no environment needs to use yet. Reads only."""

    def regions(self, platform: str) -> list[str]:
        """Where a platform can be had; none where it has no regions. Calls nothing. Raises Refused for a
        platform that this host does not have."""

    def look_ups(self, platform: str, region: str, credentials_id: str) -> dict[str, Any]:
        """What can be chosen for an environment, under the public API's names, each list bounded;
        `warnings` name what could not be listed. Empty credentials are the host's own. Raises Refused for
        credentials that are not accepted, and Retry where nothing could be read."""

    def sizes(self, platform: str, region: str, credentials_id: str, task: Task) -> dict[str, Any]:
        """Which machine the platform's pipelines get for a task by themselves, and a cheaper one that does
        the same work; with credentials also how many of them their account has room for. Raises Refused for
        a platform where no machine is chosen for a task, or credentials that there are not; Invalid for a
        task that is none."""

    def prove(self, credentials: Credentials) -> str:
        """Asks the cloud whether it accepts them; what was not checked, or "". Raises Refused when it does
        not, and Retry when it did not say."""


@dataclass(frozen=True)
class World:
    """Everything outside a step, handed to it. Built by `wiring` only."""

    store: Store
    queue: Queue
    clock: Clock
    ids: Ids
    vault: Vault
    settings: Settings
    provider: Callable[[Environment], Provider]
    logs: Callable[[Environment], LogSource]
    boot: Callable[[Run, Attempt, str], str]
    """The user data that starts the runner of an attempt, given its boot token. Pure: the same
    attempt gives the same bytes, since a cloud compares them when a token comes twice."""
    faults: Callable[[str, dict[str, Any]], list[Fault]]
    """What is wrong with a platform's config by its own words alone; calls nothing."""
    changeable: Callable[[str], frozenset[str]]
    """Which fields of a platform's config (`forge.vmCount`) may change while an environment stands."""
    policy: Callable[[str, str | None, dict[str, Any] | None], dict[str, Any]]
    """The permissions that a platform needs, for one step or (None) all, in its cloud's own form, and with a
    config for its options where the platform's permissions depend on them. Raises
    Refused for a platform that needs none, or that this host does not have."""
    accounts: Accounts
