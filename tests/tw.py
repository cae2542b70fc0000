"""A stand-in for `tw`, the platform's command line, for programs that run it: the command lines that
seqerakit builds become the requests that `tw` makes, in its order, with its output and its words of failure.
Run as `python -m tests.tw`; any other command is an error of usage, never a success."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import yaml

POLL = 0.05
"""Seconds between two looks of `--wait`; tw itself begins with two."""
POLLS = 600


class Failed(Exception):
    """What tw prints behind ERROR, before it ends with 1."""


class Tw:
    """One command of it."""

    def __init__(self, words: argparse.Namespace, environ: dict[str, str]) -> None:
        self._words = words
        url = environ["TOWER_API_ENDPOINT"]
        if not url.startswith("https:") and not words.insecure:
            raise Failed(f"the endpoint {url} is not safe: use --insecure")
        headers = {
            "authorization": f"Bearer {environ['TOWER_ACCESS_TOKEN']}",
            "user-agent": "tw/0.38.0 (linux)",
        }
        self._http = httpx.Client(base_url=url, headers=headers, timeout=60)

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> dict[str, Any]:
        """One request; the message of a refusal is what tw shows."""
        answer = self._http.request(method, path, json=body, params=query)
        if answer.status_code in (401, 403):
            raise Failed("Unauthorized" if answer.status_code == 401 else "Forbidden")
        if not answer.is_success:
            raise Failed(str(answer.json()["message"]))
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def workspace(self) -> dict[str, Any]:
        """`-w Organization/Workspace`: the row behind both names."""
        user = self.ask("GET", "/user-info")["user"]
        rows = self.ask("GET", f"/user/{user['id']}/workspaces")["orgsAndWorkspaces"]
        for row in rows:
            if (
                row.get("workspaceId") is not None
                and f"{row['orgName']}/{row['workspaceName']}" == self._words.w
            ):
                return {"workspaceId": row["workspaceId"]}
        raise Failed(f"Workspace '{self._words.w}' not found")

    # Listings

    def info(self) -> Any:
        """Compares versions, as tw does."""
        service, user = self.ask("GET", "/service-info")["serviceInfo"], self.ask("GET", "/user-info")["user"]
        version = [int(part) for part in service["apiVersion"].split(".")]
        checks = {"connectionCheck": 1, "versionCheck": int(version >= [1, 181, 0]), "credentialsCheck": 1}
        return {"checks": checks, "opts": {"userName": user["userName"], "towerVersion": service["version"]}}

    def listed(self) -> Any:
        """`<things> list`."""
        paths = {"compute-envs": "computeEnvs"}
        what, more = self._words.block, {}
        if what in ("pipelines", "labels"):
            more = {"max": 100, "offset": 0}
        found = self.ask("GET", f"/{what}", **self.workspace(), **more)
        name = paths.get(what, what)
        return {"workspaceRef": self._words.w, name: found[name]}

    def named(self, what: str, key: str, name: str, at: dict[str, Any]) -> dict[str, Any]:
        """The thing of that name, from the listing, as tw finds it. Raises Failed."""
        more = {"max": 50, "offset": 0, "search": name, "visibility": "all"} if what == "pipelines" else {}
        found = self.ask("GET", f"/{what}", **at, **more)[key]
        for each in found:
            if each["name"] == name:
                return dict(each)
        raise Failed(f"{key} '{name}' not found at {self._words.w} workspace")

    def delete(self) -> Any:
        """`<things> delete`, by name or by id."""
        at, what = self.workspace(), self._words.block
        keys = {"compute-envs": "computeEnvs"}
        id = self._words.id
        if not id:
            found = self.named(what, keys.get(what, what), self._words.name, at)
            id = found.get("pipelineId") or found["id"]
        self.ask("DELETE", f"/{what}/{id}", **at)
        return {"id": str(id), "workspaceRef": self._words.w}

    # What is added

    def add_credentials(self) -> Any:
        """`credentials add aws`."""
        keys = {
            "accessKey": self._words.access_key,
            "secretKey": self._words.secret_key,
            "assumeRoleArn": None,
        }
        body = {"credentials": {"name": self._words.name, "provider": self._words.kind, "keys": keys}}
        return self.ask("POST", "/credentials", body, useExternalId="false", **self.workspace())

    def add_environment(self) -> Any:
        """`compute-envs add aws-cloud`, with `--wait`."""
        at, platform = self.workspace(), self._words.kind
        found = self.ask("GET", "/credentials", platformId=platform, **at)["credentials"]
        found = [each for each in found if self._words.credentials in (None, each["name"])]
        if len(found) != 1:
            raise Failed(f"{len(found)} credentials fit: name one")
        config = {
            "discriminator": platform,
            "region": self._words.region,
            "workDir": self._words.work_dir,
            "waveEnabled": False,
            "fusion2Enabled": False,
            "schedEnabled": False,
        }
        asked = {
            "name": self._words.name,
            "platform": platform,
            "credentialsId": found[0]["id"],
            "config": config,
        }
        made = self.ask("POST", "/compute-envs", {"computeEnv": asked, "labelIds": None}, **at)
        for _ in range(POLLS if self._words.wait else 0):
            shown = self.ask("GET", f"/compute-envs/{made['computeEnvId']}", **at)["computeEnv"]
            if shown["status"] == self._words.wait:
                break
            time.sleep(POLL)
        else:
            if self._words.wait:
                raise Failed(f"the compute environment is not {self._words.wait}")
        return made

    def set_primary(self) -> Any:
        """`compute-envs primary set`."""
        at = self.workspace()
        found = self.named("compute-envs", "computeEnvs", self._words.name, at)
        return self.ask("POST", f"/compute-envs/{found['id']}/primary", {}, **at)

    def add_label(self) -> Any:
        """`labels add`."""
        body = {"name": self._words.name, "value": self._words.value, "resource": bool(self._words.value)}
        return self.ask("POST", "/labels", body, **self.workspace())

    def environment(self, at: dict[str, Any]) -> dict[str, Any]:
        """The environment that is named, or the primary one, in full."""
        found = self.ask("GET", "/compute-envs", status="AVAILABLE", **at)["computeEnvs"]
        name = self._words.compute_env
        fits = [each for each in found if (each["name"] == name if name else each.get("primary"))]
        if not fits:
            raise Failed(f"Compute environment '{name or 'primary'}' not found")
        return dict(self.ask("GET", f"/compute-envs/{fits[0]['id']}", **at)["computeEnv"])

    def launch_of(self, at: dict[str, Any], pipeline: str) -> dict[str, Any]:
        """What is launched."""
        environment = self.environment(at)
        params = Path(self._words.params_file).read_text() if self._words.params_file else None
        return {
            "computeEnvId": environment["id"],
            "pipeline": pipeline,
            "workDir": environment["config"]["workDir"],
            "revision": self._words.revision,
            "paramsText": params,
            "runName": self._words.name,
        }

    def add_pipeline(self) -> Any:
        """`pipelines add`."""
        at = self.workspace()
        launch = {**self.launch_of(at, self._words.rest[0]), "runName": None}
        body = {"name": self._words.name, "description": self._words.description, "launch": launch}
        return self.ask("POST", "/pipelines", body, **at)

    def add_action(self) -> Any:
        """`actions add tower`."""
        at = self.workspace()
        launch = {**self.launch_of(at, self._words.pipeline), "runName": None}
        body = {"name": self._words.name, "source": self._words.kind, "launch": launch}
        return self.ask("POST", "/actions", body, **at)

    def launch(self) -> Any:
        """`launch`, of an address or of a pipeline by its name."""
        at, what = self.workspace(), self._words.rest[0]
        asked = {}
        if "://" not in what:
            found = self.named("pipelines", "pipelines", what, at)
            kept = self.ask("GET", f"/pipelines/{found['pipelineId']}/launch", **at)["launch"]
            what, asked = kept["pipeline"], {"id": kept["id"]}
        made = self.ask("POST", "/workflow/launch", {"launch": {**self.launch_of(at, what), **asked}}, **at)
        user = self.ask("GET", "/user-info")["user"]["userName"]
        return {"workflowId": made["workflowId"], "workspaceRef": self._words.w, "userName": user}


THINGS = ("credentials", "compute-envs", "pipelines", "actions", "labels")
COMMANDS: dict[tuple[str, ...], Callable[[Tw], Any]] = {
    ("info",): Tw.info,
    **{
        (what, "list"): Tw.listed
        for what in ("credentials", "compute-envs", "pipelines", "actions", "labels")
    },
    **{
        (what, "delete"): Tw.delete
        for what in ("credentials", "compute-envs", "pipelines", "actions", "labels")
    },
    ("credentials", "add", "aws"): Tw.add_credentials,
    ("compute-envs", "add", "aws-cloud"): Tw.add_environment,
    ("compute-envs", "primary", "set"): Tw.set_primary,
    ("labels", "add"): Tw.add_label,
    ("pipelines", "add"): Tw.add_pipeline,
    ("actions", "add", "tower"): Tw.add_action,
    ("launch",): Tw.launch,
}
OPTIONS = (
    "name", "value", "id", "access-key", "secret-key", "region", "work-dir", "wait", "credentials",
    "revision", "compute-env", "params-file", "pipeline", "description",
)  # fmt: skip


def parsed(argv: list[str]) -> tuple[argparse.Namespace, Callable[[Tw], Any]]:
    """The options, and what the words in front of them ask for."""
    parser = argparse.ArgumentParser("tw", allow_abbrev=False)
    parser.add_argument("--insecure", action="store_true")
    parser.add_argument("-o", dest="output", choices=["json"])
    parser.add_argument("-w", "--workspace", dest="w")
    for name in OPTIONS:
        parser.add_argument(f"--{name}")
    parser.add_argument("words", nargs="*")
    found = parser.parse_intermixed_args(argv)
    found.block = next(iter(found.words), "")
    for length in (3, 2, 1):
        key = tuple(found.words[:length])
        if key in COMMANDS:
            found.kind, found.rest = key[-1], found.words[len(key) :]
            return found, COMMANDS[key]
    return parser.error(f"no such command: {' '.join(argv)}")


def main(argv: list[str]) -> int:
    """Runs a command; what it says goes to stdout, as seqerakit reads it."""
    try:
        words, command = parsed(argv)
        told = command(Tw(words, dict(os.environ)))
    except Failed as failed:
        print(f"\n ERROR: {failed}\n")
        return 1
    print(json.dumps(told) if words.output else f"\n  {yaml.safe_dump(told)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
