"""The policy evaluator, as a table of cases."""

from typing import Any

import pytest

from local.clouds.aws.permissions.policy import Decision, Need, UnreadablePolicy, decide

ALLOW, DENY, NONE = Decision.ALLOW, Decision.DENY, Decision.NONE
MACHINE = "arn:aws:ec2:us-east-1:123456789012:instance/i-1"
NEED = Need("ec2:TerminateInstances", (MACHINE,))


def statement(effect: str = "Allow", **parts: Any) -> dict[str, Any]:
    given = {"Effect": effect} | parts
    if "NotAction" not in given:
        given.setdefault("Action", "ec2:*")
    if "NotResource" not in given:
        given.setdefault("Resource", "*")
    return given


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


STATEMENTS = [
    ("nothing allows", [], NONE),
    ("one allow", [statement()], ALLOW),
    ("a deny wins over an allow before it", [statement(), statement("Deny")], DENY),
    ("a deny wins over an allow after it", [statement("Deny"), statement()], DENY),
    ("a deny of something else", [statement(), statement("Deny", Action="ec2:StopInstances")], ALLOW),
    ("actions ignore case", [statement(Action="EC2:terminateinstances")], ALLOW),
    ("action by wildcard", [statement(Action="ec2:Terminate*")], ALLOW),
    ("action by question mark", [statement(Action="ec2:TerminateInstance?")], ALLOW),
    ("action of another service", [statement(Action="iam:*")], NONE),
    ("action is not a prefix", [statement(Action="ec2:Terminate")], NONE),
    ("one of several actions", [statement(Action=["iam:*", "ec2:TerminateInstances"])], ALLOW),
    ("NotAction leaves it out", [statement(NotAction="ec2:Terminate*")], NONE),
    ("NotAction lets others pass", [statement(NotAction="iam:*")], ALLOW),
    ("resource by pattern", [statement(Resource="arn:aws:ec2:*:*:instance/*")], ALLOW),
    ("resource of another kind", [statement(Resource="arn:aws:ec2:*:*:volume/*")], NONE),
    ("resources mind case", [statement(Resource="arn:aws:ec2:*:*:Instance/*")], NONE),
    ("brackets are no character class", [statement(Resource="arn:aws:ec2:*:*:instance/[i]-1")], NONE),
    ("NotResource leaves it out", [statement(NotResource="arn:aws:ec2:*:*:instance/*")], NONE),
    ("NotResource lets others pass", [statement(NotResource="arn:aws:ec2:*:*:volume/*")], ALLOW),
]


@pytest.mark.parametrize(
    ("statements", "wanted"), [c[1:] for c in STATEMENTS], ids=[c[0] for c in STATEMENTS]
)
def test_statements(statements: list[dict[str, Any]], wanted: Decision):
    assert decide([document(*statements)], NEED) is wanted


def test_a_single_statement_need_not_be_a_list():
    assert decide([{"Statement": statement()}], NEED) is ALLOW


def test_a_deny_in_another_document_wins():
    assert decide([document(statement()), document(statement("Deny"))], NEED) is DENY


def test_any_name_of_a_resource_will_do():
    need = Need("logs:CreateLogStream", ("log-group:a", "log-group:a:log-stream:"))

    assert decide([document(statement(Action="logs:*", Resource="log-group:a:*"))], need) is ALLOW
    assert decide([document(statement(Action="logs:*", Resource="log-group:b*"))], need) is NONE


