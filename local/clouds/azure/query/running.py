"""The pipe: rows go in from a table, and come out as the query wants them."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from local.clouds.azure.query import errors
from local.clouds.azure.query.binding import Bound, Row, Scope
from local.clouds.azure.query.nodes import Call, Column, Named, Query, Sorted, Step

Aggregate = Callable[[Sequence[Any]], Any]
_AGGREGATES: Mapping[str, Aggregate] = {"min": min, "max": max, "sum": sum}


@dataclass(frozen=True)
class Result:
    """Columns with their types, and rows."""

    columns: Mapping[str, str]
    rows: Sequence[Row]


def run(query: Query, table: Result, now: datetime.datetime) -> Result:
    """Does what a query says with the rows of its table. Raises Refused (SemanticError)."""
    found = table
    for step in query.steps:
        found = _STEPS[step.operator](step, found, Scope(step.operator, found.columns, now))
    return found


def _where(step: Step, table: Result, scope: Scope) -> Result:
    assert step.condition is not None
    condition = scope.truth(step.condition)
    return replace(table, rows=[row for row in table.rows if condition.of(row)])


def _order(step: Step, table: Result, scope: Scope) -> Result:
    return replace(table, rows=_sorted(step.order, table.rows, scope))


def _top(step: Step, table: Result, scope: Scope) -> Result:
    return replace(table, rows=_sorted(step.order, table.rows, scope)[: step.count])


def _sorted(order: Sequence[Sorted], rows: Sequence[Row], scope: Scope) -> list[Row]:
    found = list(rows)
    for each in reversed(order):
        bound = scope.bind(each.node)
        found.sort(key=_key(bound), reverse=not each.ascending)
    return found


def _key(bound: Bound) -> Callable[[Row], tuple[bool, Any]]:
    """Null is the smallest."""

    def key(row: Row) -> tuple[bool, Any]:
        value = bound.of(row)
        return (value is not None, 0 if value is None else value)

    return key


def _take(step: Step, table: Result, _: Scope) -> Result:
    return replace(table, rows=table.rows[: step.count])


def _count(_: Step, table: Result, __: Scope) -> Result:
    return Result({"Count": "long"}, [{"Count": len(table.rows)}])


def _project(step: Step, table: Result, scope: Scope) -> Result:
    bound = _bound(step.columns, scope)
    return Result(
        {name: each.type for name, each in bound.items()},
        [{name: each.of(row) for name, each in bound.items()} for row in table.rows],
    )


def _extend(step: Step, table: Result, scope: Scope) -> Result:
    bound = _bound(step.columns, scope)
    return Result(
        {**table.columns, **{name: each.type for name, each in bound.items()}},
        [{**row, **{name: each.of(row) for name, each in bound.items()}} for row in table.rows],
    )


def _distinct(step: Step, table: Result, scope: Scope) -> Result:
    found = _project(step, table, scope)
    rows = {tuple(row.values()): row for row in found.rows}
    return replace(found, rows=list(rows.values()))


def _summarize(step: Step, table: Result, scope: Scope) -> Result:
    by = _bound(step.by, scope)
    results = [_aggregated(each, scope) for each in step.columns]
    groups: dict[tuple[Any, ...], list[Row]] = {} if by else {(): []}
    for row in table.rows:
        groups.setdefault(tuple(each.of(row) for each in by.values()), []).append(row)
    rows = [
        {**dict(zip(by, key, strict=True)), **{name: of(inside) for name, _, of in results}}
        for key, inside in groups.items()
    ]
    columns = {name: each.type for name, each in by.items()}
    return Result({**columns, **{name: type for name, type, _ in results}}, rows)


def _aggregated(asked: Named, scope: Scope) -> tuple[str, str, Callable[[Sequence[Row]], Any]]:
    """The name and type of an aggregate, and how it is had from the rows of a group."""
    match asked.node:
        case Call("count", []):
            return asked.name or "count_", "long", len
        case Call(name, [argument]) if name in _AGGREGATES:
            bound, of = scope.bind(argument), _AGGREGATES[name]
            plain = argument.name if isinstance(argument, Column) else ""

            def aggregate(rows: Sequence[Row]) -> Any:
                values = [value for row in rows if (value := bound.of(row)) is not None]
                return of(values) if values else None

            return asked.name or f"{name}_{plain}", bound.type, aggregate
        case _:
            raise errors.semantic("SEM0260", "The emulated Azure does not know such an aggregate")


def _bound(asked: Sequence[Named], scope: Scope) -> dict[str, Bound]:
    found: dict[str, Bound] = {}
    for number, each in enumerate(asked, 1):
        name = each.name or (each.node.name if isinstance(each.node, Column) else f"Column{number}")
        found[name] = scope.bind(each.node)
    return found


_STEPS: Mapping[str, Callable[[Step, Result, Scope], Result]] = {
    "where": _where,
    "order": _order,
    "top": _top,
    "take": _take,
    "count": _count,
    "project": _project,
    "extend": _extend,
    "distinct": _distinct,
    "summarize": _summarize,
}
