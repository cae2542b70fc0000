"""Lines from CloudWatch without gap or repeat, and files from S3 with GetObject alone."""

import random
import time
from typing import Any

import boto3
import pytest

from local.clouds.aws import EmulatedAws
from shared.errors import Forbidden, Invalid, Refused
from shared.logs.cloudwatch import AwsLogs
from shared.model.machine import Offer
from shared.model.run import Attempt, Run
from shared.providers.aws.clients import Clients
from tests.unit.aws.conftest import BUCKET, REGION, environment
from tests.unit.logs.ranges import PARTS, WHOLE

RUN = Run(id="run1", name="r", session_id="s", work_dir=f"s3://{BUCKET}/work")
ATTEMPT = Attempt(number=1, offer=Offer(machine_type="m6i.large"))
GROUP = "/headnode/3nvironment0000000001"


class Stream:
    """What a runner writes."""

    def __init__(self) -> None:
        self.logs = boto3.client("logs", REGION)
        self.at = int(time.time() * 1000) - 3_600_000  # CloudWatch takes nothing from the future

    def open(self) -> None:
        self.logs.create_log_group(logGroupName=GROUP)
        self.logs.create_log_stream(logGroupName=GROUP, logStreamName="run1/1")

    def put(self, *lines: str, first: int | None = None) -> int:
        """Writes lines a millisecond apart; returns the first one's time."""
        first = self.at + 1 if first is None else first
        events = [{"timestamp": first + at, "message": line} for at, line in enumerate(lines)]
        self.logs.put_log_events(logGroupName=GROUP, logStreamName="run1/1", logEvents=events)  # type: ignore[arg-type]
        self.at = max(self.at, first + len(lines) - 1)
        return first


@pytest.fixture
def source(clients: Clients) -> AwsLogs:
    return AwsLogs(environment(), clients)


