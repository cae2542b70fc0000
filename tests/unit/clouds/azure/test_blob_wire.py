"""Blobs on the wire: answers as a plain client gets them, and all that is refused by name."""

from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from local.clouds.azure import EmulatedAzure
from local.clouds.azure.blob.models import SPOOL
from tests.azure_cloud import STORAGE, token

VERSION = "2025-01-05"


class Plain:
    """Calls with a token, a version and nothing else."""

    def __init__(self, azure: EmulatedAzure) -> None:
        azure.account("store", containers=["work"])
        self.azure = azure
        self._token = token(azure, STORAGE)

    def __call__(self, method: str, path: str = "x", body: bytes = b"", **headers: str) -> httpx.Response:
        said = {"Authorization": f"Bearer {self._token}", "x-ms-version": VERSION}
        said |= {name.replace("_", "-"): text for name, text in headers.items()}
        said = {name: text for name, text in said.items() if text}
        return httpx.request(method, f"{self.azure.url}/blob/store/work/{path}", content=body, headers=said)

    def put(self, path: str = "x", body: bytes = b"hello", **headers: str) -> httpx.Response:
        answer = self("PUT", path, body, x_ms_blob_type="BlockBlob", **headers)
        assert answer.status_code == 201, answer.text
        return answer


@pytest.fixture
def ask(azure: EmulatedAzure) -> Plain:
    return Plain(azure)


def code(answer: httpx.Response) -> tuple[int, str]:
    said = answer.headers.get("x-ms-error-code", "")
    if answer.content:
        root = ElementTree.fromstring(answer.content)
        assert (root.tag, root.findtext("Code"), answer.headers["Content-Type"]) == (
            "Error",
            said,
            "application/xml",
        )
    return answer.status_code, said


@pytest.mark.parametrize(
    ("header", "text", "status", "body", "place"),
    [
        ("Range", "bytes=1-2", 206, "el", "bytes 1-2/5"),
        ("x-ms-range", "bytes=3-", 206, "lo", "bytes 3-4/5"),
        ("Range", "bytes=3-100", 206, "lo", "bytes 3-4/5"),
        ("Range", "bytes=5-", 416, None, "bytes */5"),
        ("Range", "bytes=5-9", 416, None, "bytes */5"),
        ("Range", "bytes=3-2", 416, None, "bytes */5"),
    ],
)
def test_ranges(ask: Plain, header: str, text: str, status: int, body: str | None, place: str):
    ask.put()
    answer = ask("GET", **{header: text})

    assert (answer.status_code, answer.headers["Content-Range"]) == (status, place)
    assert body is None or answer.text == body
    assert status == 206 or code(answer) == (416, "InvalidRange")


def test_the_service_reads_its_own_header_first_and_measures_ranges(ask: Plain):
    whole = ask.put().headers["Content-MD5"]
    answer = ask("GET", Range="bytes=0-0", x_ms_range="bytes=0-1", x_ms_range_get_content_md5="true")

    assert answer.text == "he"
    assert answer.headers["x-ms-blob-content-md5"] == whole != answer.headers["Content-MD5"]


def test_what_an_answer_says_beside_the_body(ask: Plain):
    put = ask.put(x_ms_client_request_id="mine", x_ms_meta_run="r1", Content_Type="text/x")
    head = ask("HEAD")

    assert put.headers["x-ms-client-request-id"] == "mine"
    assert all(name in put.headers for name in ("ETag", "Last-Modified", "x-ms-request-id", "Date"))
    assert (head.headers["Content-Length"], head.headers["x-ms-meta-run"]) == ("5", "r1")
    assert (head.headers["Content-Type"], head.headers["x-ms-version"]) == ("text/x", VERSION)
    assert head.headers["ETag"] == put.headers["ETag"]
    missing = ask("HEAD", "none")
    assert (missing.status_code, missing.headers["x-ms-error-code"], missing.content) == (
        404,
        "BlobNotFound",
        b"",
    )


