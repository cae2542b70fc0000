"""A very fast stand-in for the Azure Batch service and Entra, for benchmarks.

    with stub.azure_batch(jobs=10_000, target=4) as running:
        os.environ["HEADNODE_AZURE_URL"] = running.url

Any pool that is asked for is there, active and ours, with that target of nodes. Knows jobs (POST, GET, PATCH,
terminate, listings of 1,000 by state and by the beginning of an id), their tasks, formulas, and counts of
nodes. It begins with so many head jobs that run, and jobs of Nextflow with a hundred tasks each, of one to
four slots, a tenth of which run.
"""

import argparse
import asyncio
import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.bench.azure_stub import authority, host_of
from tests.bench.stub import Answer, http, serve

ACCOUNT, ENVIRONMENT = "benchbatch", "bench"
TASKS = 100
"""Tasks of each of Nextflow's jobs."""
PAGE = 1000
"""Jobs in a page, at the most (Azure Batch)."""
MARKER = [
    {"name": "headnode:installation", "value": "bench"},
    {"name": "headnode:environment", "value": ENVIRONMENT},
]
ROUTE = re.compile(r"/batch/[^/]+/(?P<kind>[a-z]+)(?:/(?P<id>[^/]+))?(?:/(?P<verb>[a-z]+))?")


def task(number: int) -> dict[str, Any]:
    """What is asked of a task."""
    found = {
        "id": f"{number:08x}",
        "requiredSlots": 1 + number % 4,
        "stateTransitionTime": "2027-01-15T08:00:00Z",
    }
    if number % 10:
        return {**found, "state": "active"}
    return {**found, "state": "running", "nodeInfo": {"nodeId": f"tvm-{number % 3}"}}


class Jobs:
    """Jobs by id, in the order of their making."""

    def __init__(self, count: int, target: int, tasks: int = 0) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.target = target
        self.formula, self.tasks = "$TargetDedicatedNodes = 0;", http(b"")
        for number in range(-(-tasks // TASKS)):
            self.add({"id": f"job-{number:020x}-P", "poolInfo": {"poolId": f"tower-pool-{ENVIRONMENT}"}})
        if tasks:
            self.tasks = http(json.dumps({"value": [task(number) for number in range(TASKS)]}).encode())
        for number in range(count):
            marks = {"headnode:run": f"{number:016d}", "headnode:attempt": "1"}
            carried = [*MARKER, *({"name": name, "value": text} for name, text in marks.items())]
            pool = {"poolId": f"tower-pool-{ENVIRONMENT}"}
            self.add({"id": f"headnode-{number:016d}-1", "poolInfo": pool, "metadata": carried})

    def add(self, asked: dict[str, Any]) -> None:
        """A job that runs from now on."""
        kept = {name: asked[name] for name in ("id", "poolInfo", "metadata") if name in asked}
        self.jobs[asked["id"]] = {**kept, "state": "active", "creationTime": "2027-01-15T08:00:00Z"}

    def pool(self, id: str) -> dict[str, Any]:
        """A pool of ours."""
        return {
            "id": id,
            "state": "active",
            "allocationState": "steady",
            "vmSize": "Standard_D4ds_v5",
            "taskSlotsPerNode": 4,
            "enableAutoScale": True,
            "autoScaleFormula": self.formula,
            "autoScaleEvaluationInterval": "PT5M",
            "targetDedicatedNodes": self.target,
            "currentDedicatedNodes": self.target,
            "metadata": MARKER,
        }

    def listed(self, url: str, query: dict[str, str]) -> dict[str, Any]:
        """A page of the jobs that a filter lets through."""
        at, asked = int(query.get("$skiptoken", 0)), query.get("$filter", "")
        found = re.search(r"startswith\(id,'([^']*)'\)", asked)
        begins, alive = found[1] if found else "", "state ne 'completed'" in asked
        fits = [
            job
            for id, job in self.jobs.items()
            if id.startswith(begins) and not (alive and job["state"] == "completed")
        ]
        more = {"odata.nextLink": f"{url}&$skiptoken={at + PAGE}"} if at + PAGE < len(fits) else {}
        return {"value": fits[at : at + PAGE], **more}

    def answer(self, head: str, body: bytes) -> Answer:
        """The operation's name and the answer."""
        method, target, _ = head.split(" ", 2)
        parts = urlsplit(target)
        if parts.path.endswith("/openid-configuration"):
            return "authority", http(json.dumps(authority(head, parts.path)).encode())
        if parts.path.endswith("/oauth2/v2.0/token"):
            token = {"token_type": "Bearer", "expires_in": 3600, "access_token": "bench"}
            return "token", http(json.dumps(token).encode())
        found = ROUTE.fullmatch(parts.path)
        if found is None:
            return f"other {method}", http(b"{}", status="501 Not Implemented")
        kind, id, verb = found["kind"], found["id"] or "", found["verb"] or ""
        name = " ".join(filter(None, (method, kind, id and "one", verb)))
        if kind == "pools" and id and not verb:
            return name, http(json.dumps(self.pool(id)).encode())
        if verb == "enableautoscale":
            self.formula = json.loads(body)["autoScaleFormula"]
        if kind == "jobs":
            url = f"http://{host_of(head)}{target.partition('&$skiptoken')[0]}"
            return name, self._job(method, id, verb, body, url, dict(parse_qsl(parts.query)))
        return name, http(b'{"value": []}')

    def _job(self, method: str, id: str, verb: str, body: bytes, url: str, query: dict[str, str]) -> bytes:
        if method == "POST" and not id:
            asked = json.loads(body)
            if asked["id"] in self.jobs:
                return http(b'{"error": {"code": "JobExists"}}', status="409 Conflict")
            self.add(asked)
            return http(b"", status="201 Created")
        if not id:
            return http(json.dumps(self.listed(url, query)).encode())
        if id not in self.jobs:
            return http(b'{"error": {"code": "JobNotFound"}}', status="404 Not Found")
        if verb == "tasks" and id.startswith("job-"):
            return self.tasks
        if verb == "tasks":
            return http(b'{"value": [{"id": "head", "state": "running"}]}')
        if verb == "terminate":
            self.jobs[id]["state"] = "completed"
            return http(b"", status="202 Accepted")
        return http(json.dumps(self.jobs[id]).encode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("jobs", type=int)
    parser.add_argument("target", type=int)
    parser.add_argument("tasks", type=int, nargs="?", default=0)
    given = parser.parse_args()
    asyncio.run(serve(Jobs(given.jobs, given.target, given.tasks).answer))
