"""The policies of the functions, and those that users are asked for.

The lists here are pinned: whoever changes a policy changes them too, and sees what it means.
"""

import json
from typing import Any

import pytest

from infra import package
from shared.errors import Invalid
from shared.model import tags
from shared.providers.aws import permissions

PUBLISHED = {
    "create": "iam:AddRoleToInstanceProfile iam:AttachRolePolicy iam:CreateInstanceProfile iam:CreateRole "
    "iam:PassRole iam:PutRolePolicy iam:TagInstanceProfile iam:TagRole",
    "validate": "ec2:DescribeImages ec2:DescribeInstanceTypes ec2:DescribeSecurityGroups ec2:DescribeSubnets",
    "launch": "ec2:CreateTags ec2:DeleteTags ec2:DescribeInstances ec2:RunInstances ec2:TerminateInstances "
    "logs:GetLogEvents s3:GetObject",
    "dispose": "iam:DeleteInstanceProfile iam:DeleteRole iam:DeleteRolePolicy iam:DetachRolePolicy "
    "iam:GetRole iam:ListAttachedRolePolicies iam:ListRolePolicies iam:RemoveRoleFromInstanceProfile",
    "discover": "ec2:DescribeImages ec2:DescribeInstanceTypes ec2:DescribeKeyPairs ec2:DescribeSubnets "
    "ec2:DescribeSecurityGroups ec2:DescribeVpcs s3:ListAllMyBuckets",
}
IN_THE_ACCOUNT = {
    "api": f"{PUBLISHED['discover']} logs:GetLogEvents s3:GetObject",
    "create": f"{PUBLISHED['create']} {PUBLISHED['discover']}",
    "launch": f"ec2:CreateTags ec2:DescribeInstances ec2:RunInstances iam:PassRole {PUBLISHED['validate']}",
    "logs": "logs:GetLogEvents s3:GetObject",
    "reap": "ec2:CreateTags ec2:DeleteTags ec2:DescribeInstances ec2:TerminateInstances",
    "dispose": PUBLISHED["dispose"],
}
BATCH_READS = "batch:DescribeComputeEnvironments batch:DescribeJobQueues batch:DescribeJobs batch:ListJobs"
BATCH_LOOKS = (
    "batch:DescribeComputeEnvironments batch:DescribeJobDefinitions batch:DescribeJobQueues "
    "ec2:DescribeLaunchTemplates"
)
FOR_BATCH = {
    "create": f"{BATCH_LOOKS} batch:CreateComputeEnvironment batch:CreateJobQueue "
    "batch:DeregisterJobDefinition batch:RegisterJobDefinition batch:TagResource ec2:CreateLaunchTemplate "
    "ec2:CreateTags iam:GetRole",
    "launch": f"{BATCH_READS} batch:SubmitJob batch:TagResource",
    "reap": f"{BATCH_READS} batch:TagResource batch:TerminateJob batch:UntagResource",
    "dispose": f"{BATCH_LOOKS} batch:DeleteComputeEnvironment batch:DeleteJobQueue "
    "batch:DeregisterJobDefinition batch:UpdateComputeEnvironment batch:UpdateJobQueue "
    "ec2:DeleteLaunchTemplate",
}
"""What AWS Batch needs besides."""
OWN = {"OwnTable", "OwnQueue", "SendMessages", "DeadEvents", "OwnKey", "OwnLog", "Traces", "UserRoles"}
"""Statements about the control plane's own things, and about the roles that users let it take."""
INSTALLATION = {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}


def statements(function: str) -> list[dict[str, Any]]:
    document = json.loads((package.TEMPLATE.parent / "policies" / f"{function}.json").read_text())
    assert document["Version"] == "2012-10-17"
    return [each["Fn::If"][1] if "Fn::If" in each else each for each in document["Statement"]]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def actions(found: list[dict[str, Any]]) -> list[str]:
    return sorted({action for each in found for action in listed(each["Action"])})


@pytest.mark.parametrize("block", PUBLISHED)
def test_users_are_asked_for_what_is_published(block: str) -> None:
    assert actions(permissions.published()[block]["Statement"]) == sorted(PUBLISHED[block].split())


def test_the_whole_policy_covers_every_step_and_nothing_else() -> None:
    whole = set(actions(permissions.policy()["Statement"]))
    assert whole == {each for block in PUBLISHED.values() for each in block.split()}
    for step in permissions.BY_STEP:
        assert set(actions(permissions.policy(step)["Statement"])) <= whole


