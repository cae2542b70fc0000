"""Reading an environment's config, and saying what is wrong with it: what every cloud has in common."""

import re
from collections.abc import Callable
from typing import Any

Add = Callable[[str, str], None]
"""Notes a fault: the field and what is wrong with it."""
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")


def given(config: dict[str, Any], field: str) -> bool:
    """Whether the field says anything: null and the empty text are as good as absent."""
    return config.get(field) not in (None, "")


def text(config: dict[str, Any], field: str) -> str:
    """A text field without surrounding space; empty when absent."""
    value = config.get(field)
    return value.strip() if isinstance(value, str) else ""


def texts(config: dict[str, Any], field: str) -> tuple[str, ...]:
    """A field that is a list of texts, without repeats, in its own order."""
    value = config.get(field)
    if not isinstance(value, list):
        return ()
    return tuple(dict.fromkeys(each.strip() for each in value if isinstance(each, str) and each.strip()))


def variables(config: dict[str, Any], targets: tuple[str, ...] = ("head", "compute")) -> dict[str, str]:
    """The config's environment variables for any of these targets. A machine that is head and compute in
    one gets a variable for either; one for neither is not set."""
    listed = config.get("environment")
    found = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return {
        str(each["name"]): str(each.get("value") or "")
        for each in found
        if each.get("name") and any(each.get(target, True) for target in targets)
    }


def faulty_variables(config: dict[str, Any], add: Add) -> None:
    """What is wrong with the environment variables. Never quotes a value."""
    listed = config.get("environment")
    if listed is None:
        return
    if not isinstance(listed, list):
        add("environment", f"{shown(listed)} is not a list")
        return
    for each in listed:
        name = each.get("name") if isinstance(each, dict) else None
        if not isinstance(name, str) or not VARIABLE.fullmatch(name):
            add("environment", f"{shown(name)} is not a variable's name")
        elif not isinstance(each.get("value", ""), str | None):
            add("environment", f"the value of {name} is not a text")


def shown(value: Any) -> str:
    """A value for an error's text, bounded."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
