"""States as tables: the one place that says what may follow what.

The tables draw the diagram in docs/, are walked by the property tests, and guard every write
(`step_to`). An unlisted move is a defect in a step, never something to be forced.
"""

from collections.abc import Mapping

Table = Mapping[str, tuple[str, ...]]

ENVIRONMENT: Table = {
    "CREATING": ("AVAILABLE", "ERRORED", "DELETING"),
    "AVAILABLE": ("INVALID", "DISABLED", "DELETING"),
    "DISABLED": ("AVAILABLE", "DELETING"),
    "INVALID": ("AVAILABLE", "DELETING"),
    "ERRORED": ("CREATING", "DELETING"),
    "DELETING": ("DELETED",),
    "DELETED": (),
}

RUN: Table = {
    "SUBMITTED": ("RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "UNKNOWN"),
    "RUNNING": ("SUBMITTED", "SUCCEEDED", "FAILED", "CANCELLED", "UNKNOWN"),
    "UNKNOWN": ("RUNNING", "SUBMITTED", "SUCCEEDED", "FAILED", "CANCELLED"),
    "SUCCEEDED": (),
    "FAILED": (),
    "CANCELLED": (),
}
"""RUNNING -> SUBMITTED is a run that lost its machine and waits for the next one (spot)."""

ATTEMPT: Table = {
    "intended": ("intended", "placed", "refused", "gone"),
    "placed": ("intended", "alive", "ended", "reaping", "gone"),
    "alive": ("ended", "reaping", "gone"),
    "ended": ("reaping", "gone"),
    "reaping": ("gone",),
    "refused": (),
    "gone": (),
}
"""One machine's life within a run. `intended`: the row is written, the cloud may have been asked.
`placed`: the machine's id is known; it is `intended` again when the cloud could not make it after all.
`alive`: its runner reported. `ended`: its work is over. `reaping`: removal was asked for. `gone`: the
cloud said so. `refused`: no offer could be had."""

RESOURCE: Table = {
    "planned": ("making", "removing", "gone"),
    "making": ("present", "failed", "removing", "kept", "gone"),
    "failed": ("making", "removing", "kept", "gone"),
    "present": ("removing", "kept", "gone"),
    "removing": ("gone",),
    "kept": (),
    "gone": (),
}
"""One resource of an environment's graph. `planned` was never asked for, so it may go at once,
unless another environment has made it and left it to this one. `kept`: the
environment is through with it and it stays, since it holds data or other environments use it."""

TABLES: Mapping[str, Table] = {
    "environment": ENVIRONMENT,
    "run": RUN,
    "attempt": ATTEMPT,
    "resource": RESOURCE,
}


def step_to(table: Table, now: str, then: str) -> str:
    """`then`, if the table allows it after `now` (staying is always allowed).

    Raises ValueError for a move that is not in the table: a defect in the caller.
    """
    if then != now and then not in table[now]:
        raise ValueError(f"no such move: {now} -> {then}")
    return then


def is_final(table: Table, state: str) -> bool:
    """Whether nothing follows this state."""
    return not table[state]


def diagram(name: str) -> str:
    """The table as Mermaid text, for the documents."""
    rows = [f"    {now} --> {then}" for now, nexts in TABLES[name].items() for then in nexts if then != now]
    ends = [f"    {now} --> [*]" for now, nexts in TABLES[name].items() if not nexts]
    return "\n".join(["stateDiagram-v2", *rows, *ends])
