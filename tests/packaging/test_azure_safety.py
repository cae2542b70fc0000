"""What a deployment on Azure keeps shut, what it costs, and whom it tells."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra import package_azure
from infra.sources import ROOT
from shared.model.message import Message
from shared.model.settings import Settings
from shared.steps import deliver
from shared.wiring import local_world
from tests.bicep.resource import Resource
from tests.bicep.syntax import Parser
from tests.packaging.azure import FILES, HASH, KINDS, deployed, enabled, of_app, of_type

IDLE = {
    "Microsoft.Authorization/roleAssignments": 0.0,
    "Microsoft.Authorization/roleDefinitions": 0.0,
    "Microsoft.EventGrid/systemTopics": 0.0,
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": 0.0,  # 0.60 USD a million events, 100,000 free
    "Microsoft.Insights/actionGroups": 0.0,
    "Microsoft.Insights/components": 0.0,
    "Microsoft.Insights/scheduledQueryRules": 0.5,
    "Microsoft.KeyVault/vaults": 0.0,
    "Microsoft.KeyVault/vaults/keys": 0.0,  # 0.03 USD for 10,000 operations; a software key has no rent
    "Microsoft.OperationalInsights/workspaces": 0.0,  # the ticks' lines are in the 5 GB that are free
    "Microsoft.Resources/resourceGroups": 0.0,
    "Microsoft.Storage/storageAccounts": 0.0,
    "Microsoft.Storage/storageAccounts/blobServices": 0.0,
    "Microsoft.Storage/storageAccounts/blobServices/containers": 0.01,  # an archive of 20 MB
    "Microsoft.Storage/storageAccounts/queueServices": 0.0,
    "Microsoft.Storage/storageAccounts/queueServices/queues": 0.1,  # the platform's looks into it
    "Microsoft.Storage/storageAccounts/tableServices": 0.0,
    "Microsoft.Storage/storageAccounts/tableServices/tables": 0.05,  # the ticks' reads
    "Microsoft.Web/serverfarms": 0.0,  # FC1 without instances that are kept ready
    "Microsoft.Web/sites": 0.0,  # the ticks are in the free grant
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": 0.0,
}
"""USD a month while nobody uses it (list prices)."""


def test_no_key_opens_anything() -> None:
    found = deployed()
    [account] = of_type(found, "Microsoft.Storage/storageAccounts")
    assert account.body["properties"]["allowSharedKeyAccess"] is False
    assert account.body["properties"]["allowBlobPublicAccess"] is False
    [insights] = of_type(found, "Microsoft.Insights/components")
    assert insights.body["properties"]["DisableLocalAuth"] is True
    policies = of_type(found, "Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert [each.body["properties"] for each in policies] == [{"allow": False}] * len(found.outputs["apps"])
    for app in of_type(found, "Microsoft.Web/sites"):
        assert app.body["identity"] == {"type": "SystemAssigned"}
        assert app.body["properties"]["httpsOnly"] is True
    assert not [
        path
        for path in FILES
        if re.search(r"list\w*(Keys|Sas|Secrets)|AccountKey", path.read_text(), re.IGNORECASE)
    ]


def test_no_secret_is_given_or_shown() -> None:
    found = deployed()
    assert HASH not in json.dumps(found.outputs)
    for path in FILES:
        for each in Parser(path.read_text()).file():
            words = re.search("token|secret|password|credential", each.name, re.IGNORECASE)
            assert each.kind != "output" or not words, each.name
            assert each.kind != "param" or not words or "secure" in each.decorators, each.name
    holders = [app for app in of_type(found, "Microsoft.Web/sites") if HASH in json.dumps(app.body)]
    assert [of_app(app) for app in holders] == [{"api"}]
    bodies = [{**each.body, "parent": None, "scope": None} for each in found.resources()]
    assert sum(HASH in json.dumps(body) for body in bodies) == 1


def test_the_key_cannot_be_lost() -> None:
    found = deployed()
    [vault] = of_type(found, "Microsoft.KeyVault/vaults")
    [key] = of_type(found, "Microsoft.KeyVault/vaults/keys")
    properties = vault.body["properties"]
    assert properties["enableRbacAuthorization"] and properties["enablePurgeProtection"]
    assert (properties["enableSoftDelete"], properties["softDeleteRetentionInDays"]) == (True, 90)
    assert (key.body["properties"]["kty"], key.body["properties"]["keyOps"]) == (
        "RSA",
        ["wrapKey", "unwrapKey"],
    )
    source = (ROOT / "shared" / "vaults" / "keyvault.py").read_text()
    assert '"wrapkey"' in source and "unwrapkey" in source


@pytest.mark.parametrize("isolation", KINDS)
def test_idle_costs_next_to_nothing(isolation: str) -> None:
    found = deployed(isolation, events=True)
    assert sum(IDLE[each.type] for each in found.resources()) < 1.5
    for plan in of_type(found, "Microsoft.Web/serverfarms"):
        assert plan.body["sku"] == {"name": "FC1", "tier": "FlexConsumption"}
    for app in of_type(found, "Microsoft.Web/sites"):
        config = app.body["properties"]["functionAppConfig"]
        assert config["scaleAndConcurrency"]["alwaysReady"] == []
        assert config["runtime"] == {"name": "python", "version": package_azure.RUNTIME}
        assert app.body["properties"]["serverFarmId"].endswith(f"/serverfarms/{app.name}")
    [workspace] = of_type(found, "Microsoft.OperationalInsights/workspaces")
    assert workspace.body["properties"]["workspaceCapping"] == {"dailyQuotaGb": 1}
    memory = sum(gb_seconds(app) for app in of_type(found, "Microsoft.Web/sites"))
    assert memory < 100_000, "the free grant of a month"
    watched = deployed(isolation, alertEmail="ops@example.org")
    assert sum(IDLE[each.type] for each in watched.resources()) < 3.5


def gb_seconds(app: Resource) -> float:
    """Of an app's ticks in a month of 30 days; each counts as a second at least."""
    ticks = 43_200 if "reap_tick" in enabled(app) else 0
    hourly = 720 if "reap_expired" in enabled(app) else 0
    megabytes = app.body["properties"]["functionAppConfig"]["scaleAndConcurrency"]["instanceMemoryMB"]
    return float((ticks + hourly) * megabytes / 1024)


