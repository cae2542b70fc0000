"""The one user, organization and workspace of an installation, plus the user's personal workspace."""

from shared.ports import World

USER_ID = 1
USER_NAME = "headnode"
ORG_ID = 1
ORG_NAME = "headnode"
WORKSPACE_ID = 1
WORKSPACE_NAME = "main"
PERSONAL = 0
"""The workspace id of records in the personal workspace; the API shows it as no workspace at all."""


def watch_url(world: World, workspace_id: int, run_id: str) -> str:
    """Where a browser finds a run, in the form that the clients build it too."""
    base = world.settings.api_url.rstrip("/").removesuffix("/api")
    if workspace_id == PERSONAL:
        return f"{base}/user/{USER_NAME}/watch/{run_id}"
    return f"{base}/orgs/{ORG_NAME}/workspaces/{WORKSPACE_NAME}/watch/{run_id}"


def shown_workspace(workspace_id: int) -> dict[str, object]:
    """A workspace's fields on an object in it; none for the personal one."""
    if workspace_id == PERSONAL:
        return {}
    return {
        "orgId": ORG_ID,
        "orgName": ORG_NAME,
        "workspaceId": workspace_id,
        "workspaceName": WORKSPACE_NAME,
    }