def test_users_policies_follow_the_name_prefix() -> None:
    document = json.dumps(permissions.policy("create", prefix="Ours"))
    assert "role/Ours-*" in document
    assert "TowerForge" not in document
    assert "TowerForge" in json.dumps(permissions.policy("create")), "the published data must stay as it is"


def test_an_unknown_step_is_refused() -> None:
    with pytest.raises(Invalid, match="step: 'sleep' is not one of create, launch"):
        permissions.policy("sleep")


@pytest.mark.parametrize("function", package.FUNCTIONS)
def test_a_function_may_do_in_the_account_what_its_step_does(function: str) -> None:
    found = [each for each in statements(function) if each["Sid"] not in OWN]
    wanted = f"{IN_THE_ACCOUNT[function]} {FOR_BATCH.get(function, '')}"
    assert actions(found) == sorted(set(wanted.split()))


@pytest.mark.parametrize("function", package.FUNCTIONS)
def test_no_statement_grants_more_than_it_names(function: str) -> None:
    found = statements(function)
    assert len({each["Sid"] for each in found}) == len(found)
    for each in found:
        assert each["Effect"] == "Allow"
        assert not any("*" in action for action in actions([each])), each["Sid"]
        reads = ("ec2:Describe", "batch:Describe", "batch:ListJobs", "s3:ListAllMyBuckets", "xray:")
        if "*" in listed(each["Resource"]):
            assert all(action.startswith(reads) for action in actions([each])), each["Sid"]


@pytest.mark.parametrize("function", package.FUNCTIONS)
def test_a_functions_own_things_are_its_own(function: str) -> None:
    found = {each["Sid"]: each for each in statements(function)}
    name = function.title()
    assert found["OwnTable"]["Resource"] == {"Fn::Sub": "${Table.Arn}"}
    assert found["OwnKey"]["Resource"] == {"Fn::Sub": "${Key.Arn}"}
    assert found["OwnLog"]["Resource"] == {"Fn::Sub": f"${{{name}Log.Arn}}"}
    if function != "api":
        assert found["OwnQueue"]["Resource"] == {"Fn::Sub": f"${{{name}Queue.Arn}}"}
    assert found["UserRoles"]["Resource"] == {"Ref": "UserRoles"}


def conditions(function: str) -> list[tuple[str, str, Any]]:
    """(statement, condition key, value) of all conditions of a function."""
    return [
        (each["Sid"], key, value)
        for each in statements(function)
        for operator in each.get("Condition", {}).values()
        for key, value in operator.items()
    ]


@pytest.mark.parametrize("function", package.FUNCTIONS)
def test_conditions_speak_of_tags_that_we_really_write(function: str, template: dict[str, Any]) -> None:
    for sid, key, value in conditions(function):
        kind, _, tag = key.partition("/")
        if kind in ("aws:ResourceTag", "aws:RequestTag"):
            assert (tag, value) == (tags.INSTALLATION, INSTALLATION), sid
        elif key == "aws:TagKeys":
            assert set(value) == {tags.HOLD, tags.ORPHAN}, sid
        else:
            assert key in ("ec2:CreateAction", "iam:PassedToService"), sid
    variables = template["Resources"]["ReapFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["HEADNODE_INSTALLATION"] == INSTALLATION


@pytest.mark.parametrize("function", package.FUNCTIONS)
def test_no_second_statement_opens_what_a_condition_closes(function: str) -> None:
    fenced = {"ec2:TerminateInstances", "ec2:CreateTags", "ec2:DeleteTags"}
    for each in statements(function):
        conditioned = {key for operator in each.get("Condition", {}).values() for key in operator}
        if fenced & set(actions([each])):
            assert conditioned & {
                f"aws:ResourceTag/{tags.INSTALLATION}",
                f"aws:RequestTag/{tags.INSTALLATION}",
            }
        if "ec2:RunInstances" in actions([each]) and not conditioned:
            kinds = {
                json.dumps(resource).rpartition(":")[2].partition("/")[0] for resource in each["Resource"]
            }
            assert not kinds & {"*", "instance", "volume"}


def test_the_fences_are_there() -> None:
    assert {sid for function in package.FUNCTIONS for sid, _, _ in conditions(function)} == {
        "AwsBatchMakeTemplate",
        "AwsBatchMark",
        "AwsBatchTagNew",
        "AwsBatchTagTemplate",
        "AwsBatchUnmakeTemplate",
        "AwsCloudLaunchPassRole",
        "AwsCloudMark",
        "AwsCloudRunTagged",
        "AwsCloudTagNew",
        "AwsCloudTerminate",
    }
