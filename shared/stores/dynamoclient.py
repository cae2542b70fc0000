"""The calls on one DynamoDB table, with its errors in our words. Knows keys, not records."""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shared.errors import HeadnodeError, Throttled, Unreachable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

READ_BATCH, WRITE_BATCH = 100, 25
"""DynamoDB's limits for one batch."""
ROUNDS = 8
"""Times that the rest of a batch is asked for again before it counts as throttled."""
THROTTLES = {
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
}


class Table:
    """One table. The client is made at the first call and kept."""

    def __init__(self, name: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._name = name
        self._sleep = sleep

    @cached_property
    def _client(self) -> "DynamoDBClient":
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=3,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 4},
            max_pool_connections=20,
        )
        return boto3.client("dynamodb", config=config)

    def get(self, key: dict[str, Any]) -> dict[str, Any] | None:
        """One item, strongly consistent."""
        with_errors = self._call("get_item", TableName=self._name, Key=key, ConsistentRead=True)
        found: dict[str, Any] | None = with_errors.get("Item")
        return found

    def get_batch(self, keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those that exist, in any order; any number of keys, each once."""
        found: list[dict[str, Any]] = []
        for some in sliced(keys, READ_BATCH):
            left: dict[str, Any] = {self._name: {"Keys": some, "ConsistentRead": True}}
            for wait in self._rounds():
                answer = self._call("batch_get_item", RequestItems=left)
                found += answer["Responses"].get(self._name, [])
                left = answer.get("UnprocessedKeys") or {}
                if not left:
                    break
                wait()
        return found

    def write_batch(self, puts: list[dict[str, Any]], deletes: list[dict[str, Any]]) -> None:
        """Puts and deletes, each key in one of them only; not atomic, repeatable."""
        requests = [{"PutRequest": {"Item": item}} for item in puts]
        requests += [{"DeleteRequest": {"Key": key}} for key in deletes]
        for some in sliced(requests, WRITE_BATCH):
            left: dict[str, Any] = {self._name: some}
            for wait in self._rounds():
                left = self._call("batch_write_item", RequestItems=left).get("UnprocessedItems") or {}
                if not left:
                    break
                wait()

    def create(self, item: dict[str, Any]) -> dict[str, Any] | None:
        """Puts an item where there is none; else returns the one that is there."""
        return self._put(item, "attribute_not_exists(pk)", {})

    def swap(self, item: dict[str, Any], generation: int) -> dict[str, Any] | None:
        """Replaces the item of that generation whose rows and postings are the same; else returns the one
        that is there ({} for none)."""
        values = {":generation": {"N": str(generation)}, ":rows": item["rows"]}
        condition = "gen = :generation and #rows = :rows"
        if "sought" in item:
            values[":sought"], condition = item["sought"], f"{condition} and sought = :sought"
        return self._put(item, condition, values)

    def _put(self, item: dict[str, Any], condition: str, values: dict[str, Any]) -> dict[str, Any] | None:
        more: dict[str, Any] = {}
        if values:
            more = {"ExpressionAttributeValues": values, "ExpressionAttributeNames": {"#rows": "rows"}}
        try:
            self._client.put_item(
                TableName=self._name,
                Item=item,
                ConditionExpression=condition,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **more,
            )
        except Exception as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise translated(error) from error
            seen: dict[str, Any] = getattr(error, "response", {}).get("Item") or {}
            return seen
        return None

    def transact(self, actions: list[dict[str, Any]]) -> int | None:
        """All or none. Returns which action's condition failed first, None when all took effect. The
        SDK sends an idempotency token, so its own retry of an unheard success is one."""
        items = [{verb: {"TableName": self._name, **what} for verb, what in each.items()} for each in actions]
        try:
            self._client.transact_write_items(TransactItems=items)  # type: ignore[arg-type]
        except Exception as error:
            if code_of(error) != "TransactionCanceledException":
                raise translated(error) from error
            return first_failed(error)
        return None

    def query(
        self, pk: str, start: dict[str, Any] | None, limit: int, backward: bool, upto: str
    ) -> tuple[list[str], bool]:
        """Sort keys of a partition in order, strongly consistent, and whether there are more."""
        request: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": "pk = :pk" + (" and sk <= :upto" if upto else ""),
            "ExpressionAttributeValues": {":pk": {"S": pk}, **({":upto": {"S": upto}} if upto else {})},
            "ConsistentRead": True,
            "ScanIndexForward": not backward,
            "ProjectionExpression": "sk",
        }
        keys: list[str] = []
        while len(keys) <= limit:
            more = {"ExclusiveStartKey": start} if start else {}
            answer = self._call("query", **request, **more, Limit=limit + 1 - len(keys))
            keys += [item["sk"]["S"] for item in answer["Items"]]
            start = answer.get("LastEvaluatedKey")
            if not start:
                break
        return keys[:limit], len(keys) > limit

    def list_down(self, pk: str, high: str, itself: bool, limit: int) -> tuple[list[tuple[str, str]], bool]:
        """Sort keys and texts of a partition, the highest first, from a key down (empty: all), and whether
        there are more. Strongly consistent. Answers with fewer than `limit` when these fill a megabyte."""
        request: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": "pk = :pk" + (" and sk <= :high" if high and itself else ""),
            "ExpressionAttributeValues": {
                ":pk": {"S": pk},
                **({":high": {"S": high}} if high and itself else {}),
            },
            "ExpressionAttributeNames": {"#text": "text"},
            "ProjectionExpression": "sk, #text",
            "ConsistentRead": True,
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if high and not itself:
            request["ExclusiveStartKey"] = {"pk": {"S": pk}, "sk": {"S": high}}
        answer = self._call("query", **request)
        rows = [(item["sk"]["S"], item["text"]["S"]) for item in answer["Items"]]
        return rows, "LastEvaluatedKey" in answer

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**request)
        except Exception as error:
            raise translated(error) from error
        return answer

    def _rounds(self) -> Iterator[Callable[[], None]]:
        """The rounds of a batch, each with the pause to make before the next one."""
        for number in range(ROUNDS):
            delay = 0.05 * 2**number
            yield lambda delay=delay: self._sleep(delay)  # type: ignore[misc]
        raise Throttled("the table does not keep up", after=2.0)


def sliced(values: list[Any], size: int) -> Iterable[list[Any]]:
    """Lists of at most `size`."""
    return (values[start : start + size] for start in range(0, len(values), size))


def code_of(error: Exception) -> str:
    """The service's code of an SDK error; empty for any other exception."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


def first_failed(error: Exception) -> int:
    """Which action of a cancelled transaction failed its condition. Raises Throttled when none did:
    another transaction was at the same items."""
    reasons = getattr(error, "response", {}).get("CancellationReasons") or []
    for number, reason in enumerate(reasons):
        if reason.get("Code") == "ConditionalCheckFailed":
            return number
    codes = {str(reason.get("Code")) for reason in reasons} - {"None"}
    raise Throttled(f"the table was busy: {', '.join(sorted(codes))}", after=0.5) from error


def translated(error: Exception) -> Exception:
    """An SDK error in our words; a defect (our own exception, a wrong request) stays as it is."""
    if isinstance(error, HeadnodeError):
        return error
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

    code = code_of(error)
    if code in THROTTLES:
        return Throttled(f"the table throttles: {code}", after=1.0)
    if isinstance(error, HTTPClientError):
        return Unreachable(f"the table does not answer: {type(error).__name__}", after=2.0)
    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return Unreachable(f"the table fails: {code}", after=2.0) if status >= 500 else error
    return (
        Unreachable(f"no answer: {type(error).__name__}", after=2.0)
        if isinstance(error, BotoCoreError)
        else error
    )
