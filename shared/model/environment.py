"""Compute environments: a place in somebody's cloud account where runs get their machines."""

from collections.abc import Mapping
from typing import Any, ClassVar

from shared.model import states
from shared.model.records import Model, Record
from shared.model.timeline import Event, Wait, extended


class Resource(Model, frozen=True, kw_only=True):
    """A node of an environment's graph: what a provider says it will make.

    `needs` holds the keys of the resources that must be present first, and gone last. `keep`: it holds
    people's data and stays, with all that it needs, when the environment is disposed of. `shared` is the id
    of what it is part of when environments have it together (`model.share`), else empty.
    """

    key: str
    type: str
    name: str
    needs: tuple[str, ...] = ()
    keep: bool = False
    shared: str = ""


class ResourceRow(Resource, frozen=True, kw_only=True):
    """A resource as the record knows it. Written before the cloud is asked for anything."""

    state: str = "planned"
    cloud_id: str = ""
    facts: dict[str, str] = {}
    """What else the cloud told of it when it was made and a launch needs: a launch asks nothing."""
    reason: str = ""
    made_at: float = 0.0
    gone_at: float = 0.0

    def to(self, state: str, **changes: Any) -> "ResourceRow":
        """This row in another state of `states.RESOURCE`."""
        return self.but(state=states.step_to(states.RESOURCE, self.state, state), **changes)


class Made(Model, frozen=True, kw_only=True):
    """A resource that is there: what a provider answers when it has made or found it."""

    cloud_id: str
    facts: dict[str, str] = {}


class Leftover(Model, frozen=True, kw_only=True):
    """Something that still carries an environment's tag or name when nothing should."""

    type: str
    cloud_id: str
    why: str = ""


class Receipt(Model, frozen=True, kw_only=True):
    """The end of an environment: what was made, what was removed, and what a listing still finds."""

    made: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """What stays on purpose, each with its reason."""
    left: tuple[Leftover, ...] = ()
    at: float = 0.0


def registries(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of the logins to container registries that a config names (`forge.containerRegIds`)."""
    forge = config.get("forge")
    listed = forge.get("containerRegIds") if isinstance(forge, dict) else None
    return tuple(each for each in listed if isinstance(each, str)) if isinstance(listed, list) else ()


class Environment(Record, frozen=True, kw_only=True):
    """A compute environment. `config` is the request's own config, kept losslessly."""

    kind: ClassVar[str] = "environment"

    workspace_id: int = 0
    name: str
    description: str = ""
    platform: str
    credentials_id: str = ""
    config: dict[str, Any]
    status: str = "CREATING"
    message: str = ""
    primary: bool = False
    checked_at: float = 0.0
    """When the account was found to fit the config and the graph below was planned; 0.0 before."""
    details: dict[str, Any] = {}
    """What the config leaves open and the account answered when it was checked: a launch asks nothing."""
    resources: tuple[ResourceRow, ...] = ()
    emptied_at: float = 0.0
    """When a listing by tag showed no machine of it any more, on its way to be disposed of."""
    wait: Wait | None = None
    timeline: tuple[Event, ...] = ()
    receipt: Receipt | None = None
    label_ids: tuple[int, ...] = ()
    tags: dict[str, str] = {}
    """The resource labels of its creation, as tags: clouds keep those that a thing was made with."""
    user_id: int = 1
    created_at: float = 0.0
    updated_at: float = 0.0
    used_at: float = 0.0
    deleted_at: float = 0.0

    def indexes(self) -> dict[str, tuple[str, str]]:
        """`workspace` lists those that are not deleted; `due` those that wait, by their next look;
        `live` those whose account may still hold something of ours."""
        found: dict[str, tuple[str, str]] = {}
        if self.status != "DELETED":
            found["workspace"] = (str(self.workspace_id), self.name.lower())
            found["live"] = ("all", self.id)
        if self.wait is not None:
            found["due"] = ("all", f"{self.wait.next_at:017.3f}")
        return found

    def names(self) -> tuple[str, ...]:
        """A name is unique in its workspace and is free again once deletion was asked for."""
        ended = self.status in ("DELETING", "DELETED")
        return () if ended else (f"{self.workspace_id}/{self.name.lower()}",)

    def to(self, status: str, now: float, **changes: Any) -> "Environment":
        """This environment in another state of `states.ENVIRONMENT`, with the move on its timeline."""
        states.step_to(states.ENVIRONMENT, self.status, status)
        detail = str(changes.get("message", "")) if status in ("ERRORED", "INVALID") else ""
        events = extended(self.timeline, Event(at=now, what=status, detail=detail))
        return self.but(status=status, updated_at=now, timeline=events, **changes)

    def noting(self, now: float, what: str, detail: str = "") -> "Environment":
        """This environment with one more event on its timeline."""
        return self.but(timeline=extended(self.timeline, Event(at=now, what=what, detail=detail)))

    def with_row(self, row: ResourceRow) -> "Environment":
        """This environment with the resource row of the same key replaced."""
        return self.but(resources=tuple(row if old.key == row.key else old for old in self.resources))
