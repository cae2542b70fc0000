"""Azure's own names with TLS on the emulated Azure: what a program that knows no other address meets."""

import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import RETRIES_OFF
from tests.unit.clouds.azure.batch import ACCOUNT, pool_body, service

LOGIN = "https://login.microsoftonline.com"


@pytest.fixture
def door(azure: EmulatedAzure) -> Iterator[dict[str, str]]:
    yield azure.open_door()
    azure.close_door()


@pytest.fixture
def client(door: dict[str, str]) -> Iterator[httpx.Client]:
    trusted = ssl.create_default_context(cafile=door["SSL_CERT_FILE"])
    with httpx.Client(proxy=door["HTTPS_PROXY"], verify=trusted) as found:
        yield found


def asked(azure: EmulatedAzure, **form: str) -> dict[str, str]:
    known = azure.environment()
    app = {"client_id": known["AZURE_CLIENT_ID"], "client_secret": known["AZURE_CLIENT_SECRET"]}
    return {"grant_type": "client_credentials", **app, **form}


def test_tokens_of_both_versions_open_what_they_are_for(azure: EmulatedAzure, client: httpx.Client) -> None:
    azure.account("labdata", containers=["work"])
    tenant = azure.environment()["AZURE_TENANT_ID"]
    instances = client.get(f"{LOGIN}/common/discovery/instance?api-version=1.1").json()
    assert "login.microsoftonline.com" in instances["metadata"][0]["aliases"]

    # Java's newer client adds the scopes of people to every request.
    scopes = "openid profile offline_access https://storage.azure.com/.default"
    new = client.post(f"{LOGIN}/{tenant}/oauth2/v2.0/token", data=asked(azure, scope=scopes)).json()
    headers = {"Authorization": f"Bearer {new['access_token']}", "x-ms-version": "2023-11-03"}
    blob = "https://labdata.blob.core.windows.net/work/a/b%20c"
    put = client.put(blob, content=b"x", headers={**headers, "x-ms-blob-type": "BlockBlob"})
    assert put.status_code == 201
    assert azure.files("labdata", "work") == {"a/b c": b"x"}

    # Its older one proves the app in a header, and gets numbers as texts.
    form = asked(azure, resource="https://batch.core.windows.net/")
    proof = httpx.BasicAuth(form.pop("client_id"), form.pop("client_secret"))
    old = client.post(f"{LOGIN}/{tenant}/oauth2/token", data=form, auth=proof).json()
    assert (old["expires_in"], old["resource"]) == ("3600", "https://batch.core.windows.net/")
    azure.batch_account(ACCOUNT)
    bearer = {"Authorization": f"Bearer {old['access_token']}"}
    where = f"https://{ACCOUNT}.westeurope.batch.azure.com/pools?api-version=2024-07-01.20.0"
    assert client.get(where, headers=bearer).json()["value"] == []
    assert client.get(where).status_code == 401


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, 900144),
        ({"resource": "x", "client_secret": "wrong"}, 7000215),
        ({"resource": "x", "client_id": "nobody"}, 700016),
        ({"resource": "x", "grant_type": "password"}, 70003),
    ],
)
def test_the_old_version_refuses_in_entras_words(
    azure: EmulatedAzure, client: httpx.Client, form: dict[str, str], code: int
) -> None:
    tenant = azure.environment()["AZURE_TENANT_ID"]
    answer = client.post(f"{LOGIN}/{tenant}/oauth2/token", data=asked(azure, **form))
    assert answer.json()["error_codes"] == [code]
    assert client.post(f"{LOGIN}/other/oauth2/token", data=asked(azure)).json()["error_codes"] == [90002]


def test_a_batch_key_signs_the_path_as_the_client_knows_it(
    azure: EmulatedAzure, door: dict[str, str]
) -> None:
    from azure.batch import BatchClient
    from azure.core.credentials import AzureNamedKeyCredential

    with service(azure) as near:
        near.create_pool(pool_body())
    more: dict[str, Any] = {"proxies": {"https": door["HTTPS_PROXY"]}, **RETRIES_OFF}
    more["connection_verify"] = door["SSL_CERT_FILE"]
    key = AzureNamedKeyCredential(ACCOUNT, azure.batch_key(ACCOUNT))
    with BatchClient(f"https://{ACCOUNT}.westeurope.batch.azure.com", key, **more) as far:
        assert [each.id for each in far.list_pools()] == ["pool"]


def test_nothing_but_azure_goes_through(door: dict[str, str], client: httpx.Client) -> None:
    with pytest.raises(httpx.ProxyError):
        client.get("https://example.com/")
    assert httpx.get(f"{door['HTTPS_PROXY']}/").status_code == 403


def test_who_trusts_others_only_is_turned_away(azure: EmulatedAzure, door: dict[str, str]) -> None:
    with httpx.Client(proxy=door["HTTPS_PROXY"]) as stranger, pytest.raises(httpx.ConnectError):
        stranger.get(f"{LOGIN}/common/discovery/instance")
    assert azure.open_door() == door, "it is one door, and stays open"
