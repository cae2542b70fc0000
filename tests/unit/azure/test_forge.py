"""An environment's resources: made at once where they can be, found again, removed whole."""

import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from shared import plan
from shared.errors import Forbidden, NotYet, Refused, Retry
from shared.model.environment import ResourceRow
from shared.model.settings import Settings
from shared.providers.azure import bodies, graph
from shared.providers.azure.clients import Clients
from shared.providers.azure.cloud import AzureCloud
from tests.azure_cloud import LOCATION
from tests.azure_cloud import Clients as Sdk
from tests.clock import FakeClock
from tests.contracts.provider_suite import listed, make, order, rows_of, unmake
from tests.unit.azure.conftest import ACCOUNT, CONTAINER, ID, Bind, environment

GROUP = f"TowerForge-{ID}"
TYPES = {
    "group": "ResourceGroup",
    "identity": "ManagedIdentity",
    "role": "RoleDefinition",
    "assignment": "RoleAssignment",
    "storage": "StorageAssignment",
    "workspace": "LogWorkspace",
    "table": "LogTable",
    "endpoint": "DataCollectionEndpoint",
    "rule": "DataCollectionRule",
    "network": "VirtualNetwork",
}


def keys(cloud: AzureCloud) -> set[str]:
    return {row.key for row in cloud.resources()}


def by_key(rows: list[ResourceRow]) -> dict[str, ResourceRow]:
    return {row.key: row for row in rows}


def ours(azure: EmulatedAzure) -> set[str]:
    """What there is besides the storage account and its group."""
    return {each.id for each in azure.resources() if "/data" not in each.id.lower()}


def test_what_an_environment_is_made_of(bind: Bind) -> None:
    assert {row.key: row.type for row in bind().resources()} == TYPES
    names = {row.key: row.name for row in bind().resources()}
    assert names["group"] == GROUP
    assert names["identity"] == f"{GROUP}-identity"
    assert names["table"] == "Nextflow_log_CL"
    assert names["network"] == f"{GROUP}-vnet"


def test_what_can_be_made_at_once_is(bind: Bind) -> None:
    rows = plan.planned(bind().resources())
    waves = []
    while wave := plan.makeable(rows):
        waves.append({row.key for row in wave})
        rows = tuple(row.to("making").to("present") if row in wave else row for row in rows)
    assert waves == [
        {"group"},
        {"identity", "role", "workspace", "endpoint", "network"},
        {"assignment", "storage", "table"},
        {"rule"},
    ]


def test_what_the_user_brings_is_not_made(bind: Bind) -> None:
    home = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/lab/providers"
    identity = f"{home}/Microsoft.ManagedIdentity/userAssignedIdentities/me"
    logs = {"dataCollectionEndpoint": "https://x", "dataCollectionRuleId": "dcr-1", "logWorkspaceId": "w"}
    assert "group" not in keys(bind(resourceGroup="lab"))
    assert all("group" not in row.needs for row in bind(resourceGroup="lab").resources())
    assert set(TYPES) - keys(bind(managedIdentityId=identity)) == {
        "identity",
        "role",
        "assignment",
        "storage",
    }
    assert set(TYPES) - keys(bind(networkId=f"{home}/Microsoft.Network/virtualNetworks/n")) == {"network"}
    log_keys = {"workspace", "table", "endpoint", "rule"}
    assert set(TYPES) - keys(bind(**logs)) == {*log_keys, "role", "assignment"}
    assert set(TYPES) - keys(bind(**logs, selfDelete=True)) == log_keys
    everything = {**logs, "resourceGroup": "lab", "managedIdentityId": identity}
    network = f"{home}/Microsoft.Network/virtualNetworks/n"
    assert keys(bind(**everything, networkId=network)) == set()


