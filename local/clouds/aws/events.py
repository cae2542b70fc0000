"""EventBridge's side of EC2 and Batch: what happens to machines and jobs is told to whoever listens."""

import json
import queue
import threading
import urllib.request
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local.clouds.aws import backends

STATE_CHANGE = "EC2 Instance State-change Notification"
SPOT_WARNING = "EC2 Spot Instance Interruption Warning"
JOB_CHANGE = "Batch Job State Change"
Sink = Callable[[dict[str, Any]], None]


class Events:
    """Delivers events in order, on a thread of its own, so that a listener may call the cloud."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sinks: list[Sink] = []
        self._waiting: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._deliver_all, name="aws-events", daemon=True)
        self.failures: list[str] = []
        """Deliveries that failed, in words; EventBridge would have retried them."""

    def start(self) -> None:
        """Begins to deliver."""
        self._thread.start()

    def stop(self) -> None:
        """Delivers what waits, then ends; nothing happens when it was not started."""
        self._waiting.put(None)
        if self._thread.ident:
            self._thread.join(10)

    def on(self, sink: Sink | str) -> None:
        """Adds a listener: a function, or a URL that each event is posted to as JSON."""
        self._sinks.append(_poster(sink) if isinstance(sink, str) else sink)

    def clear(self) -> None:
        """Forgets the listeners."""
        self.settle()
        self._sinks.clear()
        self.failures.clear()

    def settle(self) -> None:
        """Blocks until every event so far has been delivered."""
        self._waiting.join()

    def state(self, region: str, id: str, state: str) -> None:
        """An instance entered a state."""
        arn = f"arn:aws:ec2:{region}:{backends.ACCOUNT}:instance/{id}"
        self._publish(region, STATE_CHANGE, arn, {"instance-id": id, "state": state})

    def interruption(self, region: str, zone: str, id: str) -> None:
        """A spot instance will be taken back. This event's ARN has the zone and no account."""
        arn = f"arn:aws:ec2:{zone}:instance/{id}"
        self._publish(region, SPOT_WARNING, arn, {"instance-id": id, "instance-action": "terminate"})

    def job(self, region: str, arn: str, detail: dict[str, Any]) -> None:
        """A job of Batch entered a state. The detail is what a describe shows of it."""
        self._publish(region, JOB_CHANGE, arn, detail, "aws.batch")

    def _publish(
        self, region: str, kind: str, arn: str, detail: dict[str, Any], source: str = "aws.ec2"
    ) -> None:
        at = datetime.fromtimestamp(self._clock(), UTC)
        self._waiting.put(
            {
                "version": "0",
                "id": str(uuid.uuid4()),
                "detail-type": kind,
                "source": source,
                "account": backends.ACCOUNT,
                "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "region": region,
                "resources": [arn],
                "detail": detail,
            }
        )

    def _deliver_all(self) -> None:
        while True:
            event = self._waiting.get()
            try:
                if event is None:
                    return
                self._deliver(event)
            finally:
                self._waiting.task_done()

    def _deliver(self, event: dict[str, Any]) -> None:
        targets = [(f"rule {rule.name}", _rule(rule)) for rule in backends.rules(event["region"])]
        for name, sink in targets + [(repr(sink), sink) for sink in list(self._sinks)]:
            try:
                sink(json.loads(json.dumps(event)))
            except Exception as error:
                self.failures.append(f"{event['detail-type']} to {name}: {error!r}")


def _rule(rule: Any) -> Sink:
    """moto's own rule: it matches, transforms, and sends to its targets."""

    def send(event: dict[str, Any]) -> None:
        event["time"] = datetime.fromisoformat(event["time"]).timestamp()  # moto's own inner form
        event["ingestion-time"] = event["time"]
        rule.send_to_targets(event)

    return send


def _poster(url: str) -> Sink:
    def post(event: dict[str, Any]) -> None:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(event).encode(), headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310
            pass

    return post
