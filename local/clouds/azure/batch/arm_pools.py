"""Pools by way of ARM, the only way to give them an identity."""

from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.arm import operations
from local.clouds.azure.arm.tracked import pages
from local.clouds.azure.batch import accounts, allocation, arm_shapes, errors, pool_life, scaling, secrets
from local.clouds.azure.batch.models import KINDS, Account, Body, Pool
from local.clouds.azure.call import Call
from local.clouds.azure.errors import Refused, invalid, not_found

if TYPE_CHECKING:
    from local.clouds.azure.state import State

ASSIGN = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"


def put(state: "State", call: Call) -> Answer:
    """200 to a new pool, or to other properties of one that is there; nodes come later."""
    account, asked = accounts.of(state, call), call.document()
    properties = asked.get("properties") or {}
    body = arm_shapes.to_service(call.names["pool"], properties)
    identity = _identity(state, call, asked.get("identity"))
    with _Words():
        found = account.pools.get(call.names["pool"].lower())
        if found:
            pool_life.check(state, body, call.principal, identity)
            found.identity = identity
            _change(state, account, found, body)
        else:
            found = pool_life.create(state, account, body, identity=identity, subnet_by=call.principal)
    return _answer(account, found)


def patch(state: "State", call: Call) -> Answer:
    """200: what is given is changed."""
    account, found = accounts.of(state, call), _find(state, call)
    properties = {**arm_shapes.to_arm(found), **(call.document().get("properties") or {})}
    with _Words():
        body = arm_shapes.to_service(found.id, properties)
        pool_life.check(state, body, call.principal, found.identity)
        _change(state, account, found, body)
    return _answer(account, found)


def _change(state: "State", account: Account, pool: Pool, body: Body) -> None:
    """Gives a pool other properties; its size, or its formula, only when that is another one."""
    if pool.state.name == "deleting":
        raise errors.being("Pool", "Deleted")
    for name in ("vmSize", "virtualMachineConfiguration"):
        if pool.nodes and body.get(name) != pool.body.get(name):
            raise errors.wrong_state(f"{name} can be changed only while the pool has no nodes.")
    names = ("enableAutoScale", "autoScaleFormula", "autoScaleEvaluationInterval")
    rescaled = any(body.get(name) != pool.body.get(name) for name in names)
    pool_life.change(pool, body, state.now)
    if pool.scales and rescaled:
        scaling.enable(state, account, pool, state.now)
    targets = {kind: int(body.get(f"target{kind[0].upper()}{kind[1:]}Nodes") or 0) for kind in KINDS}
    if not pool.scales and targets != pool.targets:
        allocation.resize(state, account, pool, targets, "requeue", state.now)


def get(state: "State", call: Call) -> Answer:
    """One."""
    return _answer(accounts.of(state, call), _find(state, call))


def every(state: "State", call: Call) -> Answer:
    """All of an account."""
    account = accounts.of(state, call)
    return pages(state, call, [_shown(account, pool) for pool in account.pools.values()])


def delete(state: "State", call: Call) -> Answer:
    """202 with the address of the end, 204 when there is no such pool."""
    account = accounts.of(state, call)
    found = account.pools.get(call.names["pool"].lower())
    if found is None:
        return Answer(204)
    if found.state.name != "deleting":
        allocation.delete(state, account, found, state.now)
    seconds = state.timings.of("Microsoft.Batch/batchAccounts/pools/delete")
    operation = operations.begin(state, call, lambda: None, seconds=seconds)
    where = f"{state.url}{account.home}/poolOperationResults/{operation.id}"
    headers = [("Location", f"{where}?api-version={call.query['api-version']}")]
    headers.append(("Retry-After", f"{state.timings.retry_after:g}"))
    return Answer(202, b"", headers)


def result(state: "State", call: Call) -> Answer:
    """202 until a deletion is over."""
    accounts.of(state, call)
    return operations.result(state, call)


def _find(state: "State", call: Call) -> Pool:
    found = accounts.of(state, call).pools.get(call.names["pool"].lower())
    if found is None:
        raise not_found("Microsoft.Batch/batchAccounts/pools", call.names["pool"], call.names["group"])
    return found


def _identity(state: "State", call: Call, asked: Body | None) -> Body | None:
    """The identities that a pool's nodes will have; the caller must be allowed to assign them."""
    if not asked or str(asked.get("type")).lower() == "none":
        return None
    if str(asked.get("type")).lower() != "userassigned" or not asked.get("userAssignedIdentities"):
        raise invalid("A pool has user-assigned identities only.", "InvalidRequestBody")
    shown = {}
    for id in asked["userAssignedIdentities"]:
        found = state.store.get(id)
        if found is None:
            raise invalid(f"The identity '{id}' was not found.", "FailedIdentityOperation")
        state.judge.require_linked(call.principal, ASSIGN, call.path, id)
        shown[id] = {name: found.properties[name] for name in ("principalId", "clientId")}
    return {"type": "UserAssigned", "userAssignedIdentities": shown}


def _shown(account: Account, pool: Pool) -> Body:
    id = f"{account.home}/pools/{pool.id}"
    shown: Body = {"id": id, "name": pool.id, "type": "Microsoft.Batch/batchAccounts/pools"}
    if pool.identity:
        shown["identity"] = pool.identity
    return {
        **shown,
        "etag": f'W/"0x8D{pool.version:X}"',
        "properties": secrets.without(arm_shapes.to_arm(pool)),
    }


def _answer(account: Account, pool: Pool) -> Answer:
    answer = Answer.json(_shown(account, pool))
    answer.headers.append(("ETag", f'W/"0x8D{pool.version:X}"'))
    return answer


class _Words:
    """Turns refusals in the service's form into ARM's."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: object, __: object) -> None:
        if isinstance(error, errors.BatchRefused):
            why = "; ".join(f"{key}: {value}" for key, value in error.values.items())
            said = f"{error.message} ({why})" if why else error.message
            raise Refused(error.status, error.code, said) from None
