"""Azure Batch checked before it is paid for, and nothing of a dead head left."""

import pytest

from local.clouds.azure.batch.models import Quotas
from shared.model.access import Token, token_id
from shared.steps import tracing
from shared.steps.logs import read_log
from tests.azure_cloud import Clients
from tests.scenarios.clouds.azurebatch import BATCH
from tests.scenarios.test_azure_batch import marker
from tests.scenarios.wholelife import disposed
from tests.unit.azurebatch.test_check import NODE
from tests.unit.clouds.azure.batch import begin, job_body, pool_body, service

pytestmark = pytest.mark.parametrize("cloud", ["azurebatch"], indirect=True)


def test_a_launch_whose_config_will_fail_makes_no_job(rig, cloud, ready):
    run = rig.submit(ready, configText="azure.batch.deletePoolsOnCompletion = true")
    rig.drain(30)
    ended = rig.get_run(run)
    assert ended.status == "FAILED"
    assert "azure.batch.deletePoolsOnCompletion deletes every pool that the run used" in ended.error_message
    assert cloud.jobs() == {}


def test_a_launch_that_can_never_fit_ends_with_the_numbers(rig, cloud, ready):
    cloud.emulated.batch_account(BATCH, quotas=Quotas(families={"standardDDSv5Family": 2}))
    run = rig.submit(ready)
    rig.drain(30)
    ended = rig.get_run(run)
    assert ended.status == "FAILED"
    assert "needs 4 DDSv5 cores, 2 left of 2" in ended.error_message
    assert cloud.jobs() == {}


def test_a_launch_that_others_leave_no_room_for_waits_with_the_numbers(rig, cloud, ready):
    cloud.emulated.batch_account(BATCH, quotas=Quotas(dedicated=8))
    with service(cloud.emulated) as client:
        client.create_pool(pool_body("others", targetDedicatedNodes=2))
        run = rig.submit(ready)
        rig.drain(30)
        waiting = rig.get_run(run)
        assert "needs 4 dedicated cores, 0 left of 8" in waiting.wait.reason
        assert (waiting.status, cloud.jobs()) == ("SUBMITTED", {})
        begin(client, "delete_pool", "others")
    cloud.emulated.settle()
    rig.drain(120)
    assert list(cloud.jobs()) == [f"headnode-{run.id}-1"]


def test_a_launch_without_an_active_job_left_waits_for_one_however_long(rig, cloud, ready):
    cloud.emulated.batch_account(BATCH, quotas=Quotas(jobs=2))
    with service(cloud.emulated) as client:
        for id in ("other-1", "other-2"):
            client.create_job(job_body(id, f"tower-pool-{ready.id}"))
        run = rig.submit(ready)
        rig.drain(30)
        waiting = rig.get_run(run)
        assert waiting.wait.reason == (
            f"waits for an active job to end: the Batch account {BATCH} has 2 of 2"
            " (ActiveJobAndScheduleQuotaReached)"
        )
        rig.clock.advance(700)  # what the pool grew for at first is gone
        kicks = len(formulas_set(cloud))
        rig.drain(rig.settings.capacity_wait + 7200, step=600)
        assert rig.get_run(run).status == "SUBMITTED"
        assert list(cloud.jobs()) == ["other-1", "other-2"]
        assert len(formulas_set(cloud)) == kicks  # no node waits with it
        begin(client, "delete_job", "other-1")
    cloud.emulated.settle()
    rig.drain(120)
    assert f"headnode-{run.id}-1" in cloud.jobs()
    secret = rig.world.vault.open(rig.get_run(run).last.boot_secret, f"boot/{run.id}/1")
    assert rig.world.store.get(Token, token_id(secret)).expires_at > rig.clock.now() + 900


def formulas_set(cloud):
    return [each for each in cloud.emulated.journal.entries("batch") if "EnablePoolAutoScale" in each.action]


def test_a_run_whose_deadline_passes_while_it_waits_for_a_job_ends(rig, cloud, ready):
    cloud.emulated.batch_account(BATCH, quotas=Quotas(jobs=2))
    with service(cloud.emulated) as client:
        for id in ("other-1", "other-2"):
            client.create_job(job_body(id, f"tower-pool-{ready.id}"))
    run = rig.submit(ready)
    rig.drain(30)
    rig.clock.advance(rig.settings.longest_run)
    rig.drain(600)
    ended = rig.get_run(run)
    assert ended.status == "FAILED"
    assert "deadline reached: waits for an active job to end" in ended.error_message


def test_a_launch_without_the_right_to_read_quotas_goes_on(rig, cloud, ready):
    rig.before = lambda step: cloud.enforce(step, "Microsoft.Batch/batchAccounts/read")
    run = rig.submit(ready)
    rig.drain(40)
    assert list(cloud.jobs()) == [f"headnode-{run.id}-1"]


def test_a_head_that_dies_before_its_runner_speaks_leaves_what_it_printed(rig, cloud, ready):
    run = rig.submit(ready)
    rig.drain(40)
    printed = {"stdout.txt": b"dnf install python3\n", "stderr.txt": b"E: unable to fetch\n"}
    cloud.emulated.end_task(BATCH, f"headnode-{run.id}-1", "head", 97, printed)
    for _ in range(4):
        rig.clock.advance(61)
        rig.tick()
    rig.drain(60)
    ended = rig.get_run(run)
    assert ended.status == "FAILED"
    assert "FailureExitCode" in ended.error_message
    assert "exited with exit code 97" in ended.error_message
    assert ended.error_report == "dnf install python3\nE: unable to fetch"
    # The node that had the files is gone by now; what they said is not.
    assert not cloud.emulated.batch_pool(BATCH, f"tower-pool-{ready.id}").nodes
    page = read_log(ended, rig.world.logs(rig.get_environment(ready)))
    assert (page.lines, page.end) == (("dnf install python3", "E: unable to fetch"), True)


