"""The custom role of the deployed API lets it do what the API does in a subscription."""

import json

from infra import roles
from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import LOCATION
from tests.azure_cloud import Clients as Sdk
from tests.unit.azure.conftest import Bind


def test_the_api_holds_a_plan_against_what_exists(
    bind: Bind, azure: EmulatedAzure, account: str, sdk: Sdk
) -> None:
    sdk.group("lab")
    made = sdk.identities.user_assigned_identities.create_or_update("lab", "me", {"location": LOCATION})
    config = {
        "resourceGroup": "lab",
        "networkId": sdk.subnet("lab").rpartition("/subnets/")[0],
        "managedIdentityId": str(made.id),
        "storageResourceGroup": "data",
    }
    role = json.loads((roles.FOLDER / "api.json").read_text())["properties"]
    azure.enforce("operator", *role["permissions"])
    writes = azure.journal.writes
    for chosen in ({}, config):
        cloud = bind(**chosen)
        assert cloud.check() == []
        assert cloud.details()
    assert azure.judge.refusals == []
    assert azure.journal.writes == writes
