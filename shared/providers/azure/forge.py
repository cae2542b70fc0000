"""The resources of an environment: make, remove, prove gone.

Making: what can be read is looked at first (is it there, is it ours, is it done), written when it is not
there, and found done on a later visit by the resource's own state: the role may not read operations. A
data collection endpoint and a table cannot be read either: for these a second PUT is the read.

Removing: the published role for disposal allows no read at all. A deletion that finds nothing (204, 404)
is the proof of absence. What the record says that we made is ours; for a row whose making was never
answered, the tags are looked at where the role allows it, and otherwise the name is taken, which holds the
environment's random id. Role definitions and assignments carry no tags; their GUIDs are made of ours.
"""

from collections.abc import Mapping, Sequence

from shared.errors import Forbidden, HeadnodeError, NotYet, Refused, Retry
from shared.model.environment import Leftover, Made, ResourceRow
from shared.providers.azure import bodies, graph, versions
from shared.providers.azure.account import Account
from shared.providers.azure.errors import Answer, hushed, is_gone
from shared.providers.azure.graph import ASSIGNMENT, ENDPOINT, GROUP, KINDS, ROLE, STORAGE, TABLE, WORKSPACE
from shared.providers.azure.ordering import FRESH_GRANT

SOON = 2.0
"""Seconds until something that is being made is looked at again."""
TAKEN: Mapping[str, tuple[str, ...]] = {
    ASSIGNMENT: ("RoleAssignmentExists",),
    STORAGE: ("RoleAssignmentExists",),
    TABLE: ("Conflict",),
}
"""Refusals of a write that say no more than that an earlier one did it, or is doing it."""
DELETIONS = 3
"""Deletions in one visit: the one that finds nothing is the proof."""
BODIES = {
    "group": bodies.group,
    "identity": bodies.identity,
    "workspace": bodies.workspace,
    "rule": bodies.rule,
    "network": bodies.network,
}
"""What can be read, by key."""


def ensure(account: Account, row: ResourceRow, made: Mapping[str, ResourceRow]) -> Made:
    """Makes the resource of this row, or finds it made. Raises NotYet while Azure is at it."""
    graph.kind_of(row)
    try:
        if row.key == STORAGE:
            return ensure_storage(account, made)
        path = graph.path(account, row.key)
        if row.key == ROLE:
            put(account, path, ROLE, bodies.role(account))
            return Made(cloud_id=path)
        if row.key == ASSIGNMENT:
            put(account, path, ASSIGNMENT, bodies.assignment(account, made))
            return Made(cloud_id=path)
        if row.key == ENDPOINT:
            return ensure_endpoint(account, path)
        if row.key == TABLE:
            return ensure_table(account, path)
        return ensure_read(account, row.key, path)
    except HeadnodeError as error:
        raise hushed(error, account.age, FRESH_GRANT) from error


def ensure_read(account: Account, key: str, path: str) -> Made:
    """A resource that can be read: there and done, there and not done, or to be written."""
    kind = KINDS[key]
    shown = account.clients.arm("GET", path, kind.version, action=f"{kind.arm}/read", accept=(404,))
    if not is_gone(shown):
        if not account.is_ours(shown):
            raise Refused(f"{path.rpartition('/')[2]} exists and does not carry our tags")
        if shown.state not in ("Failed", "Canceled"):
            return done(key, path, shown)
    elif shown.code == "ResourceGroupNotFound" and key != GROUP:
        raise NotYet(f"{account.group_name} cannot be seen yet", after=SOON)
    return done(key, path, put(account, path, key, BODIES[key](account)))


def put(account: Account, path: str, key: str, body: Mapping[str, object]) -> Answer:
    """One write of a resource. An assignment that exists under whatever name is as good as ours."""
    kind = KINDS[key]
    accept = TAKEN.get(key, ())
    return account.clients.arm(
        "PUT", path, kind.version, action=f"{kind.arm}/write", body=body, accept=accept
    )


def done(key: str, path: str, shown: Answer) -> Made:
    """What is kept of a resource. Raises NotYet until it is made."""
    if shown.state not in ("Succeeded", ""):
        raise NotYet(f"{path.rpartition('/')[2]} is {shown.state or 'being made'}", after=SOON)
    return Made(cloud_id=path, facts=facts(key, shown))


def facts(key: str, shown: Answer) -> dict[str, str]:
    """What a launch or another resource needs to know of this one. Raises NotYet while it is missing."""
    logs = shown.properties.get("logsIngestion") or {}
    wanted: dict[str, dict[str, object]] = {
        "identity": {name: shown.properties.get(name) for name in ("principalId", "clientId")},
        "workspace": {"customerId": shown.properties.get("customerId")},
        "rule": {"immutableId": shown.properties.get("immutableId")},
        "endpoint": {"logsIngestion": logs.get("endpoint") if isinstance(logs, dict) else None},
    }
    found = wanted.get(key, {})
    missing = [name for name, value in found.items() if not value]
    if missing:
        raise NotYet(f"{key}: Azure does not show its {missing[0]} yet", after=SOON)
    return {name: str(value) for name, value in found.items()}


