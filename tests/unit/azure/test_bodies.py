"""Every field that we send is one that the real SDK of that service knows: a mistyped one would be
dropped by Azure without a word."""

from collections.abc import Mapping
from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from tests.contracts.provider_suite import order
from tests.unit.azure.conftest import Bind


def unknown(model: Any, value: Any, path: str = "") -> list[str]:
    """Paths of fields that the SDK's model (a class of it) does not have."""
    shown = value if isinstance(value, model) else model(value)
    fields = {field._rest_name: name for name, field in model._attr_to_rest_field.items()}
    found: list[str] = []
    for key, inner in value.items():
        if key not in fields:
            found.append(f"{path}/{key}")
        else:
            found += within(getattr(shown, fields[key]), inner, f"{path}/{key}")
    return found


def within(shown: Any, sent: Any, path: str) -> list[str]:
    """As `unknown`, for what the SDK made of a part."""
    if hasattr(shown, "_attr_to_rest_field") and isinstance(sent, Mapping):
        return unknown(type(shown), sent, path)
    if isinstance(sent, list):
        return [each for a, b in zip(shown, sent, strict=True) for each in within(a, b, path)]
    if isinstance(sent, Mapping):
        return [each for key, inner in sent.items() for each in within(shown[key], inner, f"{path}/{key}")]
    return []


TOP = ("location", "tags", "properties", "identity", "zones", "sku")


def sent(azure: EmulatedAzure, service: str, action: str) -> dict[str, Any]:
    """The body of the newest write."""
    params = azure.journal.entries(service, action)[-1].params
    return {key: params[key] for key in TOP if key in params}


def test_a_mistyped_field_is_found() -> None:
    from azure.mgmt.compute.models import VirtualMachine

    body = {"properties": {"hardwareProfile": {"vmsize": "x"}, "osProfile": {"computerName": "a"}}, "tag": {}}
    assert unknown(VirtualMachine, body) == ["/properties/hardwareProfile/vmsize", "/tag"]


@pytest.mark.parametrize("config", [{}, {"spot": "only", "publicIp": True, "zones": ["1"]}])
def test_a_vm(ready: Bind, azure: EmulatedAzure, config: dict[str, Any]) -> None:
    from azure.mgmt.compute.models import VirtualMachine

    cloud = ready(**config)
    cloud.start(order(cloud))
    body = sent(azure, "compute", "virtualMachines/write")
    assert set(body) >= {"location", "tags", "properties", "identity"}
    assert unknown(VirtualMachine, body) == []


def test_what_an_environment_is_made_of(ready: Bind, azure: EmulatedAzure) -> None:
    from azure.mgmt.loganalytics.models import Table, Workspace
    from azure.mgmt.network.models import VirtualNetwork
    from azure.mgmt.resource.resources.models import ResourceGroup

    ready(labels={"team": "a"})
    for model, service, action in (
        (ResourceGroup, "resources", "subscriptions/resourceGroups/write"),
        (VirtualNetwork, "network", "virtualNetworks/write"),
        (Workspace, "operationalinsights", "workspaces/write"),
        (Table, "operationalinsights", "workspaces/tables/write"),
    ):
        body = sent(azure, service, action)
        assert body, action
        assert unknown(model, body) == [], action


def test_what_sdks_of_the_older_kind_know(ready: Bind, azure: EmulatedAzure) -> None:
    from azure.mgmt.authorization.v2022_04_01.models import RoleAssignmentCreateParameters, RoleDefinition
    from azure.mgmt.monitor.models import DataCollectionEndpointResource, DataCollectionRuleResource

    ready()
    for model, service, action in (
        (RoleDefinition, "authorization", "roleDefinitions/write"),
        (RoleAssignmentCreateParameters, "authorization", "roleAssignments/write"),
        (DataCollectionEndpointResource, "insights", "DataCollectionEndpoints/Write"),
        (DataCollectionRuleResource, "insights", "DataCollectionRules/Write"),
    ):
        known = {each["key"] for each in model._attribute_map.values()}
        entries = azure.journal.entries(service, action)
        assert entries
        for entry in entries:
            assert {f"properties.{key}" for key in entry.params["properties"]} <= known
