"""/credentials"""

import json
from typing import Annotated, Any

from fastapi import Depends, Response
from fastapi.responses import JSONResponse

from shared.api import keys as provider_keys
from shared.api import records
from shared.api.answers import environments as answers
from shared.api.auth import ByUser
from shared.api.bodies import CreateCredentials, CredentialsFields
from shared.api.intake import Here, InWorkspace, MaybeWorkspace, body, decided
from shared.api.problem import Problem, bad
from shared.api.routes import Routes
from shared.errors import Exists, Fault
from shared.model.access import Credentials
from shared.model.environment import Environment, registries
from shared.ports import World
from shared.steps import credentials as steps

router = Routes(prefix="/credentials", tags=["credentials"])

USABLE_ON: dict[str, tuple[str, ...]] = {
    "aws-cloud": ("aws",),
    "aws-batch": ("aws",),
    "azure-cloud": ("azure-cloud",),
    "azure-batch": ("azure", "azure_entra"),
}
"""Platform -> the credentials that it can use."""


@router.get("")
def list_credentials(
    world: Here,
    _token: ByUser,
    workspace: InWorkspace,
    platformId: str | None = None,  # noqa: N803
) -> dict[str, Any]:
    """By name; with `platformId` only those that this platform can use."""
    found = records.listed(world, Credentials, "workspace", str(workspace))
    usable = USABLE_ON.get(platformId, ()) if platformId else None
    used = last_used(world, workspace)
    return {
        "credentials": [
            answers.credentials(each, used.get(each.id, 0.0))
            for each in found
            if usable is None or each.provider in usable
        ]
    }


@router.post("")
def create_credentials(
    world: Here,
    _token: ByUser,
    workspace: InWorkspace,
    request: Annotated[CreateCredentials, Depends(body(CreateCredentials))],
    useExternalId: bool = False,  # noqa: N803
) -> dict[str, Any]:
    """Stores them sealed."""
    asked = request.credentials
    keys = {name: value for name, value in asked.keys.items() if value is not None}
    with_external_id(world, keys, useExternalId)
    refuse(provider_keys.faults(asked.provider, keys))
    now = world.clock.now()
    blank = Credentials(
        id=world.ids.new(22), workspace_id=workspace, name=asked.name, provider=asked.provider, created_at=now
    )
    save(world, filled(world, blank, asked, keys))
    return {"credentialsId": blank.id}


@router.get("/validate", status_code=204, responses={409: {"description": "Conflict"}})
def validate_name(world: Here, _token: ByUser, workspace: InWorkspace, name: str = "") -> Response:
    """204 when the name can be had."""
    found = records.listed(world, Credentials, "workspace", str(workspace))
    if any(each.name.lower() == name.lower() for each in found):
        raise Problem(409, "credentials of this name already exists")
    return Response(status_code=204)


@router.get("/{id}")
def describe_credentials(world: Here, _token: ByUser, workspace: MaybeWorkspace, id: str) -> dict[str, Any]:
    """Without their secrets; of a role with an external id also the trust policy that it needs."""
    record = records.credentials(world, id, workspace)
    used = last_used(world, record.workspace_id)
    found: dict[str, Any] = {"credentials": answers.credentials(record, used.get(id, 0.0))}
    snippet = provider_keys.trust(record.public) if record.provider == "aws" else None
    return {**found, "setupSnippet": snippet} if snippet else found


@router.put("/{id}", status_code=204)
def update_credentials(
    world: Here,
    _token: ByUser,
    workspace: MaybeWorkspace,
    id: str,
    request: Annotated[CreateCredentials, Depends(body(CreateCredentials))],
    useExternalId: bool = False,  # noqa: N803
) -> Response:
    """Replaces the keys that are sent; those that are not sent stay. New keys were not refused yet."""
    asked = request.credentials

    def change() -> None:
        record = records.credentials(world, id, workspace)
        if record.provider != asked.provider:
            raise bad(Fault("credentials.provider", f"is {record.provider} and cannot be changed"))
        old = json.loads(world.vault.open(record.sealed, context(record.id)))
        keys = {**old, **{name: value for name, value in asked.keys.items() if value not in (None, "")}}
        with_external_id(world, keys, useExternalId)
        refuse(provider_keys.faults(asked.provider, keys))
        fresh = record.but(status="AVAILABLE", message="") if keys != old else record
        save(world, filled(world, fresh, asked, keys))

    decided(change)
    return Response(status_code=204)


