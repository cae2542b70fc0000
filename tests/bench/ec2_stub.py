"""A very fast stand-in for EC2 and CloudWatch Logs, for benchmarks: moto needs 10 ms per launch and
minutes for thousands of instances.

    with stub.ec2(instances=50_000, doomed=500) as running:
        boto3.client("ec2", endpoint_url=running.url)

Knows RunInstances (one machine per token), DescribeInstances (filters,
pages of up to 1,000), TerminateInstances, CreateTags, DeleteTags and GetLogEvents.
"""

import argparse
import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

from shared.model import tags
from tests.bench.stub import Answer, http, serve

ROOT = "http://ec2.amazonaws.com/doc/2016-11-15/"
LINES = 10_000
LONGEST_PAGE = 1_000


class Fleet:
    """The instances: id -> [state, tags, token]. Synthetic ones carry our tags."""

    def __init__(self, count: int, doomed: int, installation: str, now: float) -> None:
        self.machines: dict[str, list[Any]] = {}
        self.by_token: dict[str, str] = {}
        for number in range(count):
            overdue = number * doomed // count != (number + 1) * doomed // count if count else False
            self.machines[f"i-{number:017x}"] = ["running", labels(number, installation, now, overdue), ""]

    def launch(self, asked: dict[str, str]) -> str:
        token = asked.get("ClientToken", "")
        id = self.by_token.get(token) if token else None
        if id is None:
            id = f"i-{len(self.machines):017x}"
            self.machines[id] = ["pending", dict(_pairs(asked, "TagSpecification.1.Tag")), token]
            self.by_token[token] = id
        return (
            f'<RunInstancesResponse xmlns="{ROOT}"><requestId>r</requestId><reservationId>r-1</reservationId>'
            f"<ownerId>123456789012</ownerId><groupSet/><instancesSet>{self.item(id)}</instancesSet>"
            "</RunInstancesResponse>"
        )

    def describe(self, asked: dict[str, str]) -> str:
        found = _Search(asked)
        start = int(b64decode(asked["NextToken"])) if "NextToken" in asked else 0
        limit = min(int(asked.get("MaxResults", LONGEST_PAGE)), LONGEST_PAGE)
        items, at, after = [], start, ""
        for at, id in self._from(found, start):
            if len(items) == limit:
                after = f"<nextToken>{b64encode(str(at).encode()).decode()}</nextToken>"
                break
            items.append(self.item(id))
        sets = "".join(
            f"<item><reservationId>r-1</reservationId><ownerId>123456789012</ownerId><groupSet/>"
            f"<instancesSet>{item}</instancesSet></item>"
            for item in items
        )
        return (
            f'<DescribeInstancesResponse xmlns="{ROOT}"><requestId>r</requestId>'
            f"<reservationSet>{sets}</reservationSet>{after}</DescribeInstancesResponse>"
        )

    def _from(self, search: "_Search", start: int) -> Iterator[tuple[int, str]]:
        ids = search.ids or list(self.machines)
        for at in range(start, len(ids)):
            machine = self.machines.get(ids[at])
            if machine and search.fits(ids[at], machine):
                yield at, ids[at]

    def terminate(self, asked: dict[str, str]) -> str:
        items = []
        for id in _numbered(asked, "InstanceId"):
            before = self.machines[id][0]
            self.machines[id][0] = "terminated"
            items.append(
                f"<item><instanceId>{id}</instanceId><currentState><code>48</code><name>terminated</name>"
                f"</currentState><previousState><code>16</code><name>{before}</name></previousState></item>"
            )
        return (
            f'<TerminateInstancesResponse xmlns="{ROOT}"><requestId>r</requestId>'
            f"<instancesSet>{''.join(items)}</instancesSet></TerminateInstancesResponse>"
        )

    def tag(self, asked: dict[str, str]) -> str:
        for id in _numbered(asked, "ResourceId"):
            self.machines[id][1].update(_pairs(asked, "Tag"))
        return f'<CreateTagsResponse xmlns="{ROOT}"><return>true</return></CreateTagsResponse>'

    def untag(self, asked: dict[str, str]) -> str:
        for id in _numbered(asked, "ResourceId"):
            for key, _ in _pairs(asked, "Tag"):
                self.machines[id][1].pop(key, None)
        return f'<DeleteTagsResponse xmlns="{ROOT}"><return>true</return></DeleteTagsResponse>'

    def item(self, id: str) -> str:
        """One instance as XML."""
        state, labels, token = self.machines[id]
        code = {"pending": 0, "running": 16, "terminated": 48}[state]
        tagged = "".join(
            f"<item><key>{key}</key><value>{value}</value></item>" for key, value in labels.items()
        )
        return (
            f"<item><instanceId>{id}</instanceId><imageId>ami-1</imageId><instanceState><code>{code}</code>"
            f"<name>{state}</name></instanceState><clientToken>{token}</clientToken>"
            "<instanceType>m6i.large</instanceType><launchTime>2026-11-20T00:00:00.000Z</launchTime>"
            f"<placement><availabilityZone>us-east-1a</availabilityZone></placement><tagSet>{tagged}</tagSet></item>"
        )


