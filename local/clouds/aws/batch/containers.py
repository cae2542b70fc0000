"""Jobs that really run: a job's command is a process in the sandbox, with its own role's keys.

As an instance carries out its user data, a machine here carries out a job's command, and ends with it.
"""

import re
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local.clouds.answer import Answer
from local.clouds.aws import backends
from local.clouds.aws.batch.jobs import Job, Jobs
from local.clouds.aws.batch.places import role_named
from local.clouds.machines import MachineRoom

ENDED = re.compile(r"^batch: the container exited with status (\d+)$", re.MULTILINE)
LIVE = 3600
"""Seconds for which a role's keys are good."""


class Containers:
    """Runs jobs in the machine room, and answers under `/ecs/<job id>` with their keys."""

    def __init__(
        self,
        jobs: Jobs,
        room: MachineRoom,
        turn: Callable[[], Any],
        url: Callable[[], str],
        known: Callable[[str, str], None],
    ) -> None:
        self._jobs = jobs
        self._room = room
        self._turn = turn
        self._url = url
        self._known = known
        self._machines: dict[str, Any] = {}

    def clear(self) -> None:
        """Forgets them; the room ends their machines."""
        self._machines.clear()

    def run(self, job: Job) -> None:
        """Starts a job's command on a thread of the room."""
        script = self._script(job).encode()

        def boot() -> None:
            self._machines[job.id] = self._room.start(job.id, script, lambda _: self._over(job))
            if job.terminated:
                self.stop(job.id)

        self._room.later(0, boot)

    def stop(self, id: str) -> bool:
        """Asks a job to end; False when nothing runs for it."""
        machine = self._machines.get(id)
        if machine is None or not machine.alive:
            return False
        self._room.later(0, machine.press_power)
        return True

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """The keys of the job's role, as the ECS agent gives them."""
        del method, headers, body
        job = self._jobs.all.get(path.rpartition("/")[2])
        named = (job.definition.body.get("containerProperties") or {}).get("jobRoleArn") if job else None
        role = role_named(named) if named else None
        if job is None or role is None:
            return Answer.json({"message": "no role"}, 404)
        made = backends.role_credentials(job.queue.region, role, job.id, LIVE)
        self._known(made.access_key_id, role.name)
        until = datetime.fromtimestamp(datetime.now(UTC).timestamp() + LIVE, UTC)
        return Answer.json(
            {
                "RoleArn": role.arn,
                "AccessKeyId": made.access_key_id,
                "SecretAccessKey": made.secret_access_key,
                "Token": made.session_token,
                "Expiration": f"{until:%Y-%m-%dT%H:%M:%SZ}",
            }
        )

    def _script(self, job: Job) -> str:
        """The machine's user data: the job's variables and command, and then its end."""
        base = job.definition.body.get("containerProperties") or {}
        overrides = job.body.get("containerOverrides") or {}
        given = [*(base.get("environment") or []), *(overrides.get("environment") or [])]
        variables = {each["name"]: each["value"] for each in given} | {
            "AWS_BATCH_JOB_ID": job.id,
            "AWS_BATCH_JQ_NAME": job.queue.name,
            "AWS_REGION": job.queue.region,
        }
        if base.get("jobRoleArn"):
            variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{self._url()}/ecs/{job.id}"
        lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
        command = overrides.get("command") or base.get("command") or ["true"]
        said = 'echo "batch: the container exited with status $?"'
        return "\n".join(["#!/bin/sh", *lines, shlex.join(command), said, "shutdown -h now", ""])

    def _over(self, job: Job) -> None:
        """The machine is off: the command ended, or was ended."""
        said = ENDED.findall(self._room.console(job.id))
        with self._turn():
            status = int(said[-1]) if said and not job.terminated else 137
            self._jobs.end(job.id, status, job.wanted_reason)
