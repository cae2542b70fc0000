"""Amazon EFS in place of moto's: file systems, one mount target in a zone, and what is in whose way."""

import json
from collections.abc import Callable
from typing import Any

from local.clouds.answer import Answer
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


class Efs(Service):
    """File systems and their mount targets."""

    def __init__(self) -> None:
        self.systems = Shares()
        self.targets = Shares()
        actions: dict[str, Callable[[Call], Any]] = {
            "CreateFileSystem": self._create,
            "DescribeFileSystems": self._describe,
            "DeleteFileSystem": self._delete,
            "PutLifecycleConfiguration": self._put_lifecycle,
            "DescribeLifecycleConfiguration": lambda call: self._lifecycle(self._system(call)),
            "CreateMountTarget": self._create_target,
            "DescribeMountTargets": self._describe_targets,
            "DeleteMountTarget": self._delete_target,
        }
        super().__init__("efs", actions)

    def clear(self) -> None:
        """An empty account."""
        self.systems.clear()
        self.targets.clear()

    def refused(self, _: Call, error: Refused) -> Answer:
        """EFS has field names of its own."""
        said = {"ErrorCode": error.code, "Message": str(error)}
        kind = [("Content-Type", "application/json"), ("x-amzn-ErrorType", error.code)]
        return Answer(error.status, json.dumps(said).encode(), kind)

    def _create(self, call: Call) -> dict[str, Any]:
        token = str(call.params["CreationToken"])
        if not 1 <= len(token) <= 64:
            raise Refused("BadRequest", "CreationToken must have 1 to 64 characters")
        there = self.systems.of(call.region, lambda each: each.token == token)
        if there:
            raise Refused(
                "FileSystemAlreadyExists", f"File system '{there[0].id}' already exists with token", 409
            )
        made = Share(new_id("fs"), call.region, token, dict(call.params), self.systems.looks)
        made.tags = read(call.params.get("Tags"))
        return self._shown(self.systems.add(made))

    def _describe(self, call: Call) -> dict[str, Any]:
        id, token = call.params.get("FileSystemId"), call.params.get("CreationToken")
        found = self.systems.looked(
            call.region, lambda each: id in (None, each.id) and token in (None, each.token)
        )
        if id and not found:
            raise Refused("FileSystemNotFound", f"File system '{id}' does not exist.", 404)
        return {"FileSystems": [self._shown(each) for each in found]}

    def _system(self, call: Call) -> Share:
        id = call.params["FileSystemId"]
        found = self.systems.of(call.region, lambda each: each.id == id)
        if not found:
            raise Refused("FileSystemNotFound", f"File system '{id}' does not exist.", 404)
        return found[0]

    def _delete(self, call: Call) -> dict[str, Any]:
        system = self._system(call)
        if self._targets(system):
            raise Refused("FileSystemInUse", f"File system '{system.id}' has mount targets.", 409)
        self.systems.end(system)
        return {}

    def _put_lifecycle(self, call: Call) -> dict[str, Any]:
        system = self._system(call)
        if system.state != "available":
            raise Refused("IncorrectFileSystemLifeCycleState", f"{system.id} is {system.state}", 409)
        system.body["lifecycle"] = call.params["LifecyclePolicies"]
        return self._lifecycle(system)

    def _lifecycle(self, system: Share) -> dict[str, Any]:
        return {"LifecyclePolicies": system.body.get("lifecycle", [])}

    def _targets(self, system: Share) -> list[Share]:
        return self.targets.of(system.region, lambda each: each.token == system.id)

    def _create_target(self, call: Call) -> dict[str, Any]:
        system, groups = self._system(call), list(call.params.get("SecurityGroups") or ())
        if system.state != "available":
            raise Refused("IncorrectFileSystemLifeCycleState", f"{system.id} is {system.state}", 409)
        subnet = subnet_of(call.region, call.params["SubnetId"], "SubnetNotFound")
        if len(groups) > 5:
            raise Refused("SecurityGroupLimitExceeded", "at most 5 security groups")
        known_groups(call.region, groups, "SecurityGroupNotFound")
        for other in self._targets(system):
            if other.body["zone"] == subnet.availability_zone:
                raise Refused("MountTargetConflict", "mount target already exists in this AZ", 409)
            if other.body["vpc"] != subnet.vpc_id:
                raise Refused("MountTargetConflict", "requested subnet is in another VPC", 409)
        body = {"subnet": subnet.id, "zone": subnet.availability_zone, "vpc": subnet.vpc_id}
        made = Share(new_id("fsmt"), call.region, system.id, body, self.targets.looks, groups=groups)
        return self._target_shown(self.targets.add(made))

    def _describe_targets(self, call: Call) -> dict[str, Any]:
        id, system = call.params.get("MountTargetId"), call.params.get("FileSystemId")
        if system:
            self._system(call)
        found = self.targets.looked(
            call.region, lambda each: id in (None, each.id) and system in (None, each.token)
        )
        return {"MountTargets": [self._target_shown(each) for each in found]}

    def _delete_target(self, call: Call) -> dict[str, Any]:
        id = call.params["MountTargetId"]
        found = self.targets.of(call.region, lambda each: each.id == id)
        if not found:
            raise Refused("MountTargetNotFound", f"Mount target '{id}' does not exist.", 404)
        self.targets.end(found[0])
        return {}

    def _shown(self, system: Share) -> dict[str, Any]:
        return {
            "OwnerId": backends.ACCOUNT,
            "CreationToken": system.token,
            "FileSystemId": system.id,
            "FileSystemArn": arn(system.region, system.id),
            "LifeCycleState": "error" if system.state == "failed" else system.state,
            "Name": system.tags.get("Name", ""),
            "NumberOfMountTargets": len(self._targets(system)),
            "Encrypted": system.body.get("Encrypted", False),
            "PerformanceMode": system.body.get("PerformanceMode", "generalPurpose"),
            "ThroughputMode": system.body.get("ThroughputMode", "bursting"),
            "CreationTime": 0,
            "SizeInBytes": {"Value": 6144},
            "Tags": pairs(system.tags),
        }

    def _target_shown(self, target: Share) -> dict[str, Any]:
        return {
            "OwnerId": backends.ACCOUNT,
            "MountTargetId": target.id,
            "FileSystemId": target.token,
            "SubnetId": target.body["subnet"],
            "AvailabilityZoneName": target.body["zone"],
            "VpcId": target.body["vpc"],
            "LifeCycleState": "error" if target.state == "failed" else target.state,
        }


def arn(region: str, id: str) -> str:
    """A file system's ARN."""
    return f"arn:aws:elasticfilesystem:{region}:{backends.ACCOUNT}:file-system/{id}"
