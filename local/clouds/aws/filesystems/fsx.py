"""Amazon FSx for Lustre in place of moto's, which knows no states and no tokens."""

from collections.abc import Callable
from typing import Any

from local.clouds.aws import backends
from local.clouds.aws.call import Call
from local.clouds.aws.filesystems.shares import (
    Refused,
    Service,
    Share,
    Shares,
    known_groups,
    new_id,
    pairs,
    read,
    subnet_of,
)

PAGE = 50


class Fsx(Service):
    """File systems for Lustre."""

    def __init__(self) -> None:
        self.systems = Shares()
        actions: dict[str, Callable[[Call], Any]] = {
            "CreateFileSystem": self._create,
            "DescribeFileSystems": self._describe,
            "DeleteFileSystem": self._delete,
        }
        super().__init__("fsx", actions)

    def clear(self) -> None:
        """An empty account."""
        self.systems.clear()

    def _create(self, call: Call) -> dict[str, Any]:
        params, token = dict(call.params), str(call.params.get("ClientRequestToken") or "")
        if len(token) > 63:
            raise Refused("BadRequest", "ClientRequestToken has at most 63 characters")
        asked = {key: value for key, value in params.items() if key != "ClientRequestToken"}
        for each in self.systems.of(call.region, lambda each: bool(token) and each.token == token):
            if each.body != asked:
                raise Refused("IncompatibleParameterError", "the token was used with other parameters")
            return {"FileSystem": shown(each)}
        checked(call.region, asked)
        groups = list(asked.get("SecurityGroupIds") or ())
        made = Share(new_id("fs"), call.region, token, asked, self.systems.looks, groups=groups)
        made.tags = read(asked.get("Tags"))
        return {"FileSystem": shown(self.systems.add(made))}

    def _describe(self, call: Call) -> dict[str, Any]:
        ids = call.params.get("FileSystemIds")
        found = self.systems.looked(call.region, lambda each: not ids or each.id in ids)
        if ids and len(found) < len(set(ids)):
            raise Refused("FileSystemNotFound", f"File systems {ids} do not all exist")
        first, size = int(call.params.get("NextToken") or 0), int(call.params.get("MaxResults") or PAGE)
        more = {"NextToken": str(first + size)} if first + size < len(found) else {}
        return {"FileSystems": [shown(each) for each in found[first : first + size]], **more}

    def _delete(self, call: Call) -> dict[str, Any]:
        id = call.params["FileSystemId"]
        found = self.systems.of(call.region, lambda each: each.id == id)
        if not found:
            raise Refused("FileSystemNotFound", f"File system '{id}' does not exist.")
        if found[0].state == "creating":
            raise Refused("BadRequest", f"File system '{id}' is being created and cannot be deleted now")
        self.systems.end(found[0])
        return {"FileSystemId": id, "Lifecycle": "DELETING"}


def checked(region: str, asked: dict[str, Any]) -> None:
    """Raises Refused for what the service's reference does not allow of a Lustre file system."""
    size, lustre = asked.get("StorageCapacity"), asked.get("LustreConfiguration") or {}
    if asked.get("FileSystemType") != "LUSTRE":
        raise Refused("BadRequest", "the emulator makes Lustre file systems only")
    if lustre.get("DeploymentType", "SCRATCH_1") not in ("SCRATCH_2", "PERSISTENT_2"):
        raise Refused("BadRequest", f"unknown deployment type {lustre.get('DeploymentType')}")
    if not isinstance(size, int) or (size != 1200 and size % 2400) or size < 1200:
        raise Refused("BadRequest", "StorageCapacity must be 1200 GiB or a multiple of 2400 GiB")
    subnets = asked.get("SubnetIds") or []
    if len(subnets) != 1:
        raise Refused("InvalidNetworkSettings", "a Lustre file system has exactly one subnet")
    subnet_of(region, subnets[0], "InvalidNetworkSettings")
    known_groups(region, asked.get("SecurityGroupIds") or (), "InvalidNetworkSettings")


def shown(system: Share) -> dict[str, Any]:
    """As a describe shows it."""
    subnet = subnet_of(system.region, system.body["SubnetIds"][0], "InvalidNetworkSettings")
    found: dict[str, Any] = {
        "OwnerId": backends.ACCOUNT,
        "FileSystemId": system.id,
        "FileSystemType": "LUSTRE",
        "Lifecycle": system.state.upper(),
        "StorageCapacity": system.body["StorageCapacity"],
        "VpcId": subnet.vpc_id,
        "SubnetIds": system.body["SubnetIds"],
        "DNSName": f"{system.id}.fsx.{system.region}.amazonaws.com",
        "ResourceARN": arn(system.region, system.id),
        "Tags": pairs(system.tags),
        "LustreConfiguration": {**system.body.get("LustreConfiguration", {}), "MountName": "fsx42"},
    }
    if system.state == "failed":
        found["FailureDetails"] = {"Message": system.failure}
    return found


def arn(region: str, id: str) -> str:
    """A file system's ARN."""
    return f"arn:aws:fsx:{region}:{backends.ACCOUNT}:file-system/{id}"
