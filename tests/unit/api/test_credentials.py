"""/credentials"""

import json

import pytest

from shared.model.access import Credentials
from tests.unit.api.front import Front, env_body

KEYS = {"accessKey": "AKIAEXAMPLE0000EXAMP", "secretKey": "very-secret-key-of-mine"}

GUID = "0b1f6471-1bf0-4dda-aec3-11112222333{}"
AZURE = {
    "tenantId": GUID.format(1),
    "clientId": GUID.format(2),
    "subscriptionId": GUID.format(3),
    "clientSecret": "very-secret",
    "storageName": "labdata",
}


def creds(name: str = "mine", provider: str = "aws", **keys: object) -> dict:
    return {"credentials": {"name": name, "provider": provider, "keys": keys or KEYS, "description": "d"}}


def test_keys_are_stored_sealed_and_never_shown(api: Front) -> None:
    id = api.post("/credentials", creds())["credentialsId"]
    assert len(id) == 22
    found = api.get(f"/credentials/{id}")["credentials"]
    assert (found["name"], found["provider"], found["description"]) == ("mine", "aws", "d")
    assert found["keys"] == {"discriminator": "aws"}
    listed = api.get("/credentials")["credentials"]
    assert [each["id"] for each in listed] == [id]
    assert "very-secret" not in json.dumps([found, listed])
    record = api.world.store.get(Credentials, id)
    assert json.loads(api.world.vault.open(record.sealed, f"credentials/{id}")) == KEYS
    assert "secret" not in record.sealed


def test_a_role_is_shown_and_gets_an_external_id_when_asked_for(api: Front) -> None:
    role = "arn:aws:iam::123456789012:role/some/role"
    made = api.post("/credentials?useExternalId=true", creds(mode="role", assumeRoleArn=role))
    keys = api.get(f"/credentials/{made['credentialsId']}")["credentials"]["keys"]
    assert keys["assumeRoleArn"] == role
    assert len(keys["externalId"]) == 22


def test_a_listing_for_a_platform_has_what_that_platform_can_use(api: Front) -> None:
    aws = api.post("/credentials", creds("a"))["credentialsId"]
    azure = api.post("/credentials", creds("z", "azure-cloud", **AZURE))["credentialsId"]
    git = api.post("/credentials", creds("g", "github", password="x"))["credentialsId"]

    def ids(platform: str) -> list[str]:
        return [each["id"] for each in api.get(f"/credentials?platformId={platform}")["credentials"]]

    assert ids("aws-cloud") == ids("aws-batch") == [aws]
    assert ids("azure-cloud") == [azure]
    assert ids("moon") == []
    assert {each["id"] for each in api.get("/credentials")["credentials"]} == {aws, azure, git}


def test_an_azure_application_is_shown_without_its_secret_and_account_keys_are_not_kept(api: Front) -> None:
    keys = {**AZURE, "storageKey": "never-needed"}
    id = api.post("/credentials", creds("z", "azure-cloud", **keys))["credentialsId"]
    found = api.get(f"/credentials/{id}")["credentials"]["keys"]
    public = {name: value for name, value in AZURE.items() if name != "clientSecret"}
    assert found == {**public, "discriminator": "azure-cloud"}
    record = api.world.store.get(Credentials, id)
    assert json.loads(api.world.vault.open(record.sealed, f"credentials/{id}")) == AZURE


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"tenantId": "contoso"}, "tenantId"),
        ({"clientId": ""}, "clientId"),
        ({"subscriptionId": None}, "subscriptionId"),
        ({"clientSecret": ""}, "clientSecret"),
        ({"storageName": "Not_An_Account"}, "storageName"),
    ],
)
def test_azure_keys_that_cannot_work_are_refused_by_name(api: Front, change: dict, field: str) -> None:
    answer = api.call("POST", "/credentials", json=creds("z", "azure-cloud", **{**AZURE, **change}))
    assert answer.status_code == 400
    assert field in answer.json()["message"]
    assert "very-secret" not in answer.text


def test_keys_of_providers_that_we_do_not_know_are_kept_losslessly(api: Front) -> None:
    keys = {"serverUrl": "https://x", "token": "t-1", "nested flag": True, "n": 3}
    id = api.post("/credentials", creds("k", "k8s", **keys))["credentialsId"]
    record = api.world.store.get(Credentials, id)
    assert json.loads(api.world.vault.open(record.sealed, f"credentials/{id}")) == keys


@pytest.mark.parametrize(
    ("keys", "field"),
    [
        ({"accessKey": "A"}, "secretKey"),
        ({"secretKey": "S"}, "accessKey"),
        ({"accessKey": "A", "secretKey": "S", "mode": "odd"}, "mode"),
        ({"mode": "role"}, "assumeRoleArn"),
        ({"assumeRoleArn": "not an arn"}, "assumeRoleArn"),
        ({"accessKey": {"deep": 1}, "secretKey": "S"}, "keys"),
        ({"x": "y"}, "accessKey"),
    ],
)
def test_keys_that_cannot_work_are_refused_by_name(api: Front, keys: dict, field: str) -> None:
    answer = api.call("POST", "/credentials", json=creds(**keys))
    assert answer.status_code == 400
    assert field in answer.json()["message"]
    assert api.get("/credentials")["credentials"] == []


def test_a_name_is_taken_once_and_free_after_deletion(api: Front) -> None:
    id = api.post("/credentials", creds())["credentialsId"]
    answer = api.call("POST", "/credentials", json=creds())
    assert answer.status_code == 400
    assert "already exists" in answer.json()["message"]
    assert api.call("GET", "/credentials/validate?name=mine").status_code == 409
    api.delete(f"/credentials/{id}")
    assert api.call("GET", "/credentials/validate?name=mine").status_code == 204
    assert api.call("GET", f"/credentials/{id}").status_code == 404
    assert api.world.store.get(Credentials, id).sealed == ""
    api.post("/credentials", creds())


def test_those_in_use_are_not_deleted_and_their_users_are_named(api: Front) -> None:
    id = api.post("/credentials", creds())["credentialsId"]
    body = env_body("user")
    body["computeEnv"]["credentialsId"] = id
    made = api.post("/compute-envs", body)["computeEnvId"]
    answer = api.call("DELETE", f"/credentials/{id}?checked=true")
    assert answer.status_code == 409
    assert answer.json()["credentialsId"] == id
    assert [(each["id"], each["name"]) for each in answer.json()["conflicts"]] == [(made, "user")]
    api.work()
    api.delete(f"/compute-envs/{made}")
    api.work(30)
    api.delete(f"/credentials/{id}")


def test_new_keys_replace_old_ones_and_missing_ones_stay(api: Front) -> None:
    id = api.post("/credentials", creds())["credentialsId"]
    api.put(f"/credentials/{id}", creds("renamed", secretKey="newer"), status=204)
    record = api.world.store.get(Credentials, id)
    assert record.name == "renamed"
    opened = json.loads(api.world.vault.open(record.sealed, f"credentials/{id}"))
    assert opened == {"accessKey": KEYS["accessKey"], "secretKey": "newer"}
    assert api.call("PUT", f"/credentials/{id}", json=creds(provider="ssh")).status_code == 400


def test_an_environment_cannot_name_credentials_that_do_not_exist(api: Front) -> None:
    body = env_body()
    body["computeEnv"]["credentialsId"] = "nothing"
    answer = api.call("POST", "/compute-envs", json=body)
    assert answer.status_code == 400
    assert "credentialsId: credentials nothing not found" in answer.json()["message"]
