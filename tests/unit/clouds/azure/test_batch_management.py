"""Batch accounts and pools as ARM has them, by azure-mgmt-batch."""

from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError

from local.clouds.azure import EmulatedAzure
from local.clouds.azure.batch.models import Quotas
from tests.azure_cloud import LOCATION, Clients
from tests.unit.clouds.azure.batch import ACCOUNT, AUDIENCE, GROUP, arm_body, management, refusal, service
from tests.unit.clouds.azure.official import EXAMPLES, differences, example

POOLS = "Microsoft.Batch/batchAccounts/pools"
LEFT_OUT = {
    "identity.userAssignedIdentities.",  # the ids of the example are others'
}


@pytest.fixture
def arm(azure: EmulatedAzure, clients: Clients) -> Any:
    azure.batch_account(ACCOUNT, quotas=Quotas(dedicated=40, families={"standardDDSv5Family": 16}))
    return management(clients)


def test_an_account_shows_its_quotas(azure: EmulatedAzure, arm: Any):
    account = arm.batch_account.get(GROUP, ACCOUNT)
    assert (account.dedicated_core_quota, account.low_priority_core_quota) == (40, 100)
    assert account.dedicated_core_quota_per_vm_family_enforced
    families = {each.name: each.core_quota for each in account.dedicated_core_quota_per_vm_family}
    assert families == {"standardDDSv5Family": 16}
    assert (account.pool_quota, account.active_job_and_job_schedule_quota) == (100, 300)
    assert account.account_endpoint == f"{ACCOUNT}.{LOCATION}.batch.azure.com"
    assert [each.name for each in arm.batch_account.list()] == [ACCOUNT]
    assert arm.location.get_quotas(LOCATION).account_quota > 0
    assert refusal(arm.batch_account.get, GROUP, "other") == (404, "ResourceNotFound")
    assert azure.batch_account(ACCOUNT) == account.id


def test_keys_are_for_those_who_may_have_them(azure: EmulatedAzure, arm: Any):
    assert arm.batch_account.get_keys(GROUP, ACCOUNT).primary == azure.batch_key(ACCOUNT)
    azure.enforce("operator", {"actions": ["Microsoft.Batch/batchAccounts/read"]})
    assert refusal(arm.batch_account.get_keys, GROUP, ACCOUNT) == (403, "AuthorizationFailed")
    assert azure.judge.refusals[-1].action == "Microsoft.Batch/batchAccounts/listKeys/action"


def test_a_pool_of_arms_is_a_pool_of_the_service(azure: EmulatedAzure, arm: Any):
    pool = arm.pool.create(GROUP, ACCOUNT, "pool", arm_body(taskSchedulingPolicy={"nodeFillType": "Pack"}))
    assert (pool.provisioning_state, pool.allocation_state) == ("Succeeded", "Resizing")
    found = arm.pool.get(GROUP, ACCOUNT, "pool")
    assert (found.allocation_state, found.current_dedicated_nodes) == ("Steady", 1)
    with service(azure) as batch:
        seen = batch.get_pool("pool")
        assert seen.virtual_machine_configuration.node_agent_sku_id == "batch.node.ubuntu 24.04"
        assert seen.task_scheduling_policy.node_fill_type.value == "pack"
        scale = {"fixedScale": {"targetDedicatedNodes": 0, "targetLowPriorityNodes": 2}}
        arm.pool.update(GROUP, ACCOUNT, "pool", {"properties": {"scaleSettings": scale}})
        seen = batch.get_pool("pool")
        assert (seen.current_dedicated_nodes, seen.current_low_priority_nodes) == (0, 2)
    assert [each.name for each in arm.pool.list_by_batch_account(GROUP, ACCOUNT)] == ["pool"]


def test_a_formula_can_be_changed_and_the_rest_stays(arm: Any):
    def scale(formula: str) -> dict[str, Any]:
        return {"scaleSettings": {"autoScale": {"formula": formula, "evaluationInterval": "PT5M"}}}

    arm.pool.create(GROUP, ACCOUNT, "pool", arm_body(**scale("$TargetDedicatedNodes=1"), taskSlotsPerNode=4))
    assert arm.pool.get(GROUP, ACCOUNT, "pool").current_dedicated_nodes == 1
    arm.pool.update(GROUP, ACCOUNT, "pool", {"properties": scale("$TargetDedicatedNodes=2")})
    pool = arm.pool.get(GROUP, ACCOUNT, "pool")
    assert (pool.current_dedicated_nodes, pool.task_slots_per_node) == (2, 4)
    assert pool.scale_settings.auto_scale.formula == "$TargetDedicatedNodes=2"
    assert "$TargetDedicatedNodes=2" in pool.auto_scale_run.results


def test_a_pool_is_deleted_by_a_long_operation(azure: EmulatedAzure, azure_clock: Any, arm: Any):
    arm.pool.create(GROUP, ACCOUNT, "pool", arm_body())
    azure.timings.transitions = {f"{POOLS}/delete": 30}
    arm.pool.begin_delete(GROUP, ACCOUNT, "pool", polling=False)
    assert arm.pool.get(GROUP, ACCOUNT, "pool").provisioning_state == "Deleting"
    assert refusal(arm.pool.create, GROUP, ACCOUNT, "pool", arm_body()) == (409, "PoolBeingDeleted")
    azure_clock.advance(30)
    assert refusal(arm.pool.get, GROUP, ACCOUNT, "pool") == (404, "ResourceNotFound")
    arm.pool.begin_delete(GROUP, ACCOUNT, "pool").result()
    azure.timings.transitions = {}
    arm.pool.create(GROUP, ACCOUNT, "pool", arm_body())
    arm.pool.begin_delete(GROUP, ACCOUNT, "pool").result()
    assert list(arm.pool.list_by_batch_account(GROUP, ACCOUNT)) == []


