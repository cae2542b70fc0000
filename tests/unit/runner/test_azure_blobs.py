"""The work directory in Azure's blob service, with a token of the machine's identity."""

import io
from pathlib import Path
from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from shared.runner import azblob
from shared.runner.azblob import BlobDir, Container
from shared.runner.azure import FRESH, STORAGE, Azure
from shared.runner.azure_imds import Instance
from shared.runner.errors import Denied, Failed, StepFailed
from shared.runner.on_azure import AzureCloud
from tests.clock import FakeClock
from tests.unit.runner.azure_vm import AzureVm
from tests.unit.runner.world import Handler, serving


@pytest.fixture
def vm(azure: EmulatedAzure) -> AzureVm:
    made = AzureVm(azure)
    made.start()
    made.may()
    return made


@pytest.fixture
def blobs(vm: AzureVm) -> Container:
    return Container(vm.azure(), f"{vm.storage_url}/work", patience=5.0)


class Source(io.RawIOBase):
    """So many bytes that are never all in memory."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1) -> bytes:
        given = min(size, self.left)
        self.left -= given
        return bytes(given)


@pytest.mark.parametrize("size", [0, 10, 8 * 1024 * 1024, 20 * 1024 * 1024 + 7])
def test_blobs_of_any_size(vm: AzureVm, blobs: Container, tmp_path: Path, size: int) -> None:
    blobs.put("a name/with ünïcode+&", Source(size))
    assert {name: len(data) for name, data in vm.cloud.files("store", "work").items()} == {
        "a name/with ünïcode+&": size
    }
    assert list(blobs.names("a name/")) == ["a name/with ünïcode+&"]
    assert blobs.get("a name/with ünïcode+&", tmp_path / "back")
    assert (tmp_path / "back").stat().st_size == size
    assert not blobs.get("a name/other", tmp_path / "back")
    written = len([each for each in vm.cloud.journal.entries() if each.action == "PutBlock"])
    assert written == {0: 0, 10: 0, 8 * 1024 * 1024: 0}.get(size, 3)


def test_what_was_read_is_what_was_written(
    vm: AzureVm, blobs: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azblob, "RANGE", 1000)
    monkeypatch.setattr(azblob, "BLOCK", 1500)
    data = bytes(range(256)) * 20
    blobs.put("x", io.BytesIO(data))
    assert blobs.get("x", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == data


def test_more_names_than_one_page(vm: AzureVm, blobs: Container) -> None:
    for number in range(5003):
        vm.cloud.put("store", "work", f"many/{number:04d}", b"")
    vm.cloud.put("store", "work", "many-more", b"")
    assert list(blobs.names("many/")) == [f"many/{number:04d}" for number in range(5003)]


def test_a_blob_that_is_given_up_leaves_the_old_one(vm: AzureVm, blobs: Container) -> None:
    vm.cloud.put("store", "work", "x", b"old")
    sink = BlobDir(blobs, "").sink("x")
    sink.write(bytes(9 * 1024 * 1024))
    sink.write(b"more")
    sink.abort()
    assert vm.cloud.files("store", "work") == {"x": b"old"}
    blobs.put("x", Source(9 * 1024 * 1024))
    assert len(vm.cloud.files("store", "work")["x"]) == 9 * 1024 * 1024


@pytest.mark.parametrize("kind", ["throttle", "503", "reset-before", "reset-after"])
def test_every_call_may_fail_once(vm: AzureVm, blobs: Container, tmp_path: Path, kind: str) -> None:
    for action in ("PutBlock", "PutBlockList", "GetBlob", "ListBlobs"):
        vm.cloud.faults.add("storage", action, kind=kind)
    blobs.put("big", Source(9 * 1024 * 1024))
    assert list(blobs.names("")) == ["big"]
    assert blobs.get("big", tmp_path / "big")
    assert (tmp_path / "big").stat().st_size == 9 * 1024 * 1024


def test_a_directory_is_a_path_in_a_container(vm: AzureVm, tmp_path: Path) -> None:
    given = {"client_id": vm.client_id, "storage_account": "store", "storage_url": vm.storage_url}
    work = AzureCloud(given, vm.environment).work_dir("az://work/some/path/")
    work.put("sub/x", io.BytesIO(b"1"))
    sink = work.sink("y")
    sink.write(b"2")
    sink.close()
    assert vm.cloud.files("store", "work") == {"some/path/sub/x": b"1", "some/path/y": b"2"}
    assert list(work.names("sub/")) == ["sub/x"]
    assert work.get("y", tmp_path / "y")
    assert (tmp_path / "y").read_bytes() == b"2"


@pytest.mark.parametrize("address", ["az://", "s3://bucket/x", "relative"])
def test_a_directory_that_cannot_be_used(address: str) -> None:
    with pytest.raises(StepFailed, match=r"work directory"):
        AzureCloud({"storage_account": "store"}, {}).work_dir(address)


def test_a_container_that_is_not_there(vm: AzureVm, tmp_path: Path) -> None:
    none = Container(vm.azure(), f"{vm.storage_url}/none", patience=1.0)
    with pytest.raises(Denied) as refused:
        none.put("x", io.BytesIO(b"x"))
    assert (refused.value.code, refused.value.status) == ("ContainerNotFound", 404)


def test_a_fresh_grant_takes_its_time(azure: EmulatedAzure, azure_clock: FakeClock, tmp_path: Path) -> None:
    made = AzureVm(azure)
    made.start()
    azure.timings.propagation = 600
    made.may()
    now = FakeClock()
    ours = Container(made.azure(clock=now.now), f"{made.storage_url}/work", patience=0.0)
    with pytest.raises(Failed) as again:
        ours.put("x", io.BytesIO(b"x"))
    assert not isinstance(again.value, Denied)
    assert again.value.after > 0
    now.advance(FRESH + 1)
    with pytest.raises(Denied) as refused:
        ours.put("x", io.BytesIO(b"x"))
    assert refused.value.code == "AuthorizationPermissionMismatch"
    azure_clock.advance(600)
    ours.put("x", io.BytesIO(b"x"))


def test_a_token_never_travels_readable(vm: AzureVm) -> None:
    azure = vm.azure()
    with pytest.raises(Denied, match="without TLS"):
        azure.send(STORAGE, "GET", "http://192.0.2.1/x", patience=0)
    assert vm.said_to_imds("token") == 1


def test_a_redirect_does_not_get_the_token(vm: AzureVm) -> None:
    seen: list[Any] = []

    class Elsewhere(Handler):
        def answer(self) -> None:
            seen.append(self.path)
            self.send_response(307)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = answer  # noqa: N815

    with serving(lambda *_: (200, b""), Elsewhere) as url, pytest.raises(Denied) as refused:
        vm.azure().send(STORAGE, "GET", f"{url}/x", patience=0)
    assert refused.value.status == 307
    assert seen == ["/x"]


def test_a_machine_without_a_metadata_service() -> None:
    nobody = Azure(Instance("", {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1"}))
    with pytest.raises(Failed):
        nobody.send(STORAGE, "GET", "https://store.blob.core.windows.net/work/x", patience=0)
