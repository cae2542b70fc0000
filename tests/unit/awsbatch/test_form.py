"""A config of AWS Batch by its own words: what is taken, and which field is at fault."""

from typing import Any

import pytest

from shared.providers.aws.batch.form import ABSENT, form
from shared.providers.aws.batch.options import read

CONFIG: dict[str, Any] = {"region": "eu-west-1", "workDir": "s3://bucket/work"}
QUEUES = {"headQueue": "head", "computeQueue": "arn:aws:batch:eu-west-1:123456789012:job-queue/work"}
FUSION = {"waveEnabled": True, "fusion2Enabled": True}


def forged(forge: dict[str, Any], **config: Any) -> dict[str, Any]:
    return {**CONFIG, "forge": {"type": "SPOT", **forge}, **config}


def fields(config: dict[str, Any]) -> list[str]:
    return [fault.field for fault in form(config)]


@pytest.mark.parametrize(
    "config",
    [
        {**CONFIG, **QUEUES},
        forged({}),
        forged({"type": "EC2", "allocStrategy": "BEST_FIT", "minCpus": 0, "maxCpus": 10}),
        forged({"instanceTypes": ["m6i", "c6i.large"], "bidPercentage": 60, "imageId": "ami-12345678"}),
        forged({"gpuEnabled": True, "instanceTypes": ["g5.xlarge"]}),
        forged({"arm64Enabled": True, "fargateHeadEnabled": True, "instanceTypes": ["m6g"]}, **FUSION),
        forged({"fargateHeadEnabled": True}, headJobCpus=2, headJobMemoryMb=8192, **FUSION),
        forged({"efsCreate": False, "ebsAutoScale": False, "dragenEnabled": False}),
        forged({"efsCreate": True, "efsMount": "/data"}, workDir="/data/work"),
        forged({"efsId": "fs-12345678", "fsxName": "fs-0123456789abcdef0.fsx.eu-west-1.amazonaws.com"}),
        forged({"fsxSize": 4800, "fsxName": "my scratch", "fsxMount": "/l"}, workDir="/l/work/"),
        forged({"ebsAutoScale": True, "ebsBlockSize": 100, "ebsType": "gp2", "shareQueues": True}),
        forged({"ecsConfig": "ECS_LOGLEVEL=debug\nECS_ENGINE_TASK_CLEANUP_WAIT_DURATION=1h"}),
        {**CONFIG, **QUEUES, "workDir": "/b/work", "volumes": ["/a:/b"]},
        {**CONFIG, **QUEUES, "cliPath": "/home/ec2-user/miniconda/bin/aws", "volumes": ["/a:/b:ro", "/c"]},
    ],
)
def test_what_is_taken(config: dict[str, Any]) -> None:
    assert form(config) == []


