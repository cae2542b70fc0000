"""/headnode/hooks: what GitHub calls. No token opens it, only the signature of what is sent."""

import re
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import Depends, Request

from shared.api.intake import Here, decoded
from shared.api.problem import Problem, bad
from shared.api.routes import Routes
from shared.errors import Fault
from shared.steps import pushes

router = Routes(prefix="/headnode/hooks", tags=["hooks"])

DELIVERY = re.compile(r"[0-9A-Za-z-]{1,100}")


async def raw(request: Request) -> bytes:
    """The body as it was signed, up to the limit of every body."""
    return await request.body()


def header(name: str, required: bool) -> dict[str, Any]:
    """A header that is read by hand, as it is described."""
    return {"name": name, "in": "header", "required": required, "schema": {"type": "string"}}


SENT: dict[str, Any] = {
    "parameters": [
        header("X-Hub-Signature-256", True),
        header("X-GitHub-Delivery", True),
        header("X-GitHub-Event", False),
    ],
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "object"}}
            for kind in ("application/json", "application/x-www-form-urlencoded")
        },
    },
}
REFUSED: dict[int | str, dict[str, Any]] = {400: {}, 403: {}, 409: {}, 413: {}, 415: {}}


@router.post("/github/{action_id}", openapi_extra=SENT, responses=REFUSED)
def github(
    request: Request, world: Here, action_id: str, data: Annotated[bytes, Depends(raw)]
) -> dict[str, Any]:
    """A push becomes a run. 403 unless the body is signed with the action's secret, before it is read;
    409 for a push that was taken already."""
    signature = request.headers.get("x-hub-signature-256", "")
    try:
        action = pushes.verified(world, action_id[:22], data, signature)
    except pushes.Unsigned as error:
        raise Problem(403, str(error)) from None
    delivery = request.headers.get("x-github-delivery", "")
    if not DELIVERY.fullmatch(delivery):
        raise bad(Fault("X-GitHub-Delivery", "is required"))
    event = request.headers.get("x-github-event", "")
    if event == "ping":
        return {"message": "pong"}
    if event != "push":
        return {"message": f"ignored: only pushes are taken, not {event[:40] or 'nothing'}"}
    try:
        push = payload(request.headers.get("content-type", ""), data)
    except ValueError:
        raise bad(Fault("body", "not a form")) from None
    if reason := pushes.ignored(action, push):
        return {"message": reason}
    try:
        return {"workflowId": pushes.take(world, action, delivery, data, push).id}
    except pushes.Replayed as error:
        raise Problem(409, str(error)) from None


def payload(content_type: str, data: bytes) -> dict[str, Any]:
    """The push in a body, in either of the two forms that GitHub offers for a webhook."""
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return decoded(content_type, data)
    fields = parse_qs(data.decode("latin-1"), max_num_fields=10)
    return decoded("application/json", fields.get("payload", [""])[0].encode())
