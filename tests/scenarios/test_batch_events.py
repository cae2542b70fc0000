"""What Batch tells of head jobs: their events, why one waits for a node, and what a dead one left."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto.events.models import EventPattern

from lambdas.events import translated
from shared.steps import runs
from tests.scenarios.clouds.aws import REGION
from tests.scenarios.rig import last

pytestmark = pytest.mark.parametrize("cloud", ["batch"], indirect=True)
TEMPLATE = Path(__file__).parents[2] / "infra" / "aws" / "template.yaml"


class Loader(yaml.SafeLoader):
    """Reads a template; what its short functions would give does not matter here."""


Loader.add_multi_constructor("!", lambda *_: None)
EVENTS = yaml.load(TEMPLATE.read_text(), Loader)["Resources"]["ReapFunction"]["Properties"]["Events"]
PATTERNS = [
    EventPattern.load(json.dumps(each["Properties"]["Pattern"]))
    for each in EVENTS.values()
    if "Pattern" in each.get("Properties", {})
]


@pytest.fixture
def heard(rig, aws) -> list[dict[str, Any]]:
    """The events that the deployed rules let through; each goes to the reaper's queue, as the Lambda does."""
    found: list[dict[str, Any]] = []

    def sink(event: dict[str, Any]) -> None:
        if any(pattern.matches_event(event) for pattern in PATTERNS):
            found.append(event)

    aws.on_event(sink)
    return found


@pytest.fixture
def deliver(rig, aws, heard) -> Callable[..., None]:
    """Delivers the events so far, as often and in the order that is wanted, and nothing of the timer."""

    def act(times: int = 1, newest_first: bool = False) -> None:
        aws.events.settle()
        events = list(heard)
        heard.clear()
        for event in sorted(events, key=events.index, reverse=newest_first):
            for _ in range(times):
                rig.world.queue.send(translated(event))
        rig.drain(60)

    return act


def working(rig, environment):
    """A run whose head job works."""
    run = rig.submit(environment)
    rig.drain(0)
    rig.say(run, "boot")
    rig.say(run, "start")
    return run


def test_a_head_job_that_dies_ends_its_run_with_batchs_own_reasons(rig, ready, aws, deliver):
    run = working(rig, ready)
    job = last(rig.get_run(run)).machine_id
    aws.batch.jobs.end(job, 137, "Task failed", "OutOfMemoryError: Container killed due to memory usage")
    deliver()
    ended = rig.get_run(run)
    assert ended.status == "FAILED"
    assert ended.error_message == (
        "machine ended: Task failed, OutOfMemoryError: Container killed due to memory usage, exit code 137"
    )


def test_events_twice_late_and_out_of_order_change_nothing(rig, ready, aws, deliver, heard):
    good, bad = working(rig, ready), working(rig, ready)
    aws.batch.jobs.end(last(rig.get_run(bad)).machine_id, 1)
    aws.batch.jobs.end(last(rig.get_run(good)).machine_id, 0)
    rig.say(good, "end", exit_status=0)
    aws.events.settle()
    late = list(heard)
    deliver(times=3, newest_first=True)
    ended = [rig.get_run(each) for each in (good, bad)]
    assert [each.status for each in ended] == ["SUCCEEDED", "FAILED"]
    heard.extend(late)
    deliver()
    assert [rig.get_run(each) for each in (good, bad)] == ended


def test_an_event_is_no_proof_only_a_reason_to_look(rig, ready, heard, deliver):
    run = working(rig, ready)
    detail = {"jobId": last(rig.get_run(run)).machine_id, "jobName": f"headnode-{run.id}-1"}
    heard.append({"detail-type": "Batch Job State Change", "detail": {**detail, "status": "FAILED"}})
    deliver()
    assert rig.get_run(run).status == "RUNNING"


def test_tasks_and_other_peoples_jobs_are_not_even_heard(rig, ready, cloud, aws, heard, deliver):
    run = working(rig, ready)
    tasks = cloud.tasks(ready.id, f"tw-{run.id}-x", "theirs")
    stranger = cloud.stranger({"headnode:installation": "another", "headnode:run": run.id})
    for each in (*tasks, stranger):
        aws.batch.jobs.end(each, 1)
    aws.events.settle()
    # Another installation's head job has our kind of name: it is heard, looked up, and not known.
    assert [each["detail"]["jobId"] for each in heard] == [stranger]
    deliver()
    assert rig.get_run(run).status == "RUNNING"


