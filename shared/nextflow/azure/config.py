"""A checked `azure` scope as the text of a Nextflow config, with the secrets beside it. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from shared.errors import Fault, Invalid
from shared.model.records import Model
from shared.nextflow.azure import authentication, checks, paths, units
from shared.nextflow.azure.checks import Run
from shared.nextflow.azure.options import SCOPES
from shared.nextflow.azure.reading import Reading, read
from shared.nextflow.command import quoted

_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
SELECTOR = re.compile(r"[\w.*|!:()\[\]^-]{1,200}", re.ASCII)


class Rendered(Model, frozen=True, kw_only=True):
    """The text of a config, which holds no secret, and the variables with those that it needs."""

    text: str
    variables: Mapping[str, str]
    storage: str
    """The method by which blobs are reached, in words."""


class Hybrid(Model, frozen=True, kw_only=True):
    """Processes that run on Azure Batch while all others run where the head does. A selector is `label:NAME`
    or `name:PATTERN`; `queue` is the pool, `auto` where Nextflow makes it."""

    bucket_dir: str
    queues: Mapping[str, str]
    containers: Mapping[str, str] = {}
    fusion: bool = False


def render(scope: Mapping[str, Any], run: Run) -> Rendered:
    """Raises Invalid with everything that is wrong. A tokenDuration that is not said becomes one that
    fits the run."""
    reading = read(scope)
    if "storage.tokenDuration" not in reading.values and not fit(reading, run, 0.0):
        raise Invalid(*reading.faults)
    if faults := checks.check(reading, run):
        raise Invalid(*faults)
    return rendered(reading, run)


def fit(reading: Reading, run: Run, least: float) -> bool:
    """Sets a tokenDuration that outlives the run, of at least so many seconds. False, with the reason among
    the faults, where no signature can live so long and the run needs one."""
    method = authentication.storage_method(reading, run.available)
    if method in (None, authentication.Method.SAS):
        return True
    try:
        wanted = authentication.token_seconds(run.longest, method)
    except ValueError as error:
        if run.fusion and reading.values.get("batch.poolIdentityClientId"):
            return True
        reading.blame("storage.tokenDuration", str(error))
        return False
    most = least if method is authentication.Method.KEY else authentication.DELEGATION_LIMIT
    reading.values["storage.tokenDuration"] = max(wanted, min(least, most))
    reading.options["storage.tokenDuration"] = SCOPES["storage"]["tokenDuration"]
    return True


def rendered(reading: Reading, run: Run) -> Rendered:
    """A reading as text, and the secrets beside it. Nothing is checked. Pure."""
    method = authentication.storage_method(reading, run.available)
    return Rendered(
        text="".join(f"{line}\n" for line in lines(reading)),
        variables=authentication.least_secrets(reading, run.available),
        storage=method.value if method else "",
    )


def lines(reading: Reading) -> Sequence[str]:
    """One line for each option that is no secret, in the order of their names."""
    return [
        f"azure.{_path(name)} = {_literal(reading, name)}"
        for name in sorted(reading.values)
        if not (name in reading.options and reading.options[name].secret)
    ]


def hybrid(wanted: Hybrid) -> str:
    """The config of selectors. Raises Invalid."""
    faults = [
        Fault("selector", f"{each[:100]!r} is not like label:big or name:ALIGN.*")
        for each in wanted.queues
        if not each.startswith(("label:", "name:")) or not SELECTOR.fullmatch(each.partition(":")[2])
    ]
    faults += [
        Fault("container", f"{each[:100]!r} has no container: each process on Azure Batch needs one")
        for each in wanted.queues
        if each not in wanted.containers
    ]
    if faults or not wanted.queues:
        raise Invalid(*faults or (Fault("selector", "needs at least one selector"),))
    place = paths.work_dir(wanted.bucket_dir)
    # With Fusion all tasks use the one work directory.
    found = [f"{'workDir' if wanted.fusion else 'bucketDir'} = {quoted(str(place))}", "process {"]
    for each, queue in wanted.queues.items():
        kind, _, pattern = each.partition(":")
        found += [
            f"    {'withLabel' if kind == 'label' else 'withName'}: {quoted(pattern)} {{",
            "        executor = 'azurebatch'",
            f"        queue = {quoted(queue)}",
            f"        container = {quoted(wanted.containers[each])}",
            "    }",
        ]
    return "\n".join([*found, "}", ""])


def _path(name: str) -> str:
    return ".".join(each if _PLAIN.fullmatch(each) else quoted(each) for each in name.split("."))


def _literal(reading: Reading, name: str) -> str:
    value, option = reading.values[name], reading.options.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if option is None or option.duration:
        return quoted(units.duration(float(value)))
    return quoted(value) if isinstance(value, str) else f"{value}"