def test_alerts_look_for_what_is_really_said(
    index: dict[str, list[dict[str, Any]]], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    found = deployed(alertEmail="ops@example.org")
    rules = of_type(found, "Microsoft.Insights/scheduledQueryRules")
    asked = {each.name: each.body["properties"]["criteria"]["allOf"][0]["query"] for each in rules}
    world = local_world(tmp_path, Settings(installation="packaging"))
    deliver.settle(Message(step="launch", subject="x"), deliver.Park("why"), True, world)
    [said] = re.findall('"(message[^"]*)"', asked["headnode-parked"])
    assert [record for record in caplog.records if record.getMessage().startswith(said)]
    [name] = re.findall('name == "([^"]*)"', asked["headnode-silent"])
    assert index[name][0]["type"] == "timerTrigger"
    [prefix] = re.findall('name startswith "([^"]*)"', asked["headnode-reaping"])
    assert {name for name in index if name.startswith(prefix)} >= {"reap", "reap_tick"}
    assert deliver.LONGEST_DELAY <= 900 and "> 30m" in asked["headnode-waiting"]
    [people] = of_type(found, "Microsoft.Insights/actionGroups")
    assert people.body["properties"]["emailReceivers"][0]["emailAddress"] == "ops@example.org"
    assert all(each.body["properties"]["actions"] == {"actionGroups": [people.id]} for each in rules)


def test_sampling_leaves_what_the_alerts_count() -> None:
    host = json.loads((ROOT / "host.json").read_text())
    sampling = host["logging"]["applicationInsights"]["samplingSettings"]
    assert sampling["isEnabled"] is True
    assert {"Request", "Exception"} <= set(sampling["excludedTypes"].split(";"))
