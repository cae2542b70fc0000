"""Files of a work directory on Azure, and where a log lies in it."""

import pytest

from shared.errors import Forbidden, Invalid, Refused, Retry
from shared.logs.azure import AzureLogs
from shared.logs.blob import log_url
from shared.providers.azure.clients import Clients
from tests.unit.logs.azure_place import RUN, Log
from tests.unit.logs.ranges import PARTS, WHOLE


@pytest.fixture
def files(log: Log) -> None:
    log.cloud.put("store", "work", "some/path/nf-run1.txt", WHOLE)
    log.cloud.put("store", "work", "other/nf-run1.txt", b"other")
    log.cloud.put("store", "work", "some/path/empty", b"")


def test_sizes(source: AzureLogs, log: Log, files: None) -> None:
    assert source.size(RUN, "nf-run1.txt") == 10
    assert source.size(RUN, "empty") == 0
    assert source.size(RUN, "absent") is None
    assert source.size(RUN.but(work_dir="az://no-such/x"), "absent") is None
    assert source.size(RUN.but(work_dir=""), "nf-run1.txt") == 5


@pytest.mark.parametrize(("start", "length", "wanted"), PARTS)
def test_parts_of_a_file(
    source: AzureLogs, log: Log, files: None, start: int, length: int | None, wanted: bytes
) -> None:
    assert source.read(RUN, "nf-run1.txt", start, length) == wanted


def test_files_that_are_not_there_or_not_ours_to_read(source: AzureLogs, log: Log, files: None) -> None:
    assert source.read(RUN, "empty") == b""
    with pytest.raises(Refused, match="not in the work directory"):
        source.read(RUN, "absent")
    log.cloud.faults.add("storage", "*", kind="denied", times=2)
    for act in (source.size, source.read):
        with pytest.raises(Forbidden) as refused:
            act(RUN, "nf-run1.txt")
        assert refused.value.action.endswith("blobs/read")
    log.cloud.faults.add("storage", "*", kind="503")
    with pytest.raises(Retry):
        source.size(RUN, "nf-run1.txt")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a//b", "a/../b", "a/", "../x", "/etc/passwd", "a\\b", "a\nb", "a\0"]
)
def test_a_name_that_leads_elsewhere(source: AzureLogs, log: Log, name: str) -> None:
    mark = log.cloud.journal.count
    for act in (source.size, source.read):
        with pytest.raises(Invalid):
            act(RUN, name)
    assert log.cloud.journal.count == mark


def test_where_a_log_lies() -> None:
    known = Clients(None).endpoints
    assert log_url(known, "acct", "az://c/some path/", "r1", 3).endswith("/c/some%20path/.headnode/logs/r1/3")
    for work_dir in ("s3://b/x", "/scratch", "az://", ""):
        with pytest.raises(Invalid):
            log_url(known, "acct", work_dir, "r1", 3)
    with pytest.raises(Invalid):
        log_url(known, "", "az://c/x", "r1", 3)


def test_a_token_goes_to_the_cloud_only(source: AzureLogs, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Clients(None).wire
    for url in ("http://192.0.2.1/x", "ftp://x", "http://127.0.0.1:1/x"):
        with pytest.raises(Refused, match="no token goes to"):
            wire.send("GET", url, scope="https://storage.azure.com/.default")
