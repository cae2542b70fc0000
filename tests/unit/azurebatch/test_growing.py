"""Pools grow for the tasks that are there, by slots, and say what keeps them from it."""

from collections.abc import Callable
from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from shared.errors import Refused
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.nextflow.azure import formulas
from shared.providers.azure.batch.clients import BatchClients
from shared.providers.azure.batch.cloud import AzureBatch
from tests.clock import FakeClock
from tests.contracts.provider_suite import order
from tests.unit.azurebatch.conftest import ACCOUNT, ID, opener
from tests.unit.clouds.azure.batch import job_body, pool_body, service, task_body

POOL = f"tower-pool-{ID}"
HEAD, WORKER = f"{POOL}-head", f"{POOL}-worker"
DUAL: dict[str, Any] = {
    "dualPoolConfig": True,
    "headPool": {"vmType": "Standard_D2ds_v5", "vmCount": 2},
    "workerPool": {"vmType": "Standard_E8ds_v5", "vmCount": 8},
}


@pytest.fixture
def submit(azure: EmulatedAzure) -> Callable[..., None]:
    """Submits so many tasks of so many slots, as Nextflow does: one job for each process."""

    def submitted(count: int, slots: int = 1, job: str = "job-0a-FOO", pool: str = WORKER) -> None:
        with service(azure) as client:
            if job not in [each.id for each in client.list_jobs()]:
                client.create_job(job_body(job, pool))
            for number in range(count):
                client.create_task(job, task_body(f"{slots}-{number}", requiredSlots=slots))

    return submitted


def target(azure: EmulatedAzure, pool: str = WORKER) -> int:
    found = azure.batch_pool(ACCOUNT, pool).targets
    return found["dedicated"] + found["lowPriority"]


def calls(azure: EmulatedAzure) -> list[str]:
    """The calls of the Batch service since the last time."""
    found = [each.action.rpartition("/")[2] for each in azure.journal.entries("batch")]
    azure.journal.clear()
    return found


def test_tasks_get_nodes_for_their_slots_the_moment_somebody_looks(ready, azure, submit) -> None:
    provider = ready(forge=DUAL)
    submit(16)
    submit(2, 8, "job-0b-BAR")
    assert target(azure) == 0
    assert provider.tend().waits == ""
    assert target(azure) == 8  # two for small ones, two for large ones, as many for what comes next


def test_one_look_is_one_listing_for_each_job(ready, azure, submit) -> None:
    provider = ready(forge=DUAL)
    for name in ("A", "B", "C"):
        submit(3, 1, f"job-0{name}")
    provider.tend()
    calls(azure)
    provider.tend()
    assert sorted(calls(azure)) == ["GetPool"] * 2 + ["ListJobs"] + ["ListTasks"] * 3


def test_tasks_and_heads_on_one_pool_are_counted_together(ready, azure, submit, azure_clock) -> None:
    provider = ready()
    provider.start(order(provider, deadline=azure_clock.now() + 86400))
    submit(3, 4, pool=POOL)
    azure_clock.advance(31)
    provider.tend()
    assert target(azure, POOL) == 4  # vmCount; the head's node has no room for any of them
    assert states_of(azure) == ["running"] * 3


def states_of(azure: EmulatedAzure, job: str = "job-0a-FOO") -> list[str]:
    with service(azure) as client:
        return [task.state.value for task in client.list_tasks(job)]


def test_nodes_that_nothing_needs_leave_before_the_next_evaluation(ready, azure, submit, azure_clock) -> None:
    provider = ready(forge=DUAL)
    submit(8, 8)
    provider.tend()
    assert target(azure) == 8
    for number in range(7):
        azure.end_task(ACCOUNT, "job-0a-FOO", f"8-{number}")
    for _ in range(4):
        azure_clock.advance(60)
        provider.tend()
    assert target(azure) == 1
    azure.end_task(ACCOUNT, "job-0a-FOO", "8-7")
    for _ in range(4):
        azure_clock.advance(60)
        provider.tend()
    assert target(azure) == 0
    azure_clock.advance(60)
    calls(azure)
    provider.tend()
    assert "EnablePoolAutoScale" not in calls(azure)


