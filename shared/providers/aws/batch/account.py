"""What every call of one environment on AWS Batch is made with, and the names that follow from it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from shared.errors import Forbidden, QuotaReached, Refused, Retry
from shared.model.records import encode
from shared.providers.aws import choices
from shared.providers.aws.account import Account
from shared.providers.aws.batch.options import BatchOptions, read
from shared.providers.aws.errors import asking, code_of, text_of
from shared.providers.aws.options import bucket_names
from shared.providers.fields import text

SUFFIXES = {
    "role": "InstanceRole",
    "profile": "InstanceProfile",
    "service": "ServiceRole",
    "fleet": "FleetRole",
    "head-role": "HeadRole",
    "execution": "ExecutionRole",
    "template": "template",
    "work-environment": "work",
    "head-environment": "head",
    "work-queue": "work",
    "head-queue": "head",
    "definition": "head",
    "storage-group": "storage",
    "efs": "efs",
    "efs-targets": "efs",
    "fsx": "fsx",
}
"""Key of a resource -> the end of its name. An environment of Batch and its queue share a name."""
UNSHARED = ("head-role", "execution", "definition")
"""What each environment has for itself also where the queues are shared: it depends on its own options."""
BUSY = (
    "being modified",
    "cannot be deleted while",
    "is not in a valid state",
    "found existing JobQueue",
    "Object already exists",
)
"""How Batch says that an earlier change is still on its way, or was made by a request whose answer was lost:
whose it is shows the next look."""
UNSEEN = ("cannot be assumed", "not exist for role", "Invalid IAM", "unable to assume")
"""How Batch says that IAM's newest change has not reached it yet."""


@dataclass(frozen=True)
class BatchAccount(Account):
    """One environment's place in somebody's AWS account, with its options for Batch."""

    batch: BatchOptions = field(init=False)

    def __post_init__(self) -> None:
        """Reads the config once."""
        super().__post_init__()
        config = self.environment.config
        object.__setattr__(self, "batch", read(config))
        forge = config.get("forge")
        allowed = bucket_names({"allowBuckets": forge.get("allowBuckets")}) if isinstance(forge, dict) else ()
        buckets = tuple(dict.fromkeys((*self.options.buckets, *allowed)))
        object.__setattr__(self, "options", self.options.but(buckets=buckets))

    def name(self, key: str) -> str:
        """What a resource is called: what the record says, else a name with the environment's id in it, or
        with that of what it shares."""
        return self.part(self.share_of(key))._named(key, SUFFIXES[key])

    def share_of(self, key: str) -> str:
        """The id of what a resource is part of together with other environments, or empty."""
        return self.share_id if key not in UNSHARED else ""

    @cached_property
    def share_id(self) -> str:
        """The id that environments with the same specification, credentials and workspace have in common
        when they ask for it; else empty. As long as an environment's own id, since names are made of it."""
        work = self.batch.work
        if work is None or not work.shares:
            return ""
        environment, options = self.environment, self.options
        said = [
            *(self.settings.installation, environment.workspace_id, environment.credentials_id),
            *(options.region, options.prefix, options.buckets, self.labels),
            *(
                text(environment.config, "logGroup"),
                self.batch.fusion,
                self.batch.nvme,
                work.but(keeps=False),
            ),
        ]
        return "shared" + hashlib.sha256(encode(said)).hexdigest()[:16]

    def part(self, share_id: str) -> "BatchAccount":
        """This account as its shared resources are named and tagged; itself where there is no share."""
        if not share_id:
            return self
        environment = self.environment.but(id=share_id)
        return BatchAccount(environment, self.clients, self.settings, self.clock)

    @property
    def carried(self) -> dict[str, str]:
        """The user's labels and our tags, which a label never replaces."""
        return {**self.labels, **self.tags}

    @property
    def head_queue(self) -> str:
        """The queue of head jobs: the user's own, or ours."""
        return self.batch.head_queue if self.batch.work is None else self.name("head-queue")

    @property
    def work_queue(self) -> str:
        """The queue of tasks: the user's own, or ours."""
        return self.batch.compute_queue if self.batch.work is None else self.name("work-queue")

    def owns(self, shown: dict[str, Any]) -> bool:
        """Whether something that AWS shows carries this environment's tags."""
        return self.tags.items() <= (shown.get("tags") or {}).items()


@contextmanager
def batching(action: str) -> Iterator[None]:
    """As `asking`, for Batch: it has one code for all that is wrong with a request, so its text decides."""
    with asking(action):
        try:
            yield
        except Exception as error:
            if code_of(error) != "ClientException":
                raise
            raise meaning(action, text_of(error)) from error


def meaning(action: str, text: str) -> Exception:
    """Our error for a request that Batch did not take."""
    said = f"{action}: {text}"
    if any(each in text for each in BUSY):
        return Retry(said)
    if any(each in text for each in UNSEEN):
        return Retry(said, after=10.0)
    if "limit" in text.lower():
        return QuotaReached(said, "ClientException")
    return Forbidden(said, action) if "not authorized" in text else Refused(said)


def subnets(account: BatchAccount) -> list[str]:
    """The subnets of nodes: the config's, those that were looked up when it was checked, or by a call."""
    work = account.batch.work
    if work is None or work.subnets:
        return list(work.subnets) if work else []
    kept = account.environment.details.get("subnetIds")
    if kept:
        return [str(each) for each in kept]
    return [subnet for subnet, _ in choices.subnets_of(account, work.vpc_id)]


def groups(account: BatchAccount) -> list[str]:
    """The security groups of nodes, likewise: the default one of the subnets' VPC."""
    work = account.batch.work
    if work is None or work.groups:
        return list(work.groups) if work else []
    kept = account.environment.details.get("securityGroups")
    return [str(each) for each in kept] if kept else [default_group(account)]


def default_group(account: BatchAccount) -> str:
    """The default security group of the VPC. Raises Refused when there is none."""
    found = choices.described_subnets(account, "subnet-id", subnets(account)[:1])
    vpc = found[0]["vpc"] if found else ""
    with asking("ec2:DescribeSecurityGroups"):
        answer = account.clients.ec2.describe_security_groups(
            Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
        )
    if not answer["SecurityGroups"]:
        raise Refused(f"forge.securityGroups: {vpc or 'the VPC'} has no default one")
    return answer["SecurityGroups"][0]["GroupId"]


def detail(account: BatchAccount, key: str) -> str:
    """One text that was looked up when the environment was made; empty when it was not."""
    return str(account.environment.details.get(key) or "")


def tag_pairs(account: BatchAccount) -> list[dict[str, str]]:
    """Tags as EC2 takes them."""
    return [{"Key": key, "Value": value} for key, value in account.carried.items()]
