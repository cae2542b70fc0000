"""What is deployed on Azure, worked out from the Bicep files and held against the code that runs there."""

import re
from pathlib import Path
from typing import Any

import pytest
from pycep import BicepParser

from infra import package_azure, roles
from infra.sources import ROOT
from shared.model.message import STEPS
from shared.model.settings import Settings
from shared.wiring import forget_clients, functions_world
from tests.bicep.deployment import SUBSCRIPTION, Deployment
from tests.bicep.syntax import Parser, Wrong
from tests.packaging.azure import FILES, KINDS, MAIN, deployed, enabled, of_app, of_type, settings


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_another_reader_takes_the_file(path: Path) -> None:
    assert BicepParser(cache=False).parse(text=path.read_text())
    assert len(path.read_text().splitlines()) < 250


@pytest.mark.parametrize("mail", ["", "ops@example.org"])
@pytest.mark.parametrize("events", [False, True])
@pytest.mark.parametrize("isolation", KINDS)
def test_every_choice_can_be_deployed(isolation: str, events: bool, mail: str) -> None:
    found = deployed(isolation, events=events, alertEmail=mail)
    ids = [each.id for each in found.resources()]
    assert len(ids) == len(set(ids))
    assert bool(of_type(found, "Microsoft.EventGrid/systemTopics")) == events
    assert len(of_type(found, "Microsoft.Insights/scheduledQueryRules")) == (4 if mail else 0)


@pytest.mark.parametrize(
    ("was", "becomes", "why"),
    [
        ("location: location", "location: place", "place is not declared"),
        ("storage.outputs.name", "storage.outputs.names", "there is no names"),
        ("sku: storageSku", "size: storageSku", "no parameter size"),
        ("param apiUrl string = ''", "param apiUrl int = ''", "does not fit the parameter apiUrl"),
        ("scope: plane", "scope: vault.plane", "vault is a circle"),
        ("empty(apiUrl)", "blank(apiUrl)", "no function: blank"),
        ("var table = 'headnode'", "var table = queuePrefix + 1", "cannot read"),
    ],
)
def test_a_mistake_would_be_found(tmp_path: Path, was: str, becomes: str, why: str) -> None:
    package_azure.templates(tmp_path)
    path = tmp_path / "main.bicep"
    assert was in path.read_text()
    path.write_text(path.read_text().replace(was, becomes))
    with pytest.raises(Wrong, match=why):
        Deployment(path, {}, f"/subscriptions/{SUBSCRIPTION}")


def test_the_parameters_file_names_parameters_that_there_are() -> None:
    using, *given = Parser(MAIN.with_suffix(".bicepparam").read_text()).file()
    assert using.value == ("string", "./main.bicep")
    default = deployed()
    assert all(("param", each.name) in default.statements for each in given)
    assert [each.name for each in given if each.name == "events" and each.value != ("literal", False)] == []


@pytest.mark.parametrize("isolation", KINDS)
def test_each_function_is_enabled_in_exactly_one_app(
    isolation: str, index: dict[str, list[dict[str, Any]]]
) -> None:
    apps = of_type(deployed(isolation), "Microsoft.Web/sites")
    assert sorted(name for app in apps for name in enabled(app)) == sorted(index)
    assert len(apps) == (1 if isolation == "one" else len(STEPS) + 1)
    for app in apps:
        switches = {name for name in settings(app) if name.endswith(".Disabled")}
        assert switches == {f"AzureWebJobs.{name}.Disabled" for name in index}
        assert isolation == "one" or len(of_app(app)) == 1


@pytest.mark.parametrize("isolation", KINDS)
def test_the_apps_settings_make_a_world(isolation: str) -> None:
    found = deployed(isolation, forgePrefix="Ours")
    for app in of_type(found, "Microsoft.Web/sites"):
        forget_clients()
        world = functions_world(settings(app))
        assert (world.settings.installation, world.settings.api_url) == (
            found.outputs["installation"],
            found.outputs["apiUrl"],
        )
        assert world.settings.forge_prefix == "Ours"
    forget_clients()


@pytest.mark.parametrize("isolation", KINDS)
def test_settings_are_those_that_the_code_reads(isolation: str) -> None:
    source = "".join(
        (ROOT / name).read_text() for name in ("shared/wiring.py", "functions/api.py", "shared/api/auth.py")
    )
    known = {f"HEADNODE_{field.upper()}" for field in Settings.__annotations__}
    known |= set(re.findall(r"HEADNODE_[A-Z_]+[A-Z]", source))
    for app in of_type(deployed(isolation), "Microsoft.Web/sites"):
        given = {name for name in settings(app) if name.startswith("HEADNODE_")}
        assert given <= known
        assert ("HEADNODE_FIRST_TOKEN_HASH" in given) == ("api" in of_app(app))
        assert not given & {"HEADNODE_STORAGE_CONNECTION", "HEADNODE_AZURE_URL"}
        assert settings(app)["AZURE_SUBSCRIPTION_ID"] == SUBSCRIPTION


