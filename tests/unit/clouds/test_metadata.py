"""What the metadata service tells a machine, and what it asks for."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.credentials import InstanceMetadataProvider
from botocore.exceptions import ClientError
from botocore.utils import InstanceMetadataFetcher

from local.clouds.aws import EmulatedAws
from tests.unit.clouds.instances import shown, start


def metadata(
    aws: EmulatedAws, id: str, path: str, token: str = "", method: str = "GET", **headers: str
) -> str:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        given["X-aws-ec2-metadata-token"] = token
    request = urllib.request.Request(f"{aws.url}/imds/{id}/latest/{path}", headers=given, method=method)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.read().decode()


def session(aws: EmulatedAws, id: str) -> str:
    ttl = {"X_aws_ec2_metadata_token_ttl_seconds": "60"}
    return metadata(aws, id, "api/token", method="PUT", **ttl)


def status(call: Callable[[], Any]) -> int:
    with pytest.raises(urllib.error.HTTPError) as error:
        call()
    error.value.close()
    return error.value.code


def test_metadata_wants_a_session_token(aws: EmulatedAws):
    id, other = start(), start()
    token = session(aws, id)

    assert status(lambda: metadata(aws, id, "meta-data/instance-id")) == 401
    assert status(lambda: metadata(aws, id, "meta-data/instance-id", "guessed")) == 401
    assert status(lambda: metadata(aws, other, "meta-data/instance-id", token)) == 401
    assert status(lambda: metadata(aws, id, "api/token", method="PUT")) == 400
    assert status(lambda: metadata(aws, id, "meta-data/none", token)) == 404
    assert status(lambda: metadata(aws, "i-none", "meta-data/instance-id", token)) == 404


def test_metadata_tells_a_machine_about_itself(aws: EmulatedAws):
    tags = [{"Key": "headnode:run", "Value": "r1"}]
    id = start(
        "#!/bin/sh\necho ä",
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        MetadataOptions={"InstanceMetadataTags": "enabled", "HttpTokens": "required"},
    )
    token = session(aws, id)

    def told(path: str) -> str:
        return metadata(aws, id, path, token)

    assert told("meta-data/instance-id") == id
    assert told("meta-data/instance-type") == "m6i.large"
    assert told("meta-data/placement/region") == "us-east-1"
    assert told("meta-data/placement/availability-zone") == shown(id)["Placement"]["AvailabilityZone"]
    assert told("meta-data/instance-life-cycle") == "on-demand"
    assert told("meta-data/placement/").split() == ["availability-zone", "region"]
    assert told("meta-data/tags/instance/headnode:run") == "r1"
    assert told("user-data") == "#!/bin/sh\necho ä"
    assert json.loads(told("dynamic/instance-identity/document"))["instanceId"] == id
    assert status(lambda: told("meta-data/spot/instance-action")) == 404
    assert status(lambda: told("meta-data/iam/info")) == 404


def give_role(name: str, *actions: str) -> None:
    iam = boto3.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
    may = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=document)
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)


def test_a_machine_has_its_roles_credentials_and_no_more(aws: EmulatedAws):
    give_role("machine-role", "s3:ListAllMyBuckets")
    id = start(IamInstanceProfile={"Name": "machine-role"})

    fetcher = InstanceMetadataFetcher(base_url=f"{aws.url}/imds/{id}", env={})
    found = InstanceMetadataProvider(fetcher).load().get_frozen_credentials()
    machine = boto3.Session(found.access_key, found.secret_key, found.token)

    assert machine.client("sts").get_caller_identity()["Arn"].endswith(f"assumed-role/machine-role/{id}")
    assert machine.client("s3").list_buckets()["Buckets"] == []
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        machine.client("ec2").describe_instances()
