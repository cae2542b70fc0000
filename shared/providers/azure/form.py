"""What is wrong with an `azure-cloud` config by its own words; nothing is called."""

import re
from typing import Any

from shared.errors import Fault
from shared.providers import fields
from shared.providers.azure.catalogue import plain, regions, size, zones
from shared.providers.azure.options import SPOT, WORK_DIR, types
from shared.providers.fields import Add, given, shown, texts

GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
NAME = r"[A-Za-z0-9_](?:[\w.-]{0,78}[A-Za-z0-9_])?"
GROUP = r"[\w().-]{0,89}[\w()-]"
IN_GROUP = rf"/subscriptions/{GUID}/resource[gG]roups/{GROUP}/providers"
NETWORK = rf"(?i:{IN_GROUP}/microsoft\.network/virtualnetworks/){NAME}"
SIZE = (
    r"(?i:standard|basic)_[A-Za-z]{1,9}[0-9]{1,4}[A-Za-z0-9_-]{0,60}",
    "a VM size such as Standard_D2ds_v4",
)
PATTERNS = {
    "instanceType": SIZE,
    "subscriptionId": (GUID, "a subscription's id (a GUID)"),
    "resourceGroup": (GROUP, "a resource group's name"),
    "networkId": (rf"{NETWORK}/?", "a virtual network's id"),
    "managedIdentityId": (
        rf"(?i:{IN_GROUP}/microsoft\.managedidentity/userassignedidentities/)[\w-]{{1,128}}/?",
        "a user-assigned managed identity's id",
    ),
    "managedIdentityClientId": (GUID, "a managed identity's client id (a GUID)"),
    "logWorkspaceId": (GUID, "a Log Analytics workspace's id (a GUID, its customer id)"),
    "logTableName": (r"[A-Za-z][A-Za-z0-9_]{0,59}_CL", "a custom table's name (it ends in _CL)"),
    "dataCollectionEndpoint": (
        # Machines send a token there: to Azure's own hosts, or to an emulator on this machine.
        r"(?:https://[a-z0-9.-]{1,200}\.ingest\.monitor\.azure\.(?:com|us|cn)|http://(?:127\.0\.0\.1|localhost)"
        r"[:/][A-Za-z0-9:/_-]{1,400})/?",
        "an endpoint's address (https://....ingest.monitor.azure.com)",
    ),
    "dataCollectionRuleId": (r"dcr-[0-9a-f]{32}", "a data collection rule's immutable id (dcr-...)"),
    "storageAccount": (r"[a-z0-9]{3,24}", "a storage account's name"),
    "storageResourceGroup": (GROUP, "a resource group's name"),
    "forgePrefix": (r"[A-Za-z0-9][A-Za-z0-9-]{0,27}", "a prefix for names (at most 28 characters)"),
}
"""Field -> what all of it must match, and what that is."""
LISTS = {
    "instanceTypes": SIZE,
    "zones": (r"[1-9]", "an availability zone (1, 2 or 3)"),
    "subnets": (
        rf"(?:(?i:{IN_GROUP}/microsoft\.network/virtualnetworks/){NAME}/subnets/)?{NAME}",
        "a subnet",
    ),
}
LIST_LIMIT = 50
"""Items in a list."""
TEXTS = ("preRunScript", "postRunScript", "nextflowConfig", "engineContainer")
BOOLEANS = ("publicIp", "selfDelete", "waveEnabled", "fusion2Enabled")
NUMBERS = {"diskSizeGb": (30, 4095), "maxResumes": (0, 1000)}
"""Field -> least and most. The disk in GiB: the image's own size, and the most that an OS disk may have."""
NEEDED = {
    "subnets": "networkId",
    "managedIdentityClientId": "managedIdentityId",
    "dataCollectionEndpoint": "dataCollectionRuleId",
    "dataCollectionRuleId": "dataCollectionEndpoint",
    "logWorkspaceId": "dataCollectionRuleId",
}
"""Field -> what it makes no sense without."""


def form(config: dict[str, Any]) -> list[Fault]:
    """Every fault, in the order of the fields' importance. Pure; never raises."""
    faults: list[Fault] = []
    add: Add = lambda field, message: faults.append(Fault(field, message))  # noqa: E731
    region_and_work_dir(config, add)
    fields.faulty_patterns(config, PATTERNS, add)
    fields.faulty_lists(config, LISTS, LIST_LIMIT, add)
    scalars(config, add)
    together(config, add)
    sold(config, add)
    fields.faulty_variables(config, add)
    return faults


def region_and_work_dir(config: dict[str, Any], add: Add) -> None:
    """The two fields that every environment needs."""
    region = config.get("region")
    if not region:
        add("region", "missing")
    elif not isinstance(region, str) or plain(region) not in regions():
        add("region", f"{shown(region)} is not supported; supported: {', '.join(regions())}")
    work_dir = config.get("workDir")
    if not work_dir:
        add("workDir", "missing")
    elif not isinstance(work_dir, str) or not is_directory(work_dir.strip()):
        add("workDir", f"{shown(work_dir)} is not a directory in a container (az://container/directory)")


def is_directory(work_dir: str) -> bool:
    """Whether it is `az://container/path`, with a path that no service reads in two ways."""
    found = WORK_DIR.fullmatch(work_dir.rstrip("/"))
    if found is None or len(found["container"]) > 63 or len(found["path"]) > 512:
        return False
    parts = found["path"].split("/")
    return found["path"].isprintable() and all(part not in ("", ".", "..") for part in parts)


def scalars(config: dict[str, Any], add: Add) -> None:
    """Switches, numbers and words."""
    fields.faulty_texts(config, TEXTS, add)
    fields.faulty_switches(config, BOOLEANS, add)
    fields.faulty_numbers(config, NUMBERS, add)
    if given(config, "spot") and config["spot"] not in SPOT:
        add("spot", f"{shown(config['spot'])} is not one of {', '.join(SPOT)}")


def together(config: dict[str, Any], add: Add) -> None:
    """What only makes sense together, and what belongs to the network that is named."""
    for field, needed in NEEDED.items():
        if given(config, field) and not given(config, needed):
            add(field, f"needs {needed}")
    if given(config, "dataCollectionRuleId") and not given(config, "logWorkspaceId"):
        add("logWorkspaceId", "is needed with dataCollectionRuleId: the log is read from it")
    network = config.get("networkId")
    if isinstance(network, str):
        home = f"{network.strip().rstrip('/').lower()}/subnets/"
        for each in texts(config, "subnets"):
            if "/" in each and not each.lower().startswith(home):
                add("subnets", f"{shown(each)} does not belong to networkId")


def sold(config: dict[str, Any], add: Add) -> None:
    """What the catalogue knows: zones of the region, sizes that spot does not have, and processors that
    one environment cannot mix, since tasks' containers are built for one."""
    region = config.get("region")
    most = zones(plain(region)) if isinstance(region, str) else 0
    if isinstance(region, str) and plain(region) in regions():
        for zone in texts(config, "zones"):
            if re.fullmatch("[1-9]", zone) and int(zone) > most:
                add("zones", f"{plain(region)} has no zone {zone}")
    known = [found for each in types(config) if (found := size(each))]
    for each in known:
        if config.get("spot") in ("first", "only") and not each.spot:
            add("instanceType", f"{each.name} cannot be had as spot")
    if len({each.arm for each in known}) > 1:
        add("instanceTypes", "sizes of two processor architectures (x64 and Arm64) cannot be mixed")
