"""What a node does when it boots, as a MIME archive of shell scripts: Batch adds its own part to the user
data, so ours has to be one. Pure.

`HEADNODE_ROOT` stands before every path, so that the scripts can be carried out in a directory.
"""

import json
import shlex
from collections.abc import Mapping

from shared.model.environment import ResourceRow
from shared.providers.aws.batch.account import BatchAccount, detail, tag_pairs
from shared.providers.aws.batch.options import Work
from shared.providers.aws.regions import domain

BOUNDARY = "==HEADNODE=="
LIMIT = 16_384
"""Bytes of user data that EC2 takes."""
AGENT = """ECS_IMAGE_PULL_BEHAVIOR=once
ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE=true
ECS_ENABLE_SPOT_INSTANCE_DRAINING=true
ECS_CONTAINER_CREATE_TIMEOUT=10m
ECS_CONTAINER_START_TIMEOUT=10m
ECS_CONTAINER_STOP_TIMEOUT=10m
ECS_MANIFEST_PULL_TIMEOUT=10m
"""
"""The ECS agent's settings for long pulls and for Spot."""
TUNE = """#!/bin/sh
# Written pages are flushed early: else a large copy fills memory and the kernel kills the task.
sysctl -w vm.dirty_bytes=1258291200 vm.dirty_background_bytes=629145600
# Where AppArmor confines user namespaces, a container could not mount Fusion.
confined=${HEADNODE_ROOT:-}/proc/sys/kernel/apparmor_restrict_unprivileged_userns
[ ! -e "$confined" ] || sysctl -w kernel.apparmor_restrict_unprivileged_userns=0
"""
SCRATCH = """#!/bin/sh
# The fast disks of the node as one file system.
set -u
scratch=${HEADNODE_ROOT:-}/scratch/fusion
{ command -v nvme && command -v lvcreate; } > /dev/null || yum install -y nvme-cli lvm2
disks=$(nvme list | awk '/Instance Storage/ {print $1}')
[ -n "$disks" ] || { echo "headnode: this node has no fast disk"; exit 0; }
# shellcheck disable=SC2086  # one word for each disk
set -- $disks
disk=$1
if [ "$#" -gt 1 ]; then
  vgcreate scratch "$@"
  lvcreate --yes -l 100%FREE -n volume scratch
  disk=/dev/scratch/volume
fi
mkfs.xfs -f "$disk"
mkdir -p "$scratch"
mount -o noatime "$disk" "$scratch"
chmod a+w "$scratch"
"""
MOUNT = """#!/bin/sh
# The environment's file systems. A node without them takes no job: it would write to its own disk.
set -u
give_up() {
  echo "headnode: $1 cannot be mounted: this node takes no jobs"
  systemctl mask --now ecs
  exit 1
}
attach() {
  mkdir -p "${HEADNODE_ROOT:-}$3"
  tries=0
  until mount -t "$1" -o "$4" "$2" "${HEADNODE_ROOT:-}$3"; do
    tries=$((tries + 1))
    [ "$tries" -lt 20 ] || give_up "$2"
    sleep 15
  done
  echo "headnode: $2 is mounted at $3"
}
"""
NFS = "nfsvers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2,noresvport"
"""EFS's documented options for mounting it without its own helper."""
NFS_CLIENT = "command -v mount.nfs4 > /dev/null || yum install -y nfs-utils\n"
LUSTRE = "relatime,flock"
LUSTRE_CLIENT = """command -v mount.lustre > /dev/null || yum install -y lustre-client ||
  amazon-linux-extras install -y lustre
"""
GROW = """#!/bin/sh
# Containers live on a disk of its own that gets another volume whenever it is more than half full.
set -u
root=${HEADNODE_ROOT:-}
{ command -v lvcreate && command -v aws; } > /dev/null || yum install -y lvm2 awscli
systemctl stop docker
vgcreate containers @DEVICE@
lvcreate --yes -l 100%FREE -n volume containers
mkfs.xfs -f /dev/containers/volume
mkdir -p "$root/var/lib/docker"
mount -o noatime /dev/containers/volume "$root/var/lib/docker"
systemctl start docker
mkdir -p "$root/usr/local/sbin" "$root/etc/systemd/system"
cat > "$root/usr/local/sbin/headnode-grow" <<'END_OF_SCRIPT'
#!/bin/sh
set -u
export AWS_DEFAULT_REGION=@REGION@
data=${HEADNODE_ROOT:-}/var/lib/docker
meta=http://169.254.169.254/latest
token=$(curl -fsS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 21600' "$meta/api/token")
about() { curl -fsS -H "X-aws-ec2-metadata-token: $token" "$meta/meta-data/$1"; }
instance=$(about instance-id) zone=$(about placement/availability-zone)
for letter in b c d e f g h i j k l m n o p; do
  while used=$(df --output=pcent "$data" | tail -n 1 | tr -dc 0-9); [ "$used" -lt 50 ]; do sleep 20; done
  device=/dev/xvdb$letter
  volume=$(aws ec2 create-volume --availability-zone "$zone" --size @SIZE@ --volume-type @TYPE@ \\
    --tag-specifications @TAGS@ --query VolumeId --output text) || { sleep 60; continue; }
  aws ec2 wait volume-available --volume-ids "$volume"
  if ! aws ec2 attach-volume --volume-id "$volume" --instance-id "$instance" --device "$device"; then
    aws ec2 delete-volume --volume-id "$volume"
    continue
  fi
  # The volume goes with its node.
  aws ec2 modify-instance-attribute --instance-id "$instance" --block-device-mappings \\
    "[{\\"DeviceName\\":\\"$device\\",\\"Ebs\\":{\\"DeleteOnTermination\\":true}}]"
  disk=${HEADNODE_ROOT:-}/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_$(echo "$volume" | tr -d -)
  until [ -e "$disk" ] || [ -e "$device" ]; do sleep 1; done
  [ -e "$disk" ] || disk=$device
  vgextend containers "$disk" && lvextend -l +100%FREE /dev/containers/volume && xfs_growfs "$data"
done
END_OF_SCRIPT
chmod 755 "$root/usr/local/sbin/headnode-grow"
cat > "$root/etc/systemd/system/headnode-grow.service" <<'END_OF_UNIT'
[Unit]
Description=Grows the disk of containers
[Service]
ExecStart=/usr/local/sbin/headnode-grow
Restart=on-failure
RestartSec=30
[Install]
WantedBy=multi-user.target
END_OF_UNIT
systemctl enable --now headnode-grow
"""
DEVICE = "/dev/xvdba"
"""The first volume of the growing disk."""
WATCH = """#!/bin/sh
# A node's own log goes where the head job's goes, so that one that never took a job can be explained.
set -u
agent=${HEADNODE_ROOT:-}/opt/aws/amazon-cloudwatch-agent
[ -e "$agent/bin/amazon-cloudwatch-agent-ctl" ] || yum install -y amazon-cloudwatch-agent
mkdir -p "$agent/etc"
cat > "$agent/etc/headnode.json" <<'END_OF_CONFIG'
@CONFIG@
END_OF_CONFIG
"$agent/bin/amazon-cloudwatch-agent-ctl" -a fetch-config -m ec2 -s -c "file:$agent/etc/headnode.json"
"""
LOGS = {"boot": "/var/log/cloud-init-output.log", "ecs-agent": "/var/log/ecs/ecs-agent.log"}
"""Stream -> the file on the node."""


