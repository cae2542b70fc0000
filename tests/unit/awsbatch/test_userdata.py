"""The boot scripts of nodes: clean for shellcheck, small enough for EC2, and carried out by a real shell.
Programs that note how they were called stand in for those of a node."""

import email
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.model.environment import Environment, ResourceRow
from shared.model.settings import Settings
from shared.providers.aws.batch.account import BatchAccount
from shared.providers.aws.batch.template import data
from shared.providers.aws.batch.userdata import LIMIT, scripts, user_data
from shared.providers.aws.clients import Clients
from tests.clock import FakeClock

FUSION = {"waveEnabled": True, "fusion2Enabled": True}
EVERYTHING: dict[str, Any] = {"efsCreate": True, "fsxSize": 1200, "ebsAutoScale": True, "ebsBlockSize": 100}
MADE = {
    "efs": ResourceRow(key="efs", type="", name="", cloud_id="fs-11111111"),
    "fsx": ResourceRow(key="fsx", type="", name="", facts={"dns": "fs-2.fsx.example", "mount": "m1"}),
}
PROGRAMS = ("sysctl", "yum", "systemctl", "mount", "mkfs.xfs", "vgcreate", "lvcreate", "nvme", "sleep", "aws")


def account(forge: dict[str, Any], **config: Any) -> BatchAccount:
    given = {"region": "eu-west-1", "workDir": "s3://bucket/work", **config}
    given["forge"] = {"type": "SPOT", **forge}
    environment = Environment(id="e" * 22, name="batch", platform="aws-batch", config=given)
    return BatchAccount(environment, Clients(None, "eu-west-1"), Settings(installation="this"), FakeClock())


def written(forge: dict[str, Any], **config: Any) -> list[str]:
    """The scripts of a node, by name of the option that asks for them."""
    place = account(forge, **config)
    assert place.batch.work is not None
    return scripts(place, place.batch.work, MADE)


@dataclass
class Node:
    """A directory that stands for a node's disks, and programs that note how they are called."""

    root: Path

    def __post_init__(self) -> None:
        (self.root / "bin").mkdir()
        for name in (
            *PROGRAMS,
            "vgextend",
            "lvextend",
            "xfs_growfs",
            "curl",
            "df",
            "mount.nfs4",
            "mount.lustre",
        ):
            self.program(name, "")

    def program(self, name: str, does: str) -> None:
        path = self.root / "bin" / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> "{self.root}/calls"\n{does}\n')
        path.chmod(0o755)

    def carry_out(self, script: str) -> tuple[int, str]:
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        own = {**os.environ, "PATH": path, "HEADNODE_ROOT": str(self.root)}
        done = subprocess.run(
            ["sh", "-c", script], env=own, capture_output=True, text=True, timeout=60, check=False
        )
        return done.returncode, done.stdout + done.stderr

    @property
    def calls(self) -> list[str]:
        path = self.root / "calls"
        return path.read_text().replace(str(self.root), "").splitlines() if path.exists() else []


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


