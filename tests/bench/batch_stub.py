"""A very fast stand-in for AWS Batch, for benchmarks: one head queue and one work queue.

    with stub.batch(tasks=10_000, others=2_000) as running:
        os.environ["AWS_ENDPOINT_URL"] = running.url

Knows SubmitJob, ListJobs (1,000 to a page by state, 100 by name), DescribeJobs, DescribeJobQueues and
TerminateJob, which ends a job at once. It begins with a dead head job of the run `DEAD`, its tasks, and tasks
of another run.
"""

import argparse
import asyncio
import json
import uuid
from typing import Any

from tests.bench.stub import Answer, http, serve

DEAD, OTHER = "deadrun000000000", "otherrun00000000"
HEAD, WORK = "TowerForge-bench-head", "TowerForge-bench-work"
PREFIX = "arn:aws:batch:eu-west-1:123456789012"


class Jobs:
    """Jobs by queue and state, so that a listing costs what is in it."""

    def __init__(self, tasks: int, others: int) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.by_name: dict[str, list[str]] = {}
        self.alive: dict[str, dict[str, None]] = {HEAD: {}, WORK: {}}
        tags = {"headnode:installation": "bench", "headnode:run": DEAD, "headnode:attempt": "1"}
        self.add(HEAD, f"headnode-{DEAD}-1", "FAILED", {**tags, "headnode:environment": "bench"}, "head")
        self.add(HEAD, f"headnode-{OTHER}-1", "RUNNING", {**tags, "headnode:run": OTHER}, "other")
        for number in range(tasks):
            self.add(WORK, f"tw-{DEAD}-task_{number}", "RUNNING")
        for number in range(others):
            self.add(WORK, f"tw-{OTHER}-task_{number}", "RUNNING")

    def add(
        self, queue: str, name: str, status: str, tags: dict[str, str] | None = None, id: str = ""
    ) -> dict[str, Any]:
        """A job."""
        id = id or str(uuid.uuid4())
        made = {
            "jobId": id,
            "jobArn": f"{PREFIX}:job/{id}",
            "jobName": name,
            "jobQueue": queue,
            "status": status,
            "createdAt": 1_700_000_000_000,
            "tags": tags or {},
        }
        self.jobs[id] = made
        self.by_name.setdefault(name.rpartition("-")[0] if queue == HEAD else name, []).append(id)
        if status == "RUNNING":
            self.alive[queue][id] = None
        return made

    def listed(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A page of a listing."""
        queue, at = asked["jobQueue"].rpartition("/")[2], int(asked.get("nextToken") or 0)
        filters = asked.get("filters")
        if filters:
            name = filters[0]["values"][0].rstrip("*").rstrip("-")
            ids = [*self.by_name.get(name, ()), *self.by_name.get(name.rpartition("-")[0], ())]
            size = 100
        else:
            ids, size = list(self.alive[queue]) if asked["jobStatus"] == "RUNNING" else [], 1000
        more = {"nextToken": str(at + size)} if at + size < len(ids) else {}
        keys = ("jobId", "jobName", "status", "createdAt")
        page = [{key: self.jobs[id][key] for key in keys} for id in ids[at : at + size]]
        return {"jobSummaryList": page, **more}

    def answer(self, head: str, body: bytes) -> Answer:
        """The call's name and its answer."""
        path, asked = head.split(" ", 2)[1].rpartition("/")[2], json.loads(body or b"{}")
        if path == "submitjob":
            made = self.add(HEAD, asked["jobName"], "RUNNING", asked.get("tags"))
            found: dict[str, Any] = {key: made[key] for key in ("jobId", "jobName", "jobArn")}
        elif path == "listjobs":
            found = self.listed(asked)
        elif path == "describejobs":
            found = {"jobs": [self.jobs[id] for id in asked["jobs"] if id in self.jobs]}
        elif path == "describejobqueues":
            queues = ((name, f"{PREFIX}:job-queue/{name}") for name in (HEAD, WORK))
            found = {"jobQueues": [{"jobQueueName": name, "jobQueueArn": arn} for name, arn in queues]}
        elif path == "terminatejob":
            job = self.jobs[asked["jobId"]]
            job["status"] = "FAILED"
            self.alive[job["jobQueue"]].pop(asked["jobId"], None)
            found = {}
        else:
            return path, http(b'{"message": "not known here"}', status="501 Not Implemented")
        return path, http(json.dumps(found).encode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("tasks", type=int)
    parser.add_argument("others", type=int)
    given = parser.parse_args()
    asyncio.run(serve(Jobs(given.tasks, given.others).answer))
