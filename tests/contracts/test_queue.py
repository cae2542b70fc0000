"""The Queue contract, over every implementation."""

import uuid

import boto3
import pytest
from azure.storage.queue import QueueClient

from shared.errors import Refused
from shared.model.message import STEPS, Message, Note, from_text
from shared.queues.sqlite import SqliteQueue
from shared.queues.sqs import SqsQueue
from shared.queues.storage import StorageQueue
from shared.stores.storageaccount import StorageAccount
from tests.clock import FakeClock


class Place:
    """A queue, and how its time passes and foreign text gets into it."""

    def __init__(self, kind: str, tmp_path, azurite=None) -> None:
        self.clock = FakeClock()
        if kind == "sqlite":
            self.queue = SqliteQueue(tmp_path / "queue.db", self.clock, visibility=30.0)
        elif kind == "storage":
            self.connection, self.prefix = azurite.connection(), azurite.new_queues(*STEPS)
            account = StorageAccount("", lambda: pytest.fail("no identities here"), self.connection)
            self.queue = StorageQueue(account, self.prefix)
        else:
            self.sqs = boto3.client("sqs")
            self.urls = {step: self._url(step) for step in STEPS}
            self.queue = SqsQueue(self.urls)

    def _url(self, step: str) -> str:
        name = f"{step}-{uuid.uuid4().hex[:8]}"
        return self.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "30"})["QueueUrl"]

    def later(self, delivery) -> None:
        """The visibility time of a delivery passes."""
        if isinstance(self.queue, SqliteQueue):
            self.clock.advance(31)
        else:
            self.queue.release(delivery)

    def foreign(self, step: str, text: str) -> None:
        """Somebody else's message."""
        if isinstance(self.queue, SqliteQueue):
            db = self.queue.db
            db.execute("insert into message (step, body, due) values (?, ?, 0)", (step, text))
        elif isinstance(self.queue, StorageQueue):
            with QueueClient.from_connection_string(self.connection, f"{self.prefix}-{step}") as client:
                client.send_message(text)
        else:
            self.sqs.send_message(QueueUrl=self.urls[step], MessageBody=text)


@pytest.fixture(params=["sqlite", "sqs", "storage"])
def place(request, tmp_path):
    if request.param == "storage":
        return Place(request.param, tmp_path, request.getfixturevalue("azurite"))
    if request.param == "sqs":
        request.getfixturevalue("aws")
    return Place(request.param, tmp_path)


def launch(subject: str) -> Message:
    return Message(step="launch", subject=subject)


def subjects(deliveries) -> list[str]:
    return [from_text(delivery.text).subject for delivery in deliveries]


def test_what_is_sent_is_delivered_once_and_then_hidden(place):
    place.queue.send(launch("a"), launch("b"))
    deliveries = place.queue.receive(["launch"])
    assert sorted(subjects(deliveries)) == ["a", "b"]
    assert {delivery.count for delivery in deliveries} == {1}
    assert {delivery.step for delivery in deliveries} == {"launch"}
    assert place.queue.receive(["launch"]) == []


def test_steps_are_received_apart(place):
    place.queue.send(launch("a"), Message(step="reap", subject="b"))
    assert subjects(place.queue.receive(["reap"])) == ["b"]
    assert place.queue.receive(["create", "dispose"]) == []
    assert subjects(place.queue.receive(["create", "launch"])) == ["a"]


def test_a_delivery_that_nobody_finished_comes_again_with_its_count(place):
    place.queue.send(launch("a"))
    (first,) = place.queue.receive(["launch"])
    place.later(first)
    (second,) = place.queue.receive(["launch"])
    assert (second.count, second.text) == (2, first.text)


def test_done_is_the_end_and_may_be_said_twice(place):
    place.queue.send(launch("a"), launch("b"))
    deliveries = place.queue.receive(["launch"])
    place.queue.done(*deliveries)
    place.queue.done(*deliveries)
    place.queue.done()
    if isinstance(place.queue, SqliteQueue):
        place.clock.advance(1000)
    assert place.queue.receive(["launch"]) == []


def test_a_released_delivery_is_visible_again(place):
    place.queue.send(launch("a"))
    (delivery,) = place.queue.receive(["launch"])
    place.queue.release(delivery)
    assert subjects(place.queue.receive(["launch"])) == ["a"]


