"""A machine without an identity, as a head task of Azure Batch may be: a signature opens its container."""

import io
from pathlib import Path

import pytest

from local.clouds.azure import EmulatedAzure
from shared.providers.azure.batch.clients import BatchClients
from shared.runner.azblob import BlobDir
from shared.runner.cloud import Cloud
from shared.runner.clouds import at_boot
from shared.runner.errors import Denied
from shared.runner.on_azure import AzureCloud
from tests.clock import FakeClock


def cloud(azure: EmulatedAzure, sas: str) -> Cloud:
    given = {"storage_account": "store", "storage_url": f"{azure.url}/blob/store", "sas": sas}
    return AzureCloud(given, {"AZ_BATCH_JOB_ID": "headnode-Run1-1"}, {"AZURE_BATCH_ACCOUNT_KEY": "key"})


@pytest.fixture
def sas(azure: EmulatedAzure, azure_clock: FakeClock) -> str:
    azure.account("store", containers=["work", "other"])
    now = azure_clock.now()
    return BatchClients(None).sas("store", "work", now, now + 7200)


def test_the_work_directory_is_written_read_and_listed(
    azure: EmulatedAzure, sas: str, tmp_path: Path
) -> None:
    work = cloud(azure, sas).work_dir("az://work/some/path")
    assert isinstance(work, BlobDir)
    work.put("a name", io.BytesIO(b"x" * 9_000_000))
    assert list(work.names("a")) == ["a name"]
    assert work.get("a name", tmp_path / "got")
    assert (tmp_path / "got").stat().st_size == 9_000_000
    assert not work.get("none", tmp_path / "none")


def test_it_opens_nothing_else_and_not_for_ever(
    azure: EmulatedAzure, azure_clock: FakeClock, sas: str, tmp_path: Path
) -> None:
    with pytest.raises(Denied, match="AuthenticationFailed"):
        cloud(azure, sas).work_dir("az://other/path").get("x", tmp_path / "x")
    azure_clock.advance(7201)
    with pytest.raises(Denied, match="AuthenticationFailed"):
        cloud(azure, sas).work_dir("az://work/path").get("x", tmp_path / "x")


def test_what_opens_it_is_masked_and_the_machine_is_its_job(azure: EmulatedAzure, sas: str) -> None:
    found = cloud(azure, f"{sas}&x=1")
    assert found.machine_id() == "headnode-Run1-1"
    assert "key" in found.secrets()
    signature = next(iter(found.secrets()))
    assert len(signature) > 40
    assert isinstance(at_boot({"AZ_BATCH_JOB_ID": "headnode-Run1-1"}), AzureCloud)