def test_a_task_that_fits_on_no_node_is_told_and_gets_none(ready, azure, submit) -> None:
    provider = ready(forge=DUAL)
    submit(1, 9)
    said = provider.tend().waits
    assert said.startswith("1 task waits for a node, the first since 2027-")
    assert "1 task needs more than the 8 slots of a node" in said
    assert target(azure) == 0


def test_it_goes_on_getting_none_while_somebody_looks(ready, azure, submit, azure_clock) -> None:
    provider = ready(forge=DUAL)
    submit(1, 9)
    for _ in range(30):
        provider.tend()
        azure_clock.advance(60)
        assert target(azure) == 0


def test_the_pools_limit_is_told(ready, azure, submit) -> None:
    provider = ready(forge=DUAL)
    submit(12, 8)
    assert "tasks need 12 nodes, the pool has at most 8" in provider.tend().waits
    assert target(azure) == 8


def test_a_pool_grows_as_far_as_the_accounts_quota_and_on_when_that_grows(
    ready, azure, account, submit, azure_clock
) -> None:
    provider = ready(forge=DUAL)
    account(dedicated=20)
    submit(4, 8)
    assert "tasks need 4 nodes, the account has room for 2" in provider.tend().waits
    assert target(azure) == 2
    assert azure.batch_pool(ACCOUNT, WORKER).errors == []
    account(dedicated=100)
    azure_clock.advance(60)
    assert provider.tend().waits == ""
    assert target(azure) == 8


def test_a_quota_that_is_reached_half_way_is_told_and_nodes_come_when_it_frees(
    ready, azure, account, submit, azure_clock
) -> None:
    """Whoever has keys alone cannot read quotas: the resize itself says it."""
    provider = ready(forge=DUAL)
    keys = {"batchName": ACCOUNT, "batchKey": azure.batch_key(ACCOUNT), "storageName": "workstore"}
    provider = rebound(provider, azure_clock, keys)
    account(dedicated=20)
    submit(4, 8)
    assert provider.tend().waits == ""
    azure_clock.advance(180)
    said = provider.tend().waits
    assert "2 tasks wait" in said
    assert "AccountCoreQuotaReached: The account has reached its dedicated core quota" in said
    account(dedicated=100)
    azure_clock.advance(300)
    assert provider.tend().waits == ""
    assert states_of(azure) == ["running"] * 4


def rebound(
    provider: AzureBatch, clock: FakeClock, keys: dict[str, str] | None = None, **config: Any
) -> AzureBatch:
    """The same environment as another moment finds it: with other credentials, or another config."""
    was = provider._account.environment
    place: Environment = was.but(config={**was.config, **config})
    return AzureBatch(place, BatchClients(keys), Settings(installation="this"), clock, opener())


@pytest.mark.parametrize("code", ["AccountSpotCoreQuotaReached", "AllocationTimedout"])
def test_an_error_of_a_resize_is_told_and_passes(ready, azure, submit, azure_clock, code) -> None:
    provider = ready(forge={**DUAL, "workerPool": {**DUAL["workerPool"], "lowPriority": True}})
    azure.starve(ACCOUNT, WORKER, code, most=1)
    submit(3, 8)
    provider.tend()
    azure_clock.advance(180)
    said = provider.tend().waits
    assert said.startswith("2 tasks wait for a node")
    assert f"pool {WORKER}: {code}: " in said
    azure.starve(ACCOUNT, WORKER, "")
    azure_clock.advance(300)
    assert provider.tend().waits == ""
    assert states_of(azure) == ["running"] * 3


def test_nodes_that_spot_took_back_are_made_up_for(ready, azure, submit, azure_clock) -> None:
    provider = ready(forge={**DUAL, "workerPool": {**DUAL["workerPool"], "lowPriority": True}})
    submit(2, 8)
    provider.tend()
    assert target(azure) == 4
    for _ in range(4):
        azure.preempt(ACCOUNT, WORKER)
    assert states_of(azure) == ["active"] * 2
    azure_clock.advance(60)
    provider.tend()
    assert target(azure) == 8
    assert states_of(azure) == ["running"] * 2


