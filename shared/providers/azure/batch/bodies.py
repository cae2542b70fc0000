"""What is written for a pool. Pure; the same each time."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.nextflow.azure import formulas
from shared.nextflow.azure.formulas import Scaling, Told
from shared.providers.azure.batch.account import HEAD, POOL, BatchAccount, as_metadata
from shared.providers.azure.batch.options import PoolOptions
from shared.providers.azure.batch.sizes import slots

AZCOPY = "https://github.com/nextflow-io/azcopy-tool/raw/linux_amd64_10.8.0/azcopy"
"""Where Nextflow itself has its tool for blobs from."""
START = (
    'set -e; tools="$AZ_BATCH_NODE_SHARED_DIR/bin"; mkdir -p "$tools"; '
    f'[ -x "$tools/azcopy" ] || curl -fsSL --retry 5 --max-time 300 -o "$tools/azcopy" {AZCOPY}; '
    'chmod +x "$tools/azcopy"'
)
APPARMOR = (
    "; printf '%s' 'profile seqera-fusionfs-container flags=(attach_disconnected,mediate_deleted) "
    "{ capability, file, mount, umount, network, signal, ptrace, unix, userns, }' "
    "> /etc/apparmor.d/seqera-fusionfs-container"
    "; apparmor_parser -r /etc/apparmor.d/seqera-fusionfs-container"
)
"""Ubuntu 24.04 lets no container mount Fusion's file system without a profile of that name."""
ADMIN = {"autoUser": {"scope": "pool", "elevationLevel": "admin"}}

TRIED = 900.0
"""Seconds for which a new pool keeps the node that it is tried with: three times what one needs to boot."""

Body = dict[str, Any]


def pool(
    account: BatchAccount,
    key: str,
    image: Mapping[str, Any],
    logins: Sequence[Body] = (),
    mounts: Sequence[Body] = (),
) -> Body:
    """The request for a pool, as the Batch service takes it, with its logins to container registries and
    the file systems of its nodes."""
    options = account.pools[key]
    machine: Body = {
        **image,
        "containerConfiguration": {
            "type": "dockerCompatible",
            **({"containerRegistries": list(logins)} if logins else {}),
        },
        **({"osDisk": {"diskSizeGB": options.disk}} if options.disk else {}),
    }
    body: Body = {
        "id": account.pool_name(key),
        "vmSize": options.vm_type,
        "virtualMachineConfiguration": machine,
        "taskSlotsPerNode": slots(options.vm_type),
        # Nodes that are filled one after another can be given back one after another.
        "taskSchedulingPolicy": {"nodeFillType": "pack"},
        "startTask": start_task(account),
        "metadata": as_metadata({**account.labels, **account.marker}),
        **scaling(account, key),
    }
    if mounts:
        body["mountConfiguration"] = list(mounts)
    if account.options.subnet:
        body["networkConfiguration"] = {"subnetId": account.options.subnet}
    return body


def hidden(text: str, parts: Iterable[Mapping[str, Any]]) -> str:
    """A text without the secrets of logins and mounts: what Azure refuses, it may quote. Pure."""
    for each in parts:
        share = each.get("azureFileShareConfiguration") or {}
        for secret in filter(None, (each.get("password"), share.get("accountKey"))):
            text = text.replace(str(secret), "***")
    return text


def start_task(account: BatchAccount) -> Body:
    """What a node does before it takes tasks."""
    script = START + (APPARMOR if account.options.fusion else "")
    return {
        "commandLine": f"/bin/bash -c '{script}'" if "'" not in script else wrapped(script),
        "userIdentity": ADMIN,
        "maxTaskRetryCount": 3,
        "waitForSuccess": True,
    }


def wrapped(script: str) -> str:
    """A script that has single quotes, in single quotes."""
    return "/bin/bash -c '" + script.replace("'", "'\\''") + "'"


def scaling(account: BatchAccount, key: str) -> Body:
    """Fixed targets, or a formula that begins with the least."""
    options = account.pools[key]
    if options.scales:
        return {
            "enableAutoScale": True,
            "autoScaleFormula": formulas.ours(sizing(account, key), first_node(account, key)),
            "autoScaleEvaluationInterval": interval(options),
        }
    kind = "targetLowPriorityNodes" if options.spot else "targetDedicatedNodes"
    return {"enableAutoScale": False, kind: options.most}


def first_node(account: BatchAccount, key: str) -> Told:
    """What a formula is told so that a pool which begins with nothing gets the node that it is tried with.
    The floor is over by itself."""
    if not account.options.probes or account.pools[key].least:
        return Told()
    return Told(floor=1, until=account.clock.now() + TRIED)


def interval(options: PoolOptions) -> str:
    """The time between two evaluations of a pool's formula, as Batch takes it: in minutes."""
    return f"PT{options.interval / 60:.0f}M"


def sizing(account: BatchAccount, key: str) -> Scaling:
    """How the pool scales when nobody has looked at its tasks. Only head jobs are all of one size: tasks of
    which nothing is known get a node each, so that none waits for another."""
    options: PoolOptions = account.pools[key]
    per_node = slots(options.vm_type)
    return Scaling(
        least=options.least,
        most=options.most,
        slots_per_node=per_node,
        slots_per_task=min(per_node, account.head_slots) if key == HEAD else per_node,
        low_priority=options.spot,
    )


def as_arm(body: Mapping[str, Any], identities: tuple[str, ...]) -> Body:
    """The same pool as ARM takes it, which alone can give it identities."""
    machine = dict(body["virtualMachineConfiguration"])
    machine["nodeAgentSkuId"] = machine.pop("nodeAgentSKUId")
    start = dict(body["startTask"])
    user = start["userIdentity"]["autoUser"]
    start["userIdentity"] = {"autoUser": {"scope": "Pool", "elevationLevel": "Admin"}} if user else {}
    machine["containerConfiguration"] = {**machine["containerConfiguration"], "type": "DockerCompatible"}
    properties: Body = {
        "vmSize": body["vmSize"],
        "deploymentConfiguration": {"virtualMachineConfiguration": machine},
        "taskSlotsPerNode": body["taskSlotsPerNode"],
        "taskSchedulingPolicy": {"nodeFillType": "Pack"},
        "startTask": start,
        "metadata": body["metadata"],
        "scaleSettings": arm_scaling(body),
    }
    same = ("networkConfiguration", "mountConfiguration")
    properties |= {name: body[name] for name in same if name in body}
    attached: dict[str, Body] = {id: {} for id in identities}
    identity = {"identity": {"type": "UserAssigned", "userAssignedIdentities": attached}} if attached else {}
    return {**identity, "properties": properties}


def arm_scaling(body: Mapping[str, Any]) -> Body:
    """`scaleSettings` of a pool."""
    if body["enableAutoScale"]:
        every = body["autoScaleEvaluationInterval"]
        found = {"formula": body["autoScaleFormula"], "evaluationInterval": every}
        return {"autoScale": found}
    targets = {
        name: body[name] for name in ("targetDedicatedNodes", "targetLowPriorityNodes") if name in body
    }
    return {"fixedScale": targets}


def identities_of(account: BatchAccount, key: str) -> tuple[str, ...]:
    """Which identities a pool gets: its own, and no others."""
    options = account.options
    wanted = {
        POOL: (options.head_identity, options.pool_identity),
        HEAD: (options.head_identity,),
    }.get(key, (options.pool_identity,))
    return tuple(dict.fromkeys(filter(None, wanted)))
