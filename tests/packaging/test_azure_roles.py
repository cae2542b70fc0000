"""Who may do what in Azure: the roles as they are published, and which identity has which."""

import json
from typing import Any

import pytest

from infra import roles
from infra.sources import ROOT
from shared.model.message import STEPS
from shared.providers.azure import permissions
from shared.providers.azure.batch import permissions as batch
from tests.bicep.deployment import SUBSCRIPTION, Deployment
from tests.bicep.resource import Resource
from tests.packaging.azure import KINDS, deployed, of_app, of_type

PUBLISHED = ROOT.parent / "shared" / "reference" / "permissions" / "azure-cloud.json"
"""The published roles, where they lie beside this checkout."""
BLOCKS = {
    "create": ["create"],
    "launch": ["launch"],
    "logs": ["logs", "data-links"],
    "dispose": ["dispose"],
}
BUILT_IN = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "12338af0-0e69-4776-bea7-57ae8d297424": "Key Vault Crypto User",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
}
WITHIN = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/headnode/providers"


def merged(published: dict[str, Any], blocks: list[str]) -> dict[str, set[str]]:
    kinds = ("actions", "notActions", "dataActions", "notDataActions")
    return {kind: {action for block in blocks for action in published[block][kind]} for kind in kinds}


def as_sets(role: dict[str, Any]) -> dict[str, set[str]]:
    [allowed] = role["properties"]["permissions"]
    assert all(len(set(actions)) == len(actions) for actions in allowed.values())
    return {kind: set(actions) for kind, actions in allowed.items()}


@pytest.mark.parametrize("holder", roles.HOLDERS)
def test_the_files_follow_from_the_permissions(holder: str) -> None:
    assert (roles.FOLDER / f"{holder}.json").read_text() == roles.text(holder)


@pytest.mark.parametrize("step", BLOCKS)
def test_a_steps_role_is_its_published_blocks_and_its_share_of_batch(step: str) -> None:
    found = as_sets(json.loads((roles.FOLDER / f"{step}.json").read_text()))
    published, share = merged(permissions.published(), BLOCKS[step]), batch.of_host(step)
    assert found == {kind: published[kind] | set(share[kind]) for kind in found}
    whole = merged(permissions.published(), ["full"])
    assert all(actions <= whole[kind] for kind, actions in published.items())
    full = batch.permissions(step)
    assert all(set(actions) <= set(full[kind]) for kind, actions in share.items())


def test_data_actions_are_of_the_services_that_have_data() -> None:
    """Pools of Batch are actions, jobs are data: Azure takes neither for the other."""
    for holder in roles.HOLDERS:
        found = as_sets(roles.role(holder))
        assert not any("batchAccounts/jobs/" in each or "/blobs/" in each for each in found["actions"])
        assert not any("batchAccounts/pools/" in each for each in found["dataActions"])
        assert not any("*" in each for actions in found.values() for each in actions)


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published roles are not beside this checkout")
def test_our_copy_is_what_was_published() -> None:
    assert permissions.published() == json.loads(PUBLISHED.read_text())


def test_the_reaper_touches_machines_and_nothing_else() -> None:
    found = as_sets(roles.role("reap"))
    kinds = {"/".join(action.split("/")[:2]) for action in found["actions"]}
    assert kinds == {
        "Microsoft.Compute/virtualMachines",
        "Microsoft.Network/networkInterfaces",
        "Microsoft.Network/publicIPAddresses",
        "Microsoft.Batch/batchAccounts",
    }
    for kind in kinds - {"Microsoft.Batch/batchAccounts"}:
        assert {f"{kind}/read", f"{kind}/delete"} <= found["actions"]
    jobs = {f"Microsoft.Batch/batchAccounts/jobs/{verb}" for verb in ("read", "write", "delete")}
    assert found["dataActions"] == jobs
    assert "Microsoft.Batch/batchAccounts/pools/delete" not in found["actions"]


def test_the_api_looks_at_what_logs_and_plans_need_and_changes_nothing() -> None:
    found, logs, create = (as_sets(roles.role(holder)) for holder in ("api", "logs", "create"))
    for kind in ("actions", "dataActions"):
        seen = {action for action in logs[kind] | create[kind] if action.lower().endswith("/read")}
        assert found[kind] == seen
    assert "Microsoft.OperationalInsights/workspaces/tables/data/read" in found["dataActions"]
    assert "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read" in found["dataActions"]


def holders(found: Deployment) -> dict[str, set[str]]:
    """Principal -> the API and the steps that it runs."""
    apps = of_type(found, "Microsoft.Web/sites")
    return {app.value("identity")["principalId"]: of_app(app) for app in apps}


def assignments(found: Deployment) -> list[tuple[Resource, str, str]]:
    """Each assignment with its scope and its role's id."""
    listed = []
    for each in of_type(found, "Microsoft.Authorization/roleAssignments"):
        scope = each.id.partition("/providers/Microsoft.Authorization")[0]
        listed.append((each, scope, each.body["properties"]["roleDefinitionId"].rpartition("/")[2]))
    return listed


@pytest.mark.parametrize("isolation", KINDS)
def test_an_identity_has_the_roles_of_its_steps_and_no_other(isolation: str) -> None:
    found = deployed(isolation)
    definitions = {each.name: each for each in of_type(found, "Microsoft.Authorization/roleDefinitions")}
    wanted = holders(found)
    has: dict[str, set[str]] = {principal: set() for principal in wanted}
    for each, scope, role in assignments(found):
        if role in definitions:
            assert scope == f"/subscriptions/{SUBSCRIPTION}"
            name = definitions[role].body["properties"]["roleName"].split()[0].rpartition("-")[2]
            has[each.body["properties"]["principalId"]].add(name)
    assert has == wanted
    assert sorted(step for steps in wanted.values() for step in steps) == sorted(["api", *STEPS])
    assert len(wanted) == (1 if isolation == "one" else len(STEPS) + 1)


def test_a_definition_is_the_file_of_its_holder() -> None:
    found = deployed()
    for each in of_type(found, "Microsoft.Authorization/roleDefinitions"):
        properties = each.body["properties"]
        name, _, installation = properties["roleName"].partition(" ")
        assert installation == found.outputs["installation"]
        wanted = roles.role(name.rpartition("-")[2])["properties"]
        assert properties["permissions"] == wanted["permissions"]
        assert properties["assignableScopes"] == [f"/subscriptions/{SUBSCRIPTION}"]


@pytest.mark.parametrize("isolation", KINDS)
def test_every_identity_reaches_what_is_kept_and_nothing_around_it(isolation: str) -> None:
    found = deployed(isolation)
    account = f"{WITHIN}/Microsoft.Storage/storageAccounts/{found.outputs['storageAccount']}"
    [key] = of_type(found, "Microsoft.KeyVault/vaults/keys")
    [insights] = of_type(found, "Microsoft.Insights/components")
    wanted = {
        ("Storage Blob Data Owner", account),
        ("Storage Queue Data Contributor", account),
        ("Storage Table Data Contributor", account),
        ("Key Vault Crypto User", key.id),
        ("Monitoring Metrics Publisher", insights.id),
    }
    for principal in holders(found):
        mine = [
            entry for entry in assignments(found) if entry[0].body["properties"]["principalId"] == principal
        ]
        assert {(BUILT_IN[role], scope) for _, scope, role in mine if role in BUILT_IN} == wanted
        assert len(mine) == len(wanted) + len(holders(found)[principal])
        assert {each.body["properties"]["principalType"] for each, _, _ in mine} == {"ServicePrincipal"}
