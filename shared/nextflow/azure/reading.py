"""A config's `azure` scope, nested as Nextflow has it, into options that are known and right. Pure."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.errors import Fault
from shared.nextflow.azure.options import NAME, NAMED, SCOPES, Option, Value

NO_OPTION = "is no option"
"""Said of a name that is like none that there is."""


@dataclass
class Reading:
    """Values by their dotted names (without `azure.`), each with its option, and what was wrong."""

    values: dict[str, Value] = field(default_factory=dict)
    options: dict[str, Option] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def blame(self, name: str, message: str) -> None:
        """One more thing that is wrong."""
        self.faults.append(Fault(f"azure.{name}" if name else "azure", message))

    def named(self, scope: str) -> list[str]:
        """The names under a scope such as batch.pools."""
        parts = scope.count(".") + 1
        found = [name.split(".")[parts] for name in self.values if name.startswith(f"{scope}.")]
        return list(dict.fromkeys(found))


def read(scope: Mapping[str, Any]) -> Reading:
    """Reads `{"batch": {"location": ...}}`. Never raises: everything that is wrong is in the faults."""
    found = Reading()
    _walk(found, "", "", scope)
    return found


def _walk(found: Reading, shape: str, path: str, given: Any) -> None:
    """`shape` is the path with `<name>` in the place of users' own names."""
    if given is None:
        return
    if not isinstance(given, Mapping):
        found.blame(path, "is a scope and needs options inside")
        return
    for key, value in given.items():
        name = _joined(path, str(key))
        if shape in NAMED:
            _named(found, shape, name, str(key), value)
        elif _joined(shape, str(key)) in _scopes():
            _walk(found, _joined(shape, str(key)), name, value)
        elif str(key) in SCOPES.get(shape, {}):
            _value(found, name, SCOPES[shape][str(key)], value)
        else:
            found.blame(name, unknown(str(key), _known(shape)))


def _named(found: Reading, shape: str, name: str, key: str, value: Any) -> None:
    if NAME.fullmatch(key):
        _walk(found, f"{shape}.<name>", name, value)
    else:
        found.blame(name, "needs a name of up to 64 letters, digits, hyphens and underscores")


def _value(found: Reading, name: str, option: Option, value: Any) -> None:
    if value is None:
        return
    try:
        found.values[name] = option.read(value)
        found.options[name] = option
    except ValueError as error:
        found.blame(name, str(error))


def unknown(key: str, known: Iterable[str]) -> str:
    """What is said of an option that there is not."""
    lower = {each.lower(): each for each in sorted(known)}
    near = difflib.get_close_matches(key.lower()[:100], lower, n=1, cutoff=0.6)
    return f"{NO_OPTION}; did you mean {lower[near[0]]}?" if near else NO_OPTION


def _known(shape: str) -> set[str]:
    inside = {each.removeprefix(f"{shape}." if shape else "") for each in _scopes() if each.startswith(shape)}
    return {*SCOPES.get(shape, {}), *(each.split(".")[0] for each in inside if each)} - {"<name>", shape}


def _scopes() -> set[str]:
    return {".".join(each.split(".")[:count]) for each in SCOPES for count in range(1, each.count(".") + 2)}


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
