"""What a run's Nextflow reports while it works. Apart from the run, which others write too: a report
touches nothing but these records, and they change in one commit."""

from typing import Any, ClassVar

from shared.model.records import Record
from shared.model.run import Run

BLOCK = 20
"""Tasks in one record. Adjacent ones are mostly reported together, so a report of 100 is six records; and 20
of the largest tasks that we keep fit into one item of the smallest store."""


class Trace(Record, frozen=True, kw_only=True):
    """A run's newest counters. `id` is the run's."""

    kind: ClassVar[str] = "trace"

    attempt: int = 0
    """The machine whose Nextflow reports (0: none of ours). What earlier ones reported counts no more."""
    instant: int = 0
    """The client's own time of the newest counters, in milliseconds."""
    counters: dict[str, Any] = {}
    spent: dict[str, Any] = {}
    """What finished tasks used (`steps.spending`)."""
    sizes: dict[str, int] = {}
    """How many tasks each block has, by its number; a block is never taken out, so that all can be found
    and removed."""
    traced_at: float = 0.0
    tend_at: float = 0.0
    """When the machines of its tasks are, or were, looked at because it had submitted some."""
    jobs: tuple[str, ...] = ()
    """What the cloud calls the groups that this Nextflow put its tasks in, where it tells (`native`)."""

    @property
    def blocks(self) -> dict[int, int]:
        """How many tasks each block has."""
        return {int(number): size for number, size in self.sizes.items()}

    def of(self, attempt: int) -> "Trace":
        """This trace, begun anew where another machine's Nextflow is the first to be heard."""
        if attempt <= self.attempt:
            return self
        return Trace(
            id=self.id,
            generation=self.generation,
            attempt=attempt,
            sizes=dict.fromkeys(self.sizes, 0),
            tend_at=self.tend_at,
        )


class TaskBlock(Record, frozen=True, kw_only=True):
    """The tasks of a run with numbers from `BLOCK * n` on, as its client reported them, in the order of their
    ids. `id` is `<run id>/<n>`. No listing knows it: its trace does."""

    kind: ClassVar[str] = "tasks"

    attempt: int = 0
    tasks: tuple[dict[str, Any], ...] = ()

    @property
    def number(self) -> int:
        """Which block of its run it is."""
        return int(self.id.rpartition("/")[2])

    def of(self, attempt: int) -> dict[int, dict[str, Any]]:
        """Its tasks by their ids; none where those of another machine's Nextflow are in it."""
        return {task["taskId"]: task for task in self.tasks} if self.attempt == attempt else {}


def block_id(run_id: str, number: int | str) -> str:
    """The id of a run's block of that number."""
    return f"{run_id}/{number}"


def shown(run: Run, trace: Trace | None) -> Trace:
    """The trace that is to be shown of a run: an empty one before the newest Nextflow's first report."""
    return (trace or Trace(id=run.id)).of(run.begun)
