"""Which operation a request is, what it needs, and what it may say."""

from dataclasses import dataclass

from local.clouds.azure.blob import delegation, preconditions
from local.clouds.azure.blob.errors import unmodelled
from local.clouds.azure.call import Call

_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_KEY = "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"
_READ = (f"{_CONTAINERS}/blobs/read",)
_WRITE = (f"{_CONTAINERS}/blobs/write",)
_ADD = (f"{_CONTAINERS}/blobs/write", f"{_CONTAINERS}/blobs/add/action")
_WRITTEN = frozenset({"content-md5", "x-ms-content-crc64"})
_DESCRIBED = frozenset(
    {
        "x-ms-blob-content-type",
        "x-ms-blob-content-encoding",
        "x-ms-blob-content-language",
        "x-ms-blob-content-disposition",
        "x-ms-blob-cache-control",
        "x-ms-blob-content-md5",
        "x-ms-access-tier",
    }
)


@dataclass(frozen=True)
class Operation:
    """One operation. `needs` are RBAC actions any of which will do (actions on data, if `data`);
    `signed` the letters of a signature's permission any of which will do; `query` and `headers` what it
    understands of what is its own. Over a blob that exists, an operation that `creates` needs the first of
    each."""

    name: str
    needs: tuple[str, ...]
    signed: str = ""
    data: bool = True
    creates: bool = False
    query: frozenset[str] = frozenset()
    headers: frozenset[str] = frozenset()


_LISTING = frozenset({"prefix", "delimiter", "marker", "maxresults", "include"})
_RANGE = frozenset({"x-ms-range", "x-ms-range-get-content-md5"})
_POSITION = frozenset({"x-ms-blob-condition-appendpos", "x-ms-blob-condition-maxsize"})
_KINDS = frozenset({"x-ms-blob-type"})
_LIST = frozenset({"blocklisttype"})
_DELETES = frozenset({"x-ms-delete-snapshots"})

BY_SHAPE = {
    ("account", "POST", "service", "userdelegationkey"): Operation(
        "GetUserDelegationKey", (_KEY,), data=False
    ),
    ("account", "GET", "", "list"): Operation(
        "ListContainers",
        (f"{_CONTAINERS}/read",),
        data=False,
        query=_LISTING - {"delimiter"},
    ),
    ("container", "PUT", "container", ""): Operation(
        "CreateContainer", (f"{_CONTAINERS}/write",), data=False
    ),
    ("container", "GET", "container", ""): Operation(
        "GetContainerProperties", (f"{_CONTAINERS}/read",), data=False
    ),
    ("container", "GET", "container", "list"): Operation("ListBlobs", _READ, "l", query=_LISTING),
    ("blob", "PUT", "", ""): Operation(
        "PutBlob", _ADD, "wc", creates=True, headers=_KINDS | _WRITTEN | _DESCRIBED
    ),
    ("blob", "PUT", "", "block"): Operation(
        "PutBlock", _WRITE, "w", query=frozenset({"blockid"}), headers=_WRITTEN
    ),
    ("blob", "PUT", "", "blocklist"): Operation(
        "PutBlockList", _WRITE, "wc", creates=True, headers=_WRITTEN | _DESCRIBED
    ),
    ("blob", "GET", "", "blocklist"): Operation("GetBlockList", _READ, "r", query=_LIST),
    ("blob", "PUT", "", "appendblock"): Operation("AppendBlock", _ADD, "aw", headers=_WRITTEN | _POSITION),
    ("blob", "PUT", "", "metadata"): Operation("SetBlobMetadata", _WRITE, "w"),
    ("blob", "GET", "", ""): Operation("GetBlob", _READ, "r", headers=_RANGE),
    ("blob", "HEAD", "", ""): Operation("GetBlobProperties", _READ, "r"),
    ("blob", "DELETE", "", ""): Operation(
        "DeleteBlob", (f"{_CONTAINERS}/blobs/delete",), "d", headers=_DELETES
    ),
}
"""From "Permissions for calling data operations" and the pages on signatures of Azure's documentation.
A new blob needs write or add, and Put Blob over an old one write."""

BY_NAME = {each.name: each for each in BY_SHAPE.values()}
_COMMON = frozenset({"x-ms-version", "x-ms-date", "x-ms-client-request-id", "x-ms-return-client-request-id"})
_FRAME = frozenset({"restype", "comp", "timeout"})
_UNTAUGHT = {
    "page": "PutPage",
    "lease": "Lease",
    "tags": "blob tags",
    "snapshot": "SnapshotBlob",
    "properties": "SetBlobProperties",
    "tier": "SetBlobTier",
    "acl": "container ACLs",
    "batch": "BlobBatch",
    "query": "QueryBlobContents",
    "undelete": "UndeleteBlob",
}


def named(call: Call) -> str:
    """The operation's name, for the journal and faults; notes account, container and blob. Raises
    Refused with 501 for what is not modelled, down to a header that would be ignored otherwise."""
    call.service = "storage"
    account, container, blob = (*call.path.split("/", 4)[2:], "", "")[:3]
    call.names = {"account": account, "container": container, "blob": blob}
    call.params = {**call.query, **call.names}
    level = "blob" if blob else "container" if container else "account"
    restype, comp = call.query.get("restype", ""), call.query.get("comp", "")
    method = "GET" if (level, call.method) == ("container", "HEAD") else call.method
    found = BY_SHAPE.get((level, method, restype, comp))
    if found is None:
        what = _UNTAUGHT.get(comp, f"{call.method} of a {level} with restype={restype}&comp={comp}")
        raise unmodelled(what)
    call.action = found.name
    _understood(call, found)
    return f"storage/{found.name}"


def _understood(call: Call, operation: Operation) -> None:
    for name in call.query:
        if name not in _FRAME | operation.query | delegation.SIGNED:
            raise unmodelled(f"the query parameter {name} of {operation.name}")
    known = _COMMON | operation.headers | preconditions.HEADERS
    for name in call.headers:
        if name.startswith("x-ms-") and name not in known and not name.startswith("x-ms-meta-"):
            raise unmodelled(f"the header {name} of {operation.name}")