@pytest.mark.parametrize(
    ("forge", "config"),
    [
        ({}, {}),
        (EVERYTHING, {}),
        ({"ecsConfig": "A=1\n" * 900, **EVERYTHING}, {}),
        ({}, {**FUSION, "nvnmeStorageEnabled": True}),
    ],
)
def test_shellcheck_finds_nothing_wrong(
    tmp_path: Path, forge: dict[str, Any], config: dict[str, Any]
) -> None:
    checker = shutil.which("shellcheck")
    if checker is None:
        pytest.skip("shellcheck is not installed")
    for number, script in enumerate(written(forge, **config)):
        path = tmp_path / f"{number}.sh"
        path.write_text(script)
        done = subprocess.run([checker, str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
        if "END_OF_SCRIPT" in script:
            path.write_text(script.split("END_OF_SCRIPT'\n")[1].partition("END_OF_SCRIPT")[0])
            done = subprocess.run([checker, str(path)], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout


def test_the_archive_is_what_batch_can_merge_and_within_ec2s_limit() -> None:
    place = account({"ecsConfig": "A=1\n" * 999, **EVERYTHING}, **{**FUSION, "nvnmeStorageEnabled": True})
    assert place.batch.work is not None
    text = user_data(place, place.batch.work, MADE)
    parts = email.message_from_string(text).get_payload()
    assert isinstance(parts, list)
    assert len(parts) == 6
    assert {part.get_content_type() for part in parts} == {"text/x-shellscript"}
    assert len(text.encode("ascii")) < LIMIT


def test_the_agents_config_ends_with_the_users_lines(node: Node) -> None:
    status, _ = node.carry_out(written({"ecsConfig": "ECS_IMAGE_PULL_BEHAVIOR=always"})[0])
    lines = (node.root / "etc/ecs/ecs.config").read_text().splitlines()
    assert status == 0
    assert "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true" in lines
    assert lines[-1] == "ECS_IMAGE_PULL_BEHAVIOR=always"


def test_dirty_pages_and_apparmor(node: Node) -> None:
    assert node.carry_out(written({})[1])[0] == 0
    assert node.calls == ["sysctl -w vm.dirty_bytes=1258291200 vm.dirty_background_bytes=629145600"]
    switch = node.root / "proc/sys/kernel/apparmor_restrict_unprivileged_userns"
    switch.parent.mkdir(parents=True)
    switch.touch()
    assert node.carry_out(written({})[1])[0] == 0
    assert node.calls[-1] == "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"


@pytest.mark.parametrize("disks", [0, 1, 3])
def test_fast_disks_become_one_file_system(node: Node, disks: int) -> None:
    listed = "\n".join(
        f"echo '/dev/nvme{n}n1 x Amazon EC2 NVMe Instance Storage'" for n in range(1, disks + 1)
    )
    node.program("nvme", listed)
    status, said = node.carry_out(written({}, **FUSION, nvnmeStorageEnabled=True)[2])
    made = [each for each in node.calls if not each.startswith("nvme")]
    assert status == 0, said
    if not disks:
        assert made == []
        assert "no fast disk" in said
        return
    disk = "/dev/nvme1n1" if disks == 1 else "/dev/scratch/volume"
    assert made[-2:] == [f"mkfs.xfs -f {disk}", f"mount -o noatime {disk} /scratch/fusion"]
    assert ("vgcreate scratch /dev/nvme1n1 /dev/nvme2n1 /dev/nvme3n1" in made) == (disks == 3)


def test_file_systems_are_mounted_when_they_answer(node: Node) -> None:
    node.program("mount", f'[ "$(grep -c ^mount "{node.root}/calls")" -gt 2 ]')
    (script,) = [each for each in written({"efsCreate": True, "fsxSize": 1200}) if "attach" in each]
    status, said = node.carry_out(script)
    mounts = [each for each in node.calls if each.startswith("mount ")]
    assert status == 0, said
    assert len([each for each in node.calls if each == "sleep 15"]) == 2
    assert mounts[0].startswith("mount -t nfs4 -o nfsvers=4.1,")
    assert mounts[0].endswith("fs-11111111.efs.eu-west-1.amazonaws.com:/ /mnt/efs")
    assert mounts[-1] == "mount -t lustre -o relatime,flock fs-2.fsx.example@tcp:/m1 /fsx"
    assert (node.root / "mnt/efs").is_dir()
    assert (node.root / "fsx").is_dir()


def test_a_node_that_cannot_mount_takes_no_job_and_says_so(node: Node) -> None:
    node.program("mount", "exit 32")
    (script,) = [each for each in written({"efsCreate": True}) if "attach" in each]
    status, said = node.carry_out(script)
    assert status == 1
    assert "amazonaws.com:/ cannot be mounted: this node takes no jobs" in said
    assert node.calls[-1] == "systemctl mask --now ecs"


def growing() -> str:
    (script,) = [
        each for each in written({"ebsAutoScale": True, "ebsBlockSize": 70}) if "headnode-grow" in each
    ]
    return script


def test_containers_get_a_disk_of_their_own_before_their_daemon_starts(node: Node) -> None:
    status, said = node.carry_out(growing())
    assert status == 0, said
    assert node.calls == [
        "systemctl stop docker",
        "vgcreate containers /dev/xvdba",
        "lvcreate --yes -l 100%FREE -n volume containers",
        "mkfs.xfs -f /dev/containers/volume",
        "mount -o noatime /dev/containers/volume /var/lib/docker",
        "systemctl start docker",
        "systemctl enable --now headnode-grow",
    ]
    assert os.access(node.root / "usr/local/sbin/headnode-grow", os.X_OK)


@pytest.fixture
def grown(node: Node) -> Node:
    """A node whose disk is at 40 percent, then at 60 for ever; AWS gives it volumes."""
    assert node.carry_out(growing())[0] == 0
    (node.root / "calls").unlink()
    node.program(
        "df", f'echo Use%; [ "$(grep -c ^df "{node.root}/calls")" -lt 2 ] && echo " 40%" || echo " 60%"'
    )
    node.program(
        "curl", 'case "$*" in *instance-id) echo i-1;; *zone) echo eu-west-1a;; *) echo token;; esac'
    )
    node.program("aws", 'case "$2" in create-volume) echo vol-0123;; esac')
    disk = node.root / "dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123"
    disk.parent.mkdir(parents=True)
    disk.touch()
    return node


def test_the_disk_grows_by_a_volume_when_it_is_half_full(grown: Node) -> None:
    assert grown.carry_out((grown.root / "usr/local/sbin/headnode-grow").read_text())[0] == 0
    calls = [each for each in grown.calls if not each.startswith(("curl", "df"))]
    assert calls[0] == "sleep 20"
    assert calls[1].startswith(
        "aws ec2 create-volume --availability-zone eu-west-1a --size 70 --volume-type gp3"
    )
    assert '"Key": "headnode:environment"' in calls[1]
    assert calls[2] == "aws ec2 wait volume-available --volume-ids vol-0123"
    assert calls[3] == "aws ec2 attach-volume --volume-id vol-0123 --instance-id i-1 --device /dev/xvdbb"
    assert calls[4].endswith('[{"DeviceName":"/dev/xvdbb","Ebs":{"DeleteOnTermination":true}}]')
    assert calls[5].startswith("vgextend containers /dev/disk/by-id/nvme-")
    assert calls[6:8] == ["lvextend -l +100%FREE /dev/containers/volume", "xfs_growfs /var/lib/docker"]
    assert sum(each.startswith("aws ec2 create-volume") for each in calls) == 15


def test_a_volume_that_cannot_be_attached_is_deleted(grown: Node) -> None:
    grown.program("aws", 'case "$2" in create-volume) echo vol-0123;; attach-volume) exit 1;; esac')
    assert grown.carry_out((grown.root / "usr/local/sbin/headnode-grow").read_text())[0] == 0
    made = [each for each in grown.calls if each.startswith("aws ec2 create-volume")]
    removed = [each for each in grown.calls if each == "aws ec2 delete-volume --volume-id vol-0123"]
    assert len(made) == len(removed) == 15
    assert not [each for each in grown.calls if each.startswith("vgextend")]


def test_a_nodes_own_log_goes_where_the_head_jobs_goes(node: Node) -> None:
    agent = node.root / "opt/aws/amazon-cloudwatch-agent/bin"
    agent.mkdir(parents=True)
    told = agent / "amazon-cloudwatch-agent-ctl"
    told.write_text(f'#!/bin/sh\necho "agent $*" >> "{node.root}/calls"\n')
    told.chmod(0o755)
    assert node.carry_out(written({}, logGroup="/mine")[-1])[0] == 0
    config = (agent.parent / "etc/headnode.json").read_text()
    assert '"log_group_name": "/mine"' in config
    assert "nodes/{instance_id}/boot" in config
    assert node.calls == [
        "agent -a fetch-config -m ec2 -s -c file:/opt/aws/amazon-cloudwatch-agent/etc/headnode.json"
    ]


@pytest.mark.parametrize(
    ("forge", "config", "disks"),
    [
        ({}, {}, [("/dev/xvda", 50, "gp3", None)]),
        ({"ebsBootSize": 80, "ebsType": "gp2"}, {}, [("/dev/xvda", 80, "gp2", None)]),
        ({}, FUSION, [("/dev/xvda", 100, "gp3", 325)]),
        ({}, {**FUSION, "nvnmeStorageEnabled": True}, [("/dev/xvda", 50, "gp3", None)]),
        ({"ebsAutoScale": True}, {}, [("/dev/xvda", 50, "gp3", None), ("/dev/xvdba", 50, "gp3", None)]),
    ],
)
def test_the_disks_of_a_node(forge: dict[str, Any], config: dict[str, Any], disks: list[Any]) -> None:
    place = account(forge, **config)
    assert place.batch.work is not None
    found = data(place, place.batch.work, MADE)["BlockDeviceMappings"]
    shown = [
        (
            each["DeviceName"],
            each["Ebs"]["VolumeSize"],
            each["Ebs"]["VolumeType"],
            each["Ebs"].get("Throughput"),
        )
        for each in found
    ]
    assert shown == disks
    assert all(each["Ebs"]["DeleteOnTermination"] for each in found)