@pytest.fixture
def stream(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> Stream:
    return Stream()


def drained(source: AwsLogs, cursor: str = "", limit: int = 100) -> tuple[list[str], str]:
    """All lines from a cursor until the end, and the cursor there."""
    lines: list[str] = []
    for _ in range(1000):
        page = source.live(RUN, ATTEMPT, cursor, limit)
        assert len(page.lines) <= limit
        lines += page.lines
        cursor = page.cursor
        if page.end:
            return lines, cursor
    raise AssertionError("no end")


def test_a_stream_that_does_not_exist_yet_is_empty(source: AwsLogs, stream: Stream) -> None:
    page = source.live(RUN, ATTEMPT, "", 100)
    assert (page.lines, page.cursor, page.end) == ((), "", True)
    stream.open()
    assert drained(source, page.cursor)[0] == []
    stream.put("first")
    assert drained(source, page.cursor)[0] == ["first"]


def test_lines_go_on_from_the_cursor(source: AwsLogs, stream: Stream, aws: EmulatedAws) -> None:
    stream.open()
    stream.put("one", "two\n", "\n", "  four  ")
    lines, cursor = drained(source)
    assert lines == ["one", "two", "", "  four  "]
    assert drained(source, cursor)[0] == []
    stream.put("five")
    mark = aws.journal.count
    lines, _ = drained(source, cursor)
    assert lines == ["five"]
    assert set(aws.journal.totals(since=mark)) == {"logs:GetLogEvents"}


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
def test_a_limit_loses_nothing(source: AwsLogs, stream: Stream, limit: int) -> None:
    stream.open()
    wanted = [f"line {number}" for number in range(50)]
    stream.put(*wanted)
    assert drained(source, limit=limit)[0] == wanted


def test_lines_that_were_put_twice_are_read_once(source: AwsLogs, stream: Stream) -> None:
    stream.open()
    first = stream.put("a", "b", "c")
    stream.put("a", "b", "c", first=first)
    lines, cursor = drained(source, limit=2)
    assert lines == ["a", "b", "c"]
    stream.put("b", "c", first=first + 1)
    stream.put("d")
    assert drained(source, cursor, limit=2)[0] == ["d"]


def test_equal_lines_at_different_times_are_different_lines(source: AwsLogs, stream: Stream) -> None:
    stream.open()
    stream.put("same", "same", "same")
    assert drained(source)[0] == ["same", "same", "same"]


@pytest.mark.parametrize("seed", range(10))
def test_reading_while_it_is_written_and_repeated(source: AwsLogs, stream: Stream, seed: int) -> None:
    print("seed", seed)
    chance = random.Random(seed)
    stream.open()
    wanted: list[str] = []
    found: list[str] = []
    cursor = ""
    for _ in range(20):
        lines = [f"{len(wanted) + number} {chance.random()}" for number in range(chance.randint(1, 6))]
        wanted += lines
        first = stream.put(*lines)
        if chance.random() < 0.3:
            stream.put(*lines, first=first)
        if chance.random() < 0.6:
            page = source.live(RUN, ATTEMPT, cursor, chance.randint(1, 8))
            found += page.lines
            cursor = page.cursor
    rest, _ = drained(source, cursor, limit=3)
    assert found + rest == wanted


def test_a_token_that_aws_forgot_is_done_without(source: AwsLogs, stream: Stream, aws: EmulatedAws) -> None:
    stream.open()
    stream.put("a", "b")
    _, cursor = drained(source)
    stream.put("c", "d")
    aws.faults.add(
        "logs",
        "GetLogEvents",
        kind="InvalidParameterException",
        message="The specified nextToken is invalid.",
    )
    assert drained(source, cursor)[0] == ["c", "d"]


@pytest.mark.parametrize("cursor", ["x", "1", "|", "-1|t", "1|" + "t" * 2000, "1|a b", "1|é"])
def test_a_cursor_of_somebody_else_is_refused(source: AwsLogs, cursor: str) -> None:
    with pytest.raises(Invalid) as refused:
        source.live(RUN, ATTEMPT, cursor, 10)
    assert refused.value.faults[0].field == "next"


def test_a_missing_permission_for_lines(source: AwsLogs, stream: Stream, aws: EmulatedAws) -> None:
    aws.faults.add("logs", "GetLogEvents", kind="denied")
    with pytest.raises(Forbidden) as refused:
        source.live(RUN, ATTEMPT, "", 10)
    assert refused.value.action == "logs:GetLogEvents"


def test_the_users_log_group(clients: Clients, stream: Stream, aws: EmulatedAws) -> None:
    AwsLogs(environment(logGroup="theirs"), clients).live(RUN, ATTEMPT, "", 10)
    [call] = aws.journal.entries("logs", "GetLogEvents")
    assert "theirs" in str(call.params)


@pytest.fixture
def files(bucket: str) -> Any:
    s3 = boto3.client("s3", REGION)
    s3.put_object(Bucket=bucket, Key="work/nf-run1.txt", Body=WHOLE)
    s3.put_object(Bucket=bucket, Key="work/empty", Body=b"")
    return s3


def test_sizes(source: AwsLogs, files: Any, aws: EmulatedAws) -> None:
    mark = aws.journal.count
    assert source.size(RUN, "nf-run1.txt") == 10
    assert source.size(RUN, "empty") == 0
    assert source.size(RUN, "absent") is None
    assert source.size(RUN.but(work_dir="s3://no-such-bucket/x"), "absent") is None
    assert set(aws.journal.totals(since=mark)) == {"s3:GetObject"}


def test_a_missing_file_in_a_bucket_that_we_may_not_list(
    source: AwsLogs, files: Any, aws: EmulatedAws
) -> None:
    aws.faults.add("s3", "GetObject", kind="denied", times=None)
    assert source.size(RUN, "absent") is None
    with pytest.raises(Forbidden) as refused:
        source.read(RUN, "absent")
    assert refused.value.action == "s3:GetObject"


@pytest.mark.parametrize(("start", "length", "wanted"), PARTS)
def test_parts_of_a_file(source: AwsLogs, files: Any, start: int, length: int | None, wanted: bytes) -> None:
    assert source.read(RUN, "nf-run1.txt", start, length) == wanted


def test_reading_what_is_not_there(source: AwsLogs, files: Any) -> None:
    assert source.read(RUN, "empty") == b""
    with pytest.raises(Refused, match="not in the work directory"):
        source.read(RUN, "absent")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a//b", "a/../../b", "a/", "../x", "/etc/passwd", "a\\b", "a\nb", "a\0"]
)
def test_a_name_that_leads_elsewhere(source: AwsLogs, aws: EmulatedAws, name: str) -> None:
    for act in (source.size, source.read):
        with pytest.raises(Invalid):
            act(RUN, name)
    assert aws.journal.totals() == {}


def test_a_run_without_its_own_work_directory_uses_the_environments(source: AwsLogs, files: Any) -> None:
    assert source.size(RUN.but(work_dir=""), "nf-run1.txt") == 10
    assert source.size(RUN.but(work_dir=f"s3://{BUCKET}/work/"), "nf-run1.txt") == 10
    with pytest.raises(Invalid):
        source.size(RUN.but(work_dir="/scratch"), "nf-run1.txt")
