"""An example of every operation that is served, on what `furnished` put into the workspace. The walks need
one for each: a new route without an example fails them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.unit.api.front import Front
from tests.unit.api.furnished import CONFIGS, COUNTS, HELLO, KEYS, TASKS, WORKFLOW, signed

LAUNCH = {"pipeline": HELLO}
CREDENTIALS = {"name": "more", "provider": "aws", "keys": KEYS["aws"]}
ENVIRONMENT = {"computeEnv": {"name": "more", "platform": "aws-cloud", "config": CONFIGS["aws-cloud"]}}

PARAMETERS: tuple[tuple[str, str, str], ...] = (
    ("/compute-envs/", "id", "environment"), ("/headnode/environments/", "id", "environment"),
    ("/credentials/", "id", "credentials"), ("/labels/", "id", "label"), ("/tokens/", "id", "token"),
    ("/pipelines/", "id", "pipeline"), ("/headnode/parked/", "id", "parked"),
    ("", "version_id", "version"), ("/headnode/hooks/", "action_id", "pushed"), ("", "action_id", "hooked"),
    ("", "workflow_id", "run"), ("", "task_id", "task"), ("", "run_id", "booting"),
    ("", "attempt", "attempt"),
    ("", "platform", "platform"), ("", "platform_id", "platform"), ("", "org_id", "org"),
    ("", "user_id", "user"), ("", "workspace_id", "workspace"),
)  # fmt: skip
"""Where a path begins so, its parameter is this thing."""


@dataclass(frozen=True)
class Example:
    """One request: a body or none, a query, other things than usual in the path, somebody else's token."""

    body: Any = None
    query: str = ""
    path: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    status: int = 200
    raw: Callable[[Front, Any], dict[str, Any]] | None = None

    def sent(self, api: Front, there: Any, method: str, form: str, **given: Any) -> httpx.Response:
        """The answer to it. `given` replaces its token or its workspace (a query)."""
        query = given.pop("workspace", "workspaceId=1")
        query = "&".join(filter(None, (query, self.query.format(**vars(there)))))
        request = self.raw(api, there) if self.raw else {"json": self.json(there)}
        if self.token:
            request["token"] = getattr(there, self.token)
        if request.get("json") is None:
            request.pop("json", None)
        return api.call(method, f"{self.place(there, form)}?{query}", **{**request, **given})

    def place(self, there: Any, form: str) -> str:
        """The path with the things in it."""

        def thing(match: re.Match[str]) -> str:
            name = match.group(1)
            usual = next(what for start, each, what in PARAMETERS if form.startswith(start) and each == name)
            return str(getattr(there, self.path.get(name, usual)))

        if form == "/launch/{id}":
            return f"/launch/{there.run}Launch"
        return re.sub(r"\{(\w+)\}", thing, form)

    def json(self, there: Any) -> Any:
        """The body; what stands for a thing is the thing's id."""

        def filled(value: Any) -> Any:
            match value:
                case dict():
                    return {key: filled(inner) for key, inner in value.items()}
                case list():
                    return [filled(inner) for inner in value]
                case Thing():
                    return value.kind(getattr(there, value.name))
            return value

        return filled(self.body)


@dataclass(frozen=True)
class Thing:
    """Stands for the id of something in the workspace."""

    name: str
    kind: Callable[[str], Any] = str


def labelled(field: str, name: str, kind: Callable[[str], Any] = str) -> dict[str, Any]:
    return {field: [Thing(name, kind)], "labelIds": [Thing("label", int)]}