def identity(clients: Clients) -> Any:
    clients.group()
    return clients.identities.user_assigned_identities.create_or_update("rg", "id", {"location": LOCATION})


def test_a_pool_has_an_identity_that_its_maker_may_assign(azure: EmulatedAzure, clients: Clients, arm: Any):
    made = identity(clients)
    body = {**arm_body(), "identity": {"type": "UserAssigned", "userAssignedIdentities": {made.id: {}}}}
    pool = arm.pool.create(GROUP, ACCOUNT, "pool", body)
    assert pool.identity.user_assigned_identities[made.id].client_id == made.client_id
    azure.enforce("operator", {"actions": ["Microsoft.Batch/*"]})
    assert refusal(arm.pool.create, GROUP, ACCOUNT, "other", body) == (403, "LinkedAuthorizationFailed")
    body["identity"]["userAssignedIdentities"] = {f"{made.id}x": {}}
    assert refusal(arm.pool.create, GROUP, ACCOUNT, "other", body) == (400, "FailedIdentityOperation")


def test_a_node_gives_its_tasks_tokens_of_the_pools_identity(
    azure: EmulatedAzure, clients: Clients, arm: Any
):
    made = identity(clients)
    body = {**arm_body(), "identity": {"type": "UserAssigned", "userAssignedIdentities": {made.id: {}}}}
    arm.pool.create(GROUP, ACCOUNT, "pool", body)
    arm.pool.create(GROUP, ACCOUNT, "plain", arm_body())
    asked = {"api-version": "2018-02-01", "resource": AUDIENCE}

    def ask(pool: str, **headers: str) -> httpx.Response:
        node = next(iter(azure.batch_pool(ACCOUNT, pool).nodes))
        where = f"{azure.url}/imds/{node}/metadata/identity/oauth2/token"
        return httpx.get(where, params=asked, headers=headers)

    bearer = ask("pool", Metadata="true").json()["access_token"]
    found = azure.state.directory.read(bearer)
    assert found is not None
    assert found.principal == made.principal_id
    assert (ask("pool").status_code, ask("plain", Metadata="true").status_code) == (400, 400)


def test_a_pool_stands_in_a_subnet_that_its_maker_may_join(azure: EmulatedAzure, subnet: str, arm: Any):
    body = arm_body(networkConfiguration={"subnetId": subnet})
    arm.pool.create(GROUP, ACCOUNT, "pool", body)
    azure.enforce("operator", {"actions": ["Microsoft.Batch/*"]})
    assert refusal(arm.pool.create, GROUP, ACCOUNT, "other", body) == (403, "LinkedAuthorizationFailed")
    nowhere = arm_body(networkConfiguration={"subnetId": f"{subnet}x"})
    assert refusal(arm.pool.create, GROUP, ACCOUNT, "other", nowhere) == (400, "InvalidPropertyValue")


def test_refusals_have_arms_form(arm: Any):
    bad = arm_body()
    bad["properties"]["deploymentConfiguration"]["virtualMachineConfiguration"]["nodeAgentSkuId"] = "none"
    with pytest.raises(HttpResponseError, match="none") as caught:
        arm.pool.create(GROUP, ACCOUNT, "pool", bad)
    error: Any = caught.value
    assert (error.error.code, "error" in error.response.json()) == ("NodeAgentSKUNotFound", True)


def test_a_group_takes_its_account_along(azure: EmulatedAzure, clients: Clients, arm: Any):
    arm.pool.create(GROUP, ACCOUNT, "pool", arm_body())
    clients.resources.resource_groups.begin_delete(GROUP).result()
    assert refusal(arm.pool.get, GROUP, ACCOUNT, "pool") == (404, "ResourceGroupNotFound")
    with pytest.raises(LookupError):
        azure.batch_pool(ACCOUNT, "pool")
    with pytest.raises(ValueError, match="Batch account"):
        azure.batch_account("No-Name")


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the official examples are not here")
def test_a_pool_shows_every_field_of_the_official_example(clients: Clients, arm: Any):
    official = example("batch-arm__PoolCreate_UserAssignedIdentities")
    asked = official["parameters"]["parameters"]
    machine = asked["properties"]["deploymentConfiguration"]["virtualMachineConfiguration"]
    fresh = arm_body()["properties"]["deploymentConfiguration"]["virtualMachineConfiguration"]
    assert set(machine) == set(fresh)
    machine.update(fresh)  # the example's Ubuntu 18.04 has been retired
    asked["identity"]["userAssignedIdentities"] = {identity(clients).id: {}}
    path = f"/resourceGroups/{GROUP}/providers/Microsoft.Batch/batchAccounts/{ACCOUNT}/pools/testpool"
    answer = clients.arm("PUT", path, "2025-06-01", asked)
    assert answer.status_code == 200, answer.text
    found = differences(official["responses"]["200"]["body"], answer.json())
    assert {each for each in found if not each.startswith(tuple(LEFT_OUT))} == set()
    first, again = (clients.arm("DELETE", path, "2025-06-01") for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 204)
    assert {"location", "retry-after"} <= set(first.headers)
