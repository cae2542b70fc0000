"""The Nextflow config that sends a pipeline's tasks to a work queue of AWS Batch. Pure."""

from collections.abc import Mapping, Sequence

from shared.model.records import Model
from shared.nextflow.command import quoted

SPOT_ATTEMPTS = 5
"""How often a task may lose its node to Spot before it fails. Nextflow's own default is never."""


class Tasks(Model, frozen=True, kw_only=True):
    """Where and how tasks run."""

    queue: str
    region: str
    work_dir: str = ""
    job_role: str = ""
    execution_role: str = ""
    cli_path: str = ""
    volumes: Sequence[str] = ()
    log_group: str = ""
    spot: bool = False
    wave: bool = False
    fusion: bool = False
    snapshots: bool = False
    cpus: int = 0
    memory: int = 0
    """The most that one task can have, in vCPUs and MiB; 0 where that is not known."""
    tags: Mapping[str, str] = {}
    variables: Mapping[str, str] = {}


def config(tasks: Tasks) -> str:
    """The settings that the platform owns, one to a line."""
    found = {
        "process.executor": quoted("awsbatch"),
        "process.queue": quoted(tasks.queue),
        "aws.region": quoted(tasks.region),
        **batch(tasks),
        **switches(tasks),
    }
    limits = {"cpus": str(tasks.cpus or ""), "memory": f"{tasks.memory}.MB" if tasks.memory else ""}
    if said := ", ".join(f"{name}: {most}" for name, most in limits.items() if most):
        found["process.resourceLimits"] = f"[{said}]"
    if tasks.tags:
        pairs = (f"{quoted(key)}: {quoted(value)}" for key, value in tasks.tags.items())
        found["process.resourceLabels"] = f"[{', '.join(pairs)}]"
    lines = [f"{name} = {value}\n" for name, value in found.items()]
    lines += [f"env.{name} = {quoted(value)}\n" for name, value in tasks.variables.items()]
    return "// Set by headnode: tasks are jobs of AWS Batch.\n" + "".join(lines)


def batch(tasks: Tasks) -> dict[str, str]:
    """What is said to the executor."""
    texts = {
        "jobRole": tasks.job_role,
        "executionRole": tasks.execution_role,
        # Fusion brings its own way to the bucket.
        "cliPath": "" if tasks.fusion else tasks.cli_path,
        "logsGroup": tasks.log_group,
    }
    found = {f"aws.batch.{name}": quoted(text) for name, text in texts.items() if text}
    if tasks.volumes:
        found["aws.batch.volumes"] = f"[{', '.join(quoted(each) for each in tasks.volumes)}]"
    # Batch starts a task anew when its host was taken (`Host EC2*`), and for no other reason.
    found["aws.batch.maxSpotAttempts"] = str(SPOT_ATTEMPTS if tasks.spot else 0)
    return found


def switches(tasks: Tasks) -> dict[str, str]:
    """Wave and Fusion."""
    found: dict[str, str] = {}
    if tasks.wave:
        found["wave.enabled"] = "true"
    if tasks.fusion:
        found["fusion.enabled"] = "true"
    if tasks.snapshots:
        found["fusion.snapshots"] = "true"
    if tasks.work_dir.startswith("s3://"):
        found["cloudcache.enabled"] = "true"
        found["cloudcache.path"] = quoted(f"{tasks.work_dir.rstrip('/')}/cloudcache/.cache")
    return found
