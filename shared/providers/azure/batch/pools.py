"""Pools: make, look, scale, remove.

A pool is made through the Batch service, or through ARM when it has an identity, which the service itself
cannot give (azure-batch's own README says so). Whose it is stands in its metadata; what does not carry our
marker is never changed or deleted.
"""

from collections.abc import Mapping
from typing import Any

from shared.errors import HeadnodeError, NotYet, Refused
from shared.model.environment import Made, ResourceRow
from shared.providers.azure.batch import bodies, images, registries, shares
from shared.providers.azure.batch.account import ACCOUNTS, ARM_VERSION, BatchAccount
from shared.providers.azure.batch.errors import is_gone
from shared.providers.azure.batch.listing import one, pages
from shared.providers.azure.batch.shapes import words
from shared.providers.azure.errors import Answer, hushed
from shared.providers.azure.ordering import FRESH_GRANT

READ, WRITE, DELETE = (f"{ACCOUNTS}/pools/{verb}" for verb in ("read", "write", "delete"))
JOBS_READ, JOBS_WRITE, JOBS_DELETE = (f"{ACCOUNTS}/jobs/{verb}" for verb in ("read", "write", "delete"))
MOST_ERRORS = 5
"""Of a pool's that are told at once."""
SOON = 5.0
"""Seconds until a pool that gets its nodes is looked at again."""
OVER = ("JobNotFound", "JobCompleted", "JobBeingDeleted", "JobBeingTerminated")
"""Refusals that say that a job needs no ending any more."""
NEXTFLOWS = "nf-pool-"
"""How the ids of pools begin that Nextflow makes by itself."""


def ensure(account: BatchAccount, row: ResourceRow) -> Made:
    """Makes the pool, or finds it made. Raises NotYet while it gets the nodes that it always has, Refused
    when it cannot get them, or is not ours."""
    try:
        shown = get(account, row.name)
        if is_gone(shown):
            make(account, row.key)
            shown = get(account, row.name)
    except HeadnodeError as error:
        raise hushed(error, account.age, FRESH_GRANT) from error
    if is_gone(shown):
        raise NotYet(f"{row.name} cannot be seen yet", after=SOON)
    if not account.owns(shown.body):
        raise Refused(f"pool {row.name} exists and does not carry our marker")
    if shown.body.get("state") == "deleting":
        raise NotYet(f"pool {row.name} is still being deleted", after=SOON)
    check_nodes(account, row, shown.body)
    return Made(cloud_id=row.name)


def make(account: BatchAccount, key: str) -> None:
    """One write; a pool that is there meanwhile is as good."""
    image = images.chosen(account, account.pools[key].vm_type)
    logins, mounts = registries.written(account, key), shares.written(account, key)
    try:
        put(account, key, bodies.pool(account, key, image, logins, mounts))
    except HeadnodeError as error:
        error.args = (bodies.hidden(str(error), (*logins, *mounts)),)
        raise


def put(account: BatchAccount, key: str, body: bodies.Body) -> None:
    """Asks for a pool, of whoever can make it."""
    identities = bodies.identities_of(account, key)
    if identities:
        path = f"{account.arm_id}/pools/{body['id']}"
        account.clients.arm(
            "PUT",
            path,
            ARM_VERSION,
            action=WRITE,
            body=bodies.as_arm(body, identities),
            accept=("PoolExists",),
        )
        return
    account.clients.batch("POST", account.url("pools"), action=WRITE, body=body, accept=("PoolExists",))


def check_nodes(account: BatchAccount, row: ResourceRow, shown: Mapping[str, Any]) -> None:
    """Holds a pool that always has nodes against what it has got. Raises Refused with Batch's own reason."""
    run = shown.get("autoScaleRun")
    if isinstance(run, dict) and run.get("error"):
        raise Refused(f"pool {row.name}: its formula fails: {words(run['error'])}")
    options = account.pools[row.key]
    wanted = options.least if options.scales else options.most
    if wanted == 0:
        return
    if refused := resize_errors(shown):
        raise Refused(f"pool {row.name} does not get its {wanted} nodes: {refused}")
    have = int(shown.get("currentLowPriorityNodes" if options.spot else "currentDedicatedNodes") or 0)
    if have < wanted:
        raise NotYet(f"pool {row.name} has {have} of {wanted} nodes", after=SOON)


