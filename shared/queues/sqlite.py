"""The Queue of one machine: a table in SQLite. Durable like its Store (WAL, synchronous=NORMAL)."""

import secrets
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from shared.errors import Throttled
from shared.model.message import Message, to_text
from shared.ports import Clock, Delivery
from shared.stores.sqlite import connect, transaction

SCHEMA = """
create table if not exists message (
    id integer primary key autoincrement,
    step text not null, body text not null, due real not null, count integer not null default 0, receipt text
);
create index if not exists message_due on message (step, due);
"""

VISIBILITY = 180.0
"""Seconds for which a delivery is hidden from other workers. Longer than a step may take."""
FARTHEST = 3600.0
"""Seconds that a message is kept back at most; a step that is called early asks again. So one that is due
later than that was sent before the clock went back, and is due now."""


class SqliteQueue:
    """Implements `ports.Queue`. `wake` is called after each send, so that a host need not poll."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        visibility: float = VISIBILITY,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._visibility = visibility
        self.db = connect(path)
        self._turn = threading.Lock()  # one connection in turns: see `SqliteStore`
        self.wake = wake
        for statement in SCHEMA.split(";"):
            self.db.execute(statement)

    def send(self, *messages: Message, after: float = 0.0) -> None:
        """See `ports.Queue.send`."""
        due = self._clock.now() + min(after, FARTHEST)
        rows = [(message.step, to_text(message), due) for message in messages]
        self._write("insert into message (step, body, due) values (?, ?, ?)", rows)
        self.wake()

    def receive(self, steps: Sequence[str], limit: int = 10) -> list[Delivery]:
        """See `ports.Queue.receive`. One statement, so that no two workers get the same delivery."""
        now = self._clock.now()
        receipt = secrets.token_hex(8)
        marks = ",".join("?" * len(steps))
        query = (
            "update message set due = ?, count = count + 1, receipt = ? where id in ("  # noqa: S608 (marks)
            f"select id from message where step in ({marks}) and (due <= ? or due > ?) "
            "order by due, id limit ?) returning id, step, body, count"
        )
        try:
            values = (now + self._visibility, receipt, *steps, now, now + FARTHEST + self._visibility, limit)
            with self._turn:
                rows = self.db.execute(query, values).fetchall()
        except sqlite3.OperationalError as error:
            raise Throttled(f"queue is busy: {error}", after=1.0) from error
        return [
            Delivery(text=body, receipt=f"{id}:{receipt}", step=step, count=count)
            for id, step, body, count in sorted(rows)
        ]

    def done(self, *deliveries: Delivery) -> None:
        """See `ports.Queue.done`. One that was delivered anew meanwhile belongs to its new worker."""
        rows = [tuple(delivery.receipt.split(":")) for delivery in deliveries]
        self._write("delete from message where id = ? and receipt = ?", rows)

    def release(self, delivery: Delivery, after: float = 0.0) -> None:
        """See `ports.Queue.release`."""
        due = self._clock.now() + min(after, FARTHEST)
        row = (due, *delivery.receipt.split(":"))
        self._write("update message set due = ? where id = ? and receipt = ?", [row])
        self.wake()

    def recover(self) -> int:
        """Makes every delivery that was not settled due now; how many. For the only host of this file,
        before it begins: whoever had them in hand is dead."""
        now = self._clock.now()
        query = "update message set due = min(due, ?) where receipt is not null"
        with self._turn:
            return self.db.execute(query, (now,)).rowcount

    def next_due(self) -> float | None:
        """When the next message is due (epoch seconds), hidden deliveries included; None when empty."""
        with self._turn:
            row = self.db.execute("select min(due) from message").fetchone()
        return None if row[0] is None else float(row[0])

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        """All rows in one transaction."""
        with self._turn, transaction(self.db):
            self.db.executemany(statement, rows)
