"""/workflow/{id}/log and /download"""

import pytest

from shared.errors import Unreachable
from tests.unit.api.front import Front


@pytest.fixture
def run(api: Front) -> str:
    return api.launch(api.environment())


def test_a_log_that_grows_is_read_without_gap_or_duplicate(api: Front, run: str) -> None:
    first = api.get(f"/workflow/{run}/log")["log"]
    assert (first["entries"], first["pending"], first["truncated"]) == ([], True, False)
    assert first["message"] == "waiting for the machine to boot"
    lines: list[str] = []
    token = first["forwardToken"]
    for number in range(5):
        api.cloud.lines.setdefault(1, []).append(f"line {number}")
        page = api.get(f"/workflow/{run}/log?next={token}")["log"]
        lines += page["entries"]
        assert page["rewindToken"] == token
        token = page["forwardToken"]
        whole = api.get(f"/workflow/{run}/log")["log"]["entries"]
        assert whole == lines == api.cloud.lines[1]


def test_empty_answers_amid_the_lines_are_not_the_end(api: Front, run: str) -> None:
    api.cloud.lines[1] = [f"{number}" for number in range(30)]
    api.cloud.gaps = 3
    page = api.get(f"/workflow/{run}/log")["log"]
    assert page["entries"] == api.cloud.lines[1]
    api.cloud.lines[1].append("more")
    assert api.get(f"/workflow/{run}/log?next={page['forwardToken']}")["log"]["entries"] == ["more"]


def test_who_follows_a_log_costs_one_call_for_each_look(api: Front, run: str) -> None:
    token = api.get(f"/workflow/{run}/log")["log"]["forwardToken"]
    for number in range(3):
        api.cloud.lines.setdefault(1, []).append(f"line {number}")
        api.cloud.asked = 0
        page = api.get(f"/workflow/{run}/log?next={token}")["log"]
        token = page["forwardToken"]
        assert (page["entries"], api.cloud.asked) == ([f"line {number}"], 1)


def test_a_page_can_be_limited(api: Front, run: str) -> None:
    api.cloud.lines[1] = [f"{number:09d}" for number in range(50)]
    found: list[str] = []
    token = ""
    while True:
        page = api.get(f"/workflow/{run}/log?maxLength=100&next={token}")["log"]
        if not page["entries"]:
            break
        assert 1 <= len(page["entries"]) <= 11
        found += page["entries"]
        token = page["forwardToken"]
    assert found == api.cloud.lines[1]


def test_after_the_end_the_file_is_the_log_and_says_what_can_be_downloaded(api: Front, run: str) -> None:
    api.cloud.files[f"nf-{run}.txt"] = b"one\ntwo\nthree\n"
    api.cloud.files[f"timeline-{run}.html"] = b"<html/>"
    api.finish(run)
    page = api.get(f"/workflow/{run}/log")["log"]
    assert page["entries"] == ["one", "two", "three"]
    assert (page["pending"], page["truncated"]) == (False, False)
    assert "forwardToken" not in page
    names = [each["fileName"] for each in page["downloads"]]
    assert names == [f"nf-{run}.txt", f"timeline-{run}.html"]


@pytest.mark.parametrize(
    "token", ["x", "file", "live", "live:x:", "file:0:x", "file:0:-1", "..", "live:1:abc"]
)
def test_a_token_that_is_not_ours_is_refused(api: Front, run: str, token: str) -> None:
    api.cloud.lines[1] = ["a"]
    answer = api.call("GET", f"/workflow/{run}/log?next={token}")
    assert answer.status_code == 400
    assert "next" in answer.json()["message"]


def test_a_file_is_downloaded_whole_or_in_part(api: Front, run: str) -> None:
    data = bytes(range(256)) * 8192
    api.cloud.files[f"nf-{run}.log"] = data
    path = f"/workflow/{run}/download?fileName=nf-{run}.log"
    answer = api.call("GET", path)
    assert answer.content == data
    assert answer.headers["content-length"] == str(len(data))
    for asked, wanted in {
        "bytes=0-9": data[:10],
        "bytes=2097100-": data[2097100:],
        "bytes=-5": data[-5:],
    }.items():
        part = api.call("GET", path, headers={"range": asked})
        assert (part.status_code, part.content) == (206, wanted)
        assert part.headers["content-range"].endswith(f"/{len(data)}")
    assert api.call("GET", path, headers={"range": "bytes=99999999-"}).status_code == 416
    assert api.call("GET", path, headers={"range": "lines=1-2"}).content == data


def test_a_report_cannot_act_as_a_page_of_ours(api: Front, run: str) -> None:
    api.cloud.files[f"timeline-{run}.html"] = b"<script>"
    answer = api.call("GET", f"/workflow/{run}/download?fileName=timeline-{run}.html")
    assert answer.headers["content-security-policy"] == "sandbox"
    assert "attachment" in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../nf-x.txt",
        "/etc/passwd",
        "nf-other.txt",
        "nf-{}.txt/../../x",
        "nf-{}.txt%00.log",
        "..%2f..%2fetc%2fpasswd",
        "nf-{}.TXT",
        "NF-{}.txt",
        ".nextflow.log",
        "nf-{}.txt ",
        "nf-{}.exit",
    ],
)
def test_no_other_file_is_ever_read(api: Front, run: str, name: str) -> None:
    asked = name.format(run)
    api.cloud.files[asked] = b"secret"
    answer = api.call("GET", f"/workflow/{run}/download?fileName={asked}")
    assert answer.status_code == 400
    assert "fileName" in answer.json()["message"]


def test_a_file_that_is_not_there_is_not_found(api: Front, run: str) -> None:
    answer = api.call("GET", f"/workflow/{run}/download?fileName=nf-{run}.txt")
    assert answer.status_code == 404
    assert "not found" in answer.json()["message"]


def test_a_run_that_was_started_elsewhere_has_its_log_elsewhere(api: Front) -> None:
    run = api.post("/trace/create", {"sessionId": "s", "runName": "r"})["workflowId"]
    log = api.get(f"/workflow/{run}/log")["log"]
    assert (log["entries"], log["pending"]) == ([], False)
    assert "elsewhere" in log["message"]
    assert api.call("GET", f"/workflow/{run}/download?fileName=nf-{run}.txt").status_code == 404


def test_a_work_directory_out_of_reach_is_a_503(api: Front, run: str) -> None:
    api.cloud.error = Unreachable("no answer", after=7)
    answer = api.call("GET", f"/workflow/{run}/download?fileName=nf-{run}.txt")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "7"