def user_data(account: BatchAccount, work: Work, made: Mapping[str, ResourceRow]) -> str:
    """The archive. The same environment with the same file systems makes the same bytes."""
    head = f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="{BOUNDARY}"\n\n'
    kind = 'Content-Type: text/x-shellscript; charset="us-ascii"'
    parts = "".join(f"--{BOUNDARY}\n{kind}\n\n{each}\n" for each in scripts(account, work, made))
    return f"{head}{parts}--{BOUNDARY}--\n"


def scripts(account: BatchAccount, work: Work, made: Mapping[str, ResourceRow]) -> list[str]:
    """In the order in which a node carries them out: all before its ECS agent starts."""
    found = [
        agent(work),
        TUNE,
        SCRATCH if account.batch.nvme else "",
        grow(account, work) if work.expanding else "",
        mounts(account, work, made) if work.mounted else "",
        watch(account),
    ]
    return [each for each in found if each]


def agent(work: Work) -> str:
    """The ECS agent's config, the user's lines last: they win."""
    config = AGENT + (f"{work.ecs_config.strip()}\n" if work.ecs_config else "")
    start = '#!/bin/sh\netc=${HEADNODE_ROOT:-}/etc/ecs\nmkdir -p "$etc"\n'
    return f"{start}cat >> \"$etc/ecs.config\" <<'END_OF_CONFIG'\n{config}END_OF_CONFIG\n"


def mounts(account: BatchAccount, work: Work, made: Mapping[str, ResourceRow]) -> str:
    """Mounts each file system, those that Forge made and those of the user's own."""
    region, lines = account.options.region, ""
    if work.efs:
        id = work.efs.id or made["efs"].cloud_id
        source = f"{id}.efs.{region}.{domain(region)}:/"
        lines += NFS_CLIENT + shlex.join(["attach", "nfs4", source, work.efs.mount, NFS]) + "\n"
    if work.fsx:
        own = {"dns": detail(account, "lustreDns"), "mount": detail(account, "lustreMount")}
        at = made["fsx"].facts if work.fsx.made else own
        source = f"{at['dns']}@tcp:/{at['mount']}"
        lines += LUSTRE_CLIENT + shlex.join(["attach", "lustre", source, work.fsx.mount, LUSTRE]) + "\n"
    return MOUNT + lines


def grow(account: BatchAccount, work: Work) -> str:
    """The growing disk."""
    tagged = [{"ResourceType": "volume", "Tags": tag_pairs(account)}]
    values = {
        "DEVICE": DEVICE,
        "REGION": account.options.region,
        "SIZE": str(work.expanding),
        "TYPE": work.disk_type,
        "TAGS": shlex.quote(json.dumps(tagged)),
    }
    script = GROW
    for name, value in values.items():
        script = script.replace(f"@{name}@", value)
    return script


def watch(account: BatchAccount) -> str:
    """CloudWatch's agent, for logs only: metrics cost by the node."""
    listed = [
        {
            "file_path": path,
            "log_group_name": account.options.log_group,
            "log_stream_name": f"nodes/{{instance_id}}/{stream}",
        }
        for stream, path in LOGS.items()
    ]
    config = {"logs": {"logs_collected": {"files": {"collect_list": listed}}}}
    return WATCH.replace("@CONFIG@", json.dumps(config, indent=1))