@router.post("/{id}/validate", responses={409: {"description": "Conflict"}})
def validate_credentials(
    world: Here, _token: ByUser, workspace: MaybeWorkspace, id: str, force: bool = False
) -> dict[str, Any]:
    """Asks their cloud whether it accepts them; `message` says why not, or what could not be checked. With
    `force` INVALID ones are taken back unasked."""
    if force:
        found = decided(lambda: steps.believed(world, records.credentials(world, id, workspace)))
        return {"status": found.status, "message": None, "transientError": False}
    found, said, transient = decided(
        lambda: steps.validated(world, records.credentials(world, id, workspace))
    )
    return {"status": found.status, "message": said or found.message or None, "transientError": transient}


@router.delete("/{id}", status_code=204, responses={409: {"description": "Conflict"}})
def delete_credentials(world: Here, _token: ByUser, workspace: MaybeWorkspace, id: str) -> Response:
    """Forgets them, their secret first. 409 names the environments that need them."""
    record = records.credentials(world, id, workspace)
    users = environments_using(world, record)
    if users:
        return JSONResponse(conflict(record, users, world), 409)

    def forget() -> None:
        fresh = records.credentials(world, id, workspace)
        world.store.save(fresh.but(deleted=True, sealed="", public={}, updated_at=world.clock.now()))

    decided(forget)
    return Response(status_code=204)


def with_external_id(world: World, keys: dict[str, Any], wanted: bool) -> None:
    """Gives keys that assume a role an external id of their own, unless they have one."""
    if wanted and keys.get("mode") == "role" and not keys.get("externalId"):
        keys["externalId"] = world.ids.new(22)


def last_used(world: World, workspace: int) -> dict[str, float]:
    """When the environments of a workspace last used their credentials, by the credentials' ids."""
    found: dict[str, float] = {}
    for each in records.listed(world, Environment, "workspace", str(workspace)):
        found[each.credentials_id] = max(each.used_at, found.get(each.credentials_id, 0.0))
    return found


def context(id: str) -> str:
    """What the keys of these credentials are sealed for."""
    return f"credentials/{id}"


def filled(world: World, record: Credentials, asked: CredentialsFields, keys: dict[str, Any]) -> Credentials:
    """The record with what was asked for; the keys are in it only sealed."""
    keys.pop("discriminator", None)
    keys = provider_keys.kept(asked.provider, keys)
    shown = provider_keys.shown(asked.provider, keys)
    shown |= {"baseUrl": asked.base_url, "category": asked.category}
    return record.but(
        name=asked.name,
        description=asked.description or "",
        public={name: value for name, value in shown.items() if value},
        sealed=world.vault.seal(json.dumps(keys), context(record.id)),
        updated_at=world.clock.now(),
    )


def save(world: World, record: Credentials) -> None:
    """Saves; a name that is taken is a Problem."""
    try:
        world.store.save(record)
    except Exists:
        raise Problem(400, f"credentials {record.name} already exists") from None


def refuse(faults: list[Fault]) -> None:
    """Raises Problem 400 when there are faults."""
    if faults:
        raise bad(*faults)


def environments_using(world: World, record: Credentials) -> list[Environment]:
    """The environments that need these credentials, those being deleted included."""
    found = records.listed(world, Environment, "workspace", str(record.workspace_id))
    return [each for each in found if record.id in (each.credentials_id, *registries(each.config))]


def conflict(record: Credentials, users: list[Environment], world: World) -> dict[str, Any]:
    """Who stands in the way of a deletion."""
    base = world.settings.api_url.rstrip("/")
    names = ", ".join(each.name for each in users)
    return {
        "message": f"credentials {record.name} are used by compute environments: {names}",
        "credentialsId": record.id,
        "conflicts": [
            {"id": each.id, "name": each.name, "type": "compute-env", "url": f"{base}/compute-envs/{each.id}"}
            for each in users
        ],
    }
