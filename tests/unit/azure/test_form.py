"""A config is judged by its own words: every field, every fault at once, whatever somebody sends."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.settings import Settings
from shared.providers.azure import catalogue, options
from shared.providers.azure.form import BOOLEANS, LISTS, NUMBERS, PATTERNS, TEXTS, form
from tests.unit.azure.conftest import CONFIG, environment

SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-111122223333"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/lab/providers"
NETWORK = f"{GROUP}/Microsoft.Network/virtualNetworks/net"
IDENTITY = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/me"
RULE = "dcr-" + "0123456789abcdef" * 2
LOGS = {
    "logWorkspaceId": SUBSCRIPTION,
    "dataCollectionEndpoint": "https://dce-x.westeurope-1.ingest.monitor.azure.com",
    "dataCollectionRuleId": RULE,
}


def fields(**config: Any) -> list[str]:
    return [fault.field for fault in form({**CONFIG, **config})]


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"region": "West Europe"},
        {"workDir": "az://work/a/b c/ü/"},
        {"instanceType": "Standard_D4ds_v5", "instanceTypes": ["Standard_E8ds_v5"], "spot": "first"},
        {"instanceType": "standard_d4DS_V5"},
        {"instanceType": "Standard_Q9zz_v99"},
        {"zones": ["1", "3"]},
        {"networkId": NETWORK, "subnets": ["a", f"{NETWORK}/subnets/b"]},
        {"networkId": NETWORK.replace("resourceGroups", "resourcegroups").upper().replace("/NET", "/net")},
        {"managedIdentityId": IDENTITY, "managedIdentityClientId": SUBSCRIPTION},
        {"subscriptionId": SUBSCRIPTION, "resourceGroup": "lab (1)".replace(" ", "-")},
        {**LOGS, "logTableName": "Mine_CL"},
        {"diskSizeGb": 30, "maxResumes": 0, "publicIp": True, "selfDelete": False, "labels": {"a": 1}},
        {"environment": [{"name": "A", "value": None, "head": True}, {"name": "B", "value": "x"}]},
        {"instanceType": None, "zones": None, "subnets": "", "environment": None, "spot": ""},
    ],
)
def test_what_is_well(config: dict[str, Any]) -> None:
    assert form({**CONFIG, **config}) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("region", "moonbase"),
        ("region", ["westeurope"]),
        ("region", None),
        ("workDir", "az://work"),
        ("workDir", "az://work/"),
        ("workDir", "az://work//a"),
        ("workDir", "az://work/../other"),
        ("workDir", "az://work/a/./b"),
        ("workDir", "az://Work/a"),
        ("workDir", "az://wo--rk/a"),
        ("workDir", "az://w/a"),
        ("workDir", "az://" + "w" * 64 + "/a"),
        ("workDir", "az://work/a\nb"),
        ("workDir", "s3://work/a"),
        ("workDir", 7),
        ("workDir", None),
        ("instanceType", "m6i.large"),
        ("instanceType", "Standard_D2ds_v4; drop"),
        ("instanceType", 4),
        ("instanceTypes", "Standard_D2ds_v4"),
        ("instanceTypes", [None]),
        ("instanceTypes", ["Standard_D2ds_v5"] * 51),
        ("instanceTypes", ["Standard_D2pds_v5", "Standard_D2ds_v5"]),
        ("zones", ["4"]),
        ("zones", [1]),
        ("zones", {"1": 1}),
        ("subscriptionId", "mine"),
        ("resourceGroup", "a/b"),
        ("resourceGroup", "ends."),
        ("networkId", "net"),
        ("networkId", f"{NETWORK}/subnets/a"),
        ("networkId", f"{NETWORK}?x=1"),
        ("subnets", ["a"]),
        ("managedIdentityId", NETWORK),
        ("managedIdentityClientId", SUBSCRIPTION),
        ("logWorkspaceId", "workspace"),
        ("logWorkspaceId", SUBSCRIPTION),
        ("logTableName", "Mine"),
        ("logTableName", "x | where 1 == 1 //_CL"),
        ("dataCollectionEndpoint", "http://example.com/"),
        ("dataCollectionEndpoint", "https://example.com/"),
        ("dataCollectionEndpoint", "https://x.ingest.monitor.azure.com.example.com"),
        ("dataCollectionEndpoint", LOGS["dataCollectionEndpoint"]),
        ("dataCollectionRuleId", "dcr-x"),
        ("dataCollectionRuleId", RULE),
        ("storageAccount", "Big"),
        ("storageAccount", "a.evil.example"),
        ("storageResourceGroup", "a/../b"),
        ("forgePrefix", "-x"),
        ("spot", "always"),
        ("spot", True),
        ("diskSizeGb", 29),
        ("diskSizeGb", "128"),
        ("diskSizeGb", True),
        ("maxResumes", -1),
        ("publicIp", "yes"),
        ("selfDelete", 1),
        ("preRunScript", ["x"]),
        ("labels", ["x"]),
        ("environment", "A=1"),
        ("environment", [{"name": "1A"}]),
        ("environment", [{"name": "A", "value": 3}]),
        ("environment", ["A"]),
    ],
)
def test_each_fault_names_its_field(field: str, value: Any) -> None:
    assert field in fields(**{field: value})


def test_every_fault_at_once() -> None:
    assert fields(region="x", workDir="y", spot="z", diskSizeGb=1) == [
        "region",
        "workDir",
        "diskSizeGb",
        "spot",
    ]


def test_a_subnet_of_another_network_is_refused() -> None:
    stranger = f"{GROUP}/Microsoft.Network/virtualNetworks/other/subnets/a"
    assert fields(networkId=NETWORK, subnets=[stranger]) == ["subnets"]


def test_spot_is_refused_for_sizes_that_have_none() -> None:
    assert fields(instanceType="Standard_B2ms", spot="only") == ["instanceType"]


def test_a_region_without_zones_has_none() -> None:
    assert fields(region="westus", zones=["1"]) == ["zones"]


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = [*PATTERNS, *LISTS, *TEXTS, *BOOLEANS, *NUMBERS, "region", "workDir", "spot", "labels", "environment"]


@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_nothing_that_anybody_sends_is_a_crash(config: dict[str, Any]) -> None:
    faults = form(config)
    assert all(fault.field in NAMES and len(str(fault)) < 2000 for fault in faults)
    found = options.read(environment().but(config=config), Settings(installation="this"))
    assert found.types
    assert found.disk > 0


def test_the_catalogue_is_whole() -> None:
    assert "westeurope" in catalogue.regions()
    assert catalogue.date() >= "2026-11"
    default = catalogue.size("STANDARD_d2ds_V4")
    assert default is not None
    assert (default.name, default.family, default.vcpus, default.memory, default.temporary_disk) == (
        "Standard_D2ds_v4",
        "standardDDSv4Family",
        2,
        8,
        75,
    )
    for size in catalogue.sizes().values():
        assert size.vcpus > 0
        assert size.memory >= size.vcpus
        assert size.generations in ("2", "1,2")
        assert form({**CONFIG, "instanceType": size.name}) == []
