"""What a config leaves to the cloud: the default image and the subnets.

Looked up with the permissions of validation when the environment is created and kept in its record
(`Environment.details`), since the launch permissions allow no look-up and a start should make none.
A record without them is served by looking up at the start, remembered for a while.
"""

from typing import TYPE_CHECKING, Any

from shared.errors import Forbidden, Refused
from shared.model.records import Model
from shared.providers.aws.account import Account
from shared.providers.aws.errors import asking

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import FilterTypeDef, ImageTypeDef

IMAGE_NAME = "al2023-ami-2023.*-kernel-*-{}"
"""Amazon's standard (not minimal, not ECS) Amazon Linux 2023 images, by architecture."""
REMEMBER = 3600.0
"""Seconds for which a look-up at the start is good."""


class Image(Model, frozen=True, kw_only=True):
    """A machine image. `size` is its root snapshot's, in GiB."""

    id: str
    root: str = "/dev/xvda"
    size: int = 0
    architecture: str = ""
    state: str = "available"
    created: str = ""
    name: str = ""


def details(account: Account) -> dict[str, Any]:
    """What `Environment.details` keeps. Makes up to two read calls; raises Refused when there is
    nothing to choose from."""
    image = find_image(account)
    return {"imageId": image.id, "rootDevice": image.root, "subnetIds": list(find_subnets(account))}


def image_for(account: Account) -> Image:
    """The image to start. No call when the record has it and it was not found gone."""
    kept = account.environment.details
    now = account.clock.now()
    clients = account.clients
    if kept.get("imageId") and not clients.remember(image_key(account, "gone"), now, REMEMBER, lambda: False):
        return Image(id=str(kept["imageId"]), root=str(kept.get("rootDevice") or "/dev/xvda"))
    return clients.remember(image_key(account, "found"), now, REMEMBER, lambda: find_image(account))


def replace_image(account: Account) -> None:
    """Looks the default image up anew at the next start: AWS says that the one we know is gone."""
    account.clients.forget(image_key(account, "found"))
    account.clients.forget(image_key(account, "gone"))
    account.clients.remember(image_key(account, "gone"), account.clock.now(), REMEMBER, lambda: True)


def image_key(account: Account, what: str) -> str:
    """What is remembered of this environment's image."""
    kept = account.environment.details.get("imageId", "")
    return f"image {what} {account.options.image_id or account.options.architecture} {kept}"


def subnets_for(account: Account) -> tuple[str, ...]:
    """The subnets to try, in order; ("",) lets AWS choose in the default VPC. No call when the config
    or the record has them."""
    if account.options.subnets:
        return account.options.subnets
    kept = account.environment.details.get("subnetIds")
    if kept is not None:
        return tuple(map(str, kept)) or ("",)
    key = f"subnets {account.options.vpc_id}"
    now = account.clock.now()
    return account.clients.remember(key, now, REMEMBER, lambda: looked_up(account)) or ("",)


def looked_up(account: Account) -> tuple[str, ...]:
    """The subnets by a call; none when the default VPC may not be looked at, which AWS then chooses."""
    try:
        return find_subnets(account)
    except Forbidden:
        if account.options.vpc_id:
            raise
        return ()


def find_image(account: Account) -> Image:
    """The image of the config, or the newest Amazon Linux 2023. Raises Refused when there is none."""
    wanted = account.options.image_id
    found = images_by_id(account, wanted) if wanted else default_images(account)
    usable = [image for image in found if image.state == "available"]
    if not usable:
        what = wanted or f"Amazon Linux 2023 ({account.options.architecture})"
        raise Refused(f"imageId: there is no {what} in {account.options.region}")
    return max(usable, key=lambda image: (image.created, image.name))


def images_by_id(account: Account, image_id: str) -> list[Image]:
    """The image of that id, also when its owner has deprecated it; empty when there is none."""
    with asking("ec2:DescribeImages"):
        answer = account.clients.ec2.describe_images(
            Filters=[{"Name": "image-id", "Values": [image_id]}], IncludeDeprecated=True
        )
    return [to_image(each) for each in answer["Images"]]


def default_images(account: Account) -> list[Image]:
    """Amazon Linux 2023 for the environment's architecture, of any age."""
    architecture = account.options.architecture
    filters: list[FilterTypeDef] = [
        {"Name": "name", "Values": [IMAGE_NAME.format(architecture)]},
        {"Name": "architecture", "Values": [architecture]},
        {"Name": "state", "Values": ["available"]},
    ]
    with asking("ec2:DescribeImages"):
        answer = account.clients.ec2.describe_images(Owners=["amazon"], Filters=filters)
    return [to_image(each) for each in answer["Images"]]


def to_image(shown: "ImageTypeDef") -> Image:
    """An image as AWS shows it."""
    root = shown.get("RootDeviceName") or "/dev/xvda"
    disks = {each.get("DeviceName"): each.get("Ebs", {}) for each in shown.get("BlockDeviceMappings", [])}
    return Image(
        id=shown["ImageId"],
        root=root,
        size=int(disks.get(root, {}).get("VolumeSize") or 0),
        architecture=shown.get("Architecture", ""),
        state=shown.get("State", ""),
        created=shown.get("CreationDate", ""),
        name=shown.get("Name", ""),
    )


def find_subnets(account: Account) -> tuple[str, ...]:
    """The subnets of the config, of its VPC, or of the default VPC (those that AWS made for it)."""
    if account.options.subnets:
        return account.options.subnets
    return tuple(subnet for subnet, _ in subnets_of(account, account.options.vpc_id))


def subnets_of(account: Account, vpc_id: str) -> list[tuple[str, str]]:
    """(subnet, VPC) of the VPC, or of the default VPC when it is empty, by zone. Needs no
    permission for VPCs: a default VPC shows itself by its zones' default subnets."""
    name, value = ("vpc-id", vpc_id) if vpc_id else ("default-for-az", "true")
    shown = described_subnets(account, name, [value])
    return [(each["id"], each["vpc"]) for each in sorted(shown, key=lambda each: (each["zone"], each["id"]))]


def described_subnets(account: Account, name: str, values: list[str]) -> list[dict[str, str]]:
    """Subnets by one filter, of at most 200 values: id, vpc, zone and state."""
    with asking("ec2:DescribeSubnets"):
        answer = account.clients.ec2.describe_subnets(Filters=[{"Name": name, "Values": values}])
    return [
        {
            "id": each.get("SubnetId", ""),
            "vpc": each.get("VpcId", ""),
            "zone": each.get("AvailabilityZone", ""),
            "state": each.get("State", ""),
        }
        for each in answer["Subnets"]
    ]


def forget_subnets(account: Account) -> None:
    """Drops the subnets that were looked up at a start: AWS says that one does not exist any more."""
    account.clients.forget(f"subnets {account.options.vpc_id}")