def test_what_is_made_is_as_the_seed_says(ready: Bind, sdk: Sdk, azure: EmulatedAzure) -> None:
    cloud = ready(labels={"team": "a"})
    rows = by_key(list(cloud._account.environment.resources))
    tags = {"headnode:installation": "this", "headnode:environment": ID, "team": "a"}
    assert sdk.resources.resource_groups.get(GROUP).tags == tags
    for kind in ("Microsoft.OperationalInsights/workspaces", "Microsoft.Network/virtualNetworks"):
        assert azure.resources(kind)[0].body["tags"] == tags
    table = azure.resources("Microsoft.OperationalInsights/workspaces/tables")[0].properties
    assert (table["plan"], table["retentionInDays"], table["totalRetentionInDays"]) == ("Analytics", 7, 7)
    columns = {each["name"]: each["type"] for each in table["schema"]["columns"]}
    assert columns == {**bodies.STREAM_COLUMNS, "TimeGenerated": "dateTime"}
    subnet = sdk.network.subnets.get(GROUP, f"{GROUP}-vnet", "default")
    assert subnet.default_outbound_access is True
    identity = sdk.identities.user_assigned_identities.get(GROUP, f"{GROUP}-identity")
    facts = {"principalId": identity.principal_id, "clientId": identity.client_id}
    assert rows["identity"].facts == facts
    assert uuid.UUID(rows["workspace"].facts["customerId"])
    assert rows["rule"].facts["immutableId"].startswith("dcr-")
    assert rows["endpoint"].facts["logsIngestion"].startswith(f"{azure.url}/ingest/")


def definitions(azure: EmulatedAzure) -> dict[str, Mapping[str, Any]]:
    found = azure.resources("Microsoft.Authorization/roleDefinitions")
    return {each.properties["roleName"]: each.properties["permissions"][0] for each in found}


def assignments(azure: EmulatedAzure) -> list[Mapping[str, Any]]:
    return [each.properties for each in azure.resources("Microsoft.Authorization/roleAssignments")]


@pytest.mark.parametrize("itself", [False, True])
def test_machines_may_write_logs_and_delete_themselves_only_when_told(
    ready: Bind, azure: EmulatedAzure, itself: bool
) -> None:
    ready(selfDelete=itself, storageResourceGroup="data")
    role = definitions(azure)[f"{GROUP}-role"]
    assert role["dataActions"] == ["Microsoft.Insights/Telemetry/Write"]
    assert role["actions"] == (bodies.DELETE_ITSELF if itself else [])


def test_the_work_container_alone_where_its_group_is_known(
    ready: Bind, azure: EmulatedAzure, account: str
) -> None:
    ready(storageResourceGroup="data")
    [found] = [each for each in assignments(azure) if "storage" in each["scope"].lower()]
    assert found["scope"] == f"{account}/blobServices/default/containers/{CONTAINER}"
    assert found["roleDefinitionId"].endswith(bodies.BLOB_CONTRIBUTOR)
    assert "condition" not in found
    assert list(definitions(azure)) == [f"{GROUP}-role"]


def test_a_condition_where_the_group_is_not_known(ready: Bind, azure: EmulatedAzure, sdk: Sdk) -> None:
    cloud = ready()
    [found] = [each for each in assignments(azure) if each.get("condition")]
    assert found["scope"].count("/") == 2
    assert found["conditionVersion"] == "2.0"
    role = definitions(azure)[f"{GROUP}-storage-role"]
    assert not any("containers/delete" in each or each.endswith("*") for each in role["actions"])

    azure.account(ACCOUNT, group="data", location=LOCATION, containers=["other"])
    principal = by_key(list(cloud._account.environment.resources))["identity"].facts["principalId"]
    home = azure.resources("Microsoft.Storage/storageAccounts")[0].id
    read = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
    for container, may in ((CONTAINER, True), ("other", False)):
        attributes = {
            "Microsoft.Storage/storageAccounts:name": ACCOUNT,
            f"{bodies.CONTAINERS}:name": container,
        }
        scope = f"{home}/blobServices/default/containers/{container}"
        assert azure.judge.may(principal, read, scope, data=True, attributes=attributes) is may


@pytest.mark.parametrize("holds", [True, False])
def test_the_users_own_group_is_tried_for_the_storage_account(
    bind: Bind, sdk: Sdk, azure: EmulatedAzure, holds: bool
) -> None:
    sdk.group("lab")
    azure.account(ACCOUNT, group="lab" if holds else "data", location=LOCATION, containers=[CONTAINER])
    cloud = bind(resourceGroup="lab")
    rows = make(cloud)
    scope = by_key(rows)["storage"].cloud_id.partition("/providers/Microsoft.Authorization")[0]
    assert ("/resourceGroups/lab/" in scope) is holds
    assert cloud.leftovers(unmake(cloud, rows)) == []
    assert "lab" in {each.name for each in azure.resources()}
    assert not assignments(azure)


