"""What must go together in a config's `azure` scope, and what in it will not do what it says. Pure."""

from collections.abc import Iterable

from shared.errors import Fault
from shared.model.records import Model
from shared.nextflow.azure import authentication, catalogue, selection
from shared.nextflow.azure.authentication import Method
from shared.nextflow.azure.formulas import LONGEST
from shared.nextflow.azure.options import Value
from shared.nextflow.azure.reading import Reading


class Run(Model, frozen=True, kw_only=True):
    """What a config is for. Seconds; `now` in epoch seconds. `available` are environment variables that the
    run will have, by name."""

    longest: float
    now: float
    fusion: bool = False
    available: frozenset[str] = frozenset()
    shares: bool = True
    """Whether Nextflow mounts file shares: it does on pools that it makes, and needs the account's key."""


def check(reading: Reading, run: Run) -> list[Fault]:
    """Everything that is wrong, the faults of the reading first, what does nothing last."""
    return [*reading.faults, *failing(reading, run), *idle(reading, run)]


def failing(reading: Reading, run: Run) -> list[Fault]:
    """What will fail, or do harm, of options that are right each by itself."""
    method = authentication.storage_method(reading, run.available)
    return [
        *_identities(reading, run),
        *_accounts(reading, run),
        *_pools(reading, run),
        *_shares(reading, run),
        *_batch(reading, run),
        *authentication.lifetime_faults(reading, run.longest, run.now, method),
    ]


def idle(reading: Reading, run: Run) -> list[Fault]:
    """What will not do what it says, and no harm either."""
    method = authentication.storage_method(reading, run.available)
    found = [*authentication.cut_tokens(reading, method)]
    if reading.values.get("batch.poolIdentityClientId") and not run.fusion:
        found.append(_fault("batch.poolIdentityClientId", "is used by Fusion alone, which is not on"))
    for name in reading.named("batch.pools"):
        found += _idle_pool(_members(reading, f"batch.pools.{name}"), f"batch.pools.{name}")
    families = str(reading.values.get("batch.pools.auto.vmType", ""))
    found += [_fault("batch.pools.auto.vmType", each.message) for each in selection.blanks(families)]
    return found


def _fault(name: str, message: str) -> Fault:
    return Fault(f"azure.{name}", message)


def _identities(reading: Reading, run: Run) -> Iterable[Fault]:
    said = reading.values
    if said.get("managedIdentity.clientId") and said.get("managedIdentity.system"):
        yield _fault("managedIdentity", "takes either clientId or system, not both")
    parts = [name for name in authentication.PRINCIPAL if authentication.has(reading, name, run.available)]
    if parts and len(parts) < 3:
        for name in authentication.PRINCIPAL:
            if name not in parts:
                yield _fault(name, "is missing: a service principal needs its id, its secret and its tenant")
    user, password = (
        authentication.has(reading, f"registry.{name}", run.available) for name in ("userName", "password")
    )
    if user != password:
        yield _fault("registry", "needs userName and password together")
    if run.fusion and said.get("storage.accountKey") and said.get("storage.sasToken"):
        yield _fault("storage", "takes either accountKey or sasToken with Fusion, not both")


def _accounts(reading: Reading, run: Run) -> Iterable[Fault]:
    said = reading.values
    if not authentication.has(reading, "storage.accountName", run.available):
        yield _fault("storage.accountName", "is missing")
    if authentication.storage_method(reading, run.available) is None:
        yield _fault(
            "storage", "has no way in: a managed identity, a service principal, a signature or an account key"
        )
    endpoint = str(said.get("batch.endpoint", ""))
    parts = endpoint.removeprefix("https://").split(".")
    if endpoint:
        for at, name in enumerate(("accountName", "location")):
            value = said.get(f"batch.{name}")
            if value and value != parts[at]:
                yield _fault("batch.endpoint", f"is not of the {name} {value}")
        return
    if not authentication.has(reading, "batch.accountName", run.available):
        yield _fault("batch.accountName", "is missing, and there is no endpoint to take it from")
    if not said.get("batch.location"):
        yield _fault("batch.location", "is missing, and there is no endpoint to take it from")


def _pools(reading: Reading, run: Run) -> Iterable[Fault]:
    for name in reading.named("batch.pools"):
        prefix = f"batch.pools.{name}"
        yield from _pool(reading, prefix, auto=name == "auto")
        entra = authentication.batch_method(reading, run.available) in (Method.IDENTITY, Method.PRINCIPAL)
        if reading.values.get(f"{prefix}.virtualNetwork") and not entra:
            yield _fault(
                f"{prefix}.virtualNetwork", "needs a managed identity or a service principal, not a key"
            )


