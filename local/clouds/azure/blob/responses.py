"""Every request to blob storage, from its account to its answer."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.blob import access, accounts, containers, errors, listing, reading, writing
from local.clouds.azure.blob.models import Container
from local.clouds.azure.blob.operations import BY_NAME
from local.clouds.azure.call import Call

if TYPE_CHECKING:
    from local.clouds.azure.state import State

WITHIN: Mapping[str, Callable[["State", Call, Container], Answer]] = {
    "GetContainerProperties": containers.properties,
    "ListBlobs": listing.blobs,
    "PutBlob": writing.put,
    "PutBlock": writing.put_block,
    "PutBlockList": writing.put_block_list,
    "AppendBlock": writing.append,
    "SetBlobMetadata": writing.set_metadata,
    "DeleteBlob": writing.delete,
    "GetBlob": reading.get,
    "GetBlobProperties": reading.properties,
    "GetBlockList": reading.blocks,
}
"""Operations in a container that exists."""
BEYOND: Mapping[str, Callable[["State", Call], Answer]] = {
    "ListContainers": listing.containers,
    "CreateContainer": containers.create,
    "GetUserDelegationKey": containers.delegation_key,
}


def serve(state: "State", call: Call) -> Answer:
    """Judges, lets faults strike, does it, and adds what every answer says."""
    names, operation = call.names, BY_NAME[call.action]
    account = accounts.find(state, names["account"])
    if account is None:
        raise errors.no_account(names["account"])
    container = state.blobs.containers[account.name].get(names["container"])
    over = container is not None and names["blob"] in container.blobs
    access.admit(state, call, operation, account, over=over)
    state.strike(call)
    if call.action in BEYOND:
        answer = BEYOND[call.action](state, call)
    elif container is None:
        raise errors.no_container()
    else:
        answer = WITHIN[call.action](state, call, container)
    answer.headers.append(("x-ms-version", call.headers.get("x-ms-version") or call.query.get("sv", "")))
    said = call.headers.get("x-ms-client-request-id")
    if said:
        answer.headers.append(("x-ms-client-request-id", said))
    return answer
