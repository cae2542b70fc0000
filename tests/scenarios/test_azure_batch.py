"""Life on Azure Batch: Forge and the user's own pools, with the permissions of each step and no others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from local.clouds.azure.batch.models import Quotas
from local.demo.places.azurebatch import EXAMPLES, MINE, NOBODY, replaced
from shared.wiring import forget_clients
from tests.azure_cloud import Clients
from tests.clock import FakeClock
from tests.scenarios.clouds.azure import ACCOUNT, LOCATION
from tests.scenarios.clouds.azurebatch import BATCH, FORGE, PASSWORD, Batch, login
from tests.scenarios.wholelife import disposed, lived
from tests.unit.azurebatch.test_check import NODE
from tests.unit.clouds.azure.batch import job_body, pool_body, service


@pytest.fixture
def cloud(azure: EmulatedAzure, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Batch:
    monkeypatch.setattr(azure.state, "clock", clock.now)
    forget_clients()
    return Batch(azure)


def test_a_whole_life_needs_nothing_but_the_steps_own_permissions(rig, cloud):
    ended = lived(rig, placing=40)
    assert ended.status == "DELETED", ended.wait
    assert [each.partition(" ")[0] for each in ended.receipt.removed] == ["BatchPool"]
    assert cloud.refused() == []
    assert (cloud.pools(), cloud.jobs()) == ([], {})


@pytest.mark.parametrize(
    "action", ["Microsoft.Batch/batchAccounts/pools/write", "Microsoft.Batch/batchAccounts/pools/read"]
)
def test_a_missing_permission_ends_the_creation_and_is_named(rig, cloud, action):
    rig.before = lambda step: cloud.enforce(step, action if step == "create" else "")
    environment = rig.environment()
    rig.drain(600)
    found = rig.get_environment(environment)
    assert found.status == "ERRORED"
    assert f"{action} is not allowed" in found.message


def test_a_quota_is_seen_before_anything_is_made(rig, cloud):
    cloud.emulated.batch_account(BATCH, quotas=Quotas(families={"standardDDSv5Family": 4}))
    environment = rig.environment()
    rig.drain(30)
    found = rig.get_environment(environment)
    assert found.status == "ERRORED"
    assert "needs 16 DDSv5 cores, 4 left of 4" in found.message
    assert (found.resources, cloud.pools()) == ((), [])


def test_a_launch_whose_answer_is_lost_is_one_job(rig, cloud, ready):
    run = rig.submit(ready)
    cloud.emulated.faults.add("batch", "CreateJob", kind="reset-after", times=1)
    rig.drain(60)
    assert list(cloud.jobs()) == [f"headnode-{run.id}-1"]
    assert rig.get_run(run).last.machine_id == f"headnode-{run.id}-1"


def test_a_dead_head_is_found_and_its_reason_told(rig, cloud, ready):
    run = rig.submit(ready)
    rig.drain(40)
    rig.say(run, "boot")
    with service(cloud.emulated) as client:
        client.create_job(job_body("job-0a-FOO", f"tower-pool-{ready.id}"))
    cloud.emulated.end_task(BATCH, f"headnode-{run.id}-1", "head", 137)
    for _ in range(4):
        rig.clock.advance(61)
        rig.tick()
    rig.drain(60)
    ended = rig.get_run(run)
    assert ended.status == "FAILED"
    assert "exited with exit code 137" in ended.error_message
    assert cloud.jobs()["job-0a-FOO"].state.name == "completed"


def test_a_run_that_no_node_comes_for_says_why(rig, cloud, ready):
    cloud.emulated.starve(BATCH, f"tower-pool-{ready.id}", "AccountCoreQuotaReached")
    run = rig.submit(ready)
    rig.drain(40)
    rig.clock.advance(1000)
    rig.tick()
    assert "waits for a node since" in rig.get_run(run).wait.reason
    rig.clock.advance(rig.settings.capacity_wait)
    rig.tick()
    rig.drain(60)
    ended = rig.get_run(run)
    assert ended.status == "FAILED"
    assert "AccountCoreQuotaReached: The account has reached its dedicated core quota" in ended.error_message


def test_a_head_job_whose_node_is_lost_goes_on_as_another(rig, cloud):
    environment = rig.environment(forge={**FORGE, "lowPriority": True})
    rig.drain(60)
    run = rig.submit(environment)
    rig.drain(40)
    rig.say(run, "boot")
    cloud.emulated.preempt(BATCH, f"tower-pool-{environment.id}")
    for _ in range(4):
        rig.clock.advance(61)
        rig.tick()
    rig.drain(60)
    attempts = rig.get_run(run).attempts
    assert [each.number for each in attempts] == [1, 2]
    assert attempts[0].interrupted


def test_a_pool_deleted_by_hand_fails_the_launch_and_not_the_disposal(rig, cloud, ready):
    cloud.emulated.state.batch.accounts[BATCH].pools.clear()
    run = rig.submit(ready)
    rig.drain(60)
    assert rig.get_run(run).status == "FAILED"
    assert "does not exist (any more)" in rig.get_run(run).error_message
    assert disposed(rig, ready).status == "DELETED"


@pytest.mark.parametrize("call", ["CreatePool", "GetPool", "ListSupportedImages"])
@pytest.mark.parametrize("kind", ["throttle", "503", "reset-before", "reset-after"])
def test_a_bad_answer_while_a_pool_is_made(rig, cloud, call, kind):
    cloud.emulated.faults.add("batch", call, kind=kind, times=1)
    environment = rig.environment()
    rig.drain(120)
    assert rig.get_environment(environment).status == "AVAILABLE", rig.get_environment(environment).message
    assert cloud.pools() == [f"tower-pool-{environment.id}"]


def test_pools_of_the_users_own_are_used_and_left_as_they_were(rig, cloud):
    with service(cloud.emulated) as client:
        for name in ("mine-head", "mine-work"):
            client.create_pool(pool_body(name, startTask=NODE, targetDedicatedNodes=1))
        before = [pool.as_dict() for pool in client.list_pools()]
        environment = rig.environment(forge=None, headPool="mine-head", workerPool="mine-work")
        rig.drain(30)
        found = rig.get_environment(environment)
        assert (found.status, [row.type for row in found.resources]) == ("AVAILABLE", ["BatchJobs"]), found
        run = rig.submit(environment)
        rig.drain(0)
        assert cloud.jobs()[rig.get_run(run).last.machine_id].pool == "mine-head"
        rig.work(run)
        rig.drain(60)
        client.create_job(job_body("headnode-of-others-1", "mine-head"))
        assert disposed(rig, environment).status == "DELETED"
        assert list(cloud.jobs()) == ["headnode-of-others-1"]
        assert [pool.as_dict() for pool in client.list_pools()] == before
    writes = {each.action for each in cloud.emulated.journal.entries("batch") if each.principal == cloud.us}
    assert not {each for each in writes if "Pool" in each} - {"GetPool", "ListPools"}


@pytest.fixture
def users_own(cloud: Batch) -> Callable[[Any], Any]:
    """Makes the identity and the network that the examples name; puts real ids in a config."""
    sdk = Clients(cloud.emulated)
    sdk.group("mine")
    sdk.subnet("mine")
    known = sdk.identities.user_assigned_identities
    made = known.create_or_update("mine", "nextflow", {"location": LOCATION})
    ids = {MINE: cloud.emulated.environment()["AZURE_SUBSCRIPTION_ID"], NOBODY: str(made.client_id)}
    return lambda value: replaced(value, ids)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_each_example_is_made_launched_on_and_disposed_of(rig, cloud, users_own, path: Path):
    from local.cli.requests import environment_file

    read = environment_file(path)
    assert read["platform"] == "azure-batch"
    config = {name: users_own(value) for name, value in read["config"].items()}
    cloud.keyed = "managedIdentityClientId" not in config
    cloud.emulated.file_share(ACCOUNT, "references")
    if "containerRegIds" in config["forge"]:
        cloud.emulated.registry("quay.io/lab", {"lab": PASSWORD})
        config["forge"] = {**config["forge"], "containerRegIds": [login(rig)]}
    environment = rig.environment(**{"forge": None, **config})
    rig.drain(120)
    found = rig.get_environment(environment)
    assert found.status == "AVAILABLE", found.message or found.wait
    two = config["forge"].get("dualPoolConfig")
    assert len(found.resources) == (2 if two else 1)
    run = rig.submit(environment)
    rig.drain(40)
    assert cloud.jobs()[f"headnode-{run.id}-1"].tasks["head"].state.name == "running"
    spec = rig.world.provider(found).spec(rig.get_run(run), rig.get_run(run).last)
    assert ("process.queue = 'auto'" in spec["tasks"]) is bool(config.get("autoPoolMode"))
    assert bool(spec["azure"]["sas"]) is cloud.keyed
    rig.work(run)
    rig.drain(60)
    if config.get("autoPoolMode"):
        with service(cloud.emulated) as client:  # as Nextflow would, with the labels that it was given
            marks = [{"name": name, "value": text} for name, text in marker(environment.id).items()]
            client.create_pool(pool_body("nf-pool-0a-Standard_E4d_v5", metadata=marks))
            client.create_pool(pool_body("nf-pool-of-others"))
    ended = disposed(rig, environment)
    assert ended.status == "DELETED", ended.wait
    assert ended.receipt.left == ()
    left = ["nf-pool-of-others"] if config.get("autoPoolMode") else []
    assert (cloud.pools(), cloud.jobs()) == (left, {})


def marker(environment_id: str) -> dict[str, str]:
    """What pools of ours carry."""
    return {"headnode:installation": "rig", "headnode:environment": environment_id}