CONTEXT = {
    "ec2:ResourceTag/owner": "us",
    "aws:TagKeys": ("run", "owner"),
    "aws:RequestTag/run": "r1",
    "ec2:VolumeSize": "50",
    "ec2:Encrypted": "true",
    "ec2:InstanceProfile": "arn:aws:iam::123456789012:instance-profile/TowerForge-a",
    "aws:SourceIp": "10.1.2.3",
    "aws:CurrentTime": "2026-11-20T12:00:00Z",
    "aws:username": "us",
}
CONDITIONS: list[tuple[str, str, Any, bool]] = [
    ("StringEquals", "ec2:ResourceTag/owner", "us", True),
    ("StringEquals", "ec2:ResourceTag/owner", ["them", "us"], True),
    ("StringEquals", "ec2:ResourceTag/owner", "US", False),
    ("StringEquals", "EC2:resourcetag/OWNER", "us", True),
    ("StringEquals", "ec2:ResourceTag/none", "us", False),
    ("StringEquals", "ec2:ResourceTag/owner", "u*", False),
    ("StringEquals", "ec2:ResourceTag/owner", "${aws:username}", True),
    ("StringEquals", "ec2:ResourceTag/owner", "${aws:PrincipalTag/team}", False),
    ("StringEquals", "ec2:ResourceTag/owner", "${aws:PrincipalTag/team, 'us'}", True),
    ("StringEqualsIgnoreCase", "ec2:ResourceTag/owner", "US", True),
    ("StringEqualsIfExists", "ec2:ResourceTag/none", "us", True),
    ("StringEqualsIfExists", "ec2:ResourceTag/owner", "them", False),
    ("StringNotEquals", "ec2:ResourceTag/owner", "them", True),
    ("StringNotEquals", "ec2:ResourceTag/owner", ["them", "us"], False),
    ("StringNotEquals", "ec2:ResourceTag/none", "us", True),
    ("StringNotEqualsIgnoreCase", "ec2:ResourceTag/owner", "US", False),
    ("StringLike", "ec2:ResourceTag/owner", "u*", True),
    ("StringLike", "ec2:ResourceTag/owner", "u?", True),
    ("StringLike", "ec2:ResourceTag/none", "*", False),
    ("StringNotLike", "ec2:ResourceTag/owner", "u*", False),
    ("ArnLike", "ec2:InstanceProfile", "arn:aws:iam::*:instance-profile/TowerForge-*", True),
    ("ArnLike", "ec2:InstanceProfile", "arn:aws:iam::*:role/TowerForge-*", False),
    ("ArnLike", "ec2:InstanceProfile", "arn:*:instance-profile/TowerForge-*", False),
    ("ArnEquals", "ec2:InstanceProfile", "arn:aws:iam::*:instance-profile/*", True),
    ("ArnNotLike", "ec2:InstanceProfile", "arn:aws:iam::*:instance-profile/Other-*", True),
    ("Bool", "ec2:Encrypted", "true", True),
    ("Bool", "ec2:Encrypted", True, True),
    ("Bool", "ec2:Encrypted", "false", False),
    ("Bool", "aws:SecureTransport", "false", False),
    ("BoolIfExists", "aws:SecureTransport", "false", True),
    ("NumericLessThan", "ec2:VolumeSize", "100", True),
    ("NumericLessThan", "ec2:VolumeSize", "50", False),
    ("NumericLessThanEquals", "ec2:VolumeSize", 50, True),
    ("NumericGreaterThan", "ec2:VolumeSize", "9", True),
    ("NumericNotEquals", "ec2:VolumeSize", "50", False),
    ("NumericEquals", "ec2:ResourceTag/owner", "50", False),
    ("NumericLessThan", "ec2:ResourceTag/none", "50", False),
    ("DateLessThan", "aws:CurrentTime", "2026-12-01T00:00:00Z", True),
    ("DateGreaterThan", "aws:CurrentTime", "2026-12-01T00:00:00Z", False),
    ("IpAddress", "aws:SourceIp", "10.0.0.0/8", True),
    ("NotIpAddress", "aws:SourceIp", "10.0.0.0/8", False),
    ("Null", "ec2:ResourceTag/none", "true", True),
    ("Null", "ec2:ResourceTag/owner", "true", False),
    ("Null", "ec2:ResourceTag/owner", "false", True),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["run", "owner", "more"], True),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["run"], False),
    ("ForAllValues:StringLike", "aws:TagKeys", ["r*", "o*"], True),
    ("ForAllValues:StringEquals", "aws:None", ["run"], True),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["run"], True),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["other"], False),
    ("ForAnyValue:StringEquals", "aws:None", ["run"], False),
]


@pytest.mark.parametrize(("operator", "key", "value", "met"), CONDITIONS)
def test_conditions(operator: str, key: str, value: Any, met: bool):
    need = Need("ec2:TerminateInstances", (MACHINE,), CONTEXT)

    decision = decide([document(statement(Condition={operator: {key: value}}))], need)

    assert decision is (ALLOW if met else NONE)


def test_every_key_and_operator_of_a_condition_must_be_met():
    need = Need("ec2:TerminateInstances", (MACHINE,), CONTEXT)
    owner, run = {"ec2:ResourceTag/owner": "us"}, {"aws:RequestTag/run": "r2"}

    both_keys = statement(Condition={"StringEquals": owner | run})
    both_operators = statement(Condition={"StringEquals": owner, "StringLike": run})

    assert decide([document(both_keys)], need) is NONE
    assert decide([document(both_operators)], need) is NONE
    assert decide([document(statement(Condition={}))], need) is ALLOW


def test_a_deny_whose_condition_is_not_met_denies_nothing():
    fence = {"StringEquals": {"ec2:ResourceTag/owner": "them"}}

    assert decide([document(statement(), statement("Deny", Condition=fence))], NEED) is ALLOW


def test_two_fenced_allows_are_one_open_door():
    """Statements are OR-ed: the machine carries neither environment tag, and may be ended anyway."""
    by_environment = statement(Condition={"StringEquals": {"ec2:ResourceTag/environment": "e1"}})
    by_application = statement(Condition={"StringEquals": {"ec2:ResourceTag/application": "runner"}})
    need = Need("ec2:TerminateInstances", (MACHINE,), {"ec2:ResourceTag/application": "runner"})

    assert decide([document(by_environment)], need) is NONE
    assert decide([document(by_environment, by_application)], need) is ALLOW


UNREADABLE = [
    statement(Condition={"StringResembles": {"aws:username": "us"}}),
    statement(Condition={"ForSomeValues:StringEquals": {"aws:username": "us"}}),
    statement(Conditions={"StringEquals": {"aws:username": "us"}}),
    statement("allow"),
    statement(NotAction="iam:*", Action="ec2:*"),
    {"Effect": "Allow", "Action": "ec2:*"},
]


@pytest.mark.parametrize("unreadable", UNREADABLE)
def test_what_is_not_understood_is_not_skipped(unreadable: dict[str, Any]):
    with pytest.raises(UnreadablePolicy):
        decide([document(unreadable)], Need("ec2:TerminateInstances", (MACHINE,), {"aws:username": "us"}))
