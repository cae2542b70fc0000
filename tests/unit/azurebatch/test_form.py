"""A config of Azure Batch by its own words."""

from typing import Any

import pytest

from shared.providers.azure.batch.form import form
from shared.providers.azure.batch.options import read, seconds

LEAST = {"region": "westeurope", "workDir": "az://work/runs"}
MANUAL = {**LEAST, "headPool": "mine"}
GUID = "0b1f6471-1bf0-4dda-aec3-111122223333"
GROUP = f"/subscriptions/{GUID}/resourceGroups/rg/providers"
IDENTITY = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/mine"
SUBNET = f"{GROUP}/Microsoft.Network/virtualNetworks/net/subnets/default"


@pytest.mark.parametrize(
    "config",
    [
        MANUAL,
        {**MANUAL, "workerPool": "other", "jobMaxWallClockTime": "1d1h1m", "tokenDuration": "12h"},
        {**LEAST, "forge": {}},
        {**LEAST, "forge": {"vmType": "standard_e2ds_v5", "vmCount": 4, "autoScale": True}},
        {**LEAST, "forge": {"dualPoolConfig": True, "headPool": {"minVmCount": 1}}},
        {**LEAST, "forge": {"scaleInterval": "10m"}},
        {**LEAST, "forge": {}, "subnetId": SUBNET},
        {
            **LEAST,
            "forge": {"bootDiskSizeGB": 100},
            "managedIdentityHeadResourceId": IDENTITY,
            "managedIdentityClientId": GUID,
        },
    ],
)
def test_what_is_right_is_taken(config: dict[str, Any]) -> None:
    assert form(config) == []


@pytest.mark.parametrize(
    ("config", "field"),
    [
        (LEAST, "headPool"),
        ({**LEAST, "forge": []}, "forge"),
        ({**MANUAL, "region": "mars"}, "region"),
        ({**MANUAL, "workDir": "s3://bucket/work"}, "workDir"),
        ({**MANUAL, "headPool": "a b"}, "headPool"),
        ({**MANUAL, "headPool": 7}, "headPool"),
        ({**MANUAL, "forge": {}}, "headPool"),
        ({**MANUAL, "subnetId": SUBNET}, "subnetId"),
        ({**MANUAL, "managedIdentityHeadResourceId": IDENTITY}, "managedIdentityHeadResourceId"),
        ({**MANUAL, "jobMaxWallClockTime": "soon"}, "jobMaxWallClockTime"),
        ({**MANUAL, "jobMaxWallClockTime": "181d"}, "jobMaxWallClockTime"),
        ({**MANUAL, "tokenDuration": 7}, "tokenDuration"),
        ({**MANUAL, "headJobCpus": 0}, "headJobCpus"),
        ({**MANUAL, "headJobCpus": True}, "headJobCpus"),
        ({**MANUAL, "terminateJobsOnCompletion": "yes"}, "terminateJobsOnCompletion"),
        ({**MANUAL, "fusion2Enabled": True}, "fusion2Enabled"),
        ({**MANUAL, "labels": []}, "labels"),
        ({**MANUAL, "nextflowConfig": 1}, "nextflowConfig"),
        ({**LEAST, "forge": {"vmType": "big"}}, "forge.vmType"),
        ({**LEAST, "forge": {"vmCount": 0}}, "forge.vmCount"),
        ({**LEAST, "forge": {"vmCount": 2, "minVmCount": 3}}, "forge.minVmCount"),
        ({**LEAST, "forge": {"bootDiskSizeGB": 10}}, "forge.bootDiskSizeGB"),
        ({**LEAST, "forge": {"autoScale": 1}}, "forge.autoScale"),
        ({**LEAST, "forge": {"scaleInterval": "4m"}}, "forge.scaleInterval"),
        ({**LEAST, "forge": {"scaleInterval": "8d"}}, "forge.scaleInterval"),
        ({**LEAST, "forge": {"scaleInterval": 300}}, "forge.scaleInterval"),
        ({**LEAST, "forge": {"headPool": {}}}, "forge.headPool"),
        ({**LEAST, "forge": {"dualPoolConfig": True, "workerPool": 1}}, "forge.workerPool"),
        (
            {**LEAST, "forge": {"dualPoolConfig": True, "workerPool": {"vmCount": -1}}},
            "forge.workerPool.vmCount",
        ),
        ({**LEAST, "forge": {"containerRegIds": "x"}}, "forge.containerRegIds"),
        ({**LEAST, "forge": {"vmType": "Standard_D2ds_v5"}, "headJobCpus": 4}, "forge.vmType"),
        ({**LEAST, "forge": {}, "managedIdentityHeadResourceId": IDENTITY}, "managedIdentityClientId"),
    ],
)
def test_what_is_wrong_is_named_once(config: dict[str, Any], field: str) -> None:
    assert [fault.field for fault in form(config)] == [field]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("7d", 604800), ("12h", 43200), ("1d1h1m", 90060), ("90s", 90), ("", 0), ("d", 0), ("1w", 0), (7, 0)],
)
def test_durations(text: Any, expected: float) -> None:
    assert seconds(text) == expected


def test_a_pool_says_what_it_does_not_leave_to_both() -> None:
    forge = {
        "dualPoolConfig": True,
        "vmType": "Standard_D8ds_v5",
        "bootDiskSizeGB": 64,
        "headPool": {"vmType": "Standard_D2ds_v5", "minVmCount": 1, "vmCount": None},
        "workerPool": {"vmCount": 9, "lowPriority": True, "bootDiskSizeGB": 512},
    }
    found = read({**LEAST, "forge": forge}).forge
    assert found is not None and found.worker is not None
    assert (found.head.vm_type, found.head.least, found.head.most, found.head.disk) == (
        "Standard_D2ds_v5",
        1,
        1,
        64,
    )
    assert (found.worker.vm_type, found.worker.most, found.worker.disk) == ("Standard_D8ds_v5", 9, 512)
    assert (found.head.spot, found.worker.spot) == (False, True)
    assert found.disposes


@pytest.mark.parametrize("junk", [None, 7, "x", [], {}, [None], {"a": []}])
def test_nonsense_is_refused_and_breaks_nothing(junk: Any) -> None:
    fields = ("region", "workDir", "forge", "headPool", "workerPool", "subnetId", "environment", "labels")
    for field in fields:
        form({**MANUAL, field: junk})
        read({**MANUAL, field: junk})
    for field in ("vmType", "vmCount", "headPool", "workerPool", "autoScale", "containerRegIds"):
        form({**LEAST, "forge": {"dualPoolConfig": True, field: junk}})
        read({**LEAST, "forge": {"dualPoolConfig": True, field: junk}})
