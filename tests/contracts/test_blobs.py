"""What runs and their logs rely on blob storage for. Every service does it alike: the emulated Azure's
own, and Azurite (with a key, since it takes no tokens over plain HTTP)."""

import secrets
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobBlock, BlobServiceClient, ContainerClient

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import RETRIES_OFF, Clients


def emulated(request: pytest.FixtureRequest) -> BlobServiceClient:
    cloud: EmulatedAzure = request.getfixturevalue("azure")
    cloud.account("store")
    service: BlobServiceClient = Clients(cloud).blobs("store")
    return service


def azurite(request: pytest.FixtureRequest) -> BlobServiceClient:
    connection = request.getfixturevalue("azurite").connection()
    return BlobServiceClient.from_connection_string(connection, **RETRIES_OFF)


@pytest.fixture(params=[emulated, azurite], ids=["emulated", "azurite"])
def service(request: pytest.FixtureRequest) -> BlobServiceClient:
    found: BlobServiceClient = request.param(request)
    return found


@pytest.fixture
def work(service: BlobServiceClient) -> ContainerClient:
    """A new container."""
    return service.create_container(f"work-{secrets.token_hex(6)}")


def refused(act: Any, *arguments: Any, **named: Any) -> tuple[int, str]:
    with pytest.raises(HttpResponseError) as caught:
        act(*arguments, **named)
    return caught.value.status_code, str(getattr(caught.value.error_code, "value", caught.value.error_code))


def test_what_is_written_is_read(work: ContainerClient):
    data = secrets.token_bytes(100_000)
    blob = work.get_blob_client("run/a file +%ü.bin")
    blob.upload_blob(data, metadata={"run": "r1"})

    assert blob.download_blob().readall() == data
    found = blob.get_blob_properties()
    assert (found.size, found.metadata, found.blob_type) == (100_000, {"run": "r1"}, "BlockBlob")
    blob.upload_blob(b"", overwrite=True)
    assert blob.download_blob().readall() == b""
    blob.delete_blob()
    assert refused(blob.download_blob) == (404, "BlobNotFound")
    assert refused(blob.get_blob_properties)[0] == 404


def test_who_comes_first_is_alone(work: ContainerClient):
    blob = work.get_blob_client("lock")
    blob.upload_blob(b"1", overwrite=False)

    assert refused(blob.upload_blob, b"2", overwrite=False) == (409, "BlobAlreadyExists")
    assert blob.download_blob().readall() == b"1"


def test_a_stale_writer_is_refused(work: ContainerClient):
    blob = work.get_blob_client("record")
    stale = blob.upload_blob(b"1")["etag"]
    fresh = blob.upload_blob(b"2", overwrite=True)["etag"]
    condition = {"overwrite": True, "match_condition": MatchConditions.IfNotModified}

    assert refused(blob.upload_blob, b"3", etag=stale, **condition) == (412, "ConditionNotMet")
    blob.upload_blob(b"4", etag=fresh, **condition)
    assert blob.download_blob().readall() == b"4"


def test_an_append_is_done_once_at_its_place(work: ContainerClient):
    log = work.get_blob_client("log")
    assert refused(log.append_block, b"x")[0] == 404
    log.create_append_blob()
    assert log.append_block(b"1 one\n", appendpos_condition=0)["blob_append_offset"] == "0"

    repeated = refused(log.append_block, b"1 one\n", appendpos_condition=0)
    assert repeated == (412, "AppendPositionConditionNotMet")
    assert log.get_blob_properties().size == 6
    done = log.append_block(b"2 two\n", appendpos_condition=6)
    assert (done["blob_append_offset"], done["blob_committed_block_count"]) == ("6", 2)
    assert log.download_blob().readall() == b"1 one\n2 two\n"


def test_making_a_log_again_is_refused_where_one_must_be_new(work: ContainerClient):
    log = work.get_blob_client("log")
    log.create_append_blob()
    log.append_block(b"1 one\n")

    assert refused(log.create_append_blob, if_none_match="*") == (409, "BlobAlreadyExists")
    assert log.get_blob_properties().size == 6


