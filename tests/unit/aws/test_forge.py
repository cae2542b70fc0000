"""The role and the profile: from nothing, from every half-built state, and never somebody else's."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest

from local.clouds.aws import EmulatedAws
from shared.errors import Forbidden, NotYet, Refused, Retry, Throttled, Unreachable
from shared.model.environment import ResourceRow
from shared.providers.aws import policies
from shared.providers.aws.cloud import AwsCloud
from tests.contracts.provider_suite import make, order, rows_of, unmake
from tests.unit.aws.conftest import BUCKET, REGION, Bind

CREATE = {
    "iam:CreateRole",
    "iam:AddRoleToInstanceProfile",
    "iam:CreateInstanceProfile",
    "iam:AttachRolePolicy",
    "iam:PutRolePolicy",
    "iam:TagRole",
    "iam:TagInstanceProfile",
}
DISPOSE = {
    "iam:GetRole",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:DeleteRole",
    "iam:DeleteInstanceProfile",
    "iam:RemoveRoleFromInstanceProfile",
    "iam:DetachRolePolicy",
    "iam:DeleteRolePolicy",
}
ROLE = "TowerForge-3nvironment0000000001-InstanceRole"
PROFILE = "TowerForge-3nvironment0000000001-InstanceProfile"


@pytest.fixture
def iam(aws: EmulatedAws) -> Any:
    return boto3.client("iam")


@pytest.fixture
def cloud(bind: Bind) -> AwsCloud:
    return bind(allowBuckets=["s3://more", "plain/with/path"])


def statements(iam: Any) -> dict[str, Any]:
    """Our inline policy by the first action of each statement."""
    document = iam.get_role_policy(RoleName=ROLE, PolicyName="headnode")["PolicyDocument"]
    return {each["Action"][0]: each for each in document["Statement"]}


def test_only_the_published_permissions_are_used(aws: EmulatedAws, cloud: AwsCloud) -> None:
    rows = make(cloud)
    assert set(aws.journal.totals()) <= CREATE
    mark = aws.journal.count
    cloud.leftovers(unmake(cloud, rows))
    assert set(aws.journal.totals(since=mark)) <= DISPOSE


def test_role_and_profile_are_tagged_and_belong_together(cloud: AwsCloud, iam: Any) -> None:
    assert [row.cloud_id for row in make(cloud)] == [ROLE, PROFILE]
    profile = iam.get_instance_profile(InstanceProfileName=PROFILE)["InstanceProfile"]
    role = iam.get_role(RoleName=ROLE)["Role"]
    wanted = {"headnode:installation": "this", "headnode:environment": "3nvironment0000000001"}
    assert [each["RoleName"] for each in profile["Roles"]] == [ROLE]
    for made in (profile, role):
        assert {each["Key"]: each["Value"] for each in made["Tags"]} == wanted
    trusted = role["AssumeRolePolicyDocument"]["Statement"][0]
    assert trusted["Principal"] == {"Service": "ec2.amazonaws.com"}


def test_the_role_may_do_what_a_machine_needs(cloud: AwsCloud, iam: Any) -> None:
    make(cloud)
    attached = iam.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"]
    assert {each["PolicyArn"] for each in attached} == {
        f"arn:aws:iam::aws:policy/{name}" for name in policies.MANAGED
    }
    found = statements(iam)
    names = [BUCKET, "more", "plain"]
    assert found["s3:ListBucket"]["Resource"] == [f"arn:aws:s3:::{name}" for name in names]
    assert found["s3:*Object"]["Resource"] == [f"arn:aws:s3:::{name}/*" for name in names]
    secret = found["secretsmanager:CreateSecret"]
    assert secret["Resource"] == [f"arn:aws:secretsmanager:{REGION}:*:secret:tower-*"]
    kms = found["kms:Decrypt"]["Condition"]
    assert kms == {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}


def test_a_managed_policy_that_does_not_exist_goes_inline(
    aws: EmulatedAws, cloud: AwsCloud, iam: Any
) -> None:
    absent = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"
    aws.faults.add(
        "iam",
        "AttachRolePolicy",
        {"PolicyArn": absent},
        "NoSuchEntity",
        times=None,
        message=f"Policy {absent} does not exist or is not attachable.",
        status=404,
    )
    rows = make(cloud)
    inline = iam.list_role_policies(RoleName=ROLE)["PolicyNames"]
    assert set(inline) == {"headnode", "AmazonEC2ContainerRegistryPullOnly"}
    document = iam.get_role_policy(RoleName=ROLE, PolicyName="AmazonEC2ContainerRegistryPullOnly")
    assert "ecr:BatchGetImage" in document["PolicyDocument"]["Statement"][0]["Action"]
    assert cloud.leftovers(unmake(cloud, rows)) == []


def test_inline_policies_fit_a_role_also_when_all_are_inline(cloud: AwsCloud) -> None:
    many = [f"s3://bucket-with-a-long-name-{number:03}" for number in range(20)]
    account = cloud._account
    config = {**account.environment.config, "allowBuckets": many}
    bigger = AwsCloud(
        account.environment.but(config=config), account.clients, account.settings, account.clock
    )
    texts = [policies.own(bigger._account), *map(policies.same_inline, policies.MANAGED)]
    assert all(json.loads(text)["Version"] == "2012-10-17" for text in texts)
    assert sum(map(len, texts)) < 10_240


@pytest.mark.parametrize(
    ("region", "partition", "service"),
    [
        ("eu-west-1", "aws", "ec2.amazonaws.com"),
        ("us-gov-west-1", "aws-us-gov", "ec2.amazonaws.com"),
        ("cn-north-1", "aws-cn", "ec2.amazonaws.com.cn"),
    ],
)
def test_partitions(region: str, partition: str, service: str) -> None:
    assert json.loads(policies.trust(region))["Statement"][0]["Principal"]["Service"] == service
    assert policies.managed_arn("P", region) == f"arn:{partition}:iam::aws:policy/P"


def calls_of(aws: EmulatedAws, cloud: AwsCloud) -> int:
    """How many calls making takes."""
    unmake(cloud, make(cloud))
    mark = aws.journal.count
    rows = make(cloud)
    count = aws.journal.count - mark
    unmake(cloud, rows)
    return count


def cuts(aws: EmulatedAws, count: int) -> Iterator[tuple[int, str]]:
    """Every place where the process may be cut: before a call, or after it unheard."""
    for number in range(1, count + 1):
        for kind in ("reset-before", "reset-after"):
            aws.faults.clear()
            aws.faults.add("*", "*", number, kind)
            yield number, kind


def persistent(act: Any) -> None:
    """Does it again, as a redelivered message would, until it goes through."""
    for _ in range(5):
        try:
            return act()
        except Unreachable:
            continue
    raise AssertionError("it never went through")


def test_a_cut_at_every_call_of_making_ends_in_one_of_each(
    aws: EmulatedAws, cloud: AwsCloud, iam: Any
) -> None:
    count = calls_of(aws, cloud)
    assert count == 7
    for place in cuts(aws, count):
        persistent(lambda: make(cloud))
        aws.faults.clear()
        profile = iam.get_instance_profile(InstanceProfileName=PROFILE)["InstanceProfile"]
        assert [each["RoleName"] for each in profile["Roles"]] == [ROLE], place
        assert len(iam.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"]) == 3, place
        assert statements(iam), place
        unmake(cloud, make(cloud))


def test_a_cut_at_every_call_of_removing_leaves_nothing(aws: EmulatedAws, cloud: AwsCloud, iam: Any) -> None:
    rows = make(cloud)
    mark = aws.journal.count
    unmake(cloud, rows)
    count = aws.journal.count - mark
    assert count < 20
    for number, kind in cuts(aws, count):
        aws.faults.clear()
        rows = make(cloud)
        aws.faults.add("*", "*", number, kind)
        persistent(lambda rows=rows: unmake(cloud, rows))
        aws.faults.clear()
        assert iam.list_roles()["Roles"] == [], (number, kind)
        assert iam.list_instance_profiles()["InstanceProfiles"] == [], (number, kind)


def test_a_role_of_somebody_else_under_our_name_stays(cloud: AwsCloud, iam: Any) -> None:
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=policies.trust(REGION))
    iam.create_instance_profile(InstanceProfileName=PROFILE)
    rows = [row.to("making").to("removing") for row in rows_of(cloud)]
    for row in rows:
        with pytest.raises(Refused, match="not ours"):
            cloud.remove(row)
    assert len(iam.list_roles()["Roles"]) == len(iam.list_instance_profiles()["InstanceProfiles"]) == 1
    assert [each.cloud_id for each in cloud.leftovers(rows[:1])] == [ROLE]


def test_policies_that_a_person_added_go_with_the_role(cloud: AwsCloud, iam: Any) -> None:
    rows = make(cloud)
    iam.put_role_policy(
        RoleName=ROLE, PolicyName="extra", PolicyDocument=policies.same_inline(policies.MANAGED[0])
    )
    for number in range(3):
        made = iam.create_policy(
            PolicyName=f"p{number}", PolicyDocument=policies.same_inline(policies.MANAGED[0])
        )
        iam.attach_role_policy(RoleName=ROLE, PolicyArn=made["Policy"]["Arn"])
    assert cloud.leftovers(unmake(cloud, rows)) == []


def test_a_role_in_somebodys_own_profile_waits_with_a_reason(cloud: AwsCloud, iam: Any) -> None:
    rows = make(cloud)
    iam.create_instance_profile(InstanceProfileName="theirs")
    iam.add_role_to_instance_profile(InstanceProfileName="theirs", RoleName=ROLE)
    role, profile = (row.to("removing") for row in rows)
    assert cloud.remove(profile)
    with pytest.raises(Retry, match="still in use"):
        cloud.remove(role)
    iam.remove_role_from_instance_profile(InstanceProfileName="theirs", RoleName=ROLE)
    assert cloud.remove(role)


def test_a_profile_in_use_is_reported_and_not_touched(aws: EmulatedAws, cloud: AwsCloud) -> None:
    rows = make(cloud)
    mark = aws.journal.count
    assert {each.cloud_id for each in cloud.leftovers(rows)} == {ROLE, PROFILE}
    assert aws.journal.totals(since=mark) == {"iam:GetRole": 1}


def test_a_role_that_cannot_be_seen_yet(aws: EmulatedAws, cloud: AwsCloud) -> None:
    unseen = {"message": f"The role with name {ROLE} cannot be found.", "status": 404}
    for action in ("AttachRolePolicy", "PutRolePolicy", "AddRoleToInstanceProfile"):
        aws.faults.add("iam", action, kind="NoSuchEntity", **unseen)  # type: ignore[arg-type]
        with pytest.raises(NotYet):
            for row in rows_of(cloud):
                cloud.ensure(row.to("making"), {})
    assert make(cloud)


@pytest.mark.parametrize(
    ("kind", "error"), [("throttle", Throttled), ("denied", Forbidden), ("5xx", Unreachable)]
)
def test_bad_days_of_iam(aws: EmulatedAws, cloud: AwsCloud, kind: str, error: type[Exception]) -> None:
    aws.faults.add("iam", "CreateRole", kind=kind)
    with pytest.raises(error):
        make(cloud)
    assert make(cloud)


@pytest.mark.parametrize(
    "action",
    ["ListAttachedRolePolicies", "DetachRolePolicy", "ListRolePolicies", "DeleteRolePolicy", "DeleteRole"],
)
def test_another_worker_may_be_faster(aws: EmulatedAws, cloud: AwsCloud, iam: Any, action: str) -> None:
    role, profile = (row.to("removing") for row in make(cloud))
    assert cloud.remove(profile)

    aws.faults.add("iam", action, kind="NoSuchEntity", status=404, message="The role cannot be found.")
    with suppress(Retry):
        cloud.remove(role)
    assert cloud.remove(role)
    assert iam.list_roles()["Roles"] == []


def test_names_stay_when_the_prefix_changes(cloud: AwsCloud, iam: Any) -> None:
    rows = make(cloud)
    account = cloud._account
    environment = account.environment.but(resources=tuple(rows))
    settings = account.settings.but(forge_prefix="Other")
    later = AwsCloud(environment, account.clients, settings, account.clock)
    assert [each.name for each in later.resources()] == [ROLE, PROFILE]
    later.start(order(later))
    assert later.leftovers(unmake(later, rows)) == []
    assert iam.list_roles()["Roles"] == []


def test_nothing_is_made_for_a_profile_of_the_users_own(aws: EmulatedAws, bind: Bind) -> None:
    provider = bind(instanceProfileArn="arn:aws:iam::123456789012:instance-profile/mine")
    assert provider.resources() == []
    assert provider.leftovers([]) == []


def test_rows_keep_their_graph(cloud: AwsCloud) -> None:
    assert rows_of(cloud) == [
        ResourceRow(key="role", type="IamRole", name=ROLE),
        ResourceRow(key="profile", type="IamInstanceProfile", name=PROFILE, needs=("role",)),
    ]