def ensure_endpoint(account: Account, path: str) -> Made:
    """An endpoint is ready at once; writing it again is how to read it."""
    return done(ENDPOINT, path, put(account, path, ENDPOINT, bodies.endpoint(account)))


def ensure_table(account: Account, path: str) -> Made:
    """A table that is there as it should be answers a write with itself; until then Azure says that it
    has accepted it, or that it is busy."""
    kind = KINDS[TABLE]
    answer = account.clients.arm(
        "PUT",
        path,
        kind.version,
        action=f"{kind.arm}/write",
        body=bodies.table(account),
        accept=("Conflict",),
    )
    if answer.status == 200 and answer.state in ("Succeeded", ""):
        return Made(cloud_id=path)
    raise NotYet(f"{path.rpartition('/')[2]} is being made", after=SOON)


def ensure_storage(account: Account, made: Mapping[str, ResourceRow]) -> Made:
    """The blobs of the work container for the machines' identity: at the container where its group is
    known, else at the subscription, with a role of our own and a condition."""
    scope = storage_scope(account)
    if scope == account.subscription:
        put(account, graph.storage_role_path(account), ROLE, bodies.storage_role(account))
    path = f"{scope}/providers/{graph.ASSIGNMENTS}/{account.guid('storage')}"
    put(account, path, STORAGE, bodies.storage(account, made, scope))
    return Made(cloud_id=path)


def storage_scope(account: Account) -> str:
    """The container's id when the group that is named for it (or else the environment's) has it; else
    the subscription."""
    for group in filter(None, (account.options.storage_group, account.options.group)):
        found = graph.container_id(account, group)
        answer = account.clients.arm(
            "GET", found, versions.STORAGE, action=f"{bodies.CONTAINERS}/read", accept=(404,)
        )
        if not is_gone(answer):
            return found
    return account.subscription


def remove(account: Account, row: ResourceRow) -> bool:
    """Asks for the removal of the row's resource; True once Azure answered that there is none. Raises
    Refused for one that is not ours, Retry while something still holds it."""
    kind = graph.kind_of(row)
    if row.key == STORAGE:
        return remove_storage(account, row)
    path = row.cloud_id or graph.path(account, row.key)
    if kind.tagged and not row.cloud_id:
        check_ours(account, kind, path)
    return absent(account, path, row.key)


def remove_storage(account: Account, row: ResourceRow) -> bool:
    """The assignment wherever it may be, then the role that it may have had."""
    paths = [row.cloud_id] if row.cloud_id else graph.storage_paths(account)
    gone = [absent(account, path, STORAGE) for path in paths]
    if not all(gone):
        return False
    return absent(account, graph.storage_role_path(account), ROLE)


def check_ours(account: Account, kind: graph.Kind, path: str) -> None:
    """Raises Refused when there is such a resource without our tags. Where the role allows no look, the
    name has to do."""
    if kind.type == "DataCollectionEndpoint":
        return  # no published role can read one
    try:
        shown = account.clients.arm("GET", path, kind.version, action=f"{kind.arm}/read", accept=(404,))
    except Forbidden:
        return
    if not is_gone(shown) and not account.is_ours(shown):
        raise Refused(f"{path.rpartition('/')[2]} exists and does not carry our tags")


def absent(account: Account, path: str, key: str) -> bool:
    """Deletes until a deletion finds nothing; False while Azure is still at it."""
    kind = KINDS[key]
    query = {"force": "true"} if key == WORKSPACE else None  # else its name stays taken for 14 days
    for _ in range(DELETIONS):
        answer = account.clients.arm(
            "DELETE", path, kind.version, action=f"{kind.arm}/delete", query=query, accept=(404,)
        )
        if answer.status == 204 or is_gone(answer):
            return True
        if answer.status == 202:
            return False
    return False


def leftovers(account: Account, rows: Sequence[ResourceRow]) -> list[Leftover]:
    """What still exists of these rows, found out by deletions that must find nothing: asked only for rows
    whose removal was asked for before. With the group, all that was in it is gone."""
    found: list[Leftover] = []
    gone_with_group = group_is_gone(account, rows)
    for row in rows:
        if gone_with_group and row.key not in (GROUP, ROLE, STORAGE):
            continue
        why = left(account, row)
        if why:
            found.append(Leftover(type=row.type, cloud_id=row.cloud_id or row.name, why=why))
    return found


def group_is_gone(account: Account, rows: Sequence[ResourceRow]) -> bool:
    """Whether our own group is proven gone."""
    return any(row.key == GROUP and row.state == "gone" and not left(account, row) for row in rows)


def left(account: Account, row: ResourceRow) -> str:
    """Why the resource counts as left; empty when it is gone."""
    if row.state == "planned":
        return ""
    if row.state not in ("removing", "gone"):
        return "its removal was not asked for"
    try:
        return "" if remove(account, row) else "it still exists"
    except (Retry, Refused) as error:
        return str(error)