def test_a_formula_that_fails_is_not_saved(ready, azure, submit, monkeypatch) -> None:
    provider = ready(forge=DUAL)
    submit(1, 8)
    before = azure.batch_pool(ACCOUNT, WORKER).body["autoScaleFormula"]
    failing = formulas.OURS.replace("$asked = ", "$asked = $NoSuchMetric.GetSample(1) + ")
    monkeypatch.setattr(formulas, "OURS", failing)
    with pytest.raises(Refused, match=f"pool {HEAD}: its formula fails: .*NoSuchMetric"):
        provider.tend()
    assert azure.batch_pool(ACCOUNT, WORKER).body["autoScaleFormula"] == before


def test_a_formula_that_was_set_just_now_waits_its_turn(ready, azure, submit, azure_clock) -> None:
    provider = ready(forge=DUAL)
    submit(1, 8)
    assert provider.tend().after == 0
    submit(7, 8, "job-0b-BAR")
    assert provider.tend().after == 30
    azure_clock.advance(30)
    assert provider.tend().after == 0
    assert target(azure) == 8


def test_a_launch_asks_for_what_its_tasks_came_to_need_before(ready, azure, submit, azure_clock) -> None:
    provider = ready(forge=DUAL)
    provider.start(order(provider, deadline=azure_clock.now() + 86400))
    assert (target(azure, HEAD), target(azure)) == (1, 6)
    azure_clock.advance(60)
    submit(5, 8)
    provider.tend()
    azure.end_task(ACCOUNT, "headnode-run1-1", "head")
    for number in range(5):
        azure.end_task(ACCOUNT, "job-0a-FOO", f"8-{number}")
    for _ in range(8):
        azure_clock.advance(60)
        provider.tend()
    assert (target(azure, HEAD), target(azure)) == (0, 0)
    provider.start(order(provider, "run2", deadline=azure_clock.now() + 86400))
    assert (target(azure, HEAD), target(azure)) == (1, 5)
    azure_clock.advance(600)
    provider.tend()
    azure_clock.advance(60)
    provider.tend()
    assert target(azure) == 0


def test_the_formula_alone_serves_every_task(ready, azure, submit, azure_clock) -> None:
    """Nobody ever looks: the control plane is gone. Nodes come with Batch's own evaluations, and go."""
    provider = ready(forge=DUAL)
    provider.start(order(provider, deadline=azure_clock.now() + 86400))
    submit(5, 3)
    submit(2, 8, "job-0b-BAR")
    azure_clock.advance(301)
    assert states_of(azure) + states_of(azure, "job-0b-BAR") == ["running"] * 7
    azure_clock.advance(3600)
    assert states_of(azure) + states_of(azure, "job-0b-BAR") == ["running"] * 7
    for job, name, count in (("job-0a-FOO", "3", 5), ("job-0b-BAR", "8", 2)):
        for number in range(count):
            azure.end_task(ACCOUNT, job, f"{name}-{number}")
    azure_clock.advance(1200)
    assert target(azure) == 0


def test_what_it_was_told_of_small_tasks_does_not_starve_large_ones_later(
    ready, azure, submit, azure_clock
) -> None:
    """The last look was at tasks of one slot, beside a head; then nobody looks any more."""
    provider = ready()
    provider.start(order(provider, deadline=azure_clock.now() + 86400))
    submit(2, 1, pool=POOL)
    provider.tend()
    for number in range(2):
        azure.end_task(ACCOUNT, "job-0a-FOO", f"1-{number}")
    submit(1, 4, "job-0b-BAR", POOL)
    azure_clock.advance(1800)
    assert states_of(azure, "job-0b-BAR") == ["running"]


def test_another_maximum_or_minimum_or_interval_is_given_to_the_pools(
    ready, azure, submit, azure_clock
) -> None:
    provider = ready(forge=DUAL)
    submit(12, 8)
    provider.tend()
    azure_clock.advance(31)
    worker = {**DUAL["workerPool"], "vmCount": 11, "minVmCount": 2, "scaleInterval": "10m"}
    provider = rebound(provider, azure_clock, forge={**DUAL, "workerPool": worker})
    provider.tend()
    with service(azure) as client:
        shown = client.get_pool(WORKER)
    assert shown.target_dedicated_nodes == 11
    assert shown.auto_scale_evaluation_interval.total_seconds() == 600
    assert "= max(2, min(" in shown.auto_scale_formula
    for number in range(12):
        with service(azure) as client:
            client.terminate_task("job-0a-FOO", f"8-{number}")
    for _ in range(4):
        azure_clock.advance(60)
        provider.tend()
    assert target(azure) == 2


