"""Head jobs: what Batch does to them, and what becomes of it."""

import pytest

from local.clouds.azure import EmulatedAzure
from shared.errors import NoCapacity, NotYet, QuotaReached, Refused, Retry
from shared.model.machine import GONE, PENDING, STOPPED, STOPPING
from tests.clock import FakeClock
from tests.contracts.provider_suite import order
from tests.unit.azurebatch.conftest import ACCOUNT, ID, Bind
from tests.unit.clouds.azure.batch import job_body, pool_body, service

NAME, JOB = f"tower-pool-{ID}", "headnode-run1-1"


def test_the_end_of_a_head_task_says_how(ready: Bind, azure: EmulatedAzure) -> None:
    provider = ready()
    provider.start(order(provider))
    azure.end_task(ACCOUNT, JOB, "head", 137)
    shown = provider.look([JOB])[JOB]
    assert (shown.state, shown.interrupted) == (GONE, False)
    assert "exited with exit code 137" in shown.reason


def test_an_image_that_cannot_be_pulled_is_told_in_batchs_words(ready: Bind, azure: EmulatedAzure) -> None:
    provider = ready()
    provider.start(order(provider))
    failure = {
        "category": "usererror",
        "code": "ContainerInvalidImage",
        "message": "One or more container images specified for the Batch task are invalid",
        "details": [{"name": "Image Name", "value": "nextflow/nextflow:none"}],
    }
    azure.end_task(ACCOUNT, JOB, "head", failure=failure)
    shown = provider.look([JOB])[JOB]
    assert shown.reason == (
        "JMComplete: usererror ContainerInvalidImage: One or more container images specified for the Batch"
        " task are invalid: nextflow/nextflow:none"
    )
    assert shown.words == ""


def test_a_job_that_takes_too_long_is_ended_by_batch_itself(
    ready: Bind, azure: EmulatedAzure, azure_clock: FakeClock
) -> None:
    provider = ready(jobMaxWallClockTime="1h")
    provider.start(order(provider, deadline=azure_clock.now() + 86400))
    azure_clock.advance(3601)
    shown = provider.look([JOB])[JOB]
    assert shown.state in (STOPPING, GONE)
    azure.settle()
    assert "MaxWallClockTimeExpiry" in provider.look([JOB])[JOB].reason


def test_a_head_task_whose_node_is_lost_is_not_run_again(ready: Bind, azure: EmulatedAzure) -> None:
    provider = ready(forge={"vmType": "Standard_D4ds_v5", "vmCount": 2, "lowPriority": True})
    provider.start(order(provider))
    azure.preempt(ACCOUNT, NAME)
    shown = provider.look([JOB])[JOB]
    assert (shown.state, shown.interrupted) == (STOPPED, True)
    assert provider.stop([JOB]) == {}
    azure.settle()
    shown = provider.look([JOB])[JOB]
    assert (shown.state, shown.interrupted) == (GONE, True)


def test_a_job_that_waits_says_why(ready: Bind, azure: EmulatedAzure, azure_clock: FakeClock) -> None:
    provider = ready()
    azure.starve(ACCOUNT, NAME, "AccountCoreQuotaReached")
    provider.start(order(provider, deadline=azure_clock.now() + 86400))
    assert provider.look([JOB])[JOB].reason == ""
    azure_clock.advance(200)
    shown = provider.look([JOB])[JOB]
    assert shown.state == PENDING
    assert "waits for a node since 200 s" in shown.reason
    assert "AccountCoreQuotaReached: The account has reached its dedicated core quota" in shown.reason


def test_the_quota_of_active_jobs(ready: Bind, azure: EmulatedAzure) -> None:
    from local.clouds.azure.batch.models import Quotas

    provider = ready()
    azure.batch_account(ACCOUNT, quotas=Quotas(jobs=2))
    for attempt in (1, 2):
        provider.start(order(provider, attempt=attempt).but(first=True))
    said = "the Batch account acct has 2 of 2"
    for first in (True, False):
        with pytest.raises(NotYet, match=said) as caught:
            provider.start(order(provider, attempt=3).but(first=first))
        assert caught.value.after == 60


def test_no_node_is_kept_for_a_job_that_waits_for_another(
    ready: Bind, azure: EmulatedAzure, azure_clock: FakeClock
) -> None:
    from local.clouds.azure.batch.models import Quotas

    provider = ready()
    azure.batch_account(ACCOUNT, quotas=Quotas(jobs=2))
    with service(azure) as client:
        for id in ("others-1", "others-2"):
            client.create_job(job_body(id, "elsewhere"))
    for _ in range(20):
        with pytest.raises(NotYet, match="has 2 of 2"):
            provider.start(order(provider))
        azure_clock.advance(60)
    assert azure.batch_pool(ACCOUNT, NAME).targets["dedicated"] == 0
    azure.batch_account(ACCOUNT, quotas=Quotas(jobs=3))
    provider.start(order(provider))
    assert azure.batch_pool(ACCOUNT, NAME).targets["dedicated"] > 0


def test_a_quota_of_one_active_job_is_none_for_a_run(ready: Bind, azure: EmulatedAzure) -> None:
    from local.clouds.azure.batch.models import Quotas

    provider = ready()
    azure.batch_account(ACCOUNT, quotas=Quotas(jobs=1))
    with pytest.raises(Refused, match="needs 2 active jobs, 1 left of 1"):
        provider.start(order(provider))


def test_quotas_are_read_by_two_calls_and_only_for_a_pool_without_nodes(
    ready: Bind, azure: EmulatedAzure
) -> None:
    def calls(attempt: int) -> list[str]:
        before = len(azure.journal.entries())
        provider.start(order(provider, attempt=attempt).but(first=True))
        return [each.action for each in azure.journal.entries()[before:]]

    provider = ready()
    assert calls(1)[1:3] == ["batchAccounts/read", "ListPools"]
    azure.settle()
    assert "ListPools" not in calls(2)


