"""An environment's config as typed values, with the defaults of the public platform."""

from typing import Any

from shared.model.environment import Environment
from shared.model.records import Model
from shared.model.settings import Settings
from shared.providers.fields import text, texts

DEFAULT_TYPE = "m6i.large"
DEFAULT_ARM_TYPE = "m6g.large"
"""2 vCPU and 8 GiB, offered in every region of the list. The public platform does not document its
own default."""
DEFAULT_DISK = 50
"""GiB of gp3, as the public platform documents it."""

SPOT = ("never", "first", "only")


class Options(Model, frozen=True, kw_only=True):
    """What an environment asks for. A value of the wrong type reads as absent: `validate.form` has
    refused it before anything was made."""

    region: str
    work_dir: str
    types: tuple[str, ...]
    arm: bool
    image_id: str
    disk: int
    encrypted: bool
    kms_key: str
    profile_arn: str
    vpc_id: str
    subnets: tuple[str, ...]
    groups: tuple[str, ...]
    key_pair: str
    buckets: tuple[str, ...]
    log_group: str
    spot: str
    prefix: str

    @property
    def architecture(self) -> str:
        """EC2's word for the processor that was asked for."""
        return "arm64" if self.arm else "x86_64"

    @property
    def markets(self) -> tuple[bool, ...]:
        """Whether spot, in the order to try."""
        return {"only": (True,), "first": (True, False)}.get(self.spot, (False,))


def read(environment: Environment, settings: Settings) -> Options:
    """The environment's options. Pure; never raises."""
    config = environment.config
    arm = config.get("arm64Enabled") is True
    disk = config.get("ebsBootSize")
    return Options(
        region=text(config, "region"),
        work_dir=text(config, "workDir").rstrip("/"),
        types=types(config, arm),
        arm=arm,
        image_id=text(config, "imageId"),
        disk=disk if isinstance(disk, int) and not isinstance(disk, bool) and disk > 0 else DEFAULT_DISK,
        encrypted=config.get("ebsEncrypted") is True,
        kms_key=text(config, "ebsKmsKeyId"),
        profile_arn=text(config, "instanceProfileArn"),
        vpc_id=text(config, "vpcId"),
        subnets=texts(config, "subnetIds"),
        groups=texts(config, "securityGroups"),
        key_pair=text(config, "ec2KeyPair"),
        buckets=bucket_names(config),
        log_group=log_group(environment),
        spot=text(config, "spot") or "never",
        prefix=text(config, "forgePrefix") or settings.forge_prefix,
    )


def log_group(environment: Environment) -> str:
    """The CloudWatch log group that the environment's machines write to."""
    return text(environment.config, "logGroup") or f"/headnode/{environment.id}"


def types(config: dict[str, Any], arm: bool) -> tuple[str, ...]:
    """Instance types in the order to try: `instanceType`, then the others of `instanceTypes`."""
    given = (text(config, "instanceType"), *texts(config, "instanceTypes"))
    wanted = tuple(dict.fromkeys(filter(None, given)))
    return wanted or (DEFAULT_ARM_TYPE if arm else DEFAULT_TYPE,)


def bucket_names(config: dict[str, Any]) -> tuple[str, ...]:
    """The work bucket and the allowed ones, by name."""
    paths = (text(config, "workDir"), *texts(config, "allowBuckets"))
    return tuple(dict.fromkeys(filter(None, map(bucket_name, paths))))


def bucket_name(path: str) -> str:
    """The bucket of `s3://bucket/any/path`, `bucket/path` or `bucket`."""
    return path.removeprefix("s3://").split("/", 1)[0]