NONE = {"status": 204}
LABELLED = {
    "/workflow": labelled("workflowIds", "run"),
    "/pipelines": labelled("pipelineIds", "pipeline", int),
    "/actions": labelled("actionIds", "hooked"),
    "/headnode/compute-envs": labelled("computeEnvIds", "environment"),
}
LISTS = (
    "/service-info", "/healthz", "/user-info", "/user/{user_id}/workspaces", "/orgs", "/orgs/{org_id}",
    "/orgs/{org_id}/workspaces", "/orgs/{org_id}/members", "/orgs/{org_id}/workspaces/{workspace_id}",
    "/orgs/{org_id}/workspaces/{workspace_id}/participants", "/credentials", "/credentials/{id}",
    "/compute-envs", "/compute-envs/{id}", "/platforms", "/platforms/{platform_id}/regions", "/launch/{id}",
    "/labels", "/labels/dynamic/allowed", "/pipelines", "/pipelines/repositories", "/pipelines/{id}",
    "/pipelines/{id}/launch", "/pipelines/{id}/schema", "/pipelines/{id}/versions", "/actions",
    "/actions/types", "/actions/{action_id}", "/tokens", "/workflow", "/workflow/random-name",
    "/workflow/{workflow_id}", "/workflow/{workflow_id}/launch", "/workflow/{workflow_id}/progress",
    "/workflow/{workflow_id}/tasks", "/workflow/{workflow_id}/task/{task_id}",
    "/workflow/{workflow_id}/log", "/workflow/{workflow_id}/log/{task_id}", "/headnode/runner.pyz",
    "/headnode/environments/{id}", "/headnode/runs/{workflow_id}", "/headnode/parked",
    "/headnode/parked/{id}", "/headnode/permissions/{platform}",
)  # fmt: skip
"""What is read without a word more."""