def test_queues_are_those_that_the_code_uses(index: dict[str, list[dict[str, Any]]]) -> None:
    found = deployed()
    made = {each.name for each in of_type(found, "Microsoft.Storage/storageAccounts/queueServices/queues")}
    prefix = settings(of_type(found, "Microsoft.Web/sites")[0])["HEADNODE_QUEUE_PREFIX"]
    bindings = [each for bound in index.values() for each in bound if each["type"] == "queueTrigger"]
    read = {each["queueName"].replace("%HEADNODE_QUEUE_PREFIX%", prefix) for each in bindings}
    assert read == made
    assert {f"{prefix}-{step}" for step in STEPS} <= made
    assert all(re.fullmatch(r"[a-z0-9](-?[a-z0-9]){2,62}", name) for name in made)
    # The host finds the account under the bindings' connection.
    for connection in {each["connection"] for each in bindings}:
        for app in of_type(found, "Microsoft.Web/sites"):
            assert settings(app)[f"{connection}__accountName"] == found.outputs["storageAccount"]
            assert connection not in settings(app), "a connection string"


def test_the_table_is_the_one_that_is_named() -> None:
    found = deployed()
    [table] = of_type(found, "Microsoft.Storage/storageAccounts/tableServices/tables")
    assert {settings(app)["HEADNODE_TABLE"] for app in of_type(found, "Microsoft.Web/sites")} == {table.name}


@pytest.mark.parametrize("isolation", KINDS)
def test_names_fit(isolation: str) -> None:
    found = deployed(isolation)
    [account] = of_type(found, "Microsoft.Storage/storageAccounts")
    [vault] = of_type(found, "Microsoft.KeyVault/vaults")
    assert re.fullmatch(r"[a-z0-9]{3,24}", account.name)
    assert re.fullmatch(r"[a-z][a-z0-9-]{2,23}", vault.name)
    # The host's own id is the first 32 characters of its app's name: two apps share one storage account.
    apps = [app.name for app in of_type(found, "Microsoft.Web/sites")]
    assert all(re.fullmatch(r"[a-z][a-z0-9-]{2,31}", name) for name in apps)
    assert found.outputs["apps"] == apps


def test_two_installations_have_nothing_in_common() -> None:
    def own(found: Deployment) -> set[str]:
        made = [each for each in found.resources() if each.type != "Microsoft.Resources/resourceGroups"]
        return {each.id for each in made} | {
            each.body["properties"]["roleName"] for each in made if each.type.endswith("/roleDefinitions")
        }

    assert not own(deployed()) & own(deployed(group="other"))


@pytest.mark.parametrize("isolation", KINDS)
def test_each_app_gets_its_code_from_a_container_of_its_own(isolation: str) -> None:
    found = deployed(isolation)
    kind = "Microsoft.Storage/storageAccounts/blobServices/containers"
    made = {each.name for each in of_type(found, kind)}
    account = found.outputs["storageAccount"]
    for app in of_type(found, "Microsoft.Web/sites"):
        storage = app.body["properties"]["functionAppConfig"]["deployment"]["storage"]
        assert storage["authentication"] == {"type": "SystemAssignedIdentity"}
        address, _, container = storage["value"].rpartition("/")
        assert (address, container in made) == (f"https://{account}.blob.core.windows.net", True)


def test_machines_events_reach_the_reaper(index: dict[str, list[dict[str, Any]]]) -> None:
    for more in ({}, {"eventTopic": "theirs", "eventTopicGroup": "ops"}):
        found = deployed(events=True, **more)
        [subscription] = of_type(found, "Microsoft.EventGrid/systemTopics/eventSubscriptions")
        target = subscription.body["properties"]["destination"]["properties"]["resourceId"]
        app, _, function = target.partition("/functions/")
        [reaper] = [each for each in of_type(found, "Microsoft.Web/sites") if each.id == app]
        assert function in enabled(reaper)
        assert [each["type"] for each in index[function]] == ["eventGridTrigger"]
        assert ("/resourceGroups/ops/" in subscription.id) == bool(more)
        assert len(of_type(found, "Microsoft.EventGrid/systemTopics")) == (0 if more else 1)


def test_templates_are_copied_whole(tmp_path: Path) -> None:
    main = package_azure.templates(tmp_path)
    copy = Deployment(main, {"events": True}, f"/subscriptions/{SUBSCRIPTION}")
    assert [each.id for each in copy.resources()] == [each.id for each in deployed(events=True).resources()]
    assert sorted(path.name for path in (tmp_path / "roles").iterdir()) == sorted(
        f"{h}.json" for h in roles.HOLDERS
    )


def test_every_parameter_is_explained() -> None:
    text = (ROOT / "docs" / "azure-cloud.md").read_text().partition("### Parameters")[2].partition("###")[0]
    first = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    explained = {name for cell in first for name in re.findall(r"`(\w+)`", cell)}
    assert explained == {name for kind, name in deployed().statements if kind == "param"}
