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
HOLDING = ("STARTING", "RUNNING")
ALIVE = (*WAITING, *HOLDING)
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
    held: Place | None = None
    """The environment whose node it has."""
    wanted_reason: str = ""
    """Why it was asked to end."""
    container_reason: str = ""
    """Why its container ended, where that was not its own doing."""
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
            "container": self.outcome(),
        }
        if self.reason:
            found["statusReason"] = self.reason
        for key, at in (("startedAt", self.started), ("stoppedAt", self.stopped)):
            if at:
                found[key] = int(at * 1000)
        return found

    def outcome(self) -> dict[str, Any]:
        """What its container came to: an exit code, and why when that was not its own doing."""
        code = {} if self.exit_code is None else {"exitCode": self.exit_code}
        return code | ({"reason": self.container_reason} if self.container_reason else {})

    def tries(self) -> list[dict[str, Any]]:
        """Its attempts: one, once it has begun and ended."""
        if not (self.started and self.stopped):
            return []
        times = {"startedAt": int(self.started * 1000), "stoppedAt": int(self.stopped * 1000)}
        return [{"container": self.outcome(), "statusReason": self.reason, **times}]

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
            "attempts": self.tries(),
            "container": {**base, **overrides, **self.summary()["container"]},
        }


class Jobs:
    """All definitions and jobs."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.definitions: list[Definition] = []
        self.all: dict[str, Job] = {}
        self.waiting: dict[str, dict[str, Job]] = {}
        """Those that are RUNNABLE, by queue, in the order in which they came."""
        self.holding: dict[str, Job] = {}
        """Those that have a node."""
        self.stop: Callable[[str], bool] = lambda _: False
        """Asks what runs for a job to end; False when nothing does."""
        self.changed: Callable[[Job], None] = lambda _: None
        """Hears of each state that a job enters."""

    def clear(self) -> None:
        """None."""
        for kept in (self.definitions, self.all, self.waiting, self.holding):
            kept.clear()

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

    def submit(self, queue: Place | None, region: str, body: dict[str, Any]) -> Job:
        """A new job, which waits for a node."""
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
        self._enter(job, "SUBMITTED")
        self._enter(job, "RUNNABLE")
        return job

    def place(self, job: Job, environment: Place) -> None:
        """A job has its node."""
        job.held = environment
        self._enter(job, "STARTING")
        job.started = self._clock()
        self._enter(job, "RUNNING")

    def _enter(self, job: Job, status: str) -> None:
        job.status = status
        waiting = self.waiting.setdefault(job.queue.arn, {})
        for kept, here in ((waiting, status == "RUNNABLE"), (self.holding, status in HOLDING)):
            kept.pop(job.id, None)
            if here:
                kept[job.id] = job
        self.changed(job)

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

    def end(self, id: str, exit_code: int | None = 0, reason: str = "", container: str = "") -> None:
        """A job is over. `container`: what ECS says of its container."""
        job = self.all[id]
        if job.status in OVER:
            return
        job.exit_code, job.stopped, job.container_reason = exit_code, self._clock(), container
        job.reason = reason or "Essential container in task exited"
        self._enter(job, "SUCCEEDED" if exit_code == 0 else "FAILED")