def test_a_subnet_without_a_way_out_is_found_when_the_environment_is_made(rig, cloud):
    sdk = Clients(cloud.emulated)
    sdk.group("mine")
    subnet = sdk.subnet("mine")
    cloud.emulated.cut_off(subnet)
    cloud.emulated.timings.transitions = {"Microsoft.Batch/batchAccounts/pools/nodes/boot": 180.0}
    cloud.enforce(None)
    rig.before = cloud.enforce
    environment = rig.environment(subnetId=subnet)
    rig.drain(60)
    waiting = rig.get_environment(environment)
    assert waiting.status == "CREATING"
    assert "its first node is waitingforstarttask" in waiting.wait.reason
    rig.restart()
    rig.drain(300)
    found = rig.get_environment(environment)
    assert found.status == "ERRORED"
    assert "curl: (28) Failed to connect to github.com port 443" in found.message
    assert cloud.pools() == [f"tower-pool-{environment.id}"]
    assert disposed(rig, environment).status == "DELETED"
    assert cloud.refused() == []


@pytest.mark.parametrize("call", ["CreatePool", "GetPool", "ListNodes", "ListSupportedImages"])
@pytest.mark.parametrize("kind", ["throttle", "reset-before", "reset-after"])
def test_a_pool_is_tried_with_one_node_whatever_answers_are_lost(rig, cloud, call, kind):
    sdk = Clients(cloud.emulated)
    sdk.group("mine")
    environment = rig.environment(subnetId=sdk.subnet("mine"))
    cloud.emulated.faults.add("batch", call, kind=kind, times=2)
    rig.drain(20)
    rig.restart()  # whoever was at it died, and did not write down what it had found
    rig.drain(120)
    assert rig.get_environment(environment).status == "AVAILABLE", rig.get_environment(environment)
    assert cloud.pools() == [f"tower-pool-{environment.id}"]
    assert len(cloud.emulated.batch_pool(BATCH, f"tower-pool-{environment.id}").nodes) <= 1
    assert next(cloud.emulated.state.batch.accounts[BATCH].numbers) == 2  # one node was ever made


def test_pools_that_nextflow_made_for_an_environment_without_pools_of_its_own_go_with_it(rig, cloud):
    with service(cloud.emulated) as client:
        client.create_pool(pool_body("mine-head", startTask=NODE, targetDedicatedNodes=1))
        environment = rig.environment(forge=None, headPool="mine-head", autoPoolMode=True)
        rig.drain(30)
        marks = [{"name": name, "value": text} for name, text in marker(environment.id).items()]
        client.create_pool(pool_body("nf-pool-0a-Standard_E4d_v5", metadata=marks))
        client.create_pool(pool_body("nf-pool-of-others"))
        client.create_job(job_body("job-0123456789abcdef0123-A", "nf-pool-0a-Standard_E4d_v5"))
        ended = disposed(rig, environment)
    assert ended.status == "DELETED", ended.wait
    assert cloud.pools() == ["mine-head", "nf-pool-of-others"]
    assert cloud.jobs()["job-0123456789abcdef0123-A"].state.name == "completed"


def reported(rig, run, *native):
    """Nextflow's word of tasks with these native ids."""
    view = tracing.viewed(run.id, rig.world.store.get_each(*tracing.wanted(run.id, range(len(native)))))
    tasks = [{"taskId": id, "status": "RUNNING", "nativeId": each} for id, each in enumerate(native)]
    tracing.progress(rig.world, view, {}, tasks, 1, 1)


def test_the_jobs_of_a_dead_head_end_also_on_the_users_pools_and_no_others(rig, cloud):
    ours = ("job-0123456789abcdef0123-ALIGN", "job-fedcba9876543210fedc-CALL")
    others = ("job-00000000000000000000-ALIGN", "nightly", "job-11111111111111111111-OLD")
    with service(cloud.emulated) as client:
        client.create_pool(pool_body("mine", startTask=NODE, targetDedicatedNodes=2))
        environment = rig.environment(forge=None, headPool="mine")
        rig.drain(30)
        client.create_job(job_body(others[2], "mine"))
        rig.clock.advance(3600)
        dead, alive = rig.submit(environment), rig.submit(environment)
        rig.drain(0)
        for run in (dead, alive):
            rig.say(run, "boot")
        for id in (*ours, *others[:2]):
            client.create_job(job_body(id, "mine"))
    # Somebody may say anything in a report: what is older than the run, or no job of Nextflow's, stays.
    told = (f"{ours[0]}/nf-1", f"{ours[0]}/nf-2", f"{ours[1]}/nf-3", "nightly/1", f"{others[2]}/nf-4", "77")
    reported(rig, dead, *told, f"headnode-{alive.id}-1/head")
    cloud.emulated.end_task(BATCH, f"headnode-{dead.id}-1", "head", 137)
    for _ in range(4):
        rig.clock.advance(61)
        rig.say(alive, "heartbeat")
        rig.tick()
    rig.drain(60)
    assert rig.get_run(dead).status == "FAILED"
    states = {id: job.state.name for id, job in cloud.jobs().items()}
    assert {states[id] for id in ours} == {"completed"}
    assert {states[id] for id in (*others, f"headnode-{alive.id}-1")} == {"active"}
