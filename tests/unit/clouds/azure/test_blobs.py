"""Blobs: written, read, appended to and listed by the real SDK."""

import secrets
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, BlobType, ContainerClient, ContentSettings

from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import Clients
from tests.clock import FakeClock

MIB = 1024 * 1024


@pytest.fixture
def work(azure: EmulatedAzure, clients: Clients) -> ContainerClient:
    """The container `work` of an account, as the app `operator`."""
    azure.account("store", containers=["work"])
    return clients.blobs("store").get_container_client("work")


def refused(act: Any, *arguments: Any, **named: Any) -> tuple[int, str]:
    with pytest.raises(HttpResponseError) as caught:
        act(*arguments, **named)
    return caught.value.status_code, caught.value.error_code


def test_a_blob_is_written_read_described_and_deleted(work: ContainerClient, azure_clock: FakeClock):
    blob = work.get_blob_client("a/dir/é +%?.txt")
    kept = blob.upload_blob(
        b"hello",
        metadata={"run": "r1"},
        content_settings=ContentSettings(content_type="text/plain", content_encoding="x"),
    )
    found = blob.get_blob_properties()

    assert blob.download_blob().readall() == b"hello"
    assert (found.size, found.blob_type, found.metadata) == (5, BlobType.BLOCKBLOB, {"run": "r1"})
    assert (found.content_settings.content_type, found.etag) == ("text/plain", kept["etag"])
    assert found.last_modified.timestamp() == int(azure_clock.now())
    assert bytes(found.content_settings.content_md5) == bytes(kept["content_md5"])
    blob.delete_blob()
    assert not blob.exists()
    assert refused(blob.delete_blob) == (404, "BlobNotFound")
    assert refused(blob.download_blob) == (404, "BlobNotFound")


def test_only_who_is_first_makes_a_blob(work: ContainerClient):
    blob = work.get_blob_client("one")
    first = blob.upload_blob(b"1")

    with pytest.raises(ResourceExistsError) as caught:
        blob.upload_blob(b"2")
    assert caught.value.error_code == "BlobAlreadyExists"
    assert blob.download_blob().readall() == b"1"
    assert blob.upload_blob(b"3", overwrite=True)["etag"] != first["etag"]


def test_a_large_blob_is_sent_in_blocks_and_read_in_ranges(azure: EmulatedAzure, clients: Clients):
    azure.account("store", containers=["work"])
    sizes = {
        "max_single_put_size": MIB,
        "max_block_size": MIB,
        "max_single_get_size": MIB,
        "max_chunk_get_size": MIB,
    }
    blob = clients.blobs("store", **sizes).get_blob_client("work", "big")
    data = secrets.token_bytes(3 * MIB + 17)
    blob.upload_blob(data)

    assert blob.download_blob().readall() == data
    assert blob.download_blob(offset=MIB - 3, length=10).readall() == data[MIB - 3 : MIB + 7]
    committed, waiting = blob.get_block_list("all")
    assert ([each.size for each in committed], waiting) == ([MIB, MIB, MIB, 17], [])
    assert azure.journal.totals()["storage:PutBlock"] == 4


def test_a_block_list_takes_old_and_new_blocks_and_forgets_the_rest(work: ContainerClient):
    blob = work.get_blob_client("parts")
    for id, data in (("1", b"aa"), ("2", b"bb"), ("3", b"cc")):
        blob.stage_block(id, data)
    assert not blob.exists()
    blob.commit_block_list([BlobBlock("2"), BlobBlock("1")])
    assert blob.download_blob().readall() == b"bbaa"

    blob.stage_block("4", b"dd")
    blob.commit_block_list([BlobBlock("1"), BlobBlock("4")])
    assert blob.download_blob().readall() == b"aadd"
    assert refused(blob.commit_block_list, [BlobBlock("3")]) == (400, "InvalidBlockList")
    assert refused(blob.stage_block, "longer", b"x") == (400, "InvalidBlobOrBlock")


def test_an_append_blob_grows_only_where_its_writer_thinks_it_ends(work: ContainerClient):
    log = work.get_blob_client("run/0001.log")
    log.create_append_blob()
    first = log.append_block(b"1 one\n", appendpos_condition=0)
    second = log.append_block(b"2 two\n", appendpos_condition=6)

    assert (first["blob_append_offset"], second["blob_append_offset"]) == ("0", "6")
    assert second["blob_committed_block_count"] == 2
    assert refused(log.append_block, b"2 two\n", appendpos_condition=6) == (
        412,
        "AppendPositionConditionNotMet",
    )
    assert refused(log.append_block, b"3", maxsize_condition=12) == (412, "MaxBlobSizeConditionNotMet")
    assert log.download_blob(offset=6).readall() == b"2 two\n"
    assert log.get_blob_properties().append_blob_committed_block_count == 2
    assert refused(log.create_append_blob, if_none_match="*") == (409, "BlobAlreadyExists")


