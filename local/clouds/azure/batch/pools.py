"""Requests about pools."""

from local.clouds.answer import Answer
from local.clouds.azure.batch import allocation, errors, listing, pool_life, shown, sizes
from local.clouds.azure.batch.models import KINDS, Body, Pool
from local.clouds.azure.batch.service import Request

CHANGEABLE = {
    *("startTask", "metadata", "applicationPackageReferences", "displayName", "vmSize", "taskSlotsPerNode"),
    *("taskSchedulingPolicy", "enableInterNodeCommunication", "virtualMachineConfiguration"),
    *("networkConfiguration", "userAccounts", "mountConfiguration", "upgradePolicy"),
}
"""What a PATCH may bring; most of it only while the pool is empty."""
ALWAYS = {"startTask", "metadata", "applicationPackageReferences", "displayName"}


def find(request: Request, *, writes: bool = False) -> Pool:
    """The pool that a request names. Raises Refused, for one that writes also when it is being deleted."""
    found = request.account.pools.get(request.names["pool"].lower())
    if found is None:
        raise errors.not_found("Pool")
    if writes and found.state.name == "deleting":
        raise errors.being("Pool", "Deleted")
    request.check_match(found.changed_at, found.version)
    return found


def create(request: Request) -> Answer:
    """201: nodes come later."""
    body = request.body()
    subnet = (body.get("networkConfiguration") or {}).get("subnetId")
    if subnet and request.call.principal == "SharedKey":
        raise errors.needs_entra()
    made = pool_life.create(request.state, request.account, body, subnet_by=request.call.principal)
    return request.done(201, f"pools/{made.id}", made.changed_at, made.version)


def get(request: Request) -> Answer:
    """One."""
    found = find(request)
    answer = listing.sent(listing.select(request.call, shown.pool(found, request.url)))
    answer.headers.append(("ETag", shown.etag(found.changed_at, found.version)))
    return answer


def head(request: Request) -> Answer:
    """200 or 404."""
    return request.done(200, "", *_mark(find(request)))


def every(request: Request) -> Answer:
    """All."""
    values = [shown.pool(each, request.url) for each in request.account.pools.values()]
    return listing.answer(request.call, request.url, values)


def patch(request: Request) -> Answer:
    """Changes what may change; nodes that run do not get a new start task before they boot again."""
    found, asked = find(request, writes=True), request.body()
    for name in asked:
        if name not in CHANGEABLE:
            raise errors.invalid(name, asked[name], "The property can not be changed by an update.")
        if name not in ALWAYS and found.nodes:
            raise errors.wrong_state(f"{name} can be changed only while the pool has no nodes.")
    body = {**found.body, **asked}
    pool_life.check(request.state, body, identity=found.identity)
    pool_life.change(found, body, request.now)
    return request.done(200, f"pools/{found.id}", *_mark(found))


def replace(request: Request) -> Answer:
    """204: the start task, metadata and packages are what is given, and nothing where nothing is."""
    found, asked = find(request, writes=True), request.body()
    kept = {name: value for name, value in found.body.items() if name not in ALWAYS or name == "displayName"}
    given = {name: asked[name] for name in ALWAYS if asked.get(name)}
    pool_life.change(found, {**kept, **given}, request.now)
    return request.done(204, f"pools/{found.id}", *_mark(found))


def delete(request: Request) -> Answer:
    """202: it is `deleting` until its nodes are gone."""
    found = find(request, writes=True)
    allocation.delete(request.state, request.account, found, request.now)
    return request.done(202)


def resize(request: Request) -> Answer:
    """202 to new targets."""
    found, asked = find(request, writes=True), request.body()
    if found.scales:
        raise errors.wrong_state("The pool is scaled by a formula.")
    if found.allocation.name != "steady":
        raise errors.being("Pool", "Resized")
    targets = _targets(asked)
    if not targets:
        raise errors.missing("targetDedicatedNodes")
    option = _option(asked)
    allocation.resize(request.state, request.account, found, targets, option, request.now)
    return request.done(202, f"pools/{found.id}", *_mark(found))


def stop_resize(request: Request) -> Answer:
    """202: what is there stays."""
    found = find(request, writes=True)
    if found.allocation.name != "resizing":
        raise errors.wrong_state("The pool is not being resized.")
    allocation.stop(found, request.now)
    return request.done(202, f"pools/{found.id}", *_mark(found))


def remove_nodes(request: Request) -> Answer:
    """202: these very nodes go, and the targets sink with them."""
    found, asked = find(request, writes=True), request.body()
    wanted = asked.get("nodeList")
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= 100:
        raise errors.invalid("nodeList", wanted, "A list of 1 to 100 nodes is required.")
    if found.scales:
        raise errors.wrong_state("The pool is scaled by a formula.")
    if found.allocation.name != "steady":
        raise errors.being("Pool", "Resized")
    if any(each not in found.nodes for each in wanted):
        raise errors.not_found("Node")
    for each in wanted:
        node = found.nodes[each]
        found.targets[node.kind] -= 1
        allocation.release(request.state, request.account, found, node, _option(asked), request.now)
    return request.done(202, f"pools/{found.id}", *_mark(found))


def images(request: Request) -> Answer:
    """What pools can be made of."""
    return listing.answer(request.call, request.url, [dict(image) for image in sizes.IMAGES])


def _mark(found: Pool) -> tuple[float, int]:
    return found.changed_at, found.version


def _targets(asked: Body) -> dict[str, int]:
    found = {}
    for kind, name in zip(KINDS, ("targetDedicatedNodes", "targetLowPriorityNodes"), strict=True):
        if asked.get(name) is not None:
            found[kind] = pool_life.count(name, asked[name])
    return found


def _option(asked: Body) -> str:
    option = str(asked.get("nodeDeallocationOption") or "requeue").lower()
    if option not in allocation.OPTIONS:
        raise errors.invalid("nodeDeallocationOption", option, f"One of {', '.join(allocation.OPTIONS)}.")
    return option
