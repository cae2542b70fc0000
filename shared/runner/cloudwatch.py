"""Log lines to CloudWatch Logs: one stream for each attempt of a run."""

from __future__ import annotations

from collections.abc import Mapping

from shared.runner.aws import Aws
from shared.runner.errors import Denied
from shared.runner.shipping import Line

RETENTION = 30
"""Days that CloudWatch keeps a log group of ours."""
EXISTS = "ResourceAlreadyExistsException"


class CloudWatchTarget:
    """One stream; group and stream are made when they are missing."""

    def __init__(self, aws: Aws, group: str, stream: str) -> None:
        self._aws = aws
        self._names = {"logGroupName": group, "logStreamName": stream}

    def send(self, lines: list[Line]) -> None:
        # An empty message is refused; a blank keeps the line.
        events = [{"timestamp": stamp, "message": text or " "} for stamp, text in lines]
        try:
            self._call("PutLogEvents", {**self._names, "logEvents": events})
        except Denied as error:
            if error.code == "DataAlreadyAcceptedException":
                return
            if error.code != "ResourceNotFoundException":
                raise
            self._make()
            self._call("PutLogEvents", {**self._names, "logEvents": events})

    def _make(self) -> None:
        group = {"logGroupName": self._names["logGroupName"]}
        if self._made("CreateLogGroup", group):
            # The whole log lies in the work directory: a group that we made need not be paid for ever.
            self._made("PutRetentionPolicy", {**group, "retentionInDays": RETENTION})
        self._made("CreateLogStream", self._names)

    def _made(self, action: str, body: Mapping[str, object]) -> bool:
        try:
            self._call(action, body)
        except Denied as error:
            # A role that may not make groups can still use one that is there.
            if error.code not in (EXISTS, "OperationAbortedException", "AccessDeniedException"):
                raise
            return False
        return True

    def _call(self, action: str, body: Mapping[str, object]) -> None:
        self._aws.call("logs", f"Logs_20140328.{action}", dict(body), patience=0.0)
