"""Compute environments and job queues: their states, and the only order in which they can be removed."""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.clouds.aws import backends

QUOTA = 50
"""Job queues of an account in a region."""
CHANGING = ("CREATING", "UPDATING", "DELETING")


class Refused(Exception):
    """A request that Batch does not take; its text is Batch's."""


@dataclass
class Place:
    """A compute environment or a job queue."""

    kind: str
    name: str
    region: str
    body: dict[str, Any]
    state: str = "ENABLED"
    status: str = "CREATING"
    reason: str = "ComputeEnvironment Healthy"
    looks: int = 1
    """Describes that still show it on its way."""
    until: float = 0.0
    """When its change is done at the earliest."""
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:aws:batch:{self.region}:{backends.ACCOUNT}:{self.kind}/{self.name}"

    def called(self, name: str) -> bool:
        """Whether that is its name or its ARN."""
        return name in (self.name, self.arn)


class Places:
    """All of them, in every region. `looks` is how many describes pass before a change is done, and
    `transitions` (see `timings`) how many seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.looks = 1
        self.transitions: Mapping[tuple[str, str], float] = {}
        self.capacity = True
        """Whether nodes can be had at all."""
        self._all: list[Place] = []

    def clear(self) -> None:
        """An empty account."""
        self.looks, self.capacity, self.transitions = 1, True, {}
        self._all.clear()

    def of(self, kind: str, region: str) -> list[Place]:
        """Those of a kind in a region."""
        return [each for each in self._all if (each.kind, each.region) == (kind, region)]

    def find(self, kind: str, region: str, name: str) -> Place | None:
        """By name or ARN."""
        return next((each for each in self.of(kind, region) if each.called(name)), None)

    def tagged(self, arn: str) -> Place | None:
        """By ARN alone."""
        return next((each for each in self._all if each.arn == arn), None)

    def make(self, kind: str, region: str, name: str, body: dict[str, Any]) -> Place:
        """A new one, on its way."""
        if self.find(kind, region, name):
            raise Refused("Object already exists")
        if kind == "job-queue" and len(self.of(kind, region)) >= QUOTA:
            raise Refused(f"Job queue limit of {QUOTA} has been reached")
        made = Place(kind, name, region, body, body.get("state", "ENABLED"), looks=self.looks)
        self._begin(made, "CREATING")
        made.tags = dict(body.get("tags") or {})
        self._all.append(made)
        return made

    def stand(self, region: str, name: str, **resources: Any) -> Place:
        """A queue that takes jobs, over an environment of its own: what somebody made by hand before."""
        body: dict[str, Any] = {
            "type": "MANAGED",
            "computeResources": {"type": "EC2", "maxvCpus": 256, **resources},
        }
        body["computeResources"].setdefault("instanceTypes", ["optimal"])
        under = self.make("compute-environment", region, name, body)
        order = [{"order": 1, "computeEnvironment": under.arn}]
        made = self.make("job-queue", region, name, {"computeEnvironmentOrder": order})
        under.status = made.status = "VALID"
        return made

    def shown(self, kind: str, region: str, names: list[str] | None) -> list[Place]:
        """As a describe shows them: each look takes those that are on their way one move further."""
        for place in self.of(kind, region):
            self._advance(place)
        return [
            each for each in self.of(kind, region) if not names or any(each.called(name) for name in names)
        ]

    def _begin(self, place: Place, status: str) -> None:
        """A change is on its way from now on."""
        place.status, place.looks = status, self.looks
        place.until = self._clock() + self.transitions.get((place.kind, status), 0.0)

    def _advance(self, place: Place) -> None:
        if place.status in CHANGING and place.looks > 0:
            place.looks -= 1
            return
        if place.status in CHANGING and self._clock() < place.until:
            return
        broken = broken_role(place)
        if broken and place.status != "INVALID":
            place.status, place.reason = "INVALID", broken
        elif place.status in ("CREATING", "UPDATING"):
            place.status = "VALID"
        elif place.status == "DELETING":
            self._all.remove(place)

    def update(self, place: Place, body: dict[str, Any]) -> None:
        """Enables or disables it, and takes other changes."""
        if place.status in CHANGING:
            raise Refused(f"{place.arn} is being modified")
        place.state = body.get("state") or place.state
        place.body |= {key: value for key, value in body.items() if key not in ("state", "tags")}
        self._begin(place, "UPDATING")

    def delete(self, place: Place) -> None:
        """Starts its end, when nothing stands in the way."""
        if place.state != "DISABLED":
            raise Refused(f"Cannot delete, {place.kind} {place.name} is not in DISABLED state")
        if place.status in CHANGING:
            raise Refused(f"{place.arn} is being modified")
        users = [queue.name for queue in self.of("job-queue", place.region) if uses(queue, place)]
        if users:
            raise Refused(f"Cannot delete, found existing JobQueue relationship: {', '.join(users)}")
        self._begin(place, "DELETING")


def uses(queue: Place, environment: Place) -> bool:
    """Whether a queue hands its jobs to an environment."""
    order = queue.body.get("computeEnvironmentOrder") or []
    return any(environment.called(each["computeEnvironment"]) for each in order)


def broken_role(place: Place) -> str:
    """Why an environment turns INVALID: its service role is gone, so Batch can not even delete it."""
    role = place.body.get("serviceRole")
    if place.kind != "compute-environment" or not role or role_named(role):
        return ""
    return f"CLIENT_ERROR - Not authorized to perform sts:AssumeRole on {role}: it cannot be assumed"


def role_named(named: str) -> Any | None:
    """A role in IAM by name or ARN."""
    return next((each for each in backends.iam().roles.values() if named in (each.name, each.arn)), None)


def new_id() -> str:
    """A job's id."""
    return str(uuid.uuid4())
