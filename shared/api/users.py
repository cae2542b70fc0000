"""/user-info, /user and /orgs: the one user, organization and workspace."""

from typing import Any

from shared.api.auth import ByUser
from shared.api.problem import not_found
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


@router.get("/orgs/{org_id}/workspaces/{workspace_id}")
async def workspace(org_id: int, workspace_id: int, _token: ByUser) -> dict[str, Any]:
    """Its one workspace."""
    known_organization(org_id)
    if workspace_id != WORKSPACE_ID:
        raise not_found("workspace", workspace_id)
    return {"workspace": WORKSPACE}


def known_organization(org_id: int) -> None:
    """Raises Problem 404 for any other one."""
    if org_id != ORG_ID:
        raise not_found("organization", org_id)
