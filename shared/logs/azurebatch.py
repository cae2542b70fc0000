"""A run's log on Azure Batch: as on Azure, and what its head task printed where there is none of that.

A head job that never came as far as the runner (its image cannot be pulled, its node has no way out) ships
nothing. Batch keeps what its task printed on the node, for as long as there is the node; the last of it is on
the run's record after that.
"""

import re
from typing import NamedTuple

from shared.errors import Forbidden, Refused
from shared.logs.azure import AzureLogs
from shared.logs.parts import Place
from shared.model.environment import Environment
from shared.model.run import Attempt, Run
from shared.ports import LogPage
from shared.providers.azure.batch.clients import BatchClients
from shared.providers.azure.batch.streams import STREAMS, Streams
from shared.providers.azure.catalogue import plain

CURSOR = re.compile(r"task\|(\d{1,15})\|(\d{1,15})\|([01])")


class At(NamedTuple):
    """How far the two streams were read, in bytes; `words`: what the record has of them was."""

    out: int = 0
    err: int = 0
    words: int = 0

    def __str__(self) -> str:
        return f"task|{self.out}|{self.err}|{self.words}"


class BatchLogs(AzureLogs):
    """`ports.LogSource` for one environment on Azure Batch."""

    def __init__(self, environment: Environment, clients: BatchClients) -> None:
        super().__init__(environment, clients)
        self._batch = clients

    def live(self, run: Run, attempt: Attempt, cursor: str, limit: int) -> LogPage:
        """As on Azure. While nothing was shipped, what the head task printed, by two reads more; the log that
        the runner ships begins after it."""
        found = CURSOR.fullmatch(cursor)
        shipped = super().live(run, attempt, "" if found else cursor, limit)
        if shipped.lines or (not found and Place.parsed(cursor).seen):
            return shipped
        at = At(*(int(each) for each in found.groups())) if found else At()
        return self._printed(run, attempt, at, max(1, limit))

    def _printed(self, run: Run, attempt: Attempt, at: At, limit: int) -> LogPage:
        """Whole lines of both streams from a place on; all of them once the task is over."""
        streams = Streams(self._batch, self._url(run, attempt))
        lines: list[str] = []
        places = [at.out, at.err]
        gone = 0
        for index, name in enumerate(STREAMS):
            data = self._read(streams, name, places[index])
            gone += data is None
            for line in taken(data or b"", limit - len(lines), whole=not attempt.has_machine):
                lines.append(line.decode(errors="replace").rstrip("\r\n"))
                places[index] += len(line)
        words = at.words
        if gone == len(STREAMS) and not at.out and not at.err and not words and run.error_report:
            lines, words = run.error_report.splitlines()[:limit], 1
        following = At(places[0], places[1], words)
        return LogPage(lines=tuple(lines), cursor=str(following), end=len(lines) < limit)

    @staticmethod
    def _read(streams: Streams, name: str, start: int) -> bytes | None:
        try:
            return streams.read(name, start)
        except (Forbidden, Refused):
            return None

    def _url(self, run: Run, attempt: Attempt) -> str:
        account = self._given("batchAccount") or self._batch.batch_name
        place = plain(self._given("region"))
        job = attempt.machine_id or f"headnode-{run.id}-{attempt.number}"
        return f"{self._batch.endpoints.batch(account, place)}/jobs/{job}"


def taken(data: bytes, limit: int, whole: bool) -> list[bytes]:
    """Lines with their ends, at most `limit`; one that is not at its end only where nothing follows. Pure."""
    lines = re.findall(rb"[^\n]*\n|[^\n]+", data)
    if lines and not whole and not lines[-1].endswith(b"\n"):
        lines.pop()
    return lines[:limit]
