"""What a run's processes used, as Nextflow summed it up at the end."""

from typing import Any, ClassVar

from shared.model.records import Record


class Metrics(Record, frozen=True, kw_only=True):
    """A run's metrics, one row for each process. `id` is the run's; apart from the run, since they are
    large and seldom read."""

    kind: ClassVar[str] = "metrics"

    rows: tuple[dict[str, Any], ...] = ()