def test_times_are_conditions_too(ask: Plain, azure_clock: Any):
    written = ask.put().headers["Last-Modified"]
    assert code(ask("GET", If_Modified_Since=written)) == (304, "ConditionNotMet")
    assert ask("GET", If_Unmodified_Since=written).status_code == 200
    azure_clock.advance(10)
    ask.put()
    assert ask("GET", If_Modified_Since=written).status_code == 200
    assert code(ask("DELETE", If_Unmodified_Since=written)) == (412, "ConditionNotMet")
    assert code(ask("GET", If_Modified_Since="yesterday")) == (400, "InvalidHeaderValue")


def test_if_match_wants_a_blob_to_be_there(ask: Plain):
    assert code(ask("PUT", "x", b"", x_ms_blob_type="BlockBlob", If_Match="*")) == (412, "ConditionNotMet")
    ask.put()
    ask.put(If_Match="*")
    assert code(ask("PUT", "x", b"", x_ms_blob_type="BlockBlob", If_None_Match="*")) == (
        409,
        "BlobAlreadyExists",
    )


def test_the_body_must_be_what_its_digest_says(ask: Plain):
    answer = ask("PUT", "x", b"hello", x_ms_blob_type="BlockBlob", Content_MD5="AAAAAAAAAAAAAAAAAAAAAA==")

    assert code(answer) == (400, "Md5Mismatch")
    assert ask("GET").status_code == 404
    ask.put(Content_MD5="XUFAKrxLKna5cZ2REBfFkg==")


@pytest.mark.parametrize(
    ("method", "path", "headers", "refusal"),
    [
        ("GET", "x", {"x_ms_version": ""}, (403, "AuthenticationFailed")),
        ("GET", "x", {"x_ms_version": "2015-02-21"}, (403, "AuthenticationFailed")),
        ("GET", "x", {"x_ms_version": "latest"}, (400, "InvalidHeaderValue")),
        ("GET", "x", {"Authorization": "Basic eDp5"}, (401, "InvalidAuthenticationInfo")),
        ("PUT", "x", {}, (400, "MissingRequiredHeader")),
        ("PUT", "x", {"x_ms_blob_type": "Blob"}, (400, "InvalidHeaderValue")),
        ("PUT", "x?comp=block", {}, (400, "MissingRequiredQueryParameter")),
        ("PUT", "x?comp=block&blockid=a", {}, (400, "InvalidBlobOrBlock")),
        ("PUT", "x?comp=blocklist", {}, (400, "InvalidXmlDocument")),
        ("PUT", "x", {"x_ms_blob_type": "BlockBlob", "x_ms_meta_a_b": "c"}, (400, "InvalidMetadata")),
        ("GET", "x?comp=blocklist", {}, (404, "BlobNotFound")),
        ("GET", "x?comp=blocklist&blocklisttype=some", {}, (400, "InvalidQueryParameterValue")),
        ("GET", "?restype=container&comp=list&maxresults=0", {}, (400, "OutOfRangeQueryParameterValue")),
        ("GET", "?restype=container&comp=list&marker=%21", {}, (400, "InvalidQueryParameterValue")),
    ],
)
def test_wrong_requests(
    ask: Plain, method: str, path: str, headers: dict[str, str], refusal: tuple[int, str]
):
    assert code(ask(method, path, **headers)) == refusal


