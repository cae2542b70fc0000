"""The benchmarks' stub says what EC2 would say, to the real SDK."""

from typing import Any

import boto3

from shared.model import tags
from tests.bench import stub as stubs
from tests.bench.ec2_stub import LINES
from tests.bench.stub import StubProcess


def client(service: str, stub: StubProcess) -> Any:
    return boto3.client(
        service,
        endpoint_url=stub.url,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )


def ids(ec2: Any, **asked: Any) -> list[str]:
    pages = ec2.get_paginator("describe_instances").paginate(**asked)
    return [m["InstanceId"] for page in pages for r in page["Reservations"] for m in r["Instances"]]


def test_launches_are_one_per_token_and_found_by_tag():
    with stubs.ec2() as stub:
        ec2 = client("ec2", stub)
        asked: dict[str, Any] = {
            "ImageId": "ami-1",
            "MinCount": 1,
            "MaxCount": 1,
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": tags.RUN, "Value": "r1"}]}],
        }

        first = ec2.run_instances(ClientToken="a", **asked)["Instances"][0]["InstanceId"]
        again = ec2.run_instances(ClientToken="a", **asked)["Instances"][0]["InstanceId"]
        other = ec2.run_instances(ClientToken="b", **asked)["Instances"][0]["InstanceId"]

        assert first == again != other
        assert ids(ec2, Filters=[{"Name": f"tag:{tags.RUN}", "Values": ["r1"]}]) == [first, other]
        assert stub.calls == {"RunInstances": 3, "DescribeInstances": 1}


def test_listing_comes_in_pages_and_removal_shows():
    with stubs.ec2(2_500, 5) as stub:
        ec2 = client("ec2", stub)
        mine = {"Name": f"tag:{tags.INSTALLATION}", "Values": ["bench"]}
        alive = {"Name": "instance-state-name", "Values": ["pending", "running"]}

        found = ids(ec2, Filters=[mine, alive], PaginationConfig={"PageSize": 1_000})
        ec2.create_tags(Resources=found[:1], Tags=[{"Key": tags.ORPHAN, "Value": "1"}])
        ec2.terminate_instances(InstanceIds=found[1:500])

        assert len(set(found)) == 2_500
        assert stub.calls["DescribeInstances"] == 3
        assert len(ids(ec2, Filters=[mine, alive])) == 2_001
        assert ids(ec2, Filters=[{"Name": "tag-key", "Values": [tags.ORPHAN]}]) == found[:1]


def test_as_many_are_overdue_as_asked():
    with stubs.ec2(2_000, 70, now=1_000_000) as stub:
        pages = client("ec2", stub).get_paginator("describe_instances").paginate()
        deadlines = [
            int(tag["Value"])
            for page in pages
            for reservation in page["Reservations"]
            for tag in reservation["Instances"][0]["Tags"]
            if tag["Key"] == tags.DEADLINE
        ]

        assert sum(deadline < 1_000_000 for deadline in deadlines) == 70


def test_log_lines_come_in_one_page():
    with stubs.ec2() as stub:
        logs = client("logs", stub)

        page = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)
        after = logs.get_log_events(logGroupName="g", logStreamName="s", nextToken=page["nextForwardToken"])

        assert len(page["events"]) == LINES
        assert after["events"] == []
        assert after["nextForwardToken"] == page["nextForwardToken"]
