"""The Queue on AWS: one SQS queue for each step. In Lambda the service itself receives; `receive` is
for tests and tools."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shared.errors import Throttled, Unreachable
from shared.model.message import Message, to_text
from shared.ports import Delivery

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BATCH = 10
LONGEST_DELAY = 900
"""Seconds; SQS takes no longer delay. A step that is called early asks again."""
TRIES = 3


class SqsQueue:
    """Implements `ports.Queue`. `urls`: step -> queue URL."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = dict(urls)

    @cached_property
    def _client(self) -> "SQSClient":
        import boto3
        from botocore.config import Config

        retries: Any = {"mode": "standard", "total_max_attempts": 4}
        return boto3.client("sqs", config=Config(connect_timeout=3, read_timeout=10, retries=retries))

    def send(self, *messages: Message, after: float = 0.0) -> None:
        """See `ports.Queue.send`. One call for each ten messages of a step."""
        delay = min(max(int(after), 0), LONGEST_DELAY)
        for step in dict.fromkeys(message.step for message in messages):
            texts = [to_text(message) for message in messages if message.step == step]
            for start in range(0, len(texts), BATCH):
                self._send(self._urls[step], texts[start : start + BATCH], delay)

    def _send(self, url: str, texts: list[str], delay: int) -> None:
        """One batch; the entries that SQS did not take are sent again."""
        left = {str(number): text for number, text in enumerate(texts)}
        reasons: set[str] = set()
        for _ in range(TRIES):
            entries: Any = [
                {"Id": id, "MessageBody": text, "DelaySeconds": delay} for id, text in left.items()
            ]
            answer = self._call("send_message_batch", QueueUrl=url, Entries=entries)
            failed = answer.get("Failed", [])
            if not failed:
                return
            left = {each["Id"]: left[each["Id"]] for each in failed}
            reasons |= {str(each.get("Code")) for each in failed}
        raise Unreachable(f"{len(left)} messages were not taken: {', '.join(sorted(reasons))}", after=2.0)

    def receive(self, steps: Sequence[str], limit: int = 10) -> list[Delivery]:
        """See `ports.Queue.receive`. One call for each step until there are enough."""
        found: list[Delivery] = []
        for step in steps:
            while len(found) < limit:
                answer = self._call(
                    "receive_message",
                    QueueUrl=self._urls[step],
                    MaxNumberOfMessages=min(BATCH, limit - len(found)),
                    WaitTimeSeconds=0,
                    MessageSystemAttributeNames=["ApproximateReceiveCount"],
                )
                messages = answer.get("Messages", [])
                found += [delivery(step, message) for message in messages]
                if not messages:
                    break
        return found

    def done(self, *deliveries: Delivery) -> None:
        """See `ports.Queue.done`."""
        for step in dict.fromkeys(each.step for each in deliveries):
            receipts = [each.receipt for each in deliveries if each.step == step]
            for start in range(0, len(receipts), BATCH):
                entries: Any = [
                    {"Id": str(number), "ReceiptHandle": receipt}
                    for number, receipt in enumerate(receipts[start : start + BATCH])
                ]
                self._call("delete_message_batch", QueueUrl=self._urls[step], Entries=entries)

    def release(self, delivery: Delivery, after: float = 0.0) -> None:
        """See `ports.Queue.release`. Seconds are whole; at most 12 hours, SQS's limit."""
        self._call(
            "change_message_visibility",
            QueueUrl=self._urls[delivery.step],
            ReceiptHandle=delivery.receipt,
            VisibilityTimeout=min(int(after), 43_200),
        )

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**request)
        except Exception as error:
            raise translated(error) from error
        return answer


def delivery(step: str, message: dict[str, Any]) -> Delivery:
    """A message as SQS hands it out."""
    count = int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1))
    return Delivery(text=message["Body"], receipt=message["ReceiptHandle"], step=step, count=count)


def translated(error: Exception) -> Exception:
    """An SDK error in our words; a defect stays as it is."""
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        if "Throttl" in code or code == "RequestLimitExceeded":
            return Throttled(f"the queue throttles: {code}", after=1.0)
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return Unreachable(f"the queue fails: {code}", after=2.0) if status >= 500 else error
    if isinstance(error, BotoCoreError):
        return Unreachable(f"the queue does not answer: {type(error).__name__}", after=2.0)
    return error
