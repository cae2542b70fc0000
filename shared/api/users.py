"""/user-info, /user and /orgs: the one user, organization and workspace."""

from typing import Any

from fastapi import Response

from shared.api.auth import ByUser
from shared.api.problem import Problem, not_found
from shared.api.routes import Routes
from shared.api.tenancy import ORG_ID, ORG_NAME, USER_ID, USER_NAME, WORKSPACE_ID, WORKSPACE_NAME

router = Routes(tags=["users"])

ORGANIZATION = {"orgId": ORG_ID, "name": ORG_NAME, "fullName": ORG_NAME, "memberRole": "owner"}
WORKSPACE = {
    "id": WORKSPACE_ID,
    "name": WORKSPACE_NAME,
    "fullName": WORKSPACE_NAME,
    "visibility": "PRIVATE",
}

MEMBER = {"memberId": USER_ID, "userId": USER_ID, "userName": USER_NAME, "role": "owner"}
PARTICIPANT = {
    "participantId": USER_ID,
    "memberId": USER_ID,
    "userName": USER_NAME,
    "orgRole": "owner",
    "wspRole": "owner",
    "type": "MEMBER",
}


@router.get("/user-info")
async def user_info(token: ByUser) -> dict[str, Any]:
    """Who the token belongs to."""
    return {
        "user": {"id": token.user_id, "userName": USER_NAME, "deleted": False, "notification": False},
        "needConsent": False,
    }


@router.get("/user/{user_id}/workspaces")
async def workspaces_of_user(user_id: int, _token: ByUser) -> dict[str, Any]:
    """The organization, and its workspace. The personal workspace is what no workspace id means."""
    if user_id != USER_ID:
        raise not_found("user", user_id)
    # Clients tell the two kinds of rows apart by the workspace being null.
    organization = {"orgId": ORG_ID, "orgName": ORG_NAME, "workspaceId": None, "workspaceName": None}
    workspace = {
        **organization,
        "workspaceId": WORKSPACE_ID,
        "workspaceName": WORKSPACE_NAME,
        "workspaceFullName": WORKSPACE_NAME,
        "visibility": "PRIVATE",
        "roles": ["owner"],
    }
    return {"orgsAndWorkspaces": [organization, workspace]}


@router.get("/orgs")
async def organizations(_token: ByUser) -> dict[str, Any]:
    """The one organization."""
    return {"organizations": [ORGANIZATION], "totalSize": 1}


@router.get("/orgs/validate", status_code=204, responses={409: {"description": "Conflict"}})
async def validate_organization(_token: ByUser, name: str = "") -> Response:
    """204 when the name can be had; there is only the one, though."""
    return free("organization", name, ORG_NAME)


@router.get("/orgs/{org_id}")
async def organization(org_id: int, _token: ByUser) -> dict[str, Any]:
    """The one organization."""
    known_organization(org_id)
    return {"organization": ORGANIZATION}


@router.get("/orgs/{org_id}/workspaces")
async def workspaces(org_id: int, _token: ByUser) -> dict[str, Any]:
    """Its one workspace."""
    known_organization(org_id)
    return {"workspaces": [WORKSPACE]}


@router.get(
    "/orgs/{org_id}/workspaces/validate", status_code=204, responses={409: {"description": "Conflict"}}
)
async def validate_workspace(org_id: int, _token: ByUser, name: str = "") -> Response:
    """204 when the name can be had; there is only the one, though."""
    known_organization(org_id)
    return free("workspace", name, WORKSPACE_NAME)


def free(what: str, name: str, taken: str) -> Response:
    """204, or Problem 409."""
    if name.lower() == taken:
        raise Problem(409, f"{what} {name} already exists")
    return Response(status_code=204)


@router.get("/orgs/{org_id}/members")
async def members(org_id: int, _token: ByUser) -> dict[str, Any]:
    """Its one member."""
    known_organization(org_id)
    return {"members": [MEMBER], "totalSize": 1}


@router.get("/orgs/{org_id}/workspaces/{workspace_id}")
async def workspace(org_id: int, workspace_id: int, _token: ByUser) -> dict[str, Any]:
    """Its one workspace."""
    known_workspace(org_id, workspace_id)
    return {"workspace": WORKSPACE}


@router.get("/orgs/{org_id}/workspaces/{workspace_id}/participants")
async def participants(org_id: int, workspace_id: int, _token: ByUser) -> dict[str, Any]:
    """Its one participant."""
    known_workspace(org_id, workspace_id)
    return {"participants": [PARTICIPANT], "totalSize": 1}


def known_workspace(org_id: int, workspace_id: int) -> None:
    """Raises Problem 404 for any other one."""
    known_organization(org_id)
    if workspace_id != WORKSPACE_ID:
        raise not_found("workspace", workspace_id)


def known_organization(org_id: int) -> None:
    """Raises Problem 404 for any other one."""
    if org_id != ORG_ID:
        raise not_found("organization", org_id)