def test_guids_are_of_installation_environment_and_purpose(clients: Clients, azure_clock: FakeClock) -> None:
    def paths(installation: str, id: str) -> set[str]:
        cloud = AzureCloud(
            environment().but(id=id), clients, Settings(installation=installation), azure_clock
        )
        account = cloud._account
        return {account.guid(purpose) for purpose in ("role", "assignment", "storage", "storage-role")}

    assert paths("this", ID) == paths("this", ID)
    assert len(paths("this", ID) | paths("that", ID) | paths("this", "other")) == 12


def test_a_resource_that_takes_time_is_visited_and_never_waited_for(
    bind: Bind, azure: EmulatedAzure, azure_clock: FakeClock, account: str
) -> None:
    cloud = bind()
    azure.timings.transitions["*"] = 20.0
    rows = by_key([row.to("making") for row in rows_of(cloud)])
    cloud.ensure(rows["group"], {})
    for key in ("workspace", "network"):
        for _ in range(2):
            with pytest.raises(NotYet) as not_yet:
                cloud.ensure(rows[key], {})
            assert 0 < not_yet.value.after <= 5
    azure_clock.advance(21)
    for key in ("workspace", "network"):
        assert cloud.ensure(rows[key], {}).cloud_id.endswith(rows[key].name)
    for _ in range(2):
        with pytest.raises(NotYet):
            cloud.ensure(rows["table"], {})
    azure_clock.advance(21)
    assert cloud.ensure(rows["table"], {}).cloud_id.endswith("/tables/Nextflow_log_CL")
    actions = {entry.action for entry in azure.journal.entries()}
    assert not any("operation" in action.lower() for action in actions)
    assert len(azure.journal.entries("operationalinsights", "workspaces/write")) == 1


def test_an_endpoint_is_read_by_writing_it_again(bind: Bind, azure: EmulatedAzure, account: str) -> None:
    cloud = bind()
    rows = by_key([row.to("making") for row in rows_of(cloud)])
    cloud.ensure(rows["group"], {})
    assert cloud.ensure(rows["endpoint"], {}) == cloud.ensure(rows["endpoint"], {})
    assert {entry.action for entry in azure.journal.entries("insights")} == {"DataCollectionEndpoints/Write"}


def test_an_identity_that_the_directory_does_not_know_yet(ready: Bind, azure: EmulatedAzure) -> None:
    azure.timings.directory = 60.0
    assert ready()  # the type of the principal is always said


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("PrincipalNotFound", 400, NotYet),
        ("ResourceGroupBeingDeleted", 409, Retry),
        ("RoleAssignmentLimitExceeded", 400, Refused),
        ("RequestDisallowedByPolicy", 403, Refused),
    ],
)
def test_refusals_of_an_assignment(
    bind: Bind, azure: EmulatedAzure, account: str, code: str, status: int, error: type[Exception]
) -> None:
    cloud = bind()
    rows = {row.key: row for row in make(cloud)}
    azure.faults.add("authorization", "roleAssignments/write", kind=code, status=status)
    with pytest.raises(error):
        cloud.ensure(rows["assignment"].but(state="making"), rows)


def test_an_assignment_under_another_name_will_do(bind: Bind, azure: EmulatedAzure, account: str) -> None:
    cloud = bind()
    rows = {row.key: row for row in make(cloud)}
    azure.faults.add("authorization", "roleAssignments/write", kind="RoleAssignmentExists", status=409)
    assert cloud.ensure(rows["assignment"].but(state="making"), rows).cloud_id


def test_a_fresh_grant_is_waited_for(
    clients: Clients, azure: EmulatedAzure, azure_clock: FakeClock, account: str
) -> None:
    young = environment().but(created_at=azure_clock.now() - 10)
    cloud = AzureCloud(young, clients, Settings(installation="this"), azure_clock)
    row = rows_of(cloud)[0].to("making")
    azure.enforce("operator", {"actions": []})
    with pytest.raises(NotYet, match="not allowed"):
        cloud.ensure(row, {})
    with pytest.raises(NotYet, match="not allowed"):
        cloud.check()
    old = AzureCloud(environment(), clients, Settings(installation="this"), azure_clock)
    with pytest.raises(Forbidden):
        old.ensure(row, {})


