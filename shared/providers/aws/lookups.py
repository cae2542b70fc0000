"""What an account offers to somebody who fills in a compute environment: types, networks, keys, buckets.

Reads only, side by side, each list bounded. What the credentials may not list is left empty and named in
`warnings`; only credentials that AWS does not accept at all are an error.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared.errors import Forbidden, HeadnodeError, Retry
from shared.providers.aws.clients import Clients
from shared.providers.aws.errors import asking
from shared.providers.aws.regions import REGIONS

MOST = 1000
"""Entries of one list; more are of no use in a drop-down."""
MOST_TYPES = 2000
"""Instance types: a large region had about 900 in 2025."""
AT_ONCE = 4
STRATEGIES = ("BEST_FIT", "BEST_FIT_PROGRESSIVE", "SPOT_CAPACITY_OPTIMIZED", "SPOT_PRICE_CAPACITY_OPTIMIZED")
"""Of Batch (CreateComputeEnvironment, `allocationStrategy`)."""
Rows = list[Any]
Look = Callable[[Clients], Iterable[Any]]


def regions() -> tuple[str, ...]:
    """Where the platforms can be had."""
    return REGIONS


def cloud(clients: Clients, region: str) -> dict[str, Any]:  # noqa: ARG001
    """The choices of an `aws-cloud` environment, under the public API's names."""
    return looked(clients, {"instanceTypes": (TYPES, types_shown), **COMMON})


def batch(clients: Clients, region: str) -> dict[str, Any]:  # noqa: ARG001
    """The choices of an `aws-batch` environment, under the public API's names."""
    found = looked(clients, {"instanceFamilies": (TYPES, families_shown), **COMMON, **BATCH})
    return {**found, "allocStrategy": list(STRATEGIES)}


def looked(clients: Clients, looks: Mapping[str, tuple[str, Look]]) -> dict[str, Any]:
    """Every list. Raises Refused when AWS does not accept the credentials, and Retry when nothing could be
    read at all."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(lambda look: tried(clients, *look), looks.values()))
    missed = [error for _, error in results if error]
    if missed and len(missed) == len(results) and not isinstance(missed[0], Forbidden):
        raise missed[0]
    found: dict[str, Any] = {name: rows for name, (rows, _) in zip(looks, results, strict=True)}
    return {**found, "warnings": [str(error) for error in missed]}


def tried(clients: Clients, action: str, look: Look) -> tuple[Rows, HeadnodeError | None]:
    """A list, or why there is none. Raises what AWS says of the credentials themselves."""
    try:
        with asking(action):
            return list(itertools.islice(look(clients), MOST_TYPES if action == TYPES else MOST)), None
    except (Forbidden, Retry) as error:
        return [], error


def paged(client: Any, operation: str, key: str, **given: Any) -> Iterator[dict[str, Any]]:
    """The entries of a listing, page by page as far as they are asked for."""
    for page in client.get_paginator(operation).paginate(**given):
        yield from page.get(key, ())


def types(clients: Clients) -> Iterator[dict[str, Any]]:
    """Every type of the region."""
    return paged(clients.ec2, "describe_instance_types", "InstanceTypes")


def types_shown(clients: Clients) -> Iterable[Any]:
    """Types with their architecture and what they have."""
    return sorted((type_shown(each) for each in types(clients)), key=lambda each: str(each["id"]))


def type_shown(each: Mapping[str, Any]) -> dict[str, Any]:
    """One type as the public API shows it."""
    processor = each.get("ProcessorInfo", {})
    arm = "arm64" in processor.get("SupportedArchitectures", ())
    has = {
        "AMD": processor.get("Manufacturer") == "AMD",
        "ARM": arm,
        "GPU": "GpuInfo" in each,
        "FPGA": "FpgaInfo" in each,
        "NVME": each.get("InstanceStorageInfo", {}).get("NvmeSupport") in ("required", "supported"),
    }
    features = [name for name, true in has.items() if true]
    return {"id": each["InstanceType"], "arch": "arm64" if arm else "x86_64", "features": features}


def families_shown(clients: Clients) -> Iterable[Any]:
    """Families (`m5`) and types, as a Batch environment may name either."""
    names = sorted(str(each["InstanceType"]) for each in types(clients))
    return ["optimal", *dict.fromkeys(name.partition(".")[0] for name in names), *names]


def images(clients: Clients) -> Iterable[Any]:
    """The account's own images."""
    for each in paged(clients.ec2, "describe_images", "Images", Owners=["self"]):
        yield {
            "id": each["ImageId"],
            "name": each.get("Name", ""),
            "description": each.get("Description", ""),
            "arch": each.get("Architecture", ""),
        }