def test_a_log_is_read_on_from_a_byte(work: ContainerClient):
    log = work.get_blob_client("log")
    log.create_append_blob()
    assert log.download_blob().readall() == b""
    log.append_block(b"0123456789")

    assert log.download_blob(offset=4).readall() == b"456789"
    assert log.download_blob(offset=4, length=2).readall() == b"45"
    assert log.download_blob(offset=8, length=100).readall() == b"89"
    # At the very end Azure refuses too (the emulator's own tests say so); Azurite answers with nothing.
    assert refused(log.download_blob, offset=11) == (416, "InvalidRange")


def test_kinds_of_blobs_do_not_mix(work: ContainerClient):
    work.get_blob_client("block").upload_blob(b"x")

    assert refused(work.get_blob_client("block").append_block, b"x") == (409, "InvalidBlobType")


def test_blocks_are_nothing_until_they_are_committed(work: ContainerClient):
    blob = work.get_blob_client("parts")
    for id in ("1", "2", "3"):
        blob.stage_block(id, id.encode() * 3)
    assert not blob.exists()
    assert list(work.list_blob_names()) == []
    blob.commit_block_list([BlobBlock("3"), BlobBlock("1")])

    assert blob.download_blob().readall() == b"333111"
    committed, waiting = blob.get_block_list("all")
    assert ([(each.id, each.size) for each in committed], waiting) == ([("3", 3), ("1", 3)], [])
    assert refused(blob.commit_block_list, [BlobBlock("9")]) == (400, "InvalidBlockList")


def test_folders_and_pages_are_listed_in_order(work: ContainerClient):
    for name in ("r/2/b", "r/1/a", "r/x", "s", "r/1/c"):
        work.upload_blob(name, name.encode(), metadata={"of": "r"})

    assert list(work.list_blob_names()) == ["r/1/a", "r/1/c", "r/2/b", "r/x", "s"]
    assert list(work.list_blob_names(name_starts_with="r/1/")) == ["r/1/a", "r/1/c"]
    assert sorted(each.name for each in work.walk_blobs("r/", delimiter="/")) == ["r/1/", "r/2/", "r/x"]
    pages = [[each.name for each in page] for page in work.list_blobs(results_per_page=2).by_page()]
    assert pages == [["r/1/a", "r/1/c"], ["r/2/b", "r/x"], ["s"]]
    first = next(iter(work.list_blobs(include=["metadata"])))
    assert (first.size, first.metadata) == (5, {"of": "r"})


def test_metadata_is_replaced_and_the_bytes_stay(work: ContainerClient):
    blob = work.get_blob_client("x")
    before = blob.upload_blob(b"x", metadata={"a": "1", "b": "2"})["etag"]
    after = blob.set_blob_metadata({"c": "3"})["etag"]

    assert before != after
    found = blob.get_blob_properties()
    assert (found.metadata, found.etag, found.size) == ({"c": "3"}, after, 1)


def test_what_is_not_there_says_what_is_missing(service: BlobServiceClient, work: ContainerClient):
    nowhere = service.get_container_client(f"none-{secrets.token_hex(6)}")

    assert refused(work.get_blob_client("none").delete_blob) == (404, "BlobNotFound")
    assert refused(nowhere.upload_blob, "x", b"x") == (404, "ContainerNotFound")
    assert refused(lambda: list(nowhere.list_blobs())) == (404, "ContainerNotFound")
    assert (nowhere.exists(), work.exists()) == (False, True)
    assert refused(work.create_container) == (409, "ContainerAlreadyExists")


def test_an_account_lists_its_containers(service: BlobServiceClient):
    prefix = f"listed-{secrets.token_hex(4)}-"
    for name in ("b", "a", "c"):
        service.create_container(prefix + name)

    assert [each.name for each in service.list_containers(prefix)] == [prefix + name for name in "abc"]
    pages = service.list_containers(prefix, results_per_page=2).by_page()
    assert [[each.name[-1] for each in page] for page in pages] == [["a", "b"], ["c"]]