def resize_errors(shown: Mapping[str, Any]) -> str:
    """Why a pool did not get its nodes, in Batch's own words; empty when nothing went wrong."""
    found = shown.get("resizeErrors")
    errors = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return "; ".join(f"{each.get('code')}: {words(each)}".rstrip(": ") for each in errors[:MOST_ERRORS])


def get(account: BatchAccount, name: str) -> Answer:
    """A pool as the service shows it, or its 404."""
    return one(account, account.url(f"pools/{name}"), READ)


def remove(account: BatchAccount, row: ResourceRow) -> bool:
    """The jobs on it first, then pools that Nextflow made for us, then the pool; True once the service says
    that there is none. Raises Refused for one that is not ours."""
    shown = get(account, row.name)
    if not is_gone(shown):
        if not account.owns(shown.body):
            raise Refused(f"pool {row.name} exists and does not carry our marker")
        end_jobs(account, row.name)
        if shown.body.get("state") != "deleting":
            delete(account, row.name)
        if not is_gone(get(account, row.name)):
            return False
    return auto_pools_gone(account)


def delete(account: BatchAccount, name: str) -> None:
    """Asks for a pool's deletion."""
    accept = (404, "PoolBeingDeleted")
    account.clients.batch("DELETE", account.url(f"pools/{name}"), action=DELETE, accept=accept)


def end_jobs(account: BatchAccount, pool: str) -> None:
    """Deletes our own jobs on a pool of ours, and ends those of Nextflow: without the pool they would wait
    for ever, and each takes one from the account's quota."""
    for page in pages(account, account.url("jobs"), JOBS_READ):
        for job in page:
            if str((job.get("poolInfo") or {}).get("poolId") or "").lower() != pool.lower():
                continue
            if account.owns(job):
                delete_job(account, str(job["id"]))
            elif job.get("state") not in ("completed", "terminating", "deleting"):
                terminate_job(account, str(job["id"]), "headnode: its pool is disposed of")


def delete_job(account: BatchAccount, id: str) -> None:
    """Deletes a job with its tasks; one that is gone already is no error."""
    accept = (404, "JobBeingDeleted")
    account.clients.batch("DELETE", account.url(f"jobs/{id}"), action=JOBS_DELETE, accept=accept)


def terminate_job(account: BatchAccount, id: str, reason: str) -> None:
    """Ends a job with its tasks; one that is over already is no error."""
    body = {"terminateReason": reason}
    url = account.url(f"jobs/{id}/terminate")
    account.clients.batch("POST", url, action=JOBS_WRITE, body=body, accept=(404, *OVER))


def auto_pools_gone(account: BatchAccount) -> bool:
    """Asks for the deletion of the pools that Nextflow made with our labels; whether none is left."""
    if not account.options.auto_pools:
        return True
    left = 0
    query = {"$filter": f"startswith(id,'{NEXTFLOWS}')"}
    for page in pages(account, account.url("pools"), READ, query):
        for pool in page:
            if account.owns(pool):
                left += 1
                end_jobs(account, str(pool["id"]))
                delete(account, str(pool["id"]))
    return left == 0


def set_formula(account: BatchAccount, key: str, text: str) -> None:
    """Tries a formula, and gives it to a pool, which evaluates it at once and not only in minutes. Batch
    takes that once in 30 seconds: raises Retry until it does, and Refused for a formula that fails."""
    name = account.pool_name(key)
    body = {"autoScaleFormula": text}
    shown = account.clients.batch(
        "POST", account.url(f"pools/{name}/evaluateautoscale"), action=READ, body=body
    )
    if shown.body.get("error"):
        raise Refused(f"pool {name}: its formula fails: {words(shown.body['error'])}")
    account.clients.batch(
        "POST",
        account.url(f"pools/{name}/enableautoscale"),
        action=WRITE,
        body={**body, "autoScaleEvaluationInterval": bodies.interval(account.pools[key])},
    )


def resize(account: BatchAccount, key: str, targets: Mapping[str, int]) -> None:
    """Gives a pool of a fixed size another one. Nodes that go finish their tasks. Raises Retry while it is
    being resized already."""
    url = account.url(f"pools/{account.pool_name(key)}/resize")
    body = {**targets, "nodeDeallocationOption": "taskcompletion"}
    account.clients.batch("POST", url, action=WRITE, body=body)