def key_pairs(clients: Clients) -> Iterable[Any]:
    """Names of key pairs."""
    return sorted(str(each.get("KeyName", "")) for each in clients.ec2.describe_key_pairs()["KeyPairs"])


def vpcs(clients: Clients) -> Iterable[Any]:
    """Networks."""
    for each in paged(clients.ec2, "describe_vpcs", "Vpcs"):
        yield {"id": each["VpcId"], "isDefault": bool(each.get("IsDefault"))}


def subnets(clients: Clients) -> Iterable[Any]:
    """Their subnets."""
    for each in paged(clients.ec2, "describe_subnets", "Subnets"):
        yield {"id": each["SubnetId"], "vpcId": each["VpcId"], "zone": each.get("AvailabilityZone", "")}


def groups(clients: Clients) -> Iterable[Any]:
    """Their security groups."""
    for each in paged(clients.ec2, "describe_security_groups", "SecurityGroups"):
        yield {"id": each["GroupId"], "name": each.get("GroupName", ""), "vpcId": each.get("VpcId", "")}


def buckets(clients: Clients) -> Iterable[Any]:
    """The account's buckets, of any region."""
    return ({"path": f"s3://{each['Name']}"} for each in clients.s3.list_buckets()["Buckets"])


def queues(clients: Clients) -> Iterable[Any]:
    """Batch's job queues."""
    for each in paged(clients.batch, "describe_job_queues", "jobQueues"):
        yield {"name": each["jobQueueName"], "state": each.get("state", "")}


def efs(clients: Clients) -> Iterable[Any]:
    """Elastic file systems."""
    found = paged(clients.service("efs"), "describe_file_systems", "FileSystems")
    return ({"id": each["FileSystemId"]} for each in found)


def fsx(clients: Clients) -> Iterable[Any]:
    """Lustre file systems."""
    for each in paged(clients.service("fsx"), "describe_file_systems", "FileSystems"):
        if each.get("FileSystemType") == "LUSTRE":
            mount = each.get("LustreConfiguration", {}).get("MountName", "")
            yield {"id": each["FileSystemId"], "dns": each.get("DNSName", ""), "mount": mount}


TYPES = "ec2:DescribeInstanceTypes"
COMMON: Mapping[str, tuple[str, Look]] = {
    "images": ("ec2:DescribeImages", images),
    "keyPairs": ("ec2:DescribeKeyPairs", key_pairs),
    "vpcs": ("ec2:DescribeVpcs", vpcs),
    "subnets": ("ec2:DescribeSubnets", subnets),
    "securityGroups": ("ec2:DescribeSecurityGroups", groups),
    "buckets": ("s3:ListAllMyBuckets", buckets),
}
"""Field of the answer -> the permission that it needs, and the look."""
BATCH: Mapping[str, tuple[str, Look]] = {
    "jobQueues": ("batch:DescribeJobQueues", queues),
    "efsFileSystems": ("elasticfilesystem:DescribeFileSystems", efs),
    "fileSystems": ("fsx:DescribeFileSystems", fsx),
}


def prove(clients: Clients) -> str:
    """Asks AWS whose credentials these are, which every identity may: "". Raises Refused or Forbidden when
    AWS does not accept them (or refuses the role), Retry when it did not answer."""
    with asking("sts:GetCallerIdentity"):
        clients.service("sts").get_caller_identity()
    return ""