def test_pools_with_nodes_need_no_quota_and_one_that_has_none_is_counted(
    ready: Bind, azure: EmulatedAzure
) -> None:
    from local.clouds.azure.batch.models import Quotas

    head = {"vmType": "Standard_D2ds_v5", "vmCount": 1, "minVmCount": 1}
    forge = {"dualPoolConfig": True, "headPool": head, "workerPool": {"vmType": "Standard_E4ds_v5"}}
    provider = ready(forge=forge)
    azure.batch_account(ACCOUNT, quotas=Quotas(dedicated=4))
    with pytest.raises(Refused, match="needs 4 dedicated cores, 2 left of 4"):
        provider.start(order(provider))
    azure.batch_account(ACCOUNT, quotas=Quotas(dedicated=6))
    assert provider.start(order(provider).but(first=True))
    azure.settle()
    before = len(azure.journal.entries())
    provider.start(order(provider, attempt=2).but(first=True))
    made = [each.action for each in azure.journal.entries()[before:]]
    assert "ListPools" not in made
    assert "batchAccounts/read" not in made


@pytest.mark.parametrize("room", [5, 8])
def test_the_first_of_nextflows_own_pools_needs_room(ready: Bind, azure: EmulatedAzure, room: int) -> None:
    from local.clouds.azure.batch.models import Quotas

    provider = ready(autoPoolMode=True)
    with service(azure) as client:
        for number in range(4):
            client.create_pool(pool_body(f"others-{number}"))
    azure.batch_account(ACCOUNT, quotas=Quotas(pools=room))
    if room == 8:
        assert provider.start(order(provider))
        return
    with pytest.raises(QuotaReached, match="needs 1 pools, 0 left of 5") as caught:
        provider.start(order(provider))
    assert isinstance(caught.value, NoCapacity)
    azure.batch_account(ACCOUNT, quotas=Quotas(pools=0))
    with pytest.raises(Refused, match="needs 1 pools, 0 left of 0"):
        provider.start(order(provider))


def test_a_pool_that_was_deleted_by_hand(ready: Bind, azure: EmulatedAzure) -> None:
    provider = ready()
    azure.timings.transitions = {"Microsoft.Batch/batchAccounts/pools/delete": 600.0}
    from tests.unit.clouds.azure.batch import begin

    with service(azure) as client:
        begin(client, "delete_pool", NAME)
    with pytest.raises(Refused, match="is deleting"):
        provider.start(order(provider))
    azure.timings.transitions = {}
    azure.state.batch.accounts[ACCOUNT].pools.clear()
    with pytest.raises(Refused, match="does not exist"):
        provider.start(order(provider))


def test_a_formula_that_was_set_just_now_is_set_again_later(
    ready: Bind, azure: EmulatedAzure, azure_clock: FakeClock
) -> None:
    provider = ready(headJobCpus=4)
    provider.start(order(provider))
    with pytest.raises(Retry, match="TooManyEnableAutoScaleRequests") as caught:
        provider.start(order(provider, "run2").but(first=True))
    assert caught.value.after == 30
    assert [machine.id for page in provider.machines() for machine in page] == [JOB]
    azure_clock.advance(31)
    assert provider.start(order(provider, "run2")) == "headnode-run2-1"
    assert azure.batch_pool(ACCOUNT, NAME).targets["dedicated"] == 2


def test_a_launch_on_a_pool_that_cannot_grow_looks_at_no_other_job(ready: Bind, azure: EmulatedAzure) -> None:
    provider = ready(forge={"vmType": "Standard_D4ds_v5", "vmCount": 1}, headJobCpus=4)
    provider.start(order(provider))
    before = len(azure.journal.entries("batch"))
    provider.start(order(provider, "run2", first=True))
    made = [each.action for each in azure.journal.entries("batch")[before:]]
    assert made == ["GetPool", "CreateJob"]


def test_the_jobs_of_a_dead_head_are_ended_once_no_other_lives(ready: Bind, azure: EmulatedAzure) -> None:
    provider = ready()
    for run in ("run1", "run2"):
        provider.start(order(provider, run))
    with service(azure) as client:
        client.create_job(job_body("job-0a1b-FOO", NAME))
        provider.stop(["headnode-run1-1"])
        assert client.get_job("job-0a1b-FOO").state.value == "active"
        provider.stop(["headnode-run2-1"])
        assert client.get_job("job-0a1b-FOO").state.value in ("terminating", "completed")


def test_an_answer_that_was_lost_makes_no_second_job(ready: Bind, azure: EmulatedAzure) -> None:
    provider = ready()
    azure.faults.add("batch", "CreateJob", kind="reset-after", times=1)
    with pytest.raises(Retry):
        provider.start(order(provider))
    assert provider.start(order(provider)) == JOB
    assert [machine.id for page in provider.machines() for machine in page] == [JOB]


def test_a_job_of_that_id_that_is_not_the_attempts_own(ready: Bind, azure: EmulatedAzure) -> None:
    provider = ready()
    with service(azure) as client:
        client.create_job(job_body(JOB.upper().replace("HEADNODE", "headnode"), NAME))
    with pytest.raises(Refused, match="is not this attempt's"):
        provider.start(order(provider))


def test_jobs_are_deleted_where_that_is_wanted(ready: Bind, azure: EmulatedAzure) -> None:
    provider = ready(deleteJobsOnCompletionEnabled=True)
    provider.start(order(provider))
    assert provider.stop([JOB]) == {}
    azure.settle()
    assert provider.look([JOB]) == {}
