"""The options of an environment's config, as one table: command line, file and API say the same."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer


@dataclass(frozen=True)
class Field:
    """One option. `key` is its name in the API's config; `kind` is bool, int, str, list (may be given
    several times), file (the option names a file, the config holds its text), pairs (NAME=VALUE, a list of
    variables) or labels (NAME=VALUE, an object). `azure` is the key on Azure where it has another name."""

    option: str
    key: str
    help: str
    kind: str = "str"
    metavar: str | None = None
    azure: str = ""


FIELDS = (
    Field("region", "region", "Region that the machines run in."),
    Field(
        "work-dir",
        "workDir",
        "Work directory: s3://BUCKET/PATH (aws-cloud), az://CONTAINER/PATH (azure-cloud), a folder (local).",
        metavar="URI",
    ),
    Field(
        "instance-type", "instanceTypes", "Instance type; give several to fail over in order.", "list", "TYPE"
    ),
    Field("subnet", "subnetIds", "Subnet; may be repeated, in order.", "list", "SUBNET", azure="subnets"),
    Field("boot-disk", "ebsBootSize", "Size of the boot disk in GB.", "int", "GB", azure="diskSizeGb"),
    Field("graviton", "arm64Enabled", "AWS: Graviton (ARM64) instances.", "bool"),
    Field("image", "imageId", "AWS: AMI. Default: the newest Amazon Linux 2023.", metavar="AMI"),
    Field("key-pair", "ec2KeyPair", "AWS: EC2 key pair for SSH. Default: none.", metavar="NAME"),
    Field("vpc", "vpcId", "AWS: VPC. Default: the default VPC.", metavar="VPC"),
    Field("security-group", "securityGroups", "AWS: security group; may be repeated.", "list", "SG"),
    Field(
        "instance-profile",
        "instanceProfileArn",
        "AWS: your own instance profile; nothing is made then.",
        metavar="ARN",
    ),
    Field("encrypt", "ebsEncrypted", "AWS: encrypt the boot disk.", "bool"),
    Field("kms-key", "ebsKmsKeyId", "AWS: KMS key for the boot disk.", metavar="KEY"),
    Field("allow-bucket", "allowBuckets", "AWS: another bucket for runs; may be repeated.", "list", "BUCKET"),
    Field("log-group", "logGroup", "AWS: log group. Default: /headnode/ENVIRONMENT.", metavar="NAME"),
    Field("subscription", "subscriptionId", "Azure: default is that of the credentials.", metavar="GUID"),
    Field("resource-group", "resourceGroup", "Azure: your own resource group. Default: one is made."),
    Field("network", "networkId", "Azure: your own virtual network. Default: one is made.", metavar="ID"),
    Field("zone", "zones", "Azure: availability zone; may be repeated, in order.", "list", "ZONE"),
    Field(
        "storage-account",
        "storageAccount",
        "Azure: storage account of the work directory. Default: the credentials'.",
        metavar="NAME",
    ),
    Field(
        "storage-resource-group",
        "storageResourceGroup",
        "Azure: that account's resource group, so that machines may use this container alone.",
        metavar="NAME",
    ),
    Field("managed-identity", "managedIdentityId", "Azure: the machines' own identity.", metavar="ID"),
    Field("public-ip", "publicIp", "Azure: give machines a public address.", "bool"),
    Field("self-delete", "selfDelete", "Azure: let a machine delete itself, as a last guard.", "bool"),
    Field(
        "spot", "spot", "never, first (on-demand when there is none) or only. Default: never.", metavar="WHEN"
    ),
    Field("max-resumes", "maxResumes", "How often a run continues after a spot interruption.", "int", "N"),
    Field("env", "environment", "Environment variable for the run; may be repeated.", "pairs", "NAME=VALUE"),
    Field("label", "labels", "Tag on everything that is made; may be repeated.", "labels", "NAME=VALUE"),
    Field("pre-run", "preRunScript", "Script run before the pipeline.", "file", "FILE"),
    Field("post-run", "postRunScript", "Script run after the pipeline.", "file", "FILE"),
    Field("nextflow-config", "nextflowConfig", "Nextflow config for every run.", "file", "FILE"),
    Field(
        "forge-prefix",
        "forgePrefix",
        "AWS: prefix of the names of what is made. Default: TowerForge.",
        metavar="TEXT",
    ),
    Field("engine-container", "engineContainer", "Container image that Nextflow runs in.", metavar="IMAGE"),
)

TYPES: dict[str, Any] = {
    "bool": bool | None,
    "int": int | None,
    "str": str | None,
    "list": list[str] | None,
    "pairs": list[str] | None,
    "labels": list[str] | None,
    "file": Path | None,
}


def with_config(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command one option for each field; it gets those that were used as `config`."""

    def called(**values: Any) -> Any:
        given = {field: values.pop(name(field)) for field in FIELDS}
        return command(config=config_of(given), **values)

    added = [
        inspect.Parameter(
            name(field), inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation(field)
        )
        for field in FIELDS
    ]
    own = [p for p in inspect.signature(command).parameters.values() if p.name != "config"]
    called.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
    called.__annotations__ = {p.name: p.annotation for p in (*own, *added)}
    called.__doc__ = command.__doc__
    return called


def name(field: Field) -> str:
    """The parameter's name in Python."""
    return field.option.replace("-", "_")


def annotation(field: Field) -> Any:
    """What Typer reads for this option."""
    flag = f"--{field.option}/--no-{field.option}" if field.kind == "bool" else f"--{field.option}"
    option = typer.Option(flag, help=field.help, metavar=field.metavar, show_default=False)
    return Annotated[TYPES[field.kind], option]


def config_of(given: dict[Field, Any]) -> dict[str, Any]:
    """The API's config from the options that were used."""
    config = {
        field.key: valued(field, value) for field, value in given.items() if value not in (None, [], ())
    }
    if config.get("instanceTypes"):
        config["instanceType"] = config["instanceTypes"][0]
    return config


def valued(field: Field, value: Any) -> Any:
    """An option's value as the config holds it."""
    if field.kind == "file":
        return Path(value).read_text()
    if field.kind == "pairs":
        return [variable(*named(pair, field)) for pair in value]
    if field.kind == "labels":
        return dict(named(pair, field) for pair in value)
    return list(value) if field.kind == "list" else value


def variable(key: str, value: str) -> dict[str, Any]:
    """A variable as the API's environment entry."""
    return {"name": key, "value": value, "head": True, "compute": True}


def named(pair: str, field: Field) -> tuple[str, str]:
    """The two sides of NAME=VALUE."""
    key, equals, value = pair.partition("=")
    if not equals or not key:
        raise typer.BadParameter(f"not NAME=VALUE: {pair!r}", param_hint=f"--{field.option}")
    return key, value
