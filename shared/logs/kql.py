"""One query of a Log Analytics table, as plain HTTP: azure-monitor-query would add its own import for one
POST whose answer has one table."""

import json
import re
from dataclasses import dataclass
from typing import Any

from shared.azure_endpoints import QUERY_SCOPE
from shared.errors import Fault, Invalid, Unreachable
from shared.logs.wire import Wire, refusal

ACTION = "Microsoft.OperationalInsights/workspaces/query/read"
TABLE = "Nextflow_log_CL"
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
RUN = re.compile(r"[A-Za-z0-9]{1,64}")
WITHIN = 10
"""Seconds that a query may take: somebody waits for the blob's lines meanwhile."""
LARGEST = 10**12
"""No line has this number: a cursor could not hold it."""
MOST = 10_000
"""Rows asked for; the service gives at most 500,000 and 100 MB."""


def lines(table: str, run_id: str, attempt: int, after: int, before: int, limit: int) -> str:
    """The query for an attempt's lines with numbers greater than `after`, and less than `before` unless that
    is 0. There are no parameters in KQL over HTTP: raises Invalid for anything that is not what it says."""
    if not RUN.fullmatch(run_id):
        raise Invalid(Fault("workflowId", "not the id of a run"))
    if not NAME.fullmatch(table):
        raise Invalid(Fault("logTableName", "not the name of a table"))
    upto = f" and seq < {int(before)}" if before else ""
    return (
        f'{table} | where workflowId == "{run_id}" and attempt == {int(attempt)} and seq > {int(after)}{upto}'
        f" | order by seq asc | take {min(max(limit, 1), MOST)} | project seq, message"
    )


@dataclass(frozen=True)
class Rows:
    """Text by number, and the cloud's time (epoch seconds)."""

    lines: dict[int, str]
    now: int = 0


def run(wire: Wire, url: str, query: str) -> Rows:
    """The rows of a query of `lines`. What got lost on the way (a partial result) is simply not among them.
    Raises Forbidden, Throttled, Unreachable or Refused."""
    body = json.dumps({"query": query}).encode()
    headers = {"Content-Type": "application/json", "Prefer": f"wait={WITHIN}"}
    reply = wire.send("POST", url, scope=QUERY_SCOPE, headers=headers, body=body)
    if reply.status != 200:
        raise refusal(reply, ACTION)
    try:
        return Rows(rows(json.loads(reply.body)), reply.now)
    except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
        raise Unreachable("the answer of Log Analytics cannot be read") from error


def rows(answer: Any) -> dict[int, str]:
    """Text by number of the answer's table. A number that no line of ours can have was put there by
    somebody else. Raises TypeError, KeyError, ValueError or IndexError for what is no answer."""
    if not isinstance(answer, dict):
        raise TypeError("not an object")
    if not answer.get("tables"):
        return {}
    table = answer["tables"][0]
    names = [column["name"] for column in table["columns"]]
    number, text = names.index("seq"), names.index("message")
    return {int(row[number]): str(row[text]) for row in table["rows"] if is_number(row[number])}


def is_number(value: Any) -> bool:
    """Whether a line of ours can have this number."""
    return isinstance(value, int | float | str) and 0 < float(value) < LARGEST
