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


@pytest.mark.parametrize("provider", ["ssh", "s3", "k8s", "google", "gitlab", "tw-agent"])
def test_credentials_that_are_of_no_use_are_refused_in_words(api: Front, provider: str) -> None:
    answer = api.call("POST", "/credentials", json=creds("k", provider, token="t-1"))
    assert answer.status_code == 400
    assert f"{provider} credentials are of no use here: it takes aws," in answer.json()["message"]
    assert api.get("/credentials")["credentials"] == []


@pytest.mark.parametrize(
    ("provider", "keys", "fields"),
    [
        ("azure", {}, ["batchName", "batchKey", "storageName", "storageKey"]),
        (
            "azure_entra",
            {"tenantId": "x"},
            ["tenantId", "clientId", "clientSecret", "batchName", "storageName"],
        ),
        ("github", {"username": "me"}, ["token"]),
        ("container-reg", {"registry": "https://x"}, ["userName", "password", "registry"]),
        ("container-reg", {"registry": "lab.azurecr.io", "userName": "me"}, ["password"]),
    ],
)
def test_every_missing_key_is_named(api: Front, provider: str, keys: dict, fields: list[str]) -> None:
    body = {"credentials": {"name": "k", "provider": provider, "keys": keys}}
    errors = api.call("POST", "/credentials", json=body).json()["errors"]
    assert {each["field"] for each in errors} == {f"credentials.keys.{name}" for name in fields}


def test_a_registry_is_shown_without_its_password(api: Front) -> None:
    keys = {"registry": "example.azurecr.io", "userName": "me", "password": "very-secret"}
    id = api.post("/credentials", creds("r", "container-reg", **keys))["credentialsId"]
    shown = api.get(f"/credentials/{id}")["credentials"]["keys"]
    assert shown == {"registry": keys["registry"], "userName": "me", "discriminator": "container-reg"}


def test_a_registry_of_azure_s_may_let_identities_in(api: Front) -> None:
    id = api.post("/credentials", creds("r", "container-reg", registry="lab.azurecr.io"))["credentialsId"]
    shown = api.get(f"/credentials/{id}")["credentials"]["keys"]
    assert shown == {"registry": "lab.azurecr.io", "discriminator": "container-reg"}


def test_a_login_to_a_registry_is_held_by_the_environments_that_name_it(api: Front) -> None:
    keys = {"registry": "quay.io", "userName": "me", "password": "very-secret"}
    login = api.post("/credentials", creds("r", "container-reg", **keys))["credentialsId"]
    git = api.post("/credentials", creds("g", "github", token="x"))["credentialsId"]
    for id, said in (("nobody", "credentials nobody not found"), (git, "g are for github, not for a")):
        answer = api.call("POST", "/compute-envs", json=env_body(forge={"containerRegIds": [id]}))
        assert answer.status_code == 400
        assert [each["field"] for each in answer.json()["errors"]] == ["forge.containerRegIds"]
        assert said in answer.json()["message"]
    made = api.environment(forge={"containerRegIds": [login]})
    assert "very-secret" not in api.call("GET", f"/compute-envs/{made}").text
    answer = api.call("DELETE", f"/credentials/{login}")
    assert (answer.status_code, answer.json()["conflicts"][0]["id"]) == (409, made)


def test_a_role_comes_with_the_trust_policy_that_it_needs(api: Front) -> None:
    keys = {"mode": "role", "assumeRoleArn": "arn:aws:iam::123456789012:role/mine"}
    id = api.post("/credentials", creds(**keys))["credentialsId"]
    assert "setupSnippet" not in api.get(f"/credentials/{id}")
    api.put(f"/credentials/{id}?useExternalId=true", creds(**keys), status=204)
    found = api.get(f"/credentials/{id}")
    statement = json.loads(found["setupSnippet"])["Statement"][0]
    external = found["credentials"]["keys"]["externalId"]
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": external}}
    api.put(f"/credentials/{id}?useExternalId=true", creds(**keys), status=204)
    assert api.get(f"/credentials/{id}")["credentials"]["keys"]["externalId"] == external


def test_credentials_show_when_an_environment_last_used_them(api: Front) -> None:
    id = api.post("/credentials", creds())["credentialsId"]
    body = env_body("user")
    body["computeEnv"]["credentialsId"] = id
    made = api.post("/compute-envs", body)["computeEnvId"]
    api.work()
    assert "lastUsed" not in api.get(f"/credentials/{id}")["credentials"]
    api.launch(made)
    shown = api.get(f"/credentials/{id}")["credentials"]["lastUsed"]
    assert shown == api.get(f"/compute-envs/{made}")["computeEnv"]["lastUsed"]
    assert api.get("/credentials")["credentials"][0]["lastUsed"] == shown


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


def test_an_environment_takes_no_credentials_of_another_cloud(api: Front) -> None:
    git = api.post("/credentials", creds("git", "github", token="x"))["credentialsId"]
    body = env_body()
    body["computeEnv"]["credentialsId"] = git
    answer = api.call("POST", "/compute-envs", json=body)
    assert answer.status_code == 400
    assert "credentialsId: credentials git are for github, not for aws-cloud" in answer.json()["message"]
    made = api.environment()
    assert api.call("PUT", f"/compute-envs/{made}", json={"credentialsId": git}).status_code == 400
