"""What to run, as the control plane says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.runner.errors import StepFailed


@dataclass(frozen=True)
class Spec:
    """One attempt of one run. Unknown fields are ignored, missing ones have defaults."""

    run: str
    attempt: int
    name: str
    session: str
    resume: bool
    engine: str
    """`nextflow` or `script`."""
    pipeline: str
    revision: str
    main: str
    args: list[str]
    params: dict[str, Any]
    files: dict[str, str]
    environment: dict[str, str]
    secrets: list[dict[str, str]]
    git: list[dict[str, str]]
    """`server`, `user` and `token` that open the pipeline's repository; empty for one that is open."""
    pre_run: str
    post_run: str
    work_dir: str
    container: str
    deadline: float
    heartbeat: float
    logs: dict[str, str]
    region: str
    token: str
    api: str
    workspace: int | None
    azure: dict[str, Any]
    """On Azure: `client_id` of the machine's identity, `storage_account`, `storage_url`, `vm_id`,
    `self_delete`, and `sas` where a signature opens the container. Empty elsewhere."""

    @staticmethod
    def of(given: Any) -> Spec:
        """Raises StepFailed naming the first field that is missing or of the wrong type."""
        if not isinstance(given, dict):
            raise StepFailed("the control plane's spec is not an object")
        try:
            return Spec(**{name: take(given) for name, take in _FIELDS.items()})
        except _WrongField as error:
            raise StepFailed(f"the control plane's spec cannot be used: {error}") from None

    @property
    def restores(self) -> bool:
        """Whether work of an earlier machine or run of the same session is to be taken up."""
        return self.resume and bool(self.session)


class _WrongField(Exception):
    pass


def _field(name: str, kind: Any, default: Any = None) -> Any:
    def take(given: dict[str, Any]) -> Any:
        value = given.get(name)
        if value is None:
            if default is None:
                raise _WrongField(f"{name} is missing")
            return default
        if kind is float and isinstance(value, int):
            return float(value)
        if not isinstance(value, kind):
            raise _WrongField(f"{name} is not of type {kind.__name__}")
        if kind is dict and name in ("environment", "files", "logs"):
            return {str(key): str(each) for key, each in value.items()}
        return [str(each) for each in value] if name == "args" else value

    return take


_FIELDS = {
    "run": _field("run", str),
    "attempt": _field("attempt", int),
    "name": _field("name", str, ""),
    "session": _field("session", str, ""),
    "resume": _field("resume", bool, False),
    "engine": _field("engine", str, "nextflow"),
    "pipeline": _field("pipeline", str),
    "revision": _field("revision", str, ""),
    "main": _field("main", str, ""),
    "args": _field("args", list, []),
    "params": _field("params", dict, {}),
    "files": _field("files", dict, {}),
    "environment": _field("environment", dict, {}),
    "secrets": _field("secrets", list, []),
    "git": _field("git", list, []),
    "pre_run": _field("pre_run", str, ""),
    "post_run": _field("post_run", str, ""),
    "work_dir": _field("work_dir", str),
    "container": _field("container", str, ""),
    "deadline": _field("deadline", float),
    "heartbeat": _field("heartbeat", float, 20.0),
    "logs": _field("logs", dict, {}),
    "region": _field("region", str, ""),
    "token": _field("token", str),
    "api": _field("api", str, ""),
    "workspace": lambda given: given.get("workspace"),
    "azure": _field("azure", dict, {}),
}
