"""A run's log on Azure: from append blobs in the work directory, with gaps filled from Log Analytics.

The runner numbers the lines of an attempt 1, 2, 3, ... and writes each to both places. The blob has a line
within a second or two, the table within minutes; so the blob is read, and the table is asked only where the
blob cannot be read or lacks lines. Nothing is listed.
"""

import re
from dataclasses import dataclass, replace

from shared.errors import Fault, Invalid, Refused, Retry
from shared.logs import blob, kql
from shared.logs.parts import Line, Parts, Piece, Place
from shared.logs.wire import Clients
from shared.model.environment import Environment
from shared.model.run import Attempt, Run
from shared.ports import LogPage

ID = re.compile(r"[A-Za-z0-9]{1,64}")
"""What a run's id is made of. It becomes a part of a query and of an address."""
PATIENCE = 900.0
"""Seconds for which a missing line is waited for: the table takes minutes, and more on a bad day."""


@dataclass(frozen=True)
class Walk:
    """Lines in their order without a gap, up to `place`. `gap` is the number of the next line that is
    there, when those before it are missing; else 0."""

    lines: tuple[str, ...]
    place: Place
    gap: int = 0


class AzureLogs:
    """`ports.LogSource` for one environment, by GET of blobs and one query where that is not enough."""

    def __init__(self, environment: Environment, clients: Clients) -> None:
        self._environment = environment
        self._clients = clients

    def live(self, run: Run, attempt: Attempt, cursor: str, limit: int) -> LogPage:
        """At most `limit` lines from the cursor on, without gap or repeat: by one ranged GET, at most one
        more when a part of the log ended, and one query when lines are missing.

        Missing lines are waited for (an empty page that is not the end) and then marked as lost. Raises
        Invalid for a cursor that is none of ours or an id that cannot be one; Forbidden, Throttled or
        Unreachable when neither place can be read."""
        if not ID.fullmatch(run.id):
            raise Invalid(Fault("workflowId", "not the id of a run"))
        place, limit = Place.parsed(cursor), max(1, limit)
        piece = self._piece(run, attempt, place, limit)
        rows = self._rows(run, attempt, place, piece, limit)
        walk = walked(place, piece, rows.lines, limit)
        if walk.gap and not walk.lines:
            walk = waited(walk, piece, rows, limit)
        following = walk.place if walk.gap and not walk.lines else replace(walk.place, since=0)
        more = walk.gap or len(walk.lines) >= limit or following.offset < piece.place.offset
        return LogPage(lines=walk.lines, cursor=str(following), end=piece.end and not more)

    def size(self, run: Run, name: str) -> int | None:
        """Bytes of a file in the run's work directory, by one HEAD."""
        return blob.size(self._clients.wire, self._file(run, name))

    def read(self, run: Run, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of a file in the run's work directory, by one GET."""
        return blob.read(self._clients.wire, self._file(run, name), start, length)

    def _file(self, run: Run, name: str) -> str:
        return blob.file_url(self._clients.endpoints, self._account(), self._work_dir(run), name)

    def _piece(self, run: Run, attempt: Attempt, place: Place, limit: int) -> Piece:
        """What the blob has from a place on."""
        known, account, work = self._clients.endpoints, self._account(), self._work_dir(run)
        folder = blob.log_url(known, account, work, run.id, attempt.number)
        return Parts(self._clients.wire, folder).read(place, limit)

    def _rows(self, run: Run, attempt: Attempt, place: Place, piece: Piece, limit: int) -> kql.Rows:
        """Lines of the table, by their number, where the blob does not have what comes next. A query that
        fails is no failure while the blob has something to say."""
        wanted = missing(place, piece, attempt, limit)
        workspace = self._workspace()
        if wanted is None or not workspace:
            if piece.trouble is not None:
                raise piece.trouble
            return kql.Rows({})
        query = kql.lines(self._table(), run.id, attempt.number, wanted[0], wanted[1], limit)
        try:
            return kql.run(self._clients.wire, self._clients.endpoints.query(workspace), query)
        except (Refused, Retry) as error:
            if piece.trouble is not None:
                raise piece.trouble from error
            return kql.Rows({})

    def _work_dir(self, run: Run) -> str:
        return run.work_dir if run.work_dir.startswith("az://") else self._given("workDir")

    def _given(self, field: str) -> str:
        """A text of the config, without the space around it, as the provider reads it too."""
        return str(self._environment.config.get(field) or "").strip()

    def _account(self) -> str:
        return self._given("storageAccount") or self._clients.storage_name

    def _workspace(self) -> str:
        """The workspace's customer id: the user's, or that of the one we made; empty while there is none."""
        made = [
            row.facts.get("customerId", "") for row in self._environment.resources if row.key == "workspace"
        ]
        found = self._given("logWorkspaceId") or next(iter(made), "")
        return found if kql.GUID.fullmatch(found) else ""

    def _table(self) -> str:
        return self._given("logTableName") or kql.TABLE


def missing(place: Place, piece: Piece, attempt: Attempt, limit: int) -> tuple[int, int] | None:
    """Which lines the blob lacks, as the numbers before the first and after the last (0: no last); None
    when there is nothing to be asked for."""
    if piece.trouble is not None:
        return place.seen, 0
    if piece.absent:
        # Before the machine said anything there is no log at all.
        return (place.seen, 0) if attempt.seen_at else None
    last = place.seen
    for line in piece.lines:
        if line.number > last + 1:
            return last, line.number
        last = max(last, line.number)
        if last >= place.seen + limit:
            return None
    # A machine that is gone may have had lines that only the table took.
    return (last, 0) if piece.end and not attempt.has_machine else None


def walked(place: Place, piece: Piece, rows: dict[int, str], limit: int) -> Walk:
    """Takes lines from the place on, each from where it is, until one is in neither. Pure."""
    lines: list[str] = []
    seen, last = place.seen, Line(place.seen, "", place.part, place.offset)
    waiting = [line for line in reversed(piece.lines) if line.number > seen]
    while len(lines) < limit:
        if waiting and waiting[-1].number == seen + 1:
            last = waiting.pop()
            lines.append(last.text)
        elif seen + 1 in rows:
            lines.append(rows[seen + 1])
        else:
            break
        seen += 1
        while waiting and waiting[-1].number <= seen:  # written twice, after an answer was lost
            waiting.pop()
    at = replace(place, seen=seen, part=last.part, offset=last.after)
    if len(lines) < limit:
        later = [each.number for each in waiting[-1:]] + [each for each in rows if each > seen]
        if later:
            return Walk(tuple(lines), at, min(later))
        at = replace(at, part=piece.place.part, offset=piece.place.offset)
    return Walk(tuple(lines), at)


def waited(walk: Walk, piece: Piece, rows: kql.Rows, limit: int) -> Walk:
    """The next lines are in neither place: they are waited for, then marked as lost. Pure."""
    now = piece.now or rows.now
    since = walk.place.since or now
    if now - since < PATIENCE:
        return replace(walk, place=replace(walk.place, since=since))
    first, last = walk.place.seen + 1, walk.gap - 1
    lost = f"headnode: lines {first} to {last} of this attempt are lost"
    after = walked(replace(walk.place, seen=last, since=0), piece, rows.lines, limit - 1)
    return replace(after, lines=(lost, *after.lines))