@pytest.mark.parametrize("key", ["group", "identity", "workspace", "network", "rule"])
def test_a_strangers_resource_of_that_name_is_neither_taken_nor_removed(
    bind: Bind, azure: EmulatedAzure, account: str, key: str
) -> None:
    cloud = bind()
    rows = by_key(make(cloud))
    path = graph.path(cloud._account, key).lower()
    there = next(each for each in azure.resources() if each.id.lower() == path)
    there.body["tags"] = {"headnode:installation": "that", "headnode:environment": ID}
    unsure = ResourceRow(key=key, type=rows[key].type, name=rows[key].name, state="making")
    with pytest.raises(Refused, match="tags"):
        cloud.ensure(unsure, rows)
    with pytest.raises(Refused, match="tags"):
        cloud.remove(unsure.to("removing"))
    assert there.state != "Deleting"


def test_what_still_stands_in_the_network_is_waited_for(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    rows = by_key(list(cloud._account.environment.resources))
    cloud.start(order(cloud))
    with pytest.raises(Retry, match="InUseSubnetCannotBeDeleted"):
        cloud.remove(rows["network"].to("removing"))
    cloud.stop(list(listed(cloud)))
    azure.settle()
    assert not cloud.remove(rows["network"].to("removing"))
    assert cloud.remove(rows["network"].to("removing"))


def test_a_workspace_goes_for_good_so_its_name_is_free(
    bind: Bind, azure: EmulatedAzure, account: str
) -> None:
    cloud = bind()
    first = by_key(make(cloud))
    unmake(cloud, list(first.values()))
    assert azure.state.soft_deleted == {}
    assert by_key(make(cloud))["workspace"].facts != first["workspace"].facts


def test_nothing_at_all_is_left(ready: Bind, azure: EmulatedAzure) -> None:
    for config in ({}, {"storageResourceGroup": "data"}):
        cloud = ready(**config)
        assert cloud.leftovers(unmake(cloud, list(cloud._account.environment.resources))) == []
        assert {each for each in ours(azure) if "TowerForge" in each or "Authorization" in each} == set()


def test_a_group_that_somebody_deleted_takes_all_but_the_roles(
    ready: Bind, azure: EmulatedAzure, sdk: Sdk
) -> None:
    cloud = ready(storageResourceGroup="data")
    sdk.resources.resource_groups.begin_delete(GROUP, polling=False)
    azure.settle()
    assert definitions(azure)
    assert assignments(azure)
    rows = list(cloud._account.environment.resources)
    assert cloud.leftovers(unmake(cloud, rows)) == []
    assert definitions(azure) == {}
    assert assignments(azure) == []


def test_what_the_user_brought_stays(bind: Bind, sdk: Sdk, azure: EmulatedAzure, account: str) -> None:
    sdk.group("lab")
    network = sdk.subnet("lab").rpartition("/subnets/")[0]
    identity = sdk.identities.user_assigned_identities.create_or_update(
        "lab", "me", {"location": LOCATION}
    ).id
    before = ours(azure)
    cloud = bind(resourceGroup="lab", networkId=network, managedIdentityId=identity)
    assert cloud.check() == []
    rows = make(cloud)
    assert cloud.leftovers(unmake(cloud, rows)) == []
    assert ours(azure) == before


def test_a_listing_of_what_is_left_touches_nothing_that_is_in_use(ready: Bind, azure: EmulatedAzure) -> None:
    cloud = ready()
    writes = azure.journal.writes
    rows = list(cloud._account.environment.resources)
    assert len(cloud.leftovers(rows)) == len(rows)
    assert azure.journal.writes == writes


def test_what_comes_back_is_left(ready: Bind, azure: EmulatedAzure, account: str) -> None:
    cloud = ready()
    gone = unmake(cloud, list(cloud._account.environment.resources))
    make(cloud)
    azure.timings.transitions["*"] = 60.0
    assert "ResourceGroup" in {each.type for each in cloud.leftovers(gone)}
