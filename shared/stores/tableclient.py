"""The calls on one Azure table, with its errors in our words. Knows keys, not records."""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from shared.errors import Throttled, TooLarge
from shared.stores.storageaccount import OPTIONS, StorageAccount, code_of, translated

if TYPE_CHECKING:
    from azure.data.tables import TableClient

TOGETHER = 100
"""Entities that one transaction may change, each once; all in one partition."""
LARGEST_TOGETHER = 2_800_000
"""Bytes of bodies in one transaction that we gather ourselves; Azure takes 4 MiB of base64 and frames."""
AT_ONCE = 10
"""Reads under way at the same time: a table reads one entity a call."""
ROUNDS = 6
"""Times that a write is tried again since somebody else was faster, before it counts as throttled."""
CONDITIONS = frozenset(
    {"EntityAlreadyExists", "ResourceNotFound", "EntityNotFound", "UpdateConditionNotSatisfied"}
)
"""Codes that mean: not as the writer believed."""

T = TypeVar("T")
A = TypeVar("A")
Operation = tuple[Any, ...]
"""What the SDK's transactions are made of: verb, entity, and options."""


class Rejected(Exception):
    """Nothing was written: the condition of one operation does not hold. `index` is its position."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


class Table:
    """One table. The client is made at the first call and kept; safe for threads."""

    def __init__(
        self, account: StorageAccount, name: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._account = account
        self._name = name
        self._sleep = sleep

    @cached_property
    def _client(self) -> "TableClient":
        from azure.data.tables import TableClient

        account, more = self._account, {**OPTIONS, "retry_backoff_factor": 0.1, "retry_backoff_max": 2.0}
        if account.connection:
            return TableClient.from_connection_string(account.connection, self._name, **more)
        return TableClient(account.url("table"), self._name, credential=account.credential(), **more)

    @cached_property
    def _readers(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="headnode-table")

    def get(self, home: str, key: str, select: list[str] | None = None) -> Mapping[str, Any] | None:
        """One entity as last committed, its version under `metadata`; None when there is none."""
        from azure.core.exceptions import ResourceNotFoundError

        try:
            return self._client.get_entity(home, key, select=select)
        except ResourceNotFoundError as error:
            if code_of(error) == "TableNotFound":
                raise
            return None
        except Exception as error:
            raise translated(error, "table") from error

    def get_each(
        self, keys: Sequence[tuple[str, str]], select: list[str] | None = None
    ) -> list[Mapping[str, Any] | None]:
        """As `get`, for any number of keys."""
        return self.each(lambda key: self.get(key[0], key[1], select), keys)

    def each(self, call: Callable[[T], A], values: Sequence[T]) -> list[A]:
        """The answers in order, from AT_ONCE calls at the same time. A call may make no such round itself."""
        if len(values) < 2:
            return [call(value) for value in values]
        return list(self._readers.map(call, values))

    def write(self, operations: Sequence[Operation]) -> list[str]:
        """All or none; the new version of each entity. Raises Rejected; TooLarge for more than a
        transaction can hold."""
        if len(operations) > TOGETHER:
            raise TooLarge(f"{len(operations)} changes at once are too many, the limit is {TOGETHER}")
        from azure.data.tables import RequestTooLargeError, TableTransactionError

        try:
            answers = self._client.submit_transaction(operations)
        except RequestTooLargeError:
            raise TooLarge("these records are too large to be saved at once") from None
        except TableTransactionError as error:
            if code_of(error) in CONDITIONS:
                raise Rejected(error.index) from error
            raise translated(error, "table") from error
        except Exception as error:
            raise translated(error, "table") from error
        return [str(answer.get("etag", "")) for answer in answers]

    def drop(self, row: Mapping[str, Any]) -> None:
        """Removes one entity by its keys; it is no error when it is gone."""
        try:
            self._client.delete_entity(row["PartitionKey"], row["RowKey"])
        except Exception as error:
            raise translated(error, "table") from error

    def query(
        self, home: str, range: tuple[str, str, str, str], select: list[str], limit: int
    ) -> tuple[list[Mapping[str, Any]], bool]:
        """Entities of a partition whose keys are in the range, in order, and whether there are more."""
        from_op, from_key, to_op, to_key = range
        pages = self._client.query_entities(
            f"PartitionKey eq @home and RowKey {from_op} @low and RowKey {to_op} @high",
            parameters={"home": home, "low": from_key, "high": to_key},
            select=select,
            results_per_page=min(limit + 1, 1000),
        )
        try:
            found: list[Mapping[str, Any]] = list(itertools.islice(pages, limit + 1))
        except Exception as error:
            raise translated(error, "table") from error
        return found[:limit], len(found) > limit

    def rounds(self) -> Iterator[None]:
        """The rounds of a write that may meet another writer, each after a longer pause."""
        for number in range(ROUNDS):
            if number:
                self._sleep(0.02 * 2**number)
            yield
        raise Throttled("other writers keep changing these records", after=2.0)


def create(entity: Mapping[str, Any]) -> Operation:
    """Rejected when it is there."""
    return ("create", entity)


def replace(entity: Mapping[str, Any], etag: str) -> Operation:
    """Rejected unless it is there in this version."""
    from azure.core import MatchConditions

    return ("update", entity, {"mode": "replace", **matching(etag, MatchConditions.IfNotModified)})


def put(entity: Mapping[str, Any]) -> Operation:
    """Whatever is there."""
    return ("upsert", entity, {"mode": "replace"})


def delete(home: str, key: str, etag: str = "") -> Operation:
    """Rejected when it is not there, or not in the given version."""
    from azure.core import MatchConditions

    options = matching(etag, MatchConditions.IfNotModified) if etag else {}
    return ("delete", {"PartitionKey": home, "RowKey": key}, options)


def matching(etag: str, condition: Any) -> dict[str, Any]:
    """The SDK's options for one version."""
    return {"etag": etag, "match_condition": condition}


def batches(changes: Iterable[list[Operation]]) -> Iterator[list[list[Operation]]]:
    """The changes of one partition, each kept whole, gathered into transactions."""
    some: list[list[Operation]] = []
    count = size = 0
    for change in changes:
        weight = sum(len(value) for _, entity, *_ in change for value in entity.values() if is_bytes(value))
        if some and (count + len(change) > TOGETHER or size + weight > LARGEST_TOGETHER):
            yield some
            some, count, size = [], 0, 0
        some.append(change)
        count, size = count + len(change), size + weight
    if some:
        yield some


def is_bytes(value: Any) -> bool:
    """Whether it is a piece of a body."""
    return isinstance(value, bytes)