def _members(reading: Reading, prefix: str) -> dict[str, Value]:
    """The options of one pool."""
    return {
        name.removeprefix(f"{prefix}."): value
        for name, value in reading.values.items()
        if name.startswith(f"{prefix}.")
    }


def _idle_pool(said: dict[str, Value], prefix: str) -> Iterable[Fault]:
    if not said.get("autoScale"):
        for name in ("maxVmCount", "scaleFormula", "scaleInterval"):
            if name in said:
                yield _fault(f"{prefix}.{name}", "does nothing without autoScale = true")
    if said.get("runAs") and said.get("privileged"):
        yield _fault(f"{prefix}.privileged", "does nothing beside runAs")
    if said.get("startTask.privileged") and not said.get("startTask.script"):
        yield _fault(f"{prefix}.startTask.privileged", "does nothing without a script")


def _pool(reading: Reading, prefix: str, auto: bool) -> Iterable[Fault]:
    said = _members(reading, prefix)
    if said.get("autoScale") and int(said.get("maxVmCount", 10_000)) < int(said.get("vmCount", 1)):
        yield _fault(f"{prefix}.maxVmCount", "is less than vmCount")
    if len(str(said.get("scaleFormula", ""))) > LONGEST:
        yield _fault(f"{prefix}.scaleFormula", f"has more than {LONGEST} characters")
    yield from _size(reading, f"{prefix}.vmType", str(said.get("vmType", "")), auto)


def _size(reading: Reading, name: str, families: str, auto: bool) -> Iterable[Fault]:
    if not families:
        return
    region = _region(reading)
    sizes = catalogue.sizes(region)
    listed = {each.name.lower() for each in sizes}
    if auto:
        wrong = list(selection.unread(families))
        yield from (_fault(name, each.message) for each in wrong)
        if listed and not wrong and not selection.match(families, sizes):
            yield _fault(name, f"{families} is no size that Nextflow knows in {region}")
        return
    if any(sign in families for sign in "*?,[]^"):
        yield _fault(name, "is a pattern, which only the pool `auto` takes")
    elif listed and families.lower() not in listed:
        yield _fault(name, f"is no size that Nextflow knows in {region}")


def _region(reading: Reading) -> str:
    said = str(reading.values.get("batch.location", ""))
    parts = str(reading.values.get("batch.endpoint", "")).split(".")
    return said or (parts[1] if len(parts) > 1 else "")


def _shares(reading: Reading, run: Run) -> Iterable[Fault]:
    for name in reading.named("storage.fileShares"):
        if f"storage.fileShares.{name}.mountPath" not in reading.values:
            yield _fault(f"storage.fileShares.{name}.mountPath", "is missing")
        if run.shares and not authentication.has(reading, "storage.accountKey", run.available):
            yield _fault(
                f"storage.fileShares.{name}",
                "needs azure.storage.accountKey: shares take no identity, principal or signature",
            )


def _batch(reading: Reading, run: Run) -> Iterable[Fault]:
    said = reading.values
    if authentication.batch_method(reading, run.available) is None:
        yield _fault("batch", "has no way in: a managed identity, a service principal or an account key")
    if said.get("batch.copyToolInstallMode") == "off" and not run.fusion:
        yield _fault("batch.copyToolInstallMode", "'off' needs Fusion: without azcopy no task gets its files")
    named = [each for each in reading.named("batch.pools") if each != "auto"]
    if said.get("batch.deletePoolsOnCompletion") and (named or not said.get("batch.autoPoolMode")):
        yield _fault(
            "batch.deletePoolsOnCompletion",
            "deletes every pool that the run used, also one that was there before: only with pools that"
            " Nextflow makes by itself (autoPoolMode)",
        )
    wall = said.get("batch.jobMaxWallClockTime")
    if wall is not None and float(wall) < run.longest:
        yield _fault("batch.jobMaxWallClockTime", "is shorter than the run may be")
    delay, longest = said.get("retryPolicy.delay"), said.get("retryPolicy.maxDelay")
    if delay is not None and longest is not None and float(longest) < float(delay):
        yield _fault("retryPolicy.maxDelay", "is less than delay")
