"""What the public API has and we do not (yet): lists are empty, single ones are not found, and what would
change something says that it is not served."""

import functools
from collections.abc import Callable
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
WRITES = (
    ("POST", "/studios", "studios"),
    ("PUT", "/studios/{id}", "studios"),
    ("DELETE", "/studios/{id}", "studios"),
    ("PUT", "/studios/{id}/start", "studios"),
    ("PUT", "/studios/{id}/stop", "studios"),
    ("POST", "/pipeline-secrets", "pipeline secrets"),
    ("PUT", "/pipeline-secrets/{id}", "pipeline secrets"),
    ("DELETE", "/pipeline-secrets/{id}", "pipeline secrets"),
    ("POST", "/data-links", "data links"),
    ("PUT", "/data-links/{id}", "data links"),
    ("DELETE", "/data-links/{id}", "data links"),
    ("POST", "/datasets", "datasets"),
    ("DELETE", "/datasets", "datasets"),
    ("PUT", "/datasets/{id}", "datasets"),
    ("DELETE", "/datasets/{id}", "datasets"),
    ("POST", "/datasets/{id}/upload", "datasets"),
    ("POST", "/workspaces/{workspace_id}/datasets", "datasets"),
    ("POST", "/datasets/labels/add", "datasets"),
    ("POST", "/datasets/labels/apply", "datasets"),
    ("POST", "/datasets/labels/remove", "datasets"),
    ("POST", "/actions/cron/resolve", "schedules"),
    ("POST", "/orgs", "further organizations"),
    ("PUT", "/orgs/{org_id}", "changes of the organization"),
    ("DELETE", "/orgs/{org_id}", "changes of the organization"),
    ("POST", "/orgs/{org_id}/workspaces", "further workspaces"),
    ("PUT", "/orgs/{org_id}/workspaces/{workspace_id}", "changes of the workspace"),
    ("DELETE", "/orgs/{org_id}/workspaces/{workspace_id}", "changes of the workspace"),
    ("PUT", "/orgs/{org_id}/members/add", "further members"),
    ("PUT", "/orgs/{org_id}/workspaces/{workspace_id}/participants/add", "further participants"),
    ("POST", "/orgs/{org_id}/teams", "teams"),
)
"""Operations that would change something, and what they are about."""


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


def routes() -> list[BaseRoute]:
    """Plain routes: one that takes parameters and appears in the description costs a hundred times more
    at each start, and these have nothing to describe."""
    table: list[tuple[str, str, Answer]] = [
        *(("GET", path, functools.partial(empty, answer)) for path, answer in EMPTY.items()),
        *(("GET", path, functools.partial(unknown, what)) for path, what in UNKNOWN.items()),
        *((method, path, functools.partial(unserved, what)) for method, path, what in WRITES),
        ("GET", "/orgs/{org_id:int}/teams", functools.partial(nobody, "teams")),
        ("GET", "/orgs/{org_id:int}/collaborators", functools.partial(nobody, "members")),
    ]
    return [
        Route(path, functools.partial(operation, answer), methods=[method]) for method, path, answer in table
    ]


router = APIRouter(routes=routes())
