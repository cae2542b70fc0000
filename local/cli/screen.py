"""What the CLI shows: results on stdout, messages on stderr; JSON or text for people."""

import json
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer


class Format(StrEnum):
    """How results are written to stdout."""

    text = "text"
    json = "json"


Output = Annotated[Format, typer.Option("-o", "--output", help="text for people, json for programs.")]

COLOURS = {
    "AVAILABLE": "green",
    "SUCCEEDED": "green",
    "present": "green",
    "RUNNING": "cyan",
    "CREATING": "cyan",
    "SUBMITTED": "yellow",
    "DELETING": "yellow",
    "making": "yellow",
    "removing": "yellow",
    "FAILED": "red",
    "ERRORED": "red",
    "INVALID": "red",
    "failed": "red",
    "CANCELLED": "magenta",
    "gone": "dim",
    "DELETED": "dim",
}


class Screen:
    """One command's output. With `json`, stdout carries nothing but one JSON document."""

    def __init__(self, format: Format) -> None:
        self.json = format is Format.json

    def say(self, text: str) -> None:
        """A message for a person: stderr, at once, with statuses coloured on a terminal."""
        console(sys.stderr).print(text, markup=False, highlight=False, soft_wrap=True)

    def data(self, value: Any) -> None:
        """The result as JSON, when that was asked for."""
        if self.json:
            print(json.dumps(value, indent=2, ensure_ascii=False))

    def line(self, text: str) -> None:
        """One line of a text result."""
        if not self.json:
            print(text)

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[Any]], empty: str) -> None:
        """A text result as columns; `empty` is said on stderr when there are no rows."""
        if self.json:
            return
        listed = list(rows)
        if not listed:
            self.say(empty)
            return
        from rich.table import Table
        from rich.text import Text

        table = Table(*heads, box=None, pad_edge=False, header_style="bold")
        for column in table.columns:
            column.no_wrap = True
        for row in listed:
            table.add_row(*(Text(str(cell), style=COLOURS.get(str(cell), "")) for cell in row))
        console(sys.stdout).print(table)

    def pairs(self, rows: Iterable[tuple[str, Any]]) -> None:
        """A text result as `name  value` lines, without those that have no value."""
        shown = [(name, value) for name, value in rows if value not in (None, "", [], ())]
        width = max((len(name) for name, _ in shown), default=0)
        for name, value in shown:
            self.line(f"{name:<{width}}  {value}")


def console(stream: Any) -> Any:
    """A Rich console that neither cuts nor wraps what is not read on a terminal."""
    from rich.console import Console

    terminal = stream.isatty()
    return Console(file=stream, width=None if terminal else 1000, no_color=None if terminal else True)


def moment(at: float | str | None) -> str:
    """Epoch seconds (or the API's own time text) as local time; empty for none."""
    if not at:
        return ""
    when = datetime.fromisoformat(at) if isinstance(at, str) else datetime.fromtimestamp(at, UTC)
    return when.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def span(seconds: float) -> str:
    """A duration for people: 0.4 s, 12 s, 3 min 05 s, 2 h 07 min."""
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def ago(at: float | str | None) -> str:
    """How long ago that was, for people; empty for none."""
    if not at:
        return ""
    when = datetime.fromisoformat(at).timestamp() if isinstance(at, str) else at
    return f"{span(time.time() - when)} ago"
