"""Reads what a machine left of its tasks, as users do: through the API, over the cloud's own log source."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from shared.ports import LogSource
from tests.unit.api.front import Front
from tests.unit.runner.world import SESSION


def reader(root: Path, source: LogSource, work_dir: str) -> tuple[Front, str]:
    """A control plane with the run whose machine worked in `work_dir`, and its id."""
    front = Front.fresh(root / "control", "reader")
    run = front.launch(front.environment(workDir=work_dir))
    front.world = replace(front.world, logs=lambda _environment: source)
    front.__post_init__()
    token = front.run_token(run)
    front.post("/trace/create", {"workflowId": run, "sessionId": SESSION, "runName": "one"}, token=token)
    return front, run


def tell(front: Front, run: str, number: int, workdir: str, status: str = "COMPLETED") -> Any:
    """A task's log, once its Nextflow told where it worked."""
    told = {"taskId": number, "status": status, "hash": "ab/c0ffee", "name": "one", "workdir": workdir}
    front.put(f"/trace/{run}/progress", {"tasks": [told]}, token=front.run_token(run))
    return front.get(f"/workflow/{run}/log/{number}")["log"]
