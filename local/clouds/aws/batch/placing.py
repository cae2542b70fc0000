"""Which jobs get a node, and what Batch says of those that get none.

A job needs an environment under its queue that is ENABLED and VALID, that has vCPUs left, and whose instance
types are large enough. Batch tells a job only of what can never be: a limit or a type that is too small
(its documentation of "jobs stuck in RUNNABLE"); a time limit of the queue may then cancel it.
"""

from collections.abc import Iterator
from typing import Any

from moto.ec2.models.instance_types import INSTANCE_TYPES

from local.clouds.aws.batch.jobs import Job, Jobs
from local.clouds.aws.batch.places import Place, Places

MAX_RESOURCE = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"
JOB_RESOURCE = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"
SAID = {
    MAX_RESOURCE: "CE(s) associated with the job queue cannot meet the CPU requirements of the job.",
    JOB_RESOURCE: "CE(s) associated with the job queue have no instance type that meets the requirements.",
}
OPTIMAL = ("c4", "m4", "r4")
"""The families of `optimal`."""
MIB = 1024


def size(job: Job) -> tuple[float, int]:
    """vCPUs and MiB that a job asks for: its submission's words over its definition's."""
    base = job.definition.body.get("containerProperties") or {}
    overrides = job.body.get("containerOverrides") or {}
    asked = {
        each["type"]: each["value"]
        for part in (base, overrides)
        for each in part.get("resourceRequirements") or ()
    }
    cpus, memory = asked.get("VCPU", base.get("vcpus", 1)), asked.get("MEMORY", base.get("memory", MIB))
    return float(cpus), int(memory)


def environments(places: Places, queue: Place) -> Iterator[Place]:
    """The environments under a queue that are there, in its order."""
    order = sorted(queue.body.get("computeEnvironmentOrder") or [], key=lambda each: each["order"])
    for each in order:
        found = places.find("compute-environment", queue.region, each["computeEnvironment"])
        if found:
            yield found


def most(environment: Place) -> float:
    """Its limit of vCPUs."""
    return float((environment.body.get("computeResources") or {}).get("maxvCpus", 0))


def used(jobs: Jobs, environment: Place) -> float:
    """vCPUs of the jobs that hold a node of it."""
    return sum(size(each)[0] for each in jobs.holding.values() if each.held is environment)


def fits(environment: Place, cpus: float, memory: int) -> bool:
    """Whether one of its instance types is large enough."""
    resources = environment.body.get("computeResources") or {}
    if str(resources.get("type", "")).startswith("FARGATE"):
        return True
    named = {
        family
        for each in resources.get("instanceTypes") or ()
        for family in (OPTIMAL if each == "optimal" else (each,))
    }
    types = [
        each for name, each in INSTANCE_TYPES.items() if name in named or name.partition(".")[0] in named
    ]
    return any(
        each["VCpuInfo"]["DefaultVCpus"] >= cpus and each["MemoryInfo"]["SizeInMiB"] > memory
        for each in types
    )


def node(places: Places, jobs: Jobs, job: Job) -> Place | None:
    """The environment that has a node for a job now."""
    cpus, memory = size(job)
    for each in environments(places, job.queue) if places.capacity else ():
        takes = each.state == "ENABLED" and each.status == "VALID" and fits(each, cpus, memory)
        if takes and used(jobs, each) + cpus <= most(each):
            return each
    return None


def never(places: Places, job: Job) -> str:
    """What Batch says of a job that none of its environments can ever take; empty while one may."""
    cpus, memory = size(job)
    under = list(environments(places, job.queue))
    if under and all(cpus > most(each) for each in under):
        return MAX_RESOURCE
    if under and not any(fits(each, cpus, memory) for each in under):
        return JOB_RESOURCE
    return ""


def explain(places: Places, jobs: Jobs, job: Job, now: float) -> None:
    """Puts Batch's words on a job that waits for what can never be, and cancels it when its queue says so."""
    reason = never(places, job) if job.status == "RUNNABLE" else ""
    if not reason:
        return
    job.reason = f"{reason} - {SAID[reason]}"
    for limit in job.queue.body.get("jobStateTimeLimitActions") or ():
        if limit["reason"] == reason and now - job.created >= limit["maxTimeSeconds"]:
            jobs.end(job.id, None, job.reason)


def wanted(places: Places, jobs: Jobs, environment: Place) -> dict[str, Any]:
    """`desiredvCpus` of an environment: what runs on it and what waits for it, within its limits."""
    resources = environment.body.get("computeResources") or {}
    waiting = (
        size(each)[0]
        for queued in jobs.waiting.values()
        for each in queued.values()
        if environment in environments(places, each.queue)
    )
    asked = used(jobs, environment) + sum(waiting)
    within = min(max(asked, float(resources.get("minvCpus") or 0)), most(environment))
    return {"computeResources": {**resources, "desiredvCpus": int(within)}} if resources else {}