class _Search:
    """The filters of a DescribeInstances call."""

    def __init__(self, asked: dict[str, str]) -> None:
        self.ids = list(_numbered(asked, "InstanceId"))
        self.filters: list[tuple[str, set[str]]] = []
        number = 1
        while f"Filter.{number}.Name" in asked:
            values = set(_numbered(asked, f"Filter.{number}.Value"))
            if asked[f"Filter.{number}.Name"] == "instance-id":
                self.ids += values
            else:
                self.filters.append((asked[f"Filter.{number}.Name"], values))
            number += 1

    def fits(self, id: str, machine: list[Any]) -> bool:
        for name, values in self.filters:
            if name == "instance-state-name":
                found = machine[0]
            elif name == "client-token":
                found = machine[2]
            elif name == "tag-key":
                if values.isdisjoint(machine[1]):
                    return False
                continue
            elif name.startswith("tag:"):
                found = machine[1].get(name[4:])
            else:
                raise ValueError(f"the stub does not know the filter {name}")
            if found not in values:
                return False
        return True


def labels(number: int, installation: str, now: float, overdue: bool) -> dict[str, str]:
    return {
        tags.INSTALLATION: installation,
        tags.ENVIRONMENT: f"environment{number % 10:011d}",
        tags.RUN: f"{number:016d}",
        tags.ATTEMPT: "1",
        tags.OWNER: "bench",
        tags.DEADLINE: str(int(now - 3600 if overdue else now + 86_400)),
    }


def _pairs(asked: dict[str, str], start: str) -> Iterator[tuple[str, str]]:
    number = 1
    while f"{start}.{number}.Key" in asked:
        yield asked[f"{start}.{number}.Key"], asked.get(f"{start}.{number}.Value", "")
        number += 1


def _numbered(asked: dict[str, str], name: str) -> Iterator[str]:
    number = 1
    while f"{name}.{number}" in asked:
        yield asked[f"{name}.{number}"]
        number += 1


def _log_page() -> bytes:
    """A page of log lines, made once."""
    line = "executor > local (1) [ab/12cd34] process > ALIGN (sample_{}) [100%] 1 of 1"
    events = [
        {"timestamp": 1_800_000_000_000 + n, "message": line.format(n), "ingestionTime": 0}
        for n in range(LINES)
    ]
    token = f"f/{LINES}"
    return json.dumps({"events": events, "nextForwardToken": token, "nextBackwardToken": "b/0"}).encode()


class Front:
    """Finds the action of a request."""

    def __init__(self, fleet: Fleet) -> None:
        self.page = _log_page()
        self.actions: dict[str, Callable[[dict[str, str]], str]] = {
            "RunInstances": fleet.launch,
            "DescribeInstances": fleet.describe,
            "TerminateInstances": fleet.terminate,
            "CreateTags": fleet.tag,
            "DeleteTags": fleet.untag,
        }

    def answer(self, head: str, body: bytes) -> Answer:
        """The action and the answer."""
        if "logs_20140328." in head.lower():
            return "GetLogEvents", self._logs(body)
        asked = dict(parse_qsl(body.decode(), keep_blank_values=True))
        name = asked["Action"]
        return name, http(self.actions[name](asked).encode(), "text/xml;charset=UTF-8")

    def _logs(self, body: bytes) -> bytes:
        asked = json.loads(body)
        token = asked.get("nextToken")
        if token == f"f/{LINES}":
            empty = json.dumps({"events": [], "nextForwardToken": token}).encode()
            return http(empty, "application/x-amz-json-1.1")
        return http(self.page, "application/x-amz-json-1.1")


def main() -> None:
    """python -m tests.bench.ec2_stub INSTANCES DOOMED INSTALLATION NOW"""
    parser = argparse.ArgumentParser()
    parser.add_argument("instances", type=int)
    parser.add_argument("doomed", type=int)
    parser.add_argument("installation")
    parser.add_argument("now", type=float)
    given = parser.parse_args()
    fleet = Fleet(given.instances, given.doomed, given.installation, given.now)
    asyncio.run(serve(Front(fleet).answer))


if __name__ == "__main__":
    main()