def test_a_lost_node_moves_the_run_to_another_head_job_at_once(rig, ready, aws, cloud, deliver):
    run = working(rig, ready)
    left = cloud.tasks(ready.id, f"tw-{run.id}-a")
    aws.batch.lose_node(last(rig.get_run(run)).machine_id)
    deliver()
    found = rig.get_run(run)
    assert [each.number for each in found.attempts] == [1, 2]
    assert found.attempts[0].interrupted
    assert cloud.states(left) == ["FAILED"]
    # The new head's own tasks stay.
    fresh = cloud.tasks(ready.id, f"tw-{run.id}-a")
    rig.tick()
    rig.drain(120)
    assert cloud.states(fresh) == ["RUNNING"]


@pytest.mark.parametrize("how", ["event", "sweep"])
def test_the_tasks_of_a_dead_head_job_end_and_nobody_elses(rig, ready, cloud, aws, deliver, how):
    run, other = working(rig, ready), working(rig, ready)
    prefix = f"tw-{run.id}-"
    ours = cloud.tasks(ready.id, *(f"{prefix}{number}" for number in range(30)))
    theirs = cloud.tasks(ready.id, f"tw-{other.id}-a", f"tw-{run.id}x-a", "tw--a", f"x{prefix}a", "other")
    aws.batch.jobs.end(last(rig.get_run(run)).machine_id, 137, "Essential container in task exited")
    if how == "event":
        deliver()
    for _ in range(5 if how == "sweep" else 0):
        rig.clock.advance(61)
        rig.say(other, "heartbeat")
        rig.tick()
        rig.drain(5)
    assert rig.get_run(run).status == "FAILED"
    assert set(cloud.states(ours)) == {"FAILED"}
    assert set(cloud.states(theirs)) == {"RUNNING"}


def test_tasks_that_outlive_a_run_which_is_over_are_found_by_the_sweep(rig, ready, cloud):
    run = working(rig, ready)
    rig.say(run, "end", exit_status=0)
    rig.drain(60)
    assert rig.get_run(run).status == "SUCCEEDED"
    late = cloud.tasks(ready.id, f"tw-{run.id}-late")
    rig.tick()
    rig.drain(10)
    assert cloud.states(late) == ["FAILED"]
    assert rig.get_run(run).status == "SUCCEEDED"


def test_more_tasks_than_one_call_ends_go_in_batches(rig, ready, cloud, aws, deliver, monkeypatch):
    monkeypatch.setattr("shared.providers.aws.batch.tasks.AT_ONCE", 20)
    run = working(rig, ready)
    tasks = cloud.tasks(ready.id, *(f"tw-{run.id}-{number}" for number in range(50)))
    aws.batch.jobs.end(last(rig.get_run(run)).machine_id, 1)
    deliver()
    assert set(cloud.states(tasks)) == {"FAILED"}
    asked = [each.params["jobId"] for each in aws.journal.entries("batch", "TerminateJob")]
    assert sorted(asked) == sorted(tasks)
    assert rig.get_run(run).status == "FAILED"


def test_a_second_head_job_of_a_run_goes_without_the_tasks_of_the_first(rig, ready, cloud, aws):
    run = working(rig, ready)
    job = aws.batch.jobs.all[last(rig.get_run(run)).machine_id]
    twin = cloud.client.submit_job(
        jobName=job.name, jobQueue=job.queue.arn, jobDefinition=job.definition.arn, tags=job.tags
    )["jobId"]
    tasks = cloud.tasks(ready.id, f"tw-{run.id}-a")
    for _ in range(4):
        rig.tick()
        rig.say(run, "heartbeat")
        rig.clock.advance(61)
    assert cloud.states([twin, job.id, *tasks]) == ["FAILED", "RUNNING", "RUNNING"]


def waits(rig, environment, seconds: float = 400) -> str:
    """Why a new run waits, after so long and a sweep."""
    run = rig.submit(environment)
    rig.drain(0)
    rig.clock.advance(seconds)
    rig.tick()
    found = rig.get_run(run)
    assert found.status == "SUBMITTED", found.error_message
    assert found.wait is not None
    return str(found.wait.reason)


def test_no_capacity_is_said_and_used_when_it_is_back(rig, ready, cloud, aws):
    cloud.no_capacity()
    said = waits(rig, ready)
    name = f"compute environment TowerForge-{ready.id}-head"
    assert said == (
        f"waiting for a node: {name} wants 1 of 128 vCPUs and AWS gives none: too few optimal for 1 vCPUs "
        "and 4096 MiB"
    )
    (job,) = aws.batch.jobs.all.values()
    # As long as it waits in the queue it is not late to boot; from the node on it has its time again.
    rig.clock.advance(2 * rig.settings.boot_within)
    rig.tick()
    aws.batch.give_capacity()
    rig.clock.advance(rig.settings.boot_within - 60)
    rig.tick()
    assert job.status == "RUNNING"
    rig.clock.advance(120)
    rig.tick()
    rig.drain(60)
    assert job.status == "FAILED"


