"""Job definitions and jobs: SUBMITTED, RUNNABLE, RUNNING, and every way to the end."""

import fnmatch
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local.clouds.aws import backends
from local.clouds.aws.batch.places import Place, Refused, new_id

OVER = ("SUCCEEDED", "FAILED")
WAITING = ("SUBMITTED", "PENDING", "RUNNABLE")
OVERRIDES = 8192
"""Characters of a submission's container overrides (ECS's limit)."""


@dataclass
class Definition:
    """A revision of a job definition."""

    name: str
    revision: int
    region: str
    body: dict[str, Any]
    status: str = "ACTIVE"

    @property
    def arn(self) -> str:
        """Its ARN, which ends in the revision."""
        rest = f"job-definition/{self.name}:{self.revision}"
        return f"arn:aws:batch:{self.region}:{backends.ACCOUNT}:{rest}"

    def shown(self) -> dict[str, Any]:
        """As a describe shows it."""
        about = {"jobDefinitionArn": self.arn, "revision": self.revision, "status": self.status}
        return {**self.body, **about}


@dataclass
class Job:
    """A job, from its submission on."""

    name: str
    queue: Place
    definition: Definition
    body: dict[str, Any]
    created: float
    id: str = field(default_factory=new_id)
    status: str = "SUBMITTED"
    reason: str = ""
    exit_code: int | None = None
    started: float = 0.0
    stopped: float = 0.0
    terminated: bool = False
    wanted_reason: str = ""
    """Why it was asked to end."""
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:aws:batch:{self.queue.region}:{backends.ACCOUNT}:job/{self.id}"

    def summary(self) -> dict[str, Any]:
        """As a listing shows it."""
        found: dict[str, Any] = {
            "jobId": self.id,
            "jobArn": self.arn,
            "jobName": self.name,
            "status": self.status,
            "createdAt": int(self.created * 1000),
            "container": {} if self.exit_code is None else {"exitCode": self.exit_code},
        }
        if self.reason:
            found["statusReason"] = self.reason
        for key, at in (("startedAt", self.started), ("stoppedAt", self.stopped)):
            if at:
                found[key] = int(at * 1000)
        return found

    def shown(self) -> dict[str, Any]:
        """As a describe shows it."""
        overrides = self.body.get("containerOverrides") or {}
        base = self.definition.body.get("containerProperties") or {}
        return {
            **self.summary(),
            "jobQueue": self.queue.arn,
            "jobDefinition": self.definition.arn,
            "tags": self.tags,
            "isTerminated": self.terminated,
            "isCancelled": False,
            "container": {**base, **overrides, **self.summary()["container"]},
        }


class Jobs:
    """All definitions and jobs."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.definitions: list[Definition] = []
        self.all: dict[str, Job] = {}
        self.stop: Callable[[str], bool] = lambda _: False
        """Asks what runs for a job to end; False when nothing does."""

    def clear(self) -> None:
        """None."""
        self.definitions.clear()
        self.all.clear()

    def register(self, region: str, body: dict[str, Any]) -> Definition:
        """A new revision."""
        name = body["jobDefinitionName"]
        same = [each for each in self.definitions if (each.name, each.region) == (name, region)]
        made = Definition(name, len(same) + 1, region, body)
        self.definitions.append(made)
        return made

    def definition(self, region: str, named: str) -> Definition | None:
        """By ARN, `name:revision`, or the newest active one of a name."""
        found = [
            each
            for each in self.definitions
            if each.region == region and named in (each.arn, each.name, f"{each.name}:{each.revision}")
        ]
        return next((each for each in reversed(found) if each.status == "ACTIVE"), None)

    def submit(self, queue: Place | None, region: str, body: dict[str, Any], capacity: bool) -> Job:
        """A new job; it runs at once when there is capacity."""
        definition = self.definition(region, body["jobDefinition"])
        if queue is None:
            raise Refused(f"JobQueue {body['jobQueue']} not found.")
        if queue.state != "ENABLED" or queue.status != "VALID":
            raise Refused(f"JobQueue {queue.arn} is not in a valid state to accept jobs: DISABLED")
        if definition is None:
            raise Refused(f"JobDefinition {body['jobDefinition']} is not ACTIVE or does not exist")
        if len(str(body.get("containerOverrides", ""))) > OVERRIDES:
            raise Refused("Container Overrides length must be at most 8192")
        job = Job(body["jobName"], queue, definition, body, self._clock())
        job.tags = dict(body.get("tags") or {})
        self.all[job.id] = job
        job.status = "RUNNABLE"
        if capacity:
            job.status, job.started = "RUNNING", self._clock()
        return job

    def listed(self, queue: Place, asked: dict[str, Any]) -> list[Job]:
        """Those of a queue by status, or by name, which is compared without regard to case."""
        found = [each for each in self.all.values() if each.queue is queue]
        names = [each for each in asked.get("filters") or [] if each["name"] == "JOB_NAME"]
        if names:
            pattern = names[0]["values"][0].lower()
            plain = pattern.rstrip("*").replace("[", "[[]").replace("?", "[?]").replace("*", "[*]")
            wild = plain + ("*" if pattern.endswith("*") else "")
            return [each for each in found if fnmatch.fnmatchcase(each.name.lower(), wild)]
        return [each for each in found if each.status == asked.get("jobStatus", "RUNNING")]

    def terminate(self, id: str, reason: str) -> None:
        """Ends a job; nothing for one that is over or unknown."""
        job = self.all.get(id)
        if job is None or job.status in OVER:
            return
        job.terminated, job.wanted_reason = True, reason
        if job.status != "RUNNING" or not self.stop(id):
            self.end(id, 137 if job.status == "RUNNING" else None, reason)

    def end(self, id: str, exit_code: int | None = 0, reason: str = "") -> None:
        """A job is over."""
        job = self.all[id]
        if job.status in OVER:
            return
        job.exit_code, job.stopped = exit_code, self._clock()
        job.status = "SUCCEEDED" if exit_code == 0 else "FAILED"
        job.reason = reason or "Essential container in task exited"
