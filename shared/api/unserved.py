"""What the public API has and we do not (yet): lists are empty, single ones are not found, and what would
change something says that it is not served."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.routing import BaseRoute, Route

from shared.api import auth
from shared.api.problem import Problem, not_found
from shared.api.routes import as_json
from shared.api.users import known_organization

Answer = Callable[[Request], Any]

EMPTY: dict[str, dict[str, Any]] = {
    "/studios": {"studios": [], "totalSize": 0},
    "/studios/templates": {"templates": [], "totalSize": 0},
    "/studios/data-links": {"dataLinkIds": []},
    "/pipeline-secrets": {"pipelineSecrets": [], "totalSize": 0},
    "/data-links": {"dataLinks": [], "totalSize": 0},
    "/datasets": {"datasets": [], "totalSize": 0},
    "/datasets/versions": {"versions": [], "totalSize": 0},
    "/workspaces/{workspace_id}/datasets": {"datasets": [], "totalSize": 0},
    "/workspaces/{workspace_id}/datasets/versions": {"versions": [], "totalSize": 0},
    "/launch/{launch_id}/datasets": {"versions": [], "totalSize": 0},
}
"""Listings, and what they answer."""
UNKNOWN = {
    "/studios/{id}": "studio",
    "/studios/{id}/checkpoints": "studio",
    "/pipeline-secrets/{id}": "pipeline secret",
    "/data-links/{id}": "data link",
    "/data-links/{id}/browse": "data link",
    "/data-links/{id}/browse-tree": "data link",
    "/data-links/{id}/generate-download-url": "data link",
    "/datasets/{id}/metadata": "dataset",
    "/datasets/{id}/versions": "dataset",
}
"""Single ones: there are none."""
UNSERVED: dict[str, tuple[str, ...]] = {
    "agents": (
        "GET /agents", "POST /agents", "POST /agents/launch", "GET /agents/{id}", "PUT /agents/{id}",
        "DELETE /agents/{id}", "POST /agents/{id}/disable", "POST /agents/{id}/enable",
    ),
    "audit logs": (
        "GET /admin/audit-logs-v2", "GET /admin/audit-logs-v2/export-csv", "GET /admin/audit-logs-v2/{id}",
    ),
    "avatars": ("POST /avatars", "GET /avatars/{id}"),
    "keys of stored credentials": ("GET /credentials/{id}/keys",),
    "data links": (
        "POST /data-links", "PUT /data-links/{id}", "DELETE /data-links/{id}",
        "GET /data-links/cache/refresh", "GET /data-links/{id}/browse/{path:path}",
        "DELETE /data-links/{id}/content", "GET /data-links/{id}/download/{path:path}",
        "GET /data-links/{id}/script/download", "POST /data-links/{id}/upload",
        "POST /data-links/{id}/upload/finish", "POST /data-links/{id}/upload/finish/{path:path}",
        "POST /data-links/{id}/upload/{path:path}",
    ),
    "datasets": (
        "POST /datasets", "DELETE /datasets", "POST /datasets/hide", "POST /datasets/show",
        "POST /datasets/preview-url", "POST /datasets/validate-url", "POST /datasets/labels/add",
        "POST /datasets/labels/apply", "POST /datasets/labels/remove", "PUT /datasets/{id}",
        "DELETE /datasets/{id}", "POST /datasets/{id}/upload", "POST /datasets/{id}/link",
        "GET /datasets/{id}/v/{version}/n/{name}", "GET /datasets/{id}/v/{version}/preview",
        "POST /datasets/{id}/versions/{version}/disable", "POST /workspaces/{workspace_id}/datasets",
        "PUT /workspaces/{workspace_id}/datasets/{id}", "DELETE /workspaces/{workspace_id}/datasets/{id}",
        "GET /workspaces/{workspace_id}/datasets/{id}/metadata",
        "POST /workspaces/{workspace_id}/datasets/{id}/upload",
        "GET /workspaces/{workspace_id}/datasets/{id}/versions",
    ),
    "runs by the GA4GH service": (
        "GET /ga4gh/wes/v1/service-info", "GET /ga4gh/wes/v1/runs", "POST /ga4gh/wes/v1/runs",
        "GET /ga4gh/wes/v1/runs/{id}", "GET /ga4gh/wes/v1/runs/{id}/status",
        "POST /ga4gh/wes/v1/runs/{id}/cancel",
    ),
    "managed identities": (
        "GET /identities", "POST /identities", "GET /identities/{id}", "PUT /identities/{id}",
        "DELETE /identities/{id}", "GET /identities/{id}/credentials", "POST /identities/{id}/credentials",
        "PUT /identities/{id}/credentials/{key}", "DELETE /identities/{id}/credentials/{key}",
    ),
    "further organizations": ("POST /orgs",),
    "changes of the organization": ("PUT /orgs/{org_id}", "DELETE /orgs/{org_id}"),
    "quotas": ("GET /orgs/{org_id}/quotas",),
    "groups of an identity provider": (
        "GET /orgs/{org_id}/idp-groups", "POST /orgs/{org_id}/idp-groups",
        "DELETE /orgs/{org_id}/idp-groups/{id}", "GET /orgs/{org_id}/scim/config",
        "POST /orgs/{org_id}/scim/token", "DELETE /orgs/{org_id}/scim/token",
        "POST /orgs/{org_id}/scim/token/rotate",
    ),
    "further members": (
        "PUT /orgs/{org_id}/members/add", "DELETE /orgs/{org_id}/members/leave",
        "DELETE /orgs/{org_id}/members/{id}", "PUT /orgs/{org_id}/members/{id}/role",
    ),
    "teams": (
        "POST /orgs/{org_id}/teams", "GET /orgs/{org_id}/teams/validate", "GET /orgs/{org_id}/teams/{id}",
        "PUT /orgs/{org_id}/teams/{id}", "DELETE /orgs/{org_id}/teams/{id}",
        "GET /orgs/{org_id}/teams/{id}/members", "POST /orgs/{org_id}/teams/{id}/members",
        "DELETE /orgs/{org_id}/teams/{id}/members/{member}/delete",
        "GET /orgs/{org_id}/teams/{id}/workspaces",
    ),
    "further workspaces": ("POST /orgs/{org_id}/workspaces",),
    "changes of the workspace": (
        "PUT /orgs/{org_id}/workspaces/{workspace_id}", "DELETE /orgs/{org_id}/workspaces/{workspace_id}",
    ),
    "further participants": (
        "PUT /orgs/{org_id}/workspaces/{workspace_id}/participants/add",
        "DELETE /orgs/{org_id}/workspaces/{workspace_id}/participants",
        "DELETE /orgs/{org_id}/workspaces/{workspace_id}/participants/{id}",
        "PUT /orgs/{org_id}/workspaces/{workspace_id}/participants/{id}/role",
        "DELETE /orgs/{org_id}/workspaces/{workspace_id}/users/{id}",
    ),
    "pipeline secrets": (
        "POST /pipeline-secrets", "GET /pipeline-secrets/validate", "PUT /pipeline-secrets/{id}",
        "DELETE /pipeline-secrets/{id}",
    ),
    "versions of the platform": ("GET /platform/versions",),
    "roles": (
        "GET /roles", "POST /roles", "GET /roles/permissions", "GET /roles/validate", "GET /roles/{id}",
        "PUT /roles/{id}", "DELETE /roles/{id}", "GET /orgs/{org_id}/users/{id}/roles",
    ),
    "schedules": ("POST /actions/cron/resolve",),
    "SSH keys": (
        "GET /ssh-keys", "POST /ssh-keys", "GET /ssh-keys/validate/key", "GET /ssh-keys/validate/name",
        "GET /ssh-keys/{id}", "DELETE /ssh-keys/{id}",
    ),
    "studios": (
        "POST /studios", "GET /studios/validate", "PUT /studios/{id}", "DELETE /studios/{id}",
        "PUT /studios/{id}/start", "PUT /studios/{id}/stop", "GET /studios/{id}/checkpoints/{checkpoint}",
        "PUT /studios/{id}/checkpoints/{checkpoint}", "GET /studios/{id}/compatible-ce",
        "POST /studios/{id}/lifespan", "GET /orgs/{org_id}/workspaces/{workspace_id}/settings/studios",
        "PUT /orgs/{org_id}/workspaces/{workspace_id}/settings/studios",
    ),
    "users other than the one there is": (
        "GET /users/validate", "GET /users/{id}", "POST /users/{id}", "DELETE /users/{id}",
    ),
    "changes of a run": ("PATCH /workflow/{workflow_id}",),
}  # fmt: skip
"""Operations that are not served, by what they are about; those that would change something first of all."""


def empty(answer: dict[str, Any], _request: Request) -> dict[str, Any]:
    """An empty listing."""
    return answer


def unknown(what: str, request: Request) -> None:
    """There is no such thing."""
    raise not_found(what, request.path_params["id"])


def unserved(what: str, _request: Request) -> None:
    """Nothing was changed, and nothing will be."""
    raise Problem(501, f"{what} are not served by this control plane")


def nobody(name: str, request: Request) -> dict[str, Any]:
    """An empty listing of the organization's."""
    known_organization(int(request.path_params["org_id"]))
    return {name: [], "totalSize": 0}


