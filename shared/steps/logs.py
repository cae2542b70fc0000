"""Logs: finds out where a finished run's log is kept, and gives the run its final status.

The runner ships lines while it works and uploads the whole log before it says that it is done. When
it could not (the machine was taken away), what it shipped is the log.
"""

from shared.errors import Refused, Retry
from shared.model.environment import Environment
from shared.model.message import Message
from shared.model.run import Run
from shared.ports import LogPage, LogSource, World
from shared.steps.outcome import Outcome, done
from shared.steps.runs import concluded

PATIENCE = 120.0
"""Seconds after a machine's end for which the work directory may be out of reach; after that the
shipped lines count as the log, and the run ends."""

FILE, LIVE = "file", "live"


def run(message: Message, world: World) -> Outcome:
    """Takes a run whose machine is gone to its final status. A late message is a no-op."""
    found = world.store.get(Run, message.subject)
    if found is None or found.is_over or not found.verdict:
        return done()
    if found.last is not None and found.last.has_machine:
        return done()
    now = world.clock.now()
    kept = where_kept(found, world, now)
    attempts = tuple(attempt.but(log_kept=kept) for attempt in found.attempts)
    world.store.save(concluded(found.but(attempts=attempts), now))
    return done()


def where_kept(run: Run, world: World, now: float) -> str:
    """`file` when the newest attempt said its end and the uploaded log is there, else `live`. Raises
    Retry while the work directory is out of reach, for as long as PATIENCE lasts."""
    last = run.last
    environment = world.store.get(Environment, run.environment_id)
    if last is None or environment is None or not last.ended_at:
        return LIVE
    try:
        return FILE if world.logs(environment).size(run, console_name(run.id)) is not None else LIVE
    except Refused:
        return LIVE
    except Retry:
        if now - last.gone_at < PATIENCE:
            raise
        return LIVE


def console_name(run_id: str) -> str:
    """The name, in the work directory, of a run's whole console output."""
    return f"nf-{run_id}.txt"


def read_log(run: Run, source: LogSource, cursor: str = "", limit: int = 10_000) -> LogPage:
    """Lines of a run from a cursor on, all its attempts in order, from the first line when the cursor
    is empty. Append-only: pages put one after another are the log. `end` means that nothing more can
    ever come.

    A cursor is `<kind>:<attempt>:<rest>`; raises ValueError for one that is not ours."""
    kept = run.last.log_kept if run.last else ""
    kind, number, rest = parsed(cursor) if cursor else (kept or LIVE, 1, "")
    if kind == FILE:
        return read_file(run, source, int(rest or 0), limit)
    return read_live(run, source, number, rest, limit)


def parsed(cursor: str) -> tuple[str, int, str]:
    """The parts of a cursor."""
    kind, _, tail = cursor.partition(":")
    number, _, rest = tail.partition(":")
    if kind not in (FILE, LIVE) or not number.isdigit() or (kind == FILE and rest and not rest.isdigit()):
        raise ValueError("not a log cursor")
    return kind, int(number), rest


def read_file(run: Run, source: LogSource, start: int, limit: int) -> LogPage:
    """Lines of the uploaded log from a byte offset on."""
    name = console_name(run.id)
    size = source.size(run, name) or 0
    if start >= size:
        return LogPage(cursor=f"{FILE}:0:{start}", end=True)
    data = source.read(run, name, start, min(size - start, limit * 1024))
    whole = data[: data.rfind(b"\n") + 1] if start + len(data) < size else data
    whole = whole or data
    lines = whole.removesuffix(b"\n").split(b"\n")[:limit]
    taken = sum(len(line) + 1 for line in lines)
    until = min(start + taken, size)
    text = tuple(line.decode(errors="replace").rstrip("\r") for line in lines)
    return LogPage(lines=text, cursor=f"{FILE}:0:{until}", end=until >= size)


def read_live(run: Run, source: LogSource, number: int, rest: str, limit: int) -> LogPage:
    """Shipped lines from an attempt's cursor on; moves to the next attempt at the end of one that is
    over."""
    lines: list[str] = []
    final = False
    for attempt in run.attempts:
        if attempt.number < number:
            continue
        here = rest if attempt.number == number else ""
        page = source.live(run, attempt, here, limit - len(lines))
        lines.extend(page.lines)
        number, rest = attempt.number, page.cursor
        final = page.end and run.is_over and attempt.number == len(run.attempts)
        newest = attempt.number == len(run.attempts)
        if newest or not page.end or attempt.has_machine or len(lines) >= limit:
            break
    return LogPage(
        lines=tuple(lines),
        cursor=f"{LIVE}:{number}:{rest}",
        end=final or (run.is_over and not run.attempts),
    )
