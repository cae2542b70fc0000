"""The control plane, as a machine talks to it: its spec, and reports that are queued and repeated."""

from __future__ import annotations

import json
import queue
import threading
import time
from dataclasses import dataclass
from typing import Any, Callable

from shared.runner.boot import Boot
from shared.runner.errors import Denied, Dismissed, Failed
from shared.runner.http import exchange
from shared.runner.retry import repeated

DENIED_FOR = 300.0
"""Seconds for which 401 and 403 are taken as a hiccup of something in between; then as a dismissal."""


@dataclass(frozen=True)
class Word:
    """What the control plane answers to a report."""

    go_on: bool
    cancel: bool
    deadline: float


class Control:
    """The HTTP API. Every method is one exchange; thread-safe."""

    def __init__(self, boot: Boot, machine: Callable[[], dict[str, Any]]) -> None:
        self.boot = boot
        self.token = boot.token
        self._machine = machine
        self._base = f"{boot.control}/headnode/machine/{boot.run}/{boot.attempt}"

    def spec(self) -> Any:
        """What to run, as JSON. May be asked again until `start` was reported."""
        return self._post("spec", self.boot.token, {"machine": self._machine()})

    def report(self, event: str, **fields: Any) -> Word:
        """Says what happened; harmless when said twice."""
        body: dict[str, Any] = {
            "event": event,
            "step": "",
            "message": "",
            "exit_status": None,
            "error": "",
            "at": time.time(),
        }
        machine = self._machine()
        body.update(fields, machine=machine, machine_id=machine.get("id", ""))
        given = self._post("report", self.token, body)
        if not isinstance(given, dict):
            raise Failed("the control plane's answer is not an object")
        return Word(
            go_on=bool(given.get("go_on", True)),
            cancel=bool(given.get("cancel", False)),
            deadline=_number(given.get("deadline")),
        )

    def _post(self, what: str, token: str, body: dict[str, Any]) -> Any:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        answer = exchange("POST", f"{self._base}/{what}", headers, json.dumps(body).encode(), timeout=20.0)
        if answer.status in (404, 410):
            raise Dismissed(f"the control plane knows no such run or attempt ({answer.status})")
        if answer.status in (401, 403):
            raise Denied(f"the control plane refuses our token ({answer.status})", status=answer.status)
        if answer.status >= 300 or answer.status < 200:
            raise Failed(f"the control plane answered {answer.status}", answer.after)
        try:
            return json.loads(answer.body)
        except ValueError:
            raise Failed("the control plane's answer is not JSON") from None


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


class Reporter:
    """Sends reports in the order they were made, in a thread of its own, each until it is answered. The
    work goes on while the control plane is away. A heartbeat is sent only when nothing else waits.

    `heard` gets every answer, `dismissed` is called once when we are sent away."""

    def __init__(
        self, control: Control, heard: Callable[[Word], None], dismissed: Callable[[str], None]
    ) -> None:
        self._control = control
        self._heard = heard
        self._dismissed = dismissed
        self._waiting: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self._closed = threading.Event()
        self._heartbeat = 0.0
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)
        self._thread.start()

    def say(self, event: str, **fields: Any) -> None:
        """Queues a report; does not wait."""
        self._waiting.put((event, {"at": time.time(), **fields}))

    def beat(self, every: float) -> None:
        """From now on a heartbeat every so many seconds."""
        self._heartbeat = max(0.1, every)
        self.say("heartbeat")

    def finish(self, patience: float, **fields: Any) -> bool:
        """Says the end after all that is queued, and waits for the answer for at most `patience`
        seconds. Whether the control plane heard it."""
        self.say("end", **fields)
        self._waiting.put(("", {}))
        self._thread.join(patience)
        heard = not self._thread.is_alive()
        self._closed.set()
        return heard

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                event, fields = self._waiting.get(timeout=self._heartbeat or 0.5)
            except queue.Empty:
                if not self._heartbeat:
                    continue
                event, fields = "heartbeat", {}
            if not event or not self._send(event, fields):
                return

    def _send(self, event: str, fields: dict[str, Any]) -> bool:
        """Repeats one report until it is answered. A heartbeat is given up as soon as something else
        waits: it says nothing new."""
        denied_since = 0.0
        while not self._closed.is_set():
            try:
                self._heard(repeated(lambda: self._control.report(event, **fields), 2.0, stop=self._closed))
                return True
            except Dismissed as error:
                self._dismissed(str(error))
                return False
            except Denied as error:
                denied_since = denied_since or time.monotonic()
                if time.monotonic() - denied_since > DENIED_FOR:
                    self._dismissed(str(error))
                    return False
                self._closed.wait(5.0)
            except Failed as error:
                self._closed.wait(min(max(error.after, 1.0), 30.0))
            if event == "heartbeat" and not self._waiting.empty():
                return True
        return False
