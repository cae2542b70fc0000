"""A run's log on AWS: its lines from CloudWatch while it runs, its files from S3.

Nothing is listed: the runner writes one stream for each attempt under a name that is known, one event
for each line, with strictly growing timestamps. So a timestamp is a line's number, and a line that
was put twice (the runner never heard the answer) shows the same timestamp again.
"""

import re
from typing import TYPE_CHECKING, Any

from shared.errors import Fault, Invalid
from shared.logs import s3
from shared.model.environment import Environment
from shared.model.run import Attempt, Run
from shared.ports import LogPage
from shared.providers.aws.clients import Clients
from shared.providers.aws.errors import asking, text_of
from shared.providers.aws.options import log_group

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import GetLogEventsResponseTypeDef

MOST = 10_000
"""Events in one answer (GetLogEvents' limit; it also stops at 1 MB)."""
CURSOR = re.compile(r"(\d{1,15})\|([!-~]{0,1000})")


class AwsLogs:
    """`ports.LogSource` for one environment: CloudWatch `GetLogEvents` and S3 `GetObject`."""

    def __init__(self, environment: Environment, clients: Clients) -> None:
        self._environment = environment
        self._clients = clients

    def live(self, run: Run, attempt: Attempt, cursor: str, limit: int) -> LogPage:
        """At most `limit` lines (10,000 in any case) from the cursor on, by one GetLogEvents call, two
        when AWS forgot the cursor's token (after a day). `end` is AWS's word that there is no more at
        this moment, so a page may be empty and not the end. Raises Invalid for a cursor that is none
        of ours. What it costs on top of the bare call is in docs/benchmarks.md."""
        seen, token = parsed(cursor)
        answer = self._events(run, attempt, seen, token, max(1, min(limit, MOST)))
        if answer is None:
            return LogPage(cursor=cursor, end=True)
        lines: list[str] = []
        for event in answer["events"]:
            at = event["timestamp"]
            if at > seen:
                seen = at
                lines.append(event["message"].rstrip("\n"))
        following = answer["nextForwardToken"]
        return LogPage(lines=tuple(lines), cursor=f"{seen}|{following}", end=following == token)

    def size(self, run: Run, name: str) -> int | None:
        """Bytes of a file in the run's work directory, by one GetObject of one byte; None also where that
        directory is on a file system of Batch's nodes, which nobody outside reads."""
        if self._environment.platform == "aws-batch" and self._work_dir(run).startswith("/"):
            return None
        return s3.size(self._clients, self._work_dir(run), name)

    def read(self, run: Run, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of a file in the run's work directory, by one GetObject."""
        return s3.read(self._clients, self._work_dir(run), name, start, length)

    def _work_dir(self, run: Run) -> str:
        return run.work_dir or str(self._environment.config.get("workDir") or "")

    def _events(
        self, run: Run, attempt: Attempt, seen: int, token: str, limit: int
    ) -> "GetLogEventsResponseTypeDef | None":
        """One answer; None while the stream does not exist. A token that AWS does not know any more is
        left out: the last line's time says where to go on."""
        logs = self._clients.logs
        request: dict[str, Any] = {
            "logGroupName": log_group(self._environment),
            "logStreamName": f"{run.id}/{attempt.number}",
            "startFromHead": True,
            "limit": limit,
        }
        from_token: dict[str, Any] = {"nextToken": token} if token else {}
        with asking("logs:GetLogEvents"):
            try:
                try:
                    return logs.get_log_events(**request, **from_token)
                except logs.exceptions.InvalidParameterException as error:
                    if not token or "oken" not in text_of(error):
                        raise
                    return logs.get_log_events(**request, startTime=seen)
            except logs.exceptions.ResourceNotFoundException:
                return None


def parsed(cursor: str) -> tuple[int, str]:
    """The last line's timestamp and AWS's token; (0, "") is the beginning."""
    if not cursor:
        return 0, ""
    found = CURSOR.fullmatch(cursor)
    if found is None:
        raise Invalid(Fault("next", "not a cursor of this log"))
    return int(found.group(1)), found.group(2)
