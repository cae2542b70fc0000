"""The official examples, and what ours lack of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[5] / "shared" / "reference" / "azure-examples"


def example(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text())
    return found


def fields(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Paths of leaves with their types; the elements of a list are taken together as []."""
    if isinstance(value, dict):
        for name, inside in value.items():
            yield from fields(inside, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        if all(not isinstance(each, (dict, list)) for each in value):
            yield path, "list"
        for each in value:
            if isinstance(each, (dict, list)):
                yield from fields(each, f"{path}[]")
    else:
        kind = (
            "number"
            if isinstance(value, (int, float)) and not isinstance(value, bool)
            else type(value).__name__
        )
        yield path, kind


def differences(official: Any, ours: Any) -> set[str]:
    """Paths that the example has and we lack, and those of another type (with an `!`)."""
    shown, found = dict(fields(official)), set()
    here = dict(fields(ours))
    for path, kind in shown.items():
        if path not in here:
            found.add(path)
        elif here[path] != kind:
            found.add(f"{path}!")
    return found
