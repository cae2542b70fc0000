"""The Queue on Azure: one storage queue for each step, `<prefix>-<step>`. In Functions the host receives;
`receive` is for tests and tools.

Texts are base64, as the Functions host reads and writes them, and never expire. Azure takes a message at
a time, of at most 64 KiB, and hides it for at most seven days."""

import base64
import binascii
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shared.errors import Refused
from shared.model.message import Message, to_text
from shared.ports import Delivery
from shared.stores.storageaccount import OPTIONS, StorageAccount, code_of, translated

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient, QueueMessage, QueueServiceClient

BATCH = 32
"""Messages of one receive, at most."""
AT_ONCE = 8
"""Sends under way at the same time."""
LONGEST_DELAY = 7 * 86_400
"""Seconds; Azure hides a message no longer. A step that is called early asks again."""
LARGEST = 48 * 1024
"""Bytes of a text: 64 KiB once it is base64."""
VISIBILITY = 180
"""Seconds for which a delivery is hidden from other workers. Longer than a step may take."""
NEVER = -1
GONE = ("MessageNotFound", "PopReceiptMismatch")
"""Somebody else has the message by now, or it was forgotten."""


class StorageQueue:
    """Implements `ports.Queue`. Safe for threads."""

    def __init__(self, account: StorageAccount, prefix: str, visibility: int = VISIBILITY) -> None:
        self._account = account
        self._prefix = prefix
        self._visibility = visibility
        self._clients: dict[str, QueueClient] = {}

    @cached_property
    def _service(self) -> "QueueServiceClient":
        from azure.storage.queue import LinearRetry, QueueServiceClient

        account, total = self._account, OPTIONS["retry_total"]
        more = {**OPTIONS, "retry_policy": LinearRetry(backoff=1, retry_total=total, random_jitter_range=1)}
        if account.connection:
            return QueueServiceClient.from_connection_string(account.connection, **more)
        return QueueServiceClient(account.url("queue"), credential=account.credential(), **more)

    @cached_property
    def _senders(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="headnode-queue")

    def _queue(self, step: str) -> "QueueClient":
        """The client of a step's queue."""
        if step not in self._clients:
            self._clients[step] = self._service.get_queue_client(f"{self._prefix}-{step}")
        return self._clients[step]

    def send(self, *messages: Message, after: float = 0.0) -> None:
        """See `ports.Queue.send`. One call for each message, eight at a time. Raises Refused, and sends
        none, when one is too large."""
        texts = [(message.step, encoded(message)) for message in messages]
        hidden = min(max(math.ceil(after), 0), LONGEST_DELAY)
        if len(texts) < 2:
            for step, text in texts:
                self._send(step, text, hidden)
            return
        for _ in self._senders.map(lambda each: self._send(each[0], each[1], hidden), texts):
            pass

    def _send(self, step: str, text: str, hidden: int) -> None:
        call(self._queue(step).send_message, text, visibility_timeout=hidden, time_to_live=NEVER)

    def receive(self, steps: Sequence[str], limit: int = 10) -> list[Delivery]:
        """See `ports.Queue.receive`. One call for each step until there are enough."""
        found: list[Delivery] = []
        for step in steps:
            while len(found) < limit:
                taken = call(self._taken, step, min(BATCH, limit - len(found)))
                found += [delivery(step, message) for message in taken]
                if not taken:
                    break
        return found

    def _taken(self, step: str, limit: int) -> "list[QueueMessage]":
        pages = self._queue(step).receive_messages(
            messages_per_page=limit, visibility_timeout=self._visibility
        )
        return list(next(pages.by_page(), ()))

    def done(self, *deliveries: Delivery) -> None:
        """See `ports.Queue.done`. One that was delivered anew meanwhile belongs to its new worker."""
        for each in deliveries:
            id, _, receipt = each.receipt.partition(" ")
            call(self._queue(each.step).delete_message, id, receipt, bear=GONE)

    def release(self, delivery: Delivery, after: float = 0.0) -> None:
        """See `ports.Queue.release`. Seconds are whole, rounded up; at most seven days."""
        id, _, receipt = delivery.receipt.partition(" ")
        hidden = min(math.ceil(after), LONGEST_DELAY)
        update = self._queue(delivery.step).update_message
        call(update, id, receipt, visibility_timeout=hidden, bear=GONE)


def encoded(message: Message) -> str:
    """A message's text in base64. Raises Refused for one that Azure would not take."""
    text = to_text(message).encode()
    if len(text) > LARGEST:
        raise Refused(
            f"the message to {message.step} {message.subject} is too large: "
            f"{len(text)} bytes, the limit is {LARGEST}"
        )
    return base64.b64encode(text).decode()


def decoded(text: str) -> str:
    """What was sent; a text that is not base64 is somebody else's and stays as it is."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return text


def delivery(step: str, message: "QueueMessage") -> Delivery:
    """A message as Azure hands it out."""
    receipt = f"{message.id} {message.pop_receipt}"
    return Delivery(
        text=decoded(message.content), receipt=receipt, step=step, count=message.dequeue_count or 1
    )


def call(operation: Callable[..., Any], *values: Any, bear: Sequence[str] = (), **options: Any) -> Any:
    """The operation's answer, with its errors in our words; those of `bear` are none."""
    try:
        return operation(*values, **options)
    except Exception as error:
        if code_of(error) in bear:
            return None
        raise translated(error, "queue") from error