def test_a_delayed_message_is_not_due_yet(place):
    place.queue.send(launch("late"), after=60)
    place.queue.send(launch("now"))
    assert subjects(place.queue.receive(["launch"])) == ["now"]
    if isinstance(place.queue, SqliteQueue):
        place.clock.advance(29)
        assert place.queue.receive(["launch"]) == []
        assert place.queue.next_due() is not None
        place.clock.advance(60)
        assert "late" in subjects(place.queue.receive(["launch"]))


def test_batches_are_larger_than_the_service_takes_at_once(place):
    place.queue.send(*[launch(f"s{n}") for n in range(25)])
    seen = []
    while deliveries := place.queue.receive(["launch"], limit=20):
        seen += subjects(deliveries)
        place.queue.done(*deliveries)
    assert sorted(seen) == sorted(f"s{n}" for n in range(25))


def test_a_delay_that_the_service_does_not_take_is_shortened_not_refused(place):
    place.queue.send(launch("a"), after=100_000)
    assert place.queue.receive(["launch"]) == []


def test_foreign_text_is_delivered_as_it_is(place):
    place.foreign("launch", "not ours")
    (delivery,) = place.queue.receive(["launch"])
    assert delivery.text == "not ours"
    place.queue.done(delivery)
    assert place.queue.receive(["launch"]) == []


def test_sqlite_messages_survive_the_process(tmp_path):
    clock = FakeClock()
    SqliteQueue(tmp_path / "q.db", clock).send(launch("a"))
    again = SqliteQueue(tmp_path / "q.db", clock)
    (first,) = again.receive(["launch"])
    clock.advance(1000)
    (second,) = SqliteQueue(tmp_path / "q.db", clock).receive(["launch"])
    again.done(first)
    clock.advance(1000)
    assert subjects(again.receive(["launch"])) == ["a"], (
        "done by the old worker must not end the new delivery"
    )
    again.done(second)


def test_sqs_entries_that_are_not_taken_are_sent_again(aws):
    place = Place("sqs", None)
    aws.faults.add("sqs", "SendMessageBatch", kind="5xx", times=1)
    place.queue.send(launch("a"))
    assert subjects(place.queue.receive(["launch"])) == ["a"]


@pytest.fixture
def storage(tmp_path, azurite):
    return Place("storage", tmp_path, azurite)


def test_a_message_that_azure_would_not_take_is_refused_before_any_is_sent(storage):
    notes = tuple(Note(at=1.0, reason="x" * 2500) for _ in range(20))
    with pytest.raises(Refused, match=r"launch huge is too large: \d+ bytes, the limit is 49152"):
        storage.queue.send(launch("small"), launch("huge").but(history=notes))
    assert storage.queue.receive(["launch"]) == []
    storage.queue.send(launch("fits").but(history=notes[:18]))
    (delivery,) = storage.queue.receive(["launch"])
    assert len(from_text(delivery.text).history) == 18


def test_azure_keeps_a_message_until_it_is_done_with(storage):
    storage.queue.send(launch("a"))
    with QueueClient.from_connection_string(storage.connection, f"{storage.prefix}-launch") as client:
        (kept,) = client.peek_messages()
    assert kept.expires_on.year == 9999
    (first,) = storage.queue.receive(["launch"])
    storage.queue.release(first)
    (second,) = storage.queue.receive(["launch"])
    storage.queue.done(first)
    storage.queue.release(first, after=60)
    storage.queue.release(second)
    assert subjects(storage.queue.receive(["launch"])) == ["a"], "the old worker has no say any more"


def test_azures_delays_are_whole_seconds_and_never_early(storage):
    storage.queue.send(launch("a"), after=0.2)
    assert storage.queue.receive(["launch"]) == []


def test_a_message_that_fails_at_length_again_and_again_is_still_taken(storage):
    message = launch("often")
    for number in range(50):
        message = message.again(float(number), "\U0001f600 said the cloud " * 1000, failed=True)
    storage.queue.send(message)
    (delivery,) = storage.queue.receive(["launch"])
    assert from_text(delivery.text) == message
