"""The roles of an environment on AWS Batch: who may take each, and what it may do."""

from contextlib import suppress

from shared.errors import NotYet
from shared.model import tags
from shared.model.environment import Made, ResourceRow
from shared.providers.aws import forge, policies
from shared.providers.aws.batch.account import BatchAccount
from shared.providers.aws.errors import asking
from shared.providers.aws.regions import domain, partition

TRUSTED = {
    "role": "ec2",
    "service": "batch",
    "fleet": "spotfleet",
    "head-role": "ecs-tasks",
    "execution": "ecs-tasks",
}
"""Key of a role -> the service that may take it."""
MANAGED = {
    "role": ("service-role/AmazonEC2ContainerServiceforEC2Role", "CloudWatchAgentServerPolicy"),
    "service": ("service-role/AWSBatchServiceRole",),
    "fleet": ("service-role/AmazonEC2SpotFleetTaggingRole",),
    "execution": ("service-role/AmazonECSTaskExecutionRolePolicy",),
}
"""AWS's own policies for these purposes."""
HEAD_ACTIONS = (  # noqa: SIM905 (one word after another is easier to read)
    "batch:CancelJob batch:DescribeComputeEnvironments batch:DescribeJobDefinitions batch:DescribeJobQueues "
    "batch:DescribeJobs batch:ListJobs batch:RegisterJobDefinition batch:SubmitJob batch:TagResource "
    "batch:TerminateJob ec2:DescribeInstanceAttribute ec2:DescribeInstanceStatus ec2:DescribeInstanceTypes "
    "ec2:DescribeInstances ecs:DescribeContainerInstances ecs:DescribeTasks logs:CreateLogGroup "
    "logs:CreateLogStream logs:DescribeLogGroups logs:DescribeLogStreams logs:GetLogEvents logs:PutLogEvents"
).split()
"""What Nextflow asks of Batch and around it; without GetLogEvents a failed task shows a refusal instead of
its own words."""


def ensure(account: BatchAccount, row: ResourceRow) -> Made:
    """The role with its policies, whatever of it is there already. Its facts hold its ARN."""
    iam = account.clients.iam
    with asking("iam:CreateRole"), suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(
            RoleName=row.name,
            AssumeRolePolicyDocument=trust(TRUSTED[row.key], account.options.region),
            Description="A headnode compute environment on AWS Batch",
            Tags=forge.pairs(account),
        )
    for managed in MANAGED.get(row.key, ()):
        forge.attach(account, row.name, managed)
    for name, document in inline(account, row.key).items():
        forge.put_inline(account, row.name, name, document)
    return Made(cloud_id=row.name, facts={"arn": arn(account, row.name)})


def arn(account: BatchAccount, name: str) -> str:
    """A role's ARN, by a call. Raises NotYet while IAM does not show it, Refused when it is not ours."""
    if not forge.role_is_ours(account, name):
        raise NotYet(f"role {name} cannot be seen yet")
    with asking("iam:GetRole"):
        return account.clients.iam.get_role(RoleName=name)["Role"]["Arn"]


def trust(service: str, region: str) -> str:
    """Only this service may take the role."""
    named = f"{service}.{domain(region) if service == 'ec2' else 'amazonaws.com'}"
    said = {"Effect": "Allow", "Principal": {"Service": named}, "Action": "sts:AssumeRole"}
    return policies.document([said])


def inline(account: BatchAccount, key: str) -> dict[str, str]:
    """Our own policies on a role, by name."""
    if key == "role":
        work = account.batch.work
        grows = {"disk": growing()} if work and work.expanding else {}
        return {forge.INLINE: policies.own(account), **grows}
    if key == "head-role":
        return {forge.INLINE: policies.own(account), "nextflow": head(account)}
    return {forge.INLINE: secrets(account)} if key == "execution" else {}


def head(account: BatchAccount) -> str:
    """What Nextflow needs to run tasks on the work queue."""
    said = [policies.allow(list(HEAD_ACTIONS), ["*"])]
    passed = list(filter(None, (account.batch.compute_role, account.batch.execution_role)))
    if not account.batch.execution_role:
        name = account.name("execution")
        passed.append(f"arn:{partition(account.options.region)}:iam::*:role/{name}")
    said.append(policies.allow(["iam:GetRole", "iam:PassRole"], passed))
    return policies.document(said)


def growing() -> str:
    """What a node needs to give itself another volume. Volumes are told by our tag, which it sets itself."""
    tagged = {"Null": {f"aws:ResourceTag/{tags.ENVIRONMENT}": "false"}}
    making = {"StringEquals": {"ec2:CreateAction": "CreateVolume"}}
    return policies.document(
        [
            policies.allow(["ec2:CreateVolume", "ec2:DescribeVolumes"], ["*"]),
            {**policies.allow(["ec2:CreateTags"], ["arn:*:ec2:*:*:volume/*"]), "Condition": making},
            {
                **policies.allow(
                    ["ec2:AttachVolume", "ec2:DeleteVolume", "ec2:ModifyInstanceAttribute"], ["*"]
                ),
                "Condition": tagged,
            },
        ]
    )


def secrets(account: BatchAccount) -> str:
    """A run's secrets, which the agent of a node hands to its containers."""
    region = account.options.region
    of_runs = f"arn:{partition(region)}:secretsmanager:{region}:*:secret:tower-*"
    return policies.document([policies.allow(["secretsmanager:GetSecretValue"], [of_runs])])


def remove(account: BatchAccount, row: ResourceRow) -> bool:
    """One step towards its absence; True once IAM answered that there is none."""
    if not forge.role_is_ours(account, row.name):
        return True
    forge.strip_role(account, row.name)
    forge.delete_role(account, row.name)
    return not forge.role_is_ours(account, row.name)
