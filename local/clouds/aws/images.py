"""Machine images as a region shows them: Amazon Linux 2023 among others that look like it."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

AMAZON, AMAZON_ECS, CANONICAL = "137112412989", "591542846629", "099720109477"
_RELEASES = ("20260914", "20261026", "20261109")
_ARCHITECTURES = ("x86_64", "arm64")


def publish(ec2: Any) -> None:
    """Adds the images to a region of moto's; the same ids each time in the same region."""
    from moto.ec2.models.amis import Ami

    for name, owner, architecture, made in _images():
        id = image_id(ec2.region_name, name)
        ec2.amis[id] = Ami(
            ec2,
            id,
            name=name,
            description=f"{name} (emulated)",
            owner_id=owner,
            owner_alias="amazon" if owner != CANONICAL else None,
            public=True,
            virtualization_type="hvm",
            architecture=architecture,
            creation_date=made,
            image_location=f"amazon/{name}",
            hypervisor="xen",
            root_device_type="ebs",
            root_device_name="/dev/xvda" if owner != CANONICAL else "/dev/sda1",
        )


def image_id(region: str, name: str) -> str:
    """The id of an image: a region has its own."""
    return "ami-" + hashlib.sha256(f"{region}/{name}".encode()).hexdigest()[:17]


def _images() -> list[tuple[str, str, str, datetime]]:
    """Name, owner, architecture and date. The look-alikes are newer than the plain images, so a
    search that takes too much finds them first."""
    found = []
    for number, release in enumerate(_RELEASES):
        made = datetime.strptime(release, "%Y%m%d").replace(tzinfo=UTC)
        for arch in _ARCHITECTURES:
            plain = f"2023.{9 + number}.{release}.0-kernel-6.1-{arch}"
            found.append((f"al2023-ami-{plain}", AMAZON, arch, made))
            found.append((f"al2023-ami-minimal-{plain}", AMAZON, arch, made + timedelta(hours=1)))
            found.append(
                (
                    f"al2023-ami-ecs-hvm-2023.0.{release}-kernel-6.1-{arch}",
                    AMAZON_ECS,
                    arch,
                    made + timedelta(days=3),
                )
            )
    for arch, said in (("x86_64", "amd64"), ("arm64", "arm64")):
        ubuntu = f"ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{said}-server-20261101"
        found.append((ubuntu, CANONICAL, arch, datetime(2026, 11, 1, tzinfo=UTC)))
        old = f"amzn2-ami-kernel-5.10-hvm-2.0.20260921.0-{arch}-gp2"
        found.append((old, AMAZON, arch, datetime(2026, 9, 21, tzinfo=UTC)))
    return found
