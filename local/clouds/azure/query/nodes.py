"""What a query says, before anybody has looked whether the tables and columns exist."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Literal:
    """A value that was written out; `type` is one of the language's."""

    type: str
    value: Any


@dataclass(frozen=True)
class Column:
    """A name."""

    name: str


@dataclass(frozen=True)
class Binary:
    """left operator right: comparisons, `and`, `or`."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class Among:
    """left in (values)."""

    left: "Node"
    values: Sequence["Node"]
    negated: bool = False


@dataclass(frozen=True)
class Call:
    """A function."""

    name: str
    arguments: Sequence["Node"]


Node = Literal | Column | Binary | Among | Call


@dataclass(frozen=True)
class Named:
    """A column of a result; `name` is empty where the query gives none."""

    name: str
    node: Node


@dataclass(frozen=True)
class Sorted:
    """A column to sort by; by default the largest comes first."""

    node: Node
    ascending: bool


@dataclass(frozen=True)
class Step:
    """One operator of the pipe. What an operator has no use for is empty."""

    operator: str
    condition: Node | None = None
    columns: Sequence[Named] = ()
    by: Sequence[Named] = ()
    order: Sequence[Sorted] = ()
    count: int = 0


@dataclass(frozen=True)
class Query:
    """A table and what is done to it."""

    table: str
    steps: Sequence[Step]