@pytest.mark.parametrize(
    ("config", "wrong"),
    [
        (CONFIG, ["headQueue", "computeQueue"]),
        ({**CONFIG, "forge": "yes"}, ["forge"]),
        ({**CONFIG, **QUEUES, "headQueue": "a b"}, ["headQueue"]),
        ({**CONFIG, **QUEUES, "cliPath": "bin/aws"}, ["cliPath"]),
        ({**CONFIG, **QUEUES, "headJobRole": "admin"}, ["headJobRole"]),
        ({**CONFIG, **QUEUES, "headJobMemoryMb": "4 GB"}, ["headJobMemoryMb"]),
        ({**CONFIG, **QUEUES, "fusion2Enabled": True}, ["fusion2Enabled"]),
        ({**CONFIG, **QUEUES, "volumes": "/a"}, ["volumes"]),
        (forged({"type": "CHEAP"}), ["forge.type"]),
        (forged({"type": None}), ["forge.type"]),
        (forged({}, **QUEUES), ["forge.type", "forge.type"]),
        (forged({"type": "EC2", "bidPercentage": 50}), ["forge.bidPercentage"]),
        (forged({"type": "EC2", "allocStrategy": "SPOT_CAPACITY_OPTIMIZED"}), ["forge.allocStrategy"]),
        (forged({"minCpus": 9, "maxCpus": 8}), ["forge.minCpus"]),
        (forged({"maxCpus": True}), ["forge.maxCpus"]),
        (forged({"gpuEnabled": True}), ["forge.instanceTypes"]),
        (forged({"instanceTypes": ["m6g.large"]}), ["forge.instanceTypes"]),
        (forged({"arm64Enabled": True}), ["forge.arm64Enabled"]),
        (forged({"instanceTypes": ["optimal"]}, nvnmeStorageEnabled=True, **FUSION), ["forge.instanceTypes"]),
        (forged({"fargateHeadEnabled": True}), ["forge.fargateHeadEnabled"]),
        (forged({"fargateHeadEnabled": True}, headJobCpus=3, **FUSION), ["forge.fargateHeadEnabled"]),
        (forged({"fargateHeadEnabled": True}, headJobMemoryMb=512, **FUSION), ["forge.fargateHeadEnabled"]),
        (forged({"securityGroups": ["default"]}), ["forge.securityGroups"]),
        (forged({"ebsBootSize": 10}), ["forge.ebsBootSize"]),
        (forged({"ebsType": "io9"}), ["forge.ebsType"]),
        (forged({"ebsBlockSize": 100}), ["forge.ebsBlockSize"]),
        (forged({"ebsAutoScale": True}, **FUSION), ["forge.ebsAutoScale"]),
        (forged({"ecsConfig": "A=1\nEND_OF_CONFIG\nreboot"}), ["forge.ecsConfig"]),
        (forged({"ecsConfig": "Ä=1"}), ["forge.ecsConfig"]),
        (forged({"efsId": "mine"}), ["forge.efsId"]),
        (forged({"efsId": "fs-12345678", "efsCreate": True}), ["forge.efsId"]),
        (forged({"efsMount": "/data"}), ["forge.efsMount"]),
        (forged({"efsCreate": True, "efsMount": "data"}), ["forge.efsMount"]),
        (forged({"efsCreate": True, "efsMount": "/etc"}), ["forge.efsMount"]),
        (forged({"efsCreate": True, "shareQueues": True}), ["forge.efsCreate"]),
        (forged({"fsxSize": 1300}), ["forge.fsxSize"]),
        (forged({"fsxSize": 100}), ["forge.fsxSize", "forge.fsxSize"]),
        (forged({"fsxName": "scratch"}), ["forge.fsxName"]),
        (forged({"fsxName": "fs-12345678", "fsxSize": 1200}), ["forge.fsxName"]),
        (forged({"fsxMount": "/l"}), ["forge.fsxMount"]),
        (
            forged({"fsxSize": 1200, "efsCreate": True, "fsxMount": "/x", "efsMount": "/x/"}),
            ["forge.fsxMount"],
        ),
        (forged({"fargateHeadEnabled": True, "efsCreate": True}, **FUSION), ["forge.efsCreate"]),
        (forged({"efsCreate": True}, workDir="/elsewhere/work"), ["workDir"]),
        (forged({"efsCreate": True}, workDir="/mnt/efs"), ["workDir"]),
        (forged({"efsCreate": True}, workDir="/mnt/efs/work", **FUSION), ["workDir"]),
        ({**CONFIG, **QUEUES, "workDir": "/b/work"}, ["workDir"]),
    ],
)
def test_which_field_is_at_fault(config: dict[str, Any], wrong: list[str]) -> None:
    assert fields(config) == wrong


@pytest.mark.parametrize("field", ABSENT)
def test_what_headnode_does_not_have_is_refused_and_not_passed_over(field: str) -> None:
    (fault,) = form(forged({field: True}))
    assert (fault.field, "headnode does not have" in fault.message) == (f"forge.{field}", True)


@pytest.mark.parametrize("nonsense", [None, 1, "x", [], {}, [1], {"a": 1}, True, -1, 1e9])
def test_no_value_of_any_type_breaks_the_form_or_the_options(nonsense: Any) -> None:
    names = {*form.__globals__["PATTERNS"], *form.__globals__["NUMBERS"], "volumes", "forge", "labels"}
    inner = {*form.__globals__["FORGE_PATTERNS"], *form.__globals__["FORGE_NUMBERS"], "instanceTypes"}
    configs = [{**CONFIG, **QUEUES, name: nonsense} for name in names]
    configs += [forged({name: nonsense, "fargateHeadEnabled": True}) for name in inner]
    for config in configs:
        form(config)
        read(config)


def test_the_defaults_of_the_public_platform() -> None:
    spot = read(forged({})).work
    owned = read(forged({"type": "EC2"})).work
    fusion = read(forged({}, **FUSION)).work
    assert spot is not None and owned is not None and fusion is not None
    assert (spot.strategy, owned.strategy) == ("SPOT_PRICE_CAPACITY_OPTIMIZED", "BEST_FIT_PROGRESSIVE")
    assert (spot.boot_disk, fusion.boot_disk) == (50, 100)
    assert read(CONFIG).head_memory == 4096
    assert read(CONFIG).work is None
