"""The least policy for the options chosen."""

import json
from typing import Any

import pytest

from shared.errors import Invalid
from shared.providers.aws.batch.permissions import BY_STEP, policy

BASE: dict[str, Any] = {"region": "eu-west-1", "workDir": "s3://my-bucket/work"}
SPOT = {"type": "SPOT"}
MANUAL = {**BASE, "headQueue": "head", "computeQueue": "arn:aws:batch:eu-west-1:123456789012:job-queue/work"}
ROLE = "arn:aws:iam::123456789012:role/mine"


def sids(config: dict[str, Any] | None, step: str | None = None) -> set[str]:
    return {each["Sid"] for each in policy(step, config=config)["Statement"]}


def statement(sid: str, config: dict[str, Any]) -> dict[str, Any]:
    (found,) = [each for each in policy(config=config)["Statement"] if each["Sid"] == sid]
    return dict(found)


def test_manual_mode_needs_jobs_and_a_runs_files() -> None:
    assert sids(MANUAL) == {
        "BatchEnvironmentListing",
        "BatchJobsManagement",
        "HeadnodeJobs",
        "CloudWatchLogsAccess",
        "S3ReadOnlyNextflowLogFiles",
        "PipelineSecretsListing",
        "PipelineSecretsManagement",
    }
    assert statement("BatchJobsManagement", MANUAL)["Resource"] == [
        "arn:aws:batch:*:*:job-definition/*",
        "arn:aws:batch:eu-west-1:*:job-queue/head",
        "arn:aws:batch:eu-west-1:123456789012:job-queue/work",
        "arn:aws:batch:*:*:job/*",
    ]
    own = {**MANUAL, "headJobRole": ROLE}
    assert statement("PassRolesToBatch", own)["Resource"] == [ROLE]
    assert statement("HeadnodeOwnRoles", own)["Resource"] == [ROLE]


@pytest.mark.parametrize(
    ("forge", "starts"),
    [
        ({}, ()),
        ({"efsCreate": True}, ("EFS", "HeadnodeGroup")),
        ({"fsxSize": 1200}, ("FSx", "HeadnodeGroup")),
        ({"efsId": "fs-12345678"}, ("EFSDescribe",)),
        ({"fsxName": "fs-12345678"}, ("FSxDescribe",)),
    ],
)
def test_file_systems_only_where_they_are_used(forge: dict[str, Any], starts: tuple[str, ...]) -> None:
    found = sids({**BASE, "forge": {**SPOT, **forge}})
    storage = {each for each in found if each.startswith(("EFS", "FSx", "HeadnodeGroup"))}
    whole = {each for each in sids(None) if each.startswith(starts)} if starts else set()
    assert storage == whole - {"HeadnodeGroupDescribe"}


def test_images_and_look_ups_follow_the_options() -> None:
    given = {
        **BASE,
        "forge": {**SPOT, "imageId": "ami-12345678", "ec2KeyPair": "k", "instanceTypes": ["m6i"]},
    }
    bare = {**BASE, "forge": SPOT}
    assert "FetchOptimizedAMIMetadata" in sids(bare)
    assert "FetchOptimizedAMIMetadata" not in sids(given)
    asked = {"ec2:DescribeImages", "ec2:DescribeKeyPairs", "ec2:DescribeInstanceTypes"}
    assert asked <= set(statement("EC2MetadataDescribe", given)["Action"])
    assert not asked & set(statement("EC2MetadataDescribe", bare)["Action"])


def test_names_of_the_config_take_the_place_of_wildcards() -> None:
    config = {**BASE, "forge": SPOT, "logGroup": "/mine", "forgePrefix": "Ours"}
    assert statement("S3ReadOnlyNextflowLogFiles", config)["Resource"] == "arn:aws:s3:::my-bucket/work/*"
    assert statement("CloudWatchLogsAccess", config)["Resource"].endswith("log-group:/mine:log-stream:*")
    assert "TowerForge" not in json.dumps(policy(config=config))
    mounted = {**BASE, "forge": {**SPOT, "efsCreate": True}, "workDir": "/mnt/efs/work"}
    assert "S3ReadOnlyNextflowLogFiles" not in sids(mounted)


def test_required_tags_restrict_the_jobs() -> None:
    config = {**BASE, "forge": SPOT, "requiredTags": {"team": "x"}}
    restricted = statement("BatchJobsManagement", config)["Condition"]
    assert restricted == {"StringEqualsIfExists": {"aws:ResourceTag/team": "x"}}


def test_another_partition_has_arns_of_its_own() -> None:
    found = json.dumps(policy(config={**BASE, "region": "cn-north-1", "forge": SPOT}))
    assert "arn:aws-cn:batch" in found
    assert "arn:aws:" not in found


@pytest.mark.parametrize("step", [None, *BY_STEP])
@pytest.mark.parametrize("config", [None, {}, MANUAL, {**BASE, "forge": {**SPOT, "efsCreate": True}}])
def test_every_policy_is_one_that_aws_takes(step: str | None, config: dict[str, Any] | None) -> None:
    found = policy(step, config=config)
    assert found["Version"] == "2012-10-17"
    assert found["Statement"]
    for each in found["Statement"]:
        assert each["Sid"].isalnum()
        assert each["Action"]
        assert each["Resource"]
    # A managed policy has 6,144 characters, white space aside.
    assert len(json.dumps(found, separators=(",", ":"))) <= 6144


def test_a_step_that_does_not_exist_is_named() -> None:
    with pytest.raises(Invalid, match="'sleep' is not one of create"):
        policy("sleep")