def test_a_pool_of_a_fixed_size_is_resized(ready, azure, azure_clock) -> None:
    fixed = {"vmType": "Standard_D4ds_v5", "vmCount": 1, "autoScale": False}
    provider = ready(forge=fixed)
    provider.tend()
    assert target(azure, POOL) == 1
    rebound(provider, azure_clock, forge={**fixed, "vmCount": 3}).tend()
    assert target(azure, POOL) == 3


def test_a_formula_that_somebody_else_set_is_set_anew(ready, azure, azure_clock) -> None:
    provider = ready()
    with service(azure) as client:
        client.enable_pool_auto_scale(POOL, {"autoScaleFormula": "$TargetDedicatedNodes = 4"})
        azure_clock.advance(31)
        provider.tend()
        assert client.get_pool(POOL).target_dedicated_nodes == 0


def test_nodes_that_take_no_tasks_are_named(ready, azure, submit, azure_clock) -> None:
    provider = ready(forge=DUAL)
    azure.spoil_start_task(ACCOUNT, WORKER)
    submit(8)
    provider.tend()
    azure_clock.advance(200)
    said = provider.tend().waits
    assert f"pool {WORKER} is steady with 2 of 2 nodes; node tvm-" in said, said
    assert said.endswith("z is starttaskfailed"), said


def test_pools_of_the_users_own_are_explained_and_left_alone(bind, azure, submit, azure_clock) -> None:
    with service(azure) as client:
        client.create_pool(pool_body("mine"))
    submit(2, pool="mine")
    azure_clock.advance(200)
    calls(azure)
    said = bind(forge=None, headPool="mine").tend().waits
    assert said.startswith("2 tasks wait for a node, the first since ")
    assert said.endswith("pool mine is steady with 0 of 0 nodes")
    assert set(calls(azure)) == {"ListJobs", "ListTasks", "GetPool"}


def test_pools_that_nextflow_made_for_us_are_explained(ready, azure, submit, azure_clock) -> None:
    provider = ready(autoPoolMode=True)
    marker = provider._account.marker
    with service(azure) as client:
        marks = [{"name": name, "value": text} for name, text in marker.items()]
        client.create_pool(pool_body("nf-pool-0a-X", metadata=marks))
        client.create_pool(pool_body("nf-pool-0b-of-others"))
    submit(1, pool="nf-pool-0a-X")
    submit(1, 1, "job-0b-BAR", "nf-pool-0b-of-others")
    azure_clock.advance(200)
    said = provider.tend().waits
    assert "pool nf-pool-0a-X is steady with 0 of 0 nodes" in said
    assert "others" not in said


def test_a_pool_that_is_gone_is_no_hope(ready, azure, submit) -> None:
    provider = ready(forge=DUAL)
    del azure.state.batch.accounts[ACCOUNT].pools[WORKER.lower()]
    assert provider.tend().lost == f"pool {WORKER} does not exist any more"


def test_a_pool_that_carries_no_marker_of_ours_is_not_written(ready, azure, submit, azure_clock) -> None:
    provider = ready(forge=DUAL)
    with service(azure) as client:
        client.update_pool(WORKER, {"metadata": [{"name": "whose", "value": "theirs"}]})
    submit(4, 8)
    provider.tend()
    assert target(azure) == 0
    assert "EnablePoolAutoScale" not in calls(azure)


def test_what_a_formula_was_told_is_read_back() -> None:
    told = formulas.Told(
        floor=3,
        until=1.8e9,
        each=1.3333,
        stuck=2,
        limit=4,
        known=1.8e9 + 60,
        seen=((1799999000, 3), (1799999060, 0)),
        expected=7,
    )
    scaling = formulas.Scaling(most=5, slots_per_node=4, low_priority=True)
    assert formulas.told(formulas.ours(scaling, told)) == told
    assert formulas.told(formulas.ours(scaling)) == formulas.Told(limit=5)
    assert formulas.told("$TargetDedicatedNodes = 1;") == formulas.Told()
    assert formulas.told("") == formulas.Told()
