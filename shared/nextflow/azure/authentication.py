"""Who Nextflow is in Azure: the method that it will take, the secrets it needs for that and no others, and
whether its signatures live as long as the run. Pure.

Nextflow's order: a managed identity before a service principal, before a signature (SAS), before an account
key; for Batch there is no signature. What it takes from its environment is named as it reads it: an identity
it reads from its config alone, whatever its documentation says.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import parse_qs

from shared.errors import Fault
from shared.nextflow.azure.reading import Reading
from shared.nextflow.azure.units import duration, seconds

DELEGATION_LIMIT = 7 * 86400.0
"""Seconds that a signature lives at the most when it is not made with the account's key (Azure)."""
TOKEN = 48 * 3600.0
"""Seconds that Nextflow's own signatures live where nobody says it."""
MARGIN = 1.1
"""A signature lives this much longer than the run may: it is made when Nextflow starts, and never again."""


class Method(StrEnum):
    """Ways to prove who one is, the most secure first."""

    IDENTITY = "managed identity"
    PRINCIPAL = "service principal"
    SAS = "shared access signature"
    KEY = "account key"


NEEDS: Mapping[Method, Sequence[str]] = {
    Method.IDENTITY: (),
    Method.PRINCIPAL: ("activeDirectory.servicePrincipalSecret",),
    Method.SAS: ("storage.sasToken",),
    Method.KEY: ("storage.accountKey",),
}
PRINCIPAL = {
    "activeDirectory.servicePrincipalId": "AZURE_CLIENT_ID",
    "activeDirectory.servicePrincipalSecret": "AZURE_CLIENT_SECRET",
    "activeDirectory.tenantId": "AZURE_TENANT_ID",
}


def has(reading: Reading, name: str, available: Iterable[str] = ()) -> bool:
    """Whether an option is said, or its environment variable is `available`."""
    option = reading.options.get(name)
    variable = PRINCIPAL.get(name) or (option.variable if option else VARIABLES.get(name, ""))
    return bool(reading.values.get(name)) or variable in available


VARIABLES = {
    "batch.accountKey": "AZURE_BATCH_ACCOUNT_KEY",
    "batch.accountName": "AZURE_BATCH_ACCOUNT_NAME",
    "storage.accountKey": "AZURE_STORAGE_ACCOUNT_KEY",
    "storage.accountName": "AZURE_STORAGE_ACCOUNT_NAME",
    "storage.sasToken": "AZURE_STORAGE_SAS_TOKEN",
    "registry.userName": "AZURE_REGISTRY_USER_NAME",
    "registry.password": "AZURE_REGISTRY_PASSWORD",
}


def storage_method(reading: Reading, available: Iterable[str] = ()) -> Method | None:
    """How Nextflow reads and writes blobs; None where it cannot."""
    known = frozenset(available)
    if reading.values.get("managedIdentity.clientId") or reading.values.get("managedIdentity.system"):
        return Method.IDENTITY
    if all(has(reading, name, known) for name in PRINCIPAL):
        return Method.PRINCIPAL
    if has(reading, "storage.sasToken", known):
        return Method.SAS
    return Method.KEY if has(reading, "storage.accountKey", known) else None


def batch_method(reading: Reading, available: Iterable[str] = ()) -> Method | None:
    """How Nextflow speaks to Batch; None where it cannot."""
    known = frozenset(available)
    found = storage_method(reading, known)
    if found in (Method.IDENTITY, Method.PRINCIPAL):
        return found
    return Method.KEY if has(reading, "batch.accountKey", known) else None


def least_secrets(reading: Reading, available: Iterable[str] = ()) -> dict[str, str]:
    """The secrets that a run needs with what its config says, as environment variables; all others that the
    config has are left out. Nothing at all for a managed identity, unless file shares need the key."""
    known = frozenset(available)
    needed = list(NEEDS[method]) if (method := storage_method(reading, known)) else []
    if batch_method(reading, known) is Method.KEY:
        needed.append("batch.accountKey")
    if reading.named("storage.fileShares"):
        needed.append("storage.accountKey")
    needed.append("registry.password")
    return {
        reading.options[name].variable: str(reading.values[name])
        for name in dict.fromkeys(needed)
        if name in reading.values
    }


def token_seconds(run: float, method: Method) -> float:
    """The `azure.storage.tokenDuration` for a run of so many seconds, in whole hours since Nextflow cuts the
    rest off. Raises ValueError where no signature can live that long."""
    wanted = -(-run * MARGIN // 3600) * 3600
    if method in (Method.IDENTITY, Method.PRINCIPAL) and wanted > DELEGATION_LIMIT:
        if run > DELEGATION_LIMIT:
            raise ValueError(
                f"the run may take {duration(run)}, but signatures made with a {method.value} end after 7d:"
                " shorten the run, or let the nodes' own identity reach the storage (Fusion with"
                " azure.batch.poolIdentityClientId)"
            )
        return DELEGATION_LIMIT
    return max(3600.0, wanted)


def lifetime_faults(reading: Reading, run: float, now: float, method: Method | None) -> Iterable[Fault]:
    """Signatures that would end before a run of `run` seconds that begins `now` (epoch seconds)."""
    if method is Method.SAS:
        ends = expiry(str(reading.values.get("storage.sasToken", "")))
        if ends is not None and ends < now + run:
            left = duration(max(0.0, (ends - now) // 60 * 60))
            yield Fault(
                "azure.storage.sasToken", f"ends in {left}, before a run of up to {duration(run)} does"
            )
        return
    if method is None or reading.values.get("batch.poolIdentityClientId"):
        return
    said = reading.values.get("storage.tokenDuration")
    lives = seconds_of(said)
    if min(lives, DELEGATION_LIMIT if method is not Method.KEY else lives) < run:
        what = duration(lives) if said is not None else f"{duration(lives)} (Nextflow's own)"
        yield Fault(
            "azure.storage.tokenDuration",
            f"of {what} ends before a run of up to {duration(run)} does: every task after that would fail",
        )


def cut_tokens(reading: Reading, method: Method | None) -> Iterable[Fault]:
    """A wish for signatures that Azure does not make."""
    lives = seconds_of(reading.values.get("storage.tokenDuration"))
    if method in (Method.IDENTITY, Method.PRINCIPAL) and lives > DELEGATION_LIMIT:
        yield Fault("azure.storage.tokenDuration", f"is cut to 7d: Azure gives no longer to a {method.value}")


def seconds_of(said: object) -> float:
    """A token's duration as it was read, or Nextflow's own."""
    return TOKEN if said is None else float(said) if isinstance(said, int | float) else seconds(said)


def expiry(signature: str) -> float | None:
    """When a signature ends (epoch seconds); None where it does not say."""
    ends = parse_qs(signature).get("se", [""])[0]
    try:
        found = datetime.fromisoformat(ends)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