def test_no_capacity_for_long_ends_the_run_with_the_reason(rig, ready, cloud):
    cloud.no_capacity()
    run = rig.submit(ready)
    rig.drain(0)
    rig.clock.advance(rig.settings.capacity_wait + 1)
    rig.tick()
    rig.drain(60)
    ended = rig.get_run(run)
    assert ended.status == "FAILED"
    assert "waiting for a node: compute environment" in ended.error_message
    assert {each.alive for each in cloud.machines()} == {False}


def test_a_full_environment_says_its_limit(rig, cloud, aws):
    aws.batch.places.stand(REGION, "mine", maxvCpus=1)
    environment = rig.environment(forge=None, headQueue="mine", computeQueue="mine")
    rig.drain(30)
    first = rig.submit(environment)
    rig.drain(0)
    rig.say(first, "boot")
    assert (
        waits(rig, environment, 181)
        == "waiting for a node: compute environment mine is at its limit of 1 vCPUs"
    )


@pytest.mark.parametrize(
    ("resources", "cpus", "said"),
    [
        (
            {"maxvCpus": 2},
            4,
            "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) associated with the job queue cannot "
            "meet the CPU requirements of the job. (compute environment mine has at most 2 vCPUs, and a head "
            "job asks for 4)",
        ),
        ({"instanceTypes": ["t3.small"]}, 8, "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"),
    ],
)
def test_a_head_job_that_is_too_large_is_told_so_and_in_the_end_fails(rig, aws, resources, cpus, said):
    queue = aws.batch.places.stand(REGION, "mine", **resources)
    reason = said.partition(" - ")[0]
    limit = {"reason": reason, "state": "RUNNABLE", "maxTimeSeconds": 3600, "action": "CANCEL"}
    queue.body["jobStateTimeLimitActions"] = [limit]
    environment = rig.environment(forge=None, headQueue="mine", computeQueue="mine", headJobCpus=cpus)
    rig.drain(30)
    assert said in waits(rig, environment)
    rig.clock.advance(3600)
    for _ in range(3):
        rig.tick()
        rig.clock.advance(61)
    rig.drain(60)
    (ended,) = [rig.get_run(each) for each in every_run(rig)]
    assert ended.status == "FAILED"
    assert reason in ended.error_message


def every_run(rig) -> list[Any]:
    from shared.model.run import Run

    return list(rig.world.store.find(Run, "workspace", "0").items)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (
            "disabled",
            "compute environment TowerForge-{id}-head is DISABLED and VALID: ComputeEnvironment Healthy",
        ),
        ("role", "compute environment TowerForge-{id}-head is ENABLED and INVALID: CLIENT_ERROR"),
        ("queue", "queue TowerForge-{id}-head is DISABLED and VALID"),
    ],
)
def test_what_is_wrong_around_a_queue_is_said(rig, ready, cloud, aws, what, said):
    cloud.no_capacity()
    run = rig.submit(ready)
    rig.drain(0)
    name = f"TowerForge-{ready.id}-head"
    if what == "queue":
        cloud.client.update_job_queue(jobQueue=name, state="DISABLED")
    elif what == "disabled":
        cloud.client.update_compute_environment(computeEnvironment=name, state="DISABLED")
    else:
        role = f"TowerForge-{ready.id}-ServiceRole"
        iam = boto3.client("iam")
        for each in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=role, PolicyArn=each["PolicyArn"])
        iam.delete_role(RoleName=role)
    rig.clock.advance(400)
    for _ in range(2):
        rig.tick()
    assert said.format(id=ready.id) in rig.get_run(run).wait.reason
    runs.cancel_run(rig.world, rig.get_run(run))
    rig.drain(120)
    assert rig.get_run(run).status == "CANCELLED"


def test_a_blocked_queue_is_explained_by_its_event(rig, ready, cloud, heard, deliver):
    cloud.no_capacity()
    run = rig.submit(ready)
    rig.drain(0)
    rig.clock.advance(400)
    detail = {
        "jobId": last(rig.get_run(run)).machine_id,
        "jobName": f"headnode-{run.id}-1",
        "status": "RUNNABLE",
    }
    heard.append({"source": "aws.batch", "detail-type": "Batch Job Queue Blocked", "detail": detail})
    deliver(times=2)
    assert rig.get_run(run).wait.reason.startswith("waiting for a node: compute environment")
