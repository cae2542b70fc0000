"""Queue workers as threads. One thread asks the queue, the others run steps."""

import logging
import queue as handover
import threading
import time
from collections.abc import Callable

from shared.model.message import STEPS
from shared.ports import Delivery, World

log = logging.getLogger("headnode.host")

POLL = 0.25
"""Seconds between two looks into an idle queue; a message sent by this process is seen at once."""
AFTER_A_FAULT = 1.0
"""Seconds before a delivery comes again whose outcome could not be kept (store or queue out of reach)."""


class Workers:
    """`count` threads that run messages of all steps, each at most one at a time. The world's queue
    tells them when something was sent (`wake`), so only what is due later is found by looking."""

    def __init__(self, world: World, handle: Callable[[str, World], object], count: int) -> None:
        self._something = threading.Event()
        self._stopping = threading.Event()
        self._free = threading.Semaphore(count)
        self._count = count
        self._handle = handle
        self._given: handover.SimpleQueue[Delivery | None] = handover.SimpleQueue()
        self._in_hand: dict[str, Delivery] = {}
        self._threads: list[threading.Thread] = []
        self.world = world
        world.queue.wake = self._something.set

    def start(self) -> None:
        """Starts the threads; returns at once."""
        self._threads = [threading.Thread(target=self._ask, name="headnode-queue", daemon=True)]
        for number in range(self._count):
            name = f"headnode-worker-{number}"
            self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self, within: float) -> None:
        """Takes nothing new and returns when the steps under way have ended, or after `within`
        seconds; those still under way are given back to the queue and will be run again."""
        self._stopping.set()
        self._something.set()
        for _ in range(self._count):
            self._given.put(None)
        end = time.monotonic() + within
        for thread in filter(lambda each: each.ident, self._threads):
            thread.join(max(0.0, end - time.monotonic()))
        for delivery in list(self._in_hand.values()):
            self._give_back(delivery, 0.0)

    def _ask(self) -> None:
        while not self._stopping.is_set():
            self._free.acquire()
            try:
                taken = self._receive()
            except Exception:
                log.exception("the queue cannot be read")
                taken = []
            self._free.release()
            for delivery in taken:
                self._free.acquire()
                self._given.put(delivery)
            if not taken:
                self._something.wait(POLL)
                self._something.clear()

    def _receive(self) -> list[Delivery]:
        idle = self._count - len(self._in_hand)
        taken = self.world.queue.receive(STEPS, limit=max(1, min(10, idle)))
        self._in_hand.update({delivery.receipt: delivery for delivery in taken})
        return taken

    def _work(self) -> None:
        while (delivery := self._given.get()) is not None:
            try:
                self._run(delivery)
            finally:
                self._in_hand.pop(delivery.receipt, None)
                self._free.release()

    def _run(self, delivery: Delivery) -> None:
        try:
            self._handle(delivery.text, self.world)
            self.world.queue.done(delivery)
        except Exception:
            log.exception("the outcome of a message could not be kept; it comes again")
            self._give_back(delivery, AFTER_A_FAULT)

    def _give_back(self, delivery: Delivery, after: float) -> None:
        try:
            self.world.queue.release(delivery, after)
        except Exception:
            log.exception("a message could not be given back; the queue's own time-out will do it")
