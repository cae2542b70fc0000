"""What is wrong with an `azure-batch` config by its own words; nothing is called."""

from typing import Any

from shared.errors import Fault
from shared.nextflow.azure import given as azure
from shared.nextflow.azure.formulas import LONGEST_INTERVAL, SHORTEST_INTERVAL
from shared.providers import fields
from shared.providers.azure import form as cloud
from shared.providers.azure.batch.options import MOST_WALL_CLOCK, PROBE, seconds
from shared.providers.azure.batch.sizes import cores
from shared.providers.azure.form import GUID, IN_GROUP, NAME, NETWORK, SIZE
from shared.providers.fields import Add, given, shown

POOL = (r"[\w-]{1,64}", "a pool's id (letters, digits, hyphens and underscores, at most 64)")
IDENTITY = (
    rf"(?i:{IN_GROUP}/microsoft\.managedidentity/userassignedidentities/)[\w-]{{1,128}}/?",
    "a user-assigned managed identity's id",
)
REGISTRY = (r"[A-Za-z0-9]{1,64}", "the id of container-reg credentials")
MOST_REGISTRIES = 20
CLIENT = (GUID, "a managed identity's client id (a GUID)")
PATTERNS = {
    "headPool": POOL,
    "workerPool": POOL,
    "batchAccount": (r"[a-z0-9]{3,24}", "a Batch account's name"),
    "storageAccount": (r"[a-z0-9]{3,24}", "a storage account's name"),
    "subscriptionId": (GUID, "a subscription's id (a GUID)"),
    "subnetId": (rf"{NETWORK}/subnets/{NAME}/?", "a subnet's id"),
    "managedIdentityClientId": CLIENT,
    "managedIdentityPoolClientId": CLIENT,
    "managedIdentityHeadResourceId": IDENTITY,
    "managedIdentityPoolResourceId": IDENTITY,
}
NUMBERS = {"headJobCpus": (1, 256), "headJobMemoryMb": (512, 4_000_000), "maxResumes": (0, 1000)}
POOL_NUMBERS = {"vmCount": (1, 1000), "minVmCount": (0, 1000), "bootDiskSizeGB": (50, 4095)}
SWITCHES = (
    *("deletePoolsOnCompletion", "deleteJobsOnCompletionEnabled", "deleteTasksOnCompletion"),
    *("terminateJobsOnCompletion", "waveEnabled", "fusion2Enabled", "autoPoolMode"),
)
FORGE_SWITCHES = ("disposeOnDeletion", "dualPoolConfig", PROBE)
TEXTS = ("preRunScript", "postRunScript", "nextflowConfig", "engineContainer")
NEEDED = {
    "managedIdentityHeadResourceId": "managedIdentityClientId",
    "managedIdentityPoolResourceId": "managedIdentityPoolClientId",
}


def form(config: dict[str, Any]) -> list[Fault]:
    """Every fault, in the order of the fields' importance. Pure; never raises."""
    faults: list[Fault] = []
    add: Add = lambda field, message: faults.append(Fault(field, message))  # noqa: E731
    cloud.region_and_work_dir(config, add)
    fields.faulty_patterns(config, PATTERNS, add)
    fields.faulty_numbers(config, NUMBERS, add)
    fields.faulty_switches(config, SWITCHES, add)
    durations(config, add)
    fields.faulty_texts(config, TEXTS, add)
    nextflow_config(config, add)
    fields.faulty_variables(config, add)
    if config.get("fusion2Enabled") is True and config.get("waveEnabled") is not True:
        add("fusion2Enabled", "needs waveEnabled")
    forge = config.get("forge")
    if forge is None:
        manual(config, add)
    elif isinstance(forge, dict):
        forged(config, forge, add)
    else:
        add("forge", f"{shown(forge)} is not an object")
    return faults


def nextflow_config(config: dict[str, Any], add: Add) -> None:
    """What can be read of the `azure` scope of a Nextflow config."""
    text = config.get("nextflowConfig")
    if isinstance(text, str):
        for each in azure.form_faults(azure.given(text)):
            add("nextflowConfig", f"{each.field} {each.message}")


def durations(config: dict[str, Any], add: Add) -> None:
    """Spans of time."""
    for field in ("jobMaxWallClockTime", "tokenDuration"):
        if not given(config, field):
            continue
        found = seconds(config[field])
        if not found:
            add(field, f"{shown(config[field])} is not a duration such as 7d, 12h or 1d1h1m")
        elif found > MOST_WALL_CLOCK:
            add(field, f"{config[field]} is longer than 180d, Azure's most")


def manual(config: dict[str, Any], add: Add) -> None:
    """Without `forge` the pools are the user's; their identities are attached already."""
    if not given(config, "headPool"):
        add("headPool", "missing (needed without forge)")
    for field in NEEDED:
        if given(config, field):
            add(field, "is for pools that Forge makes: attach the identity to your pool")
    if given(config, "subnetId") and config.get("autoPoolMode") is not True:
        add("subnetId", "is for pools that are made: yours are in their network already")


def forged(config: dict[str, Any], forge: dict[str, Any], add: Add) -> None:
    """What Forge is asked for."""
    said: Add = lambda field, message: add(f"forge.{field}", message)  # noqa: E731
    for field in ("headPool", "workerPool"):
        if given(config, field):
            add(field, "names a pool of yours: leave out either it or forge")
    for field, needed in NEEDED.items():
        if given(config, field) and not given(config, needed):
            add(needed, f"is needed with {field}")
    fields.faulty_switches(forge, FORGE_SWITCHES, said)
    if given(forge, "containerRegIds"):
        fields.faulty_lists(forge, {"containerRegIds": REGISTRY}, MOST_REGISTRIES, said)
    dual = forge.get("dualPoolConfig") is True
    pool(forge, said)
    for field in ("headPool", "workerPool"):
        part = forge.get(field)
        if part is None:
            continue
        if not dual:
            said(field, "needs dualPoolConfig")
        elif not isinstance(part, dict):
            said(field, f"{shown(part)} is not an object")
        else:
            pool(part, within(said, field))
    head_slots(config, forge, said)


def within(add: Add, field: str) -> Add:
    """Notes faults below a field."""
    return lambda name, message: add(f"{field}.{name}", message)


def pool(given_pool: dict[str, Any], add: Add) -> None:
    """One pool's fields."""
    if given(given_pool, "vmType"):
        fields.matches("vmType", given_pool["vmType"], *SIZE, add)
    fields.faulty_numbers(given_pool, POOL_NUMBERS, add)
    fields.faulty_switches(given_pool, ("autoScale", "lowPriority"), add)
    least, most = given_pool.get("minVmCount"), given_pool.get("vmCount")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        add("minVmCount", f"{least} is more than vmCount, {most}")
    every = given_pool.get("scaleInterval")
    if given(given_pool, "scaleInterval") and not SHORTEST_INTERVAL <= seconds(every) <= LONGEST_INTERVAL:
        add("scaleInterval", f"{shown(every)} is not a duration from 5m to 7d, between which Azure looks")


def head_slots(config: dict[str, Any], forge: dict[str, Any], add: Add) -> None:
    """A head job that no node has room for would wait for ever, and the pool would grow for it."""
    part = forge.get("headPool")
    head = part if forge.get("dualPoolConfig") is True and isinstance(part, dict) else {}
    size, wanted = head.get("vmType") or forge.get("vmType"), config.get("headJobCpus")
    if isinstance(size, str) and isinstance(wanted, int) and 0 < cores(size) < wanted:
        add("vmType", f"{size} has {cores(size)} vCPUs, headJobCpus asks for {wanted}")