def test_an_append_blob_takes_so_many_blocks_and_no_more(azure: EmulatedAzure, work: ContainerClient):
    azure.state.blobs.append_blocks = 2
    log = work.get_blob_client("log")
    assert refused(log.append_block, b"x") == (404, "BlobNotFound")
    log.create_append_blob()
    for _ in range(2):
        log.append_block(b"x")

    assert refused(log.append_block, b"x") == (409, "BlockCountExceedsLimit")


def test_the_two_kinds_do_not_mix(work: ContainerClient):
    work.get_blob_client("block").upload_blob(b"x")
    work.get_blob_client("append").create_append_blob()

    assert refused(work.get_blob_client("block").append_block, b"x") == (409, "InvalidBlobType")
    assert refused(work.get_blob_client("append").stage_block, "1", b"x") == (409, "InvalidBlobType")
    work.get_blob_client("append").upload_blob(b"now a block blob", overwrite=True)
    assert work.get_blob_client("append").get_blob_properties().blob_type == BlobType.BLOCKBLOB


def test_blobs_are_listed_by_prefix_folder_and_page(work: ContainerClient):
    for name in ("a/1", "a/2", "b", "c/d/3", "c/4"):
        work.upload_blob(name, b"x", metadata={"name": name.replace("/", "-")})

    assert [each.name for each in work.list_blobs()] == ["a/1", "a/2", "b", "c/4", "c/d/3"]
    assert [each.name for each in work.list_blobs(name_starts_with="c/")] == ["c/4", "c/d/3"]
    assert sorted(each.name for each in work.walk_blobs(delimiter="/")) == ["a/", "b", "c/"]
    pages = [[each.name for each in page] for page in work.list_blobs(results_per_page=2).by_page()]
    assert pages == [["a/1", "a/2"], ["b", "c/4"], ["c/d/3"]]
    found = next(iter(work.list_blobs(include=["metadata"])))
    assert (found.metadata, found.size, found.blob_type) == ({"name": "a-1"}, 1, BlobType.BLOCKBLOB)


def test_conditions_of_the_headers_hold(work: ContainerClient):
    from azure.core import MatchConditions

    blob = work.get_blob_client("x")
    etag = blob.upload_blob(b"1")["etag"]
    same = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
    other = {"etag": etag, "match_condition": MatchConditions.IfModified}

    assert refused(blob.download_blob, **other)[0] == 304
    assert refused(blob.get_blob_properties, **other)[0] == 304
    blob.set_blob_metadata({"a": "1"}, **same)
    assert refused(blob.set_blob_metadata, {"a": "2"}, **same) == (412, "ConditionNotMet")
    assert refused(blob.delete_blob, **same) == (412, "ConditionNotMet")
    assert refused(blob.upload_blob, b"2", overwrite=True, **same) == (412, "ConditionNotMet")
    assert blob.get_blob_properties().metadata == {"a": "1"}


def test_containers_are_made_and_described(azure: EmulatedAzure, clients: Clients, work: ContainerClient):
    service = clients.blobs("store")
    service.create_container("more", metadata={"a": "b"})

    assert service.get_container_client("more").get_container_properties().metadata == {"a": "b"}
    assert not service.get_container_client("no-such").exists()
    with pytest.raises(ResourceNotFoundError):
        service.get_container_client("no-such").upload_blob("x", b"")
    assert refused(service.create_container, "work") == (409, "ContainerAlreadyExists")
    assert refused(service.create_container, "No-Name") == (400, "InvalidResourceName")
    assert refused(clients.blobs("nobody").get_container_client("c").get_container_properties)[0] == 404


def test_the_account_is_a_resource_and_goes_with_its_group(
    azure: EmulatedAzure, clients: Clients, work: ContainerClient
):
    known = azure.account("store", containers=["work", "more"])
    work.upload_blob("kept", b"x")
    assert known.endswith("/resourceGroups/storage-rg/providers/Microsoft.Storage/storageAccounts/store")
    assert [each.id for each in azure.resources("Microsoft.Storage/storageAccounts")] == [known]
    assert work.get_blob_client("kept").exists()

    clients.resources.resource_groups.begin_delete("storage-rg").result()
    assert refused(work.get_container_properties) == (404, "ResourceNotFound")
    azure.account("store", containers=["work"])
    assert list(work.list_blobs()) == []
    with pytest.raises(ValueError):
        azure.account("No Name")
