"""The `azure` scope of a Nextflow config that somebody wrote, as far as it can be read unrun. Pure.

A config is a program. What is no plain literal (a parameter, a closure, a list, an `if`) is left to Nextflow:
nothing is said against it, and nothing that hangs on it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from shared.errors import Fault
from shared.model.records import Model
from shared.nextflow.azure import catalogue, checks, selection
from shared.nextflow.azure.checks import Run
from shared.nextflow.azure.reading import NO_OPTION, read
from shared.nextflow.settings import read as settings

PART = re.compile(r"'([^']*)'|\"([^\"]*)\"|([^.'\"]+)")
TEXT = re.compile(r"'((?:\\['\\]|[^'\\\n])*)'|\"((?:\\[\"\\]|[^\"\\\n$])*)\"")
NUMBER = re.compile(r"-?\d{1,15}")
DECIMAL = re.compile(r"-?\d{1,15}\.\d{1,9}")
QUANTITY = re.compile(r"\d{1,15}(?:\.\d{1,6})?\.[A-Za-z]{1,7}")
"""12.h, 1.5.GB: how Groovy writes a duration or a size."""
WORDS: Mapping[str, bool] = {"true": True, "false": False}
ELSEWHERE = re.compile(r"^(?!id\b).*\b(azure|batch|storage|pools|managedIdentity|includeConfig)\b", re.DOTALL)
"""In a statement that cannot be read (and names no plugin): it may set anything of the scope."""


class Given(Model, frozen=True, kw_only=True):
    """What was read. A value that only Nextflow knows is None in `scope`."""

    scope: Mapping[str, Any] = {}
    unread: tuple[str, ...] = ()
    """Dotted names without `azure.` whose values only Nextflow knows; "" where it may be any."""
    machine: str = ""
    """`process.machineType`, where it is plain: the sizes of pools that Nextflow makes."""


def given(text: str, profiles: Iterable[str] = ()) -> Given:
    """Reads a config, with those of its profiles that are chosen laid over the rest. Never raises."""
    scope: dict[str, Any] = {}
    unread: list[str] = []
    machine = ""
    chosen = frozenset(profiles)
    plain, profiled = [], []
    for name, value in settings(text):
        parts = [next(filter(None, each), "") for each in PART.findall(name)]
        if not name and ELSEWHERE.search(value):
            unread.append("")
        elif parts == ["process", "machineType"]:
            machine = str(literal(value) or "")
        elif parts[:1] == ["azure"]:
            plain.append((parts[1:], value))
        elif parts[:1] == ["profiles"] and parts[2:3] == ["azure"] and parts[1] in chosen:
            profiled.append((parts[3:], value))
    for parts, value in (*plain, *profiled):
        found = literal(value)
        name = ".".join(parts)
        unread = [each for each in unread if each != name or not each]
        if found is None:
            unread.append(name)
        put(scope, parts, found)
    return Given(scope=scope, unread=tuple(unread), machine=machine)


def literal(text: str) -> str | bool | int | float | None:
    """A literal's value; None for whatever else a program may say. Sizes and durations are texts."""
    if found := TEXT.fullmatch(text):
        return re.sub(r"\\(.)", r"\1", found[1] if found[1] is not None else found[2])
    if text in WORDS:
        return WORDS[text]
    if NUMBER.fullmatch(text):
        return int(text)
    if DECIMAL.fullmatch(text):
        return float(text)
    return text if QUANTITY.fullmatch(text) else None


def put(scope: dict[str, Any], parts: list[str], value: object) -> None:
    """Sets a nested value; what an earlier one of the same name was does not matter any more."""
    for each in parts[:-1]:
        inner = scope.get(each)
        if not isinstance(inner, dict):
            inner = scope[each] = {}
        scope = inner
    if parts:
        scope[parts[-1]] = value


def laid(*scopes: Mapping[str, Any]) -> dict[str, Any]:
    """Scopes laid over one another; the last wins. Pure."""
    found: dict[str, Any] = {}
    for scope in scopes:
        for name, value in scope.items():
            inner = found.get(name)
            both = isinstance(value, Mapping) and isinstance(inner, Mapping)
            found[name] = laid(inner, value) if both else value  # type: ignore[arg-type]  # both are mappings
    return found


def form_faults(said: Given) -> list[Fault]:
    """What is wrong with it by its own words: misspelt options, and values that no option takes. An option
    that is like none we know may be one of a newer Nextflow."""
    return [each for each in read(said.scope).faults if each.message != NO_OPTION]


def run_faults(said: Given, whole: Mapping[str, Any], run: Run) -> list[Fault]:
    """What will fail with the `whole` scope, of which this is a part. Where a value is not known, only pools
    are judged, and of those the ones of which everything is."""
    reading = read(whole)
    found = checks.failing(reading, run)
    if not said.unread:
        return found
    return [each for each in found if is_pool(each) and not touched(each, said.unread)]


def is_pool(fault: Fault) -> bool:
    """Whether it is about a setting of one pool."""
    return fault.field.startswith("azure.batch.pools.")


def touched(fault: Fault, unread: Iterable[str]) -> bool:
    """Whether a setting that is not known has to do with it."""
    pool = ".".join(fault.field.split(".")[1:4])
    known = ("", "batch", "batch.pools", "batch.location", "batch.endpoint", pool)
    return any(each in known or each.startswith(f"{pool}.") for each in unread)


def machine_remarks(said: Given, whole: Mapping[str, Any]) -> list[str]:
    """What is doubtful of the sizes that Nextflow chooses from where it makes pools. A process may name its
    own instead."""
    values = read(whole).values
    region = str(values.get("batch.location", ""))
    if not (said.machine and values.get("batch.autoPoolMode")):
        return []
    found = [each.message for each in selection.faults(said.machine)]
    sizes = catalogue.sizes(region)
    if not found and sizes and not selection.match(said.machine, sizes):
        found.append(f"{said.machine} is no size that Nextflow knows in {region}")
    return found


def remarks(said: Given, where: str, whole: Mapping[str, Any], run: Run) -> list[str]:
    """What people should know of it, though it is no fault: what was not read, what is no option that we
    know, and what does nothing."""
    own = read(said.scope)
    found = [f"azure.{name}: only Nextflow can tell its value" for name in said.unread if name]
    found += ["a part that only Nextflow can read may set more"] if "" in said.unread else []
    found += [
        f"azure.{name}: whoever sees this config sees the secret; credentials keep it"
        for name, option in own.options.items()
        if option.secret
    ]
    found += [f"{each.field}: {NO_OPTION} known here" for each in own.faults if each.message == NO_OPTION]
    found += [f"process.machineType: {each}" for each in machine_remarks(said, whole)]
    if not said.unread:
        idle = checks.idle(read(whole), run)
        found += [
            f"{each.field}: {each.message}"
            for each in idle
            if each.field.removeprefix("azure.") in own.values
        ]
    return [f"{where}: {each}" for each in dict.fromkeys(found)]
