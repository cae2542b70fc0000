"""Keys of a storage account, by the real SDK: they open it, and so does what they sign."""

import datetime
from email.utils import formatdate
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import (
    AccountSasPermissions,
    BlobServiceClient,
    ContainerClient,
    ContainerSasPermissions,
    ResourceTypes,
    generate_account_sas,
    generate_container_sas,
)

from local.clouds.azure import EmulatedAzure
from shared.providers.azure.batch import signing
from tests.clock import FakeClock

FAILED = (403, "AuthenticationFailed")
WRONG = "d3Jvbmc="


@pytest.fixture
def url(azure: EmulatedAzure) -> str:
    azure.account("keyed", containers=["work", "other"], keyed=True)
    return f"{azure.url}/blob/keyed"


def keyed(azure: EmulatedAzure, url: str, key: str = "") -> BlobServiceClient:
    credential = {"account_name": "keyed", "account_key": key or azure.storage_key("keyed")}
    return BlobServiceClient(url, credential=credential, retry_total=0)


def signed(azure: EmulatedAzure, url: str, container: str = "work", **given: Any) -> ContainerClient:
    """A client whose signature is for the container `work`, for ten minutes."""
    asked: dict[str, Any] = {"permission": ContainerSasPermissions(read=True, list=True), **given}
    asked = {"account_key": azure.storage_key("keyed"), "expiry": later(azure, 600), **asked}
    token = generate_container_sas("keyed", "work", **asked)
    return ContainerClient(url, container, credential=token, retry_total=0)


def later(azure: EmulatedAzure, seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(azure.state.now + seconds, datetime.UTC)


def refused(act: Any, *arguments: Any) -> tuple[int, str]:
    with pytest.raises(HttpResponseError) as caught:
        act(*arguments)
    return caught.value.status_code, caught.value.error_code


def test_a_key_opens_everything_in_its_account(azure: EmulatedAzure, url: str) -> None:
    blob = keyed(azure, url).get_blob_client("work", "a b/ü")
    blob.upload_blob(b"hello", metadata={"who": "me"})
    assert blob.download_blob(offset=1, length=3).readall() == b"ell"
    assert [each.name for each in keyed(azure, url).get_container_client("work").list_blobs("a")] == ["a b/ü"]
    assert refused(keyed(azure, url, WRONG).get_blob_client("work", "a b/ü").download_blob) == FAILED


def test_a_signature_opens_its_container_for_its_time(
    azure: EmulatedAzure, azure_clock: FakeClock, url: str
) -> None:
    keyed(azure, url).get_blob_client("work", "x").upload_blob(b"hello")
    opened = signed(azure, url)
    assert opened.download_blob("x").readall() == b"hello"
    assert [each.name for each in opened.list_blobs()] == ["x"]
    assert refused(opened.upload_blob, "y", b"no") == (403, "AuthorizationPermissionMismatch")
    assert refused(signed(azure, url, "other").download_blob, "x") == FAILED
    assert refused(signed(azure, url, account_key=WRONG).download_blob, "x") == FAILED
    assert refused(signed(azure, url, start=later(azure, 60)).download_blob, "x") == FAILED
    azure_clock.advance(600)
    assert refused(opened.download_blob, "x") == FAILED


def test_a_signature_for_the_account_is_for_what_it_says(azure: EmulatedAzure, url: str) -> None:
    def client(kinds: ResourceTypes) -> ContainerClient:
        reads = AccountSasPermissions(read=True, list=True)
        key, until = azure.storage_key("keyed"), later(azure, 600)
        token = generate_account_sas("keyed", key, kinds, reads, until)
        return ContainerClient(url, "work", credential=token, retry_total=0)

    keyed(azure, url).get_blob_client("work", "x").upload_blob(b"hello")
    assert client(ResourceTypes(object=True)).download_blob("x").readall() == b"hello"
    assert refused(client(ResourceTypes(container=True)).download_blob, "x") == FAILED


def test_our_own_signatures_are_those_of_the_sdk(azure: EmulatedAzure, url: str) -> None:
    key, now = azure.storage_key("keyed"), azure.state.now
    sas = signing.container_sas("keyed", "work", key, now - 60, now + 30 * 86400)
    blob = {"x-ms-version": signing.VERSION, "x-ms-blob-type": "BlockBlob"}
    assert httpx.put(f"{url}/work/x?{sas}", content=b"hello", headers=blob).status_code == 201
    address = f"{url}/work/x?comp=metadata"
    own = {"x-ms-version": signing.VERSION, "x-ms-meta-who": "me"}
    headers = signing.blob_headers("keyed", key, "PUT", address, own, b"")
    assert httpx.put(address, headers={**own, **headers}).status_code == 200


def test_a_request_of_another_day_is_refused(azure: EmulatedAzure, url: str) -> None:
    headers = {"x-ms-version": signing.VERSION}
    made = signing.blob_headers("keyed", azure.storage_key("keyed"), "GET", f"{url}/work/x", headers, b"")
    old = {**headers, **made, "x-ms-date": formatdate(1.0, usegmt=True)}
    answer = httpx.get(f"{url}/work/x", headers=old)
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == FAILED
    assert "too old" in answer.text