EXAMPLES: dict[str, Example] = {
    **{f"GET {path}": Example() for path in LISTS},
    **{
        f"POST {path}/labels/{mode}": Example(body, **NONE)
        for path, body in LABELLED.items()
        for mode in ("add", "apply", "remove")
    },
    "GET /platforms/{platform_id}": Example(query="regionId=eu-west-1&credentialsId={credentials}"),
    "GET /headnode/platforms/{platform_id}/sizes": Example(query="regionId=eu-west-1&cpus=2"),
    "GET /orgs/validate": Example(query="name=new", **NONE),
    "GET /orgs/{org_id}/workspaces/validate": Example(query="name=new", **NONE),
    "GET /credentials/validate": Example(query="name=new", **NONE),
    "GET /compute-envs/validate": Example(query="name=new", **NONE),
    "GET /pipelines/validate": Example(query="name=new", **NONE),
    "GET /pipelines/{id}/versions/validate": Example(query="name=new", **NONE),
    "GET /actions/validate": Example(query="name=new", **NONE),
    "GET /workflow/validate": Example(query="runName=new", **NONE),
    "GET /pipelines/info": Example(query=f"name={HELLO}"),
    "GET /workflow/{workflow_id}/metrics": Example(path={"workflow_id": "over"}),
    "GET /workflow/{workflow_id}/download": Example(query="fileName=nf-{run}.txt"),
    "GET /workflow/{workflow_id}/download/{task_id}": Example(query="fileName=.command.log"),
    "POST /credentials": Example({"credentials": CREDENTIALS}),
    "PUT /credentials/{id}": Example({"credentials": {**CREDENTIALS, "name": "other"}}, **NONE),
    "POST /credentials/{id}/validate": Example({}),
    "DELETE /credentials/{id}": Example(path={"id": "spare_credentials"}, **NONE),
    "POST /compute-envs": Example(ENVIRONMENT),
    "PUT /compute-envs/{id}": Example({"name": "renamed"}, **NONE),
    "POST /compute-envs/{id}/primary": Example({}, **NONE),
    "POST /compute-envs/{id}/validate": Example({}),
    "POST /compute-envs/{id}/disable": Example({}, **NONE),
    "POST /compute-envs/{id}/enable": Example({}, **NONE),
    "DELETE /compute-envs/{id}": Example(path={"id": "spare_environment"}, **NONE),
    "POST /labels": Example({"name": "more", "value": "b", "resource": True}),
    "PUT /labels/{id}": Example({"name": "renamed"}),
    "DELETE /labels/{id}": Example(path={"id": "spare_label"}, **NONE),
    "POST /pipelines": Example({"name": "more", "launch": LAUNCH}),
    "PUT /pipelines/{id}": Example({"description": "other"}),
    "POST /pipelines/{id}/versions/{version_id}": Example({"launch": {**LAUNCH, "revision": "v2"}}),
    "PUT /pipelines/{id}/versions/{version_id}/manage": Example({"name": "first"}, **NONE),
    "DELETE /pipelines/{id}": Example(**NONE),
    "POST /pipeline-schemas": Example({"content": "{}"}),
    "POST /actions": Example({"name": "more", "source": "tower", "launch": LAUNCH}),
    "PUT /actions/{action_id}": Example({"name": "renamed"}, **NONE),
    "POST /actions/{action_id}/launch": Example({"params": {"a": 1}}),
    "POST /actions/{action_id}/pause": Example({}, **NONE),
    "POST /headnode/hooks/github/{action_id}": Example(raw=lambda api, there: signed(api, there, "first")),
    "POST /headnode/actions/{action_id}/token": Example({}),
    "POST /headnode/actions/{action_id}/secret": Example({}, path={"action_id": "pushed"}),
    "DELETE /actions/{action_id}": Example(path={"action_id": "spare_action"}, **NONE),
    "POST /tokens": Example({"name": "more", "expiresIn": 60}),
    "DELETE /tokens/{id}": Example(**NONE),
    "DELETE /tokens/delete-all": Example(**NONE),
    "POST /workflow/launch": Example({"launch": {**LAUNCH, "computeEnvId": Thing("environment")}}),
    "POST /workflow/delete": Example({"workflowIds": [Thing("gone"), "nobody"]}),
    "POST /workflow/{workflow_id}/cancel": Example({}, path={"workflow_id": "doomed"}, **NONE),
    "GET /workflow/{workflow_id}/star": Example(path={"workflow_id": "over"}),
    "POST /workflow/{workflow_id}/star": Example({}),
    "DELETE /workflow/{workflow_id}/star": Example(),
    "DELETE /workflow/{workflow_id}": Example(path={"workflow_id": "over"}, **NONE),
    "POST /trace/create": Example({"sessionId": "s", "runName": "r"}),
    "PUT /trace/{workflow_id}/begin": Example({"workflow": WORKFLOW}, path={"workflow_id": "far"}),
    "PUT /trace/{workflow_id}/progress": Example(
        {"tasks": TASKS, "progress": COUNTS}, path={"workflow_id": "far"}
    ),
    "PUT /trace/{workflow_id}/heartbeat": Example({"progress": COUNTS}, path={"workflow_id": "far"}),
    "PUT /trace/{workflow_id}/complete": Example({"workflow": WORKFLOW}, path={"workflow_id": "far"}),
    "POST /headnode/machine/{run_id}/{attempt}/spec": Example({}, token="boot_token"),
    "POST /headnode/machine/{run_id}/{attempt}/report": Example({"event": "boot"}, token="boot_token"),
    "POST /headnode/launch/config": Example({"launch": {**LAUNCH, "computeEnvId": Thing("environment")}}),
    "POST /headnode/plan": Example(ENVIRONMENT),
    "POST /headnode/environments/plan": Example(ENVIRONMENT),
    "PUT /headnode/environments/{id}": Example({"config": {}}),
    "POST /headnode/permissions/{platform}": Example({"config": CONFIGS["aws-cloud"]}),
    "POST /oauth/access_token": Example(
        raw=lambda api, _there: {
            "data": {"grant_type": "refresh_token", "refresh_token": api.token},
            "token": "",
        }
    ),
    "POST /headnode/parked/{id}/replay": Example({}),
    "DELETE /headnode/parked/{id}": Example(**NONE),
}
"""Method and path of each operation, and a request that it takes; those that remove something come last."""
