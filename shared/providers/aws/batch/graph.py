"""What an environment is made of, and what needs what. Pure.

An environment of Batch whose service role is gone first can never be deleted (it turns INVALID and stays):
roles are needed by the environments, so they go after them; environments by queues likewise.
"""

from shared.model.environment import Resource
from shared.providers.aws.batch.account import BatchAccount

TYPES = {
    "role": "IamRole",
    "profile": "IamInstanceProfile",
    "service": "IamRole",
    "fleet": "IamRole",
    "head-role": "IamRole",
    "execution": "IamRole",
    "storage-group": "SecurityGroup",
    "efs": "EfsFileSystem",
    "efs-targets": "EfsMountTargets",
    "fsx": "FsxFileSystem",
    "template": "LaunchTemplate",
    "work-environment": "BatchComputeEnvironment",
    "head-environment": "BatchComputeEnvironment",
    "work-queue": "BatchJobQueue",
    "head-queue": "BatchJobQueue",
    "definition": "BatchJobDefinition",
}
ROLES = ("role", "service", "fleet", "head-role", "execution")
ENVIRONMENTS = ("work-environment", "head-environment")
QUEUES = ("work-queue", "head-queue")
DATA = ("efs", "efs-targets", "fsx")
"""What holds people's data, and what that is reached by."""
NEEDS = {
    "profile": ("role",),
    "efs-targets": ("efs", "storage-group"),
    "fsx": ("storage-group",),
    # A node mounts them when it boots, so they are there before the first one may.
    "template": ("efs-targets", "fsx"),
    "work-environment": ("service", "fleet", "profile", "template", "storage-group"),
    "head-environment": ("service", "profile", "template", "storage-group"),
    "work-queue": ("work-environment",),
    "head-queue": ("head-environment",),
    "definition": ("head-role", "execution"),
}


def resources(account: BatchAccount) -> list[Resource]:
    """The graph. With the user's own queues it is the head job's definition only."""
    there = wanted(account)
    return [
        Resource(
            key=key,
            type=TYPES[key],
            name=account.name(key),
            needs=tuple(need for need in NEEDS.get(key, ()) if need in there),
            keep=key in DATA and account.batch.work is not None and account.batch.work.keeps,
            shared=account.share_of(key),
        )
        for key in there
    ]


def wanted(account: BatchAccount) -> list[str]:
    """The keys of what is made."""
    options = account.batch
    if options.work is None:
        return ["definition"]
    efs = options.work.efs is not None and options.work.efs.made
    fsx = options.work.fsx is not None and options.work.fsx.made
    absent = {
        "efs": not efs,
        "efs-targets": not efs,
        "fsx": not fsx,
        "storage-group": not (efs or fsx),
        "fleet": not (options.work.spot and options.work.strategy == "BEST_FIT"),
        "head-role": bool(options.head_role),
        "execution": bool(options.execution_role),
    }
    return [key for key in TYPES if not absent.get(key)]
