"""Reading an environment's config, and saying what is wrong with it: what every cloud has in common."""

import re
from collections.abc import Callable, Iterable
from typing import Any

Add = Callable[[str, str], None]
"""Notes a fault: the field and what is wrong with it."""
Patterns = dict[str, tuple[str, str]]
"""Field -> what all of it must match, and what that is."""
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


def matches(field: str, value: Any, pattern: str, what: str, add: Add) -> None:
    """One text against its pattern."""
    if not isinstance(value, str) or not re.fullmatch(pattern, value.strip()):
        add(field, f"{shown(value)} is not {what}")


def faulty_patterns(config: dict[str, Any], patterns: Patterns, add: Add) -> None:
    """Texts, each against what all of it must match."""
    for field, (pattern, what) in patterns.items():
        if given(config, field):
            matches(field, config[field], pattern, what, add)


def faulty_lists(config: dict[str, Any], patterns: Patterns, most: int, add: Add) -> None:
    """Lists of at most so many texts, each against the pattern."""
    for field, (pattern, what) in patterns.items():
        value = config.get(field)
        if not given(config, field):
            continue
        if not isinstance(value, list):
            add(field, f"{shown(value)} is not a list")
            continue
        if len(value) > most:
            add(field, f"{len(value)} items, at most {most}")
        for each in value[:most]:
            matches(field, each, pattern, what, add)


def faulty_texts(config: dict[str, Any], fields: Iterable[str], add: Add) -> None:
    """Texts of any content, and the labels."""
    for field in fields:
        if given(config, field) and not isinstance(config[field], str):
            add(field, f"{shown(config[field])} is not a text")
    if given(config, "labels") and not isinstance(config["labels"], dict):
        add("labels", f"{shown(config['labels'])} is not an object")


def faulty_switches(config: dict[str, Any], fields: Iterable[str], add: Add) -> None:
    """True or false."""
    for field in fields:
        if given(config, field) and not isinstance(config[field], bool):
            add(field, f"{shown(config[field])} is not true or false")


def faulty_numbers(config: dict[str, Any], limits: dict[str, tuple[int, int]], add: Add) -> None:
    """Whole numbers, each from its least to its most."""
    for field, (least, most) in limits.items():
        value = config.get(field)
        whole = isinstance(value, int) and not isinstance(value, bool)
        if value is not None and not (whole and least <= value <= most):
            add(field, f"{shown(value)} is not a whole number from {least} to {most}")


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