def operation(answer: Answer, request: Request) -> Response:
    """One request of a user."""
    auth.user(request)
    return as_json(answer(request))


def refused() -> Iterator[tuple[str, str, str]]:
    """Method, path and subject of everything that is not served."""
    for what, operations in UNSERVED.items():
        for operation in operations:
            method, _, path = operation.partition(" ")
            yield method, path, what


def routes() -> list[BaseRoute]:
    """Plain routes: one that takes parameters and appears in the description costs a hundred times more
    at each start, and these have nothing to describe."""
    # `/datasets/validate` is no dataset: what is not served comes before what is not found.
    table: list[tuple[str, str, Answer]] = [
        *(("GET", path, functools.partial(empty, answer)) for path, answer in EMPTY.items()),
        *((method, path, functools.partial(unserved, what)) for method, path, what in refused()),
        *(("GET", path, functools.partial(unknown, what)) for path, what in UNKNOWN.items()),
        ("GET", "/orgs/{org_id:int}/teams", functools.partial(nobody, "teams")),
        ("GET", "/orgs/{org_id:int}/collaborators", functools.partial(nobody, "members")),
    ]
    return [
        Route(path, functools.partial(operation, answer), methods=[method]) for method, path, answer in table
    ]


router = APIRouter(routes=routes())