@pytest.mark.parametrize(
    ("method", "path", "headers", "name"),
    [
        ("PUT", "x?comp=page", {}, "PutPage"),
        ("PUT", "x", {"x_ms_blob_type": "PageBlob"}, "PageBlob"),
        ("PUT", "x?comp=lease", {}, "Lease"),
        ("PUT", "x?comp=tags", {}, "tags"),
        ("PUT", "x", {"x_ms_blob_type": "BlockBlob", "x_ms_lease_id": "l"}, "x-ms-lease-id of PutBlob"),
        ("GET", "x?snapshot=s", {}, "snapshot of GetBlob"),
        ("GET", "x", {"Range": "bytes=-5"}, "the range bytes=-5"),
        ("GET", "?restype=container&comp=list&include=tags", {}, "include=tags of ListBlobs"),
        ("DELETE", "?restype=container", {}, "DELETE of a container"),
    ],
)
def test_what_is_not_modelled_says_so_by_name(
    ask: Plain, method: str, path: str, headers: dict[str, str], name: str
):
    ask.put()
    answer = ask(method, path, **headers)

    assert code(answer) == (501, "NotImplemented")
    assert name in answer.text


def test_an_append_needs_something_and_a_number(ask: Plain):
    ask("PUT", "log", x_ms_blob_type="AppendBlob")

    assert code(ask("PUT", "log", b"x", x_ms_blob_type="AppendBlob")) == (400, "InvalidHeaderValue")
    assert code(ask("PUT", "log?comp=appendblock")) == (400, "InvalidHeaderValue")
    wrong = ask("PUT", "log?comp=appendblock", b"x", x_ms_blob_condition_appendpos="-1")
    assert code(wrong) == (400, "InvalidHeaderValue")


def test_a_listing_says_strange_names_in_xml(ask: Plain):
    for name in ("a%26%3C%3E", "b%01"):
        ask.put(name)
    answer = ask("GET", "?restype=container&comp=list&maxresults=1&prefix=")
    root = ElementTree.fromstring(answer.content)

    assert root.findtext("Blobs/Blob/Name") == "a&<>"
    assert (root.get("ContainerName"), root.findtext("MaxResults")) == ("work", "1")
    rest = ask("GET", f"?restype=container&comp=list&marker={root.findtext('NextMarker')}")
    name = ElementTree.fromstring(rest.content).find("Blobs/Blob/Name")
    assert name is not None
    assert (name.text, name.get("Encoded")) == ("b%01", "true")


def test_large_blobs_leave_the_memory(ask: Plain):
    ask("PUT", "log", x_ms_blob_type="AppendBlob")
    for _ in range(3):
        ask("PUT", "log?comp=appendblock", b"x" * (SPOOL // 2))
    blob = ask.azure.state.blobs.containers["store"]["work"].blobs["log"]

    assert blob.content.on_disk
    assert len(ask("GET", "log").content) == SPOOL * 3 // 2
    assert ask("GET", "log", Range=f"bytes={SPOOL}-{SPOOL}").text == "x"


def test_faults_strike_and_the_journal_remembers(ask: Plain):
    faults, journal = ask.azure.faults, ask.azure.journal
    ask("PUT", "log", x_ms_blob_type="AppendBlob")
    append = {"x_ms_blob_condition_appendpos": "0"}
    faults.add("storage", "AppendBlock", {"blob": "log"}, "throttle", seconds=3)
    busy = ask("PUT", "log?comp=appendblock", b"1", **append)
    assert (code(busy), busy.headers["Retry-After"]) == ((503, "ServerBusy"), "3")
    for kind, status in (("5xx", 500), ("503", 503), ("denied", 403), ("OperationTimedOut", 500)):
        faults.add("storage", "AppendBlock", kind=kind, status=500)
        assert code(ask("PUT", "log?comp=appendblock", b"1", **append))[0] == status

    faults.add("storage", "AppendBlock", kind="reset-after")
    with pytest.raises(httpx.TransportError):
        ask("PUT", "log?comp=appendblock", b"1", **append)
    again = ask("PUT", "log?comp=appendblock", b"1", **append)
    assert code(again) == (412, "AppendPositionConditionNotMet")
    assert ask("GET", "log").text == "1"
    entry = journal.entries("storage", "AppendBlock")[-1]
    assert (entry.status, entry.code, entry.params["container"]) == (
        412,
        "AppendPositionConditionNotMet",
        "work",
    )
    assert entry.principal == ask.azure.state.directory.operator.object_id
