"""The pools of tasks on Azure Batch while a run is at work: they grow when Nextflow says that it has
submitted tasks, and with each tick; what tasks wait for stands on the run."""

import re
from dataclasses import replace

import pytest

from local.clouds.azure.batch.models import Quotas
from shared.errors import Invalid, Unreachable
from shared.model.message import Message, Parked
from shared.model.run import Run
from shared.steps import environment_changes, environments, tend, tracing
from tests.scenarios import test_azure_batch
from tests.scenarios.clouds.azurebatch import BATCH, Batch
from tests.scenarios.rig import Rig
from tests.unit.clouds.azure.batch import job_body, service, task_body

DUAL = {
    "dualPoolConfig": True,
    "headPool": {"vmType": "Standard_D2ds_v5", "vmCount": 2},
    "workerPool": {"vmType": "Standard_E8ds_v5", "vmCount": 8},
}
SPOT = {**DUAL, "workerPool": {**DUAL["workerPool"], "vmCount": 16, "lowPriority": True}}
JOB = "job-0a-FOO"
cloud = test_azure_batch.cloud
"""The fixture."""


class Work:
    """A run that is at work, and what its Nextflow does."""

    def __init__(self, rig: Rig, cloud: Batch, **config) -> None:
        self.rig, self.cloud = rig, cloud
        self.environment = rig.environment(**{"forge": DUAL, **config})
        rig.drain(60)
        assert rig.get_environment(self.environment).status == "AVAILABLE"
        self.run = rig.submit(self.environment)
        rig.drain(40)
        rig.say(self.run, "boot")
        rig.say(self.run, "start")
        two = config.get("forge", DUAL).get("dualPoolConfig")
        self.pool = f"tower-pool-{self.environment.id}{'-worker' if two else ''}"
        self.submitted = 0

    def submit(self, count: int, slots: int = 8, *, tell: bool = True) -> None:
        """Tasks are submitted, and Nextflow reports them."""
        with service(self.cloud.emulated) as client:
            if JOB not in [each.id for each in client.list_jobs()]:
                client.create_job(job_body(JOB, self.pool))
            first = self.submitted
            for number in range(first, first + count):
                client.create_task(JOB, task_body(f"task-{number}", requiredSlots=slots))
        self.submitted += count
        if tell:
            self.tell(*range(first, first + count))

    def tell(self, *tasks: int) -> None:
        """Nextflow's report of tasks that it submitted, as `/trace/{id}/progress` takes it."""
        self.keep()
        store = self.rig.world.store
        found = tracing.viewed(self.run.id, store.get_each(*tracing.wanted(self.run.id, tasks)))
        told = [{"taskId": each, "status": "SUBMITTED"} for each in tasks]
        instant = int(self.rig.clock.now() * 1000)
        tracing.progress(self.rig.world, found, {"submitted": len(tasks)}, told, instant, 1)

    def keep(self) -> None:
        """Its runner is alive."""
        self.rig.say(self.run, "heartbeat")

    def tick(self, seconds: float = 60) -> None:
        """The timer, after so long."""
        self.rig.clock.advance(seconds)
        self.keep()
        self.rig.tick()
        self.rig.drain(0)

    def now(self) -> Run:
        return self.rig.get_run(self.run)

    @property
    def reason(self) -> str:
        wait = self.now().wait
        return wait.reason if wait else ""

    def target(self) -> int:
        self.cloud.emulated.settle()
        return sum(self.cloud.emulated.batch_pool(BATCH, self.pool).targets.values())

    def states(self) -> list[str]:
        with service(self.cloud.emulated) as client:
            return [each.state.value for each in client.list_tasks(JOB)]

    def calls(self, name: str) -> int:
        return sum(each.action.endswith(name) for each in self.cloud.emulated.journal.entries("batch"))


@pytest.fixture
def work(rig, cloud) -> Work:
    return Work(rig, cloud)


def test_what_nextflow_submits_has_nodes_within_seconds(work):
    assert work.target() == 6  # they came with the launch
    work.rig.clock.advance(30)
    work.submit(4)
    work.rig.drain(6)
    assert work.target() == 8
    assert work.states() == ["running"] * 4


def test_many_reports_are_one_look(work):
    work.rig.clock.advance(60)
    before = work.calls("ListTasks")
    for _ in range(20):
        work.submit(1, 1)
    work.rig.drain(25)
    assert work.calls("ListTasks") - before == 1
    work.submit(1, 1)
    work.rig.drain(60)
    assert work.calls("ListTasks") - before == 2


def test_a_report_that_is_late_asks_for_nothing(work):
    work.rig.say(work.run, "end", exit_status=0)
    work.submit(1, 1)
    work.rig.clock.advance(60)
    assert work.rig.world.queue.receive(["launch"]) == []


def test_a_report_that_never_came_is_made_up_for_by_the_timer(work):
    work.submit(4, tell=False)
    work.tick()
    assert work.target() == 8
    assert work.states() == ["running"] * 4


def test_a_look_that_comes_too_soon_after_another_is_repeated_once(work):
    work.rig.clock.advance(60)
    work.submit(2)
    work.rig.drain(5)
    assert work.target() == 6
    work.submit(2, tell=False)
    work.rig.clock.advance(10)
    work.rig.world.queue.send(tend.message(work.environment.id))
    work.rig.drain(0)
    assert work.target() == 6
    work.rig.drain(31)
    assert work.target() == 8


def test_a_run_says_what_its_tasks_wait_for_until_they_do_not(rig, cloud):
    work = Work(rig, cloud, forge=SPOT)
    cloud.emulated.starve(BATCH, work.pool, "AccountSpotCoreQuotaReached", most=6)
    work.rig.clock.advance(30)
    work.submit(8)
    work.rig.drain(6)
    assert work.reason == ""  # nodes take as long
    for _ in range(3):
        work.tick()
    assert work.reason.startswith("2 tasks wait for a node, the first since 2027-")
    assert "AccountSpotCoreQuotaReached: The account has reached its Spot core quota" in work.reason
    said = work.now().wait
    work.tick()
    assert work.now().wait == said  # nothing new, nothing written
    cloud.emulated.starve(BATCH, work.pool, "")
    for _ in range(6):
        work.tick()
    assert work.states() == ["running"] * 8
    assert work.reason == ""


def test_a_task_that_no_node_is_large_enough_for_is_told_at_once(work):
    work.rig.clock.advance(30)
    work.submit(1, 9)
    work.rig.drain(6)
    assert "1 task needs more than the 8 slots of a node" in work.reason


def test_the_accounts_quota_is_told_in_nodes(rig, cloud):
    work = Work(rig, cloud)
    cloud.emulated.batch_account(BATCH, quotas=Quotas(dedicated=58))
    work.rig.clock.advance(30)
    work.submit(8)
    work.rig.drain(6)
    assert "tasks need 8 nodes, the account has room for 7" in work.reason
    assert work.target() == 7


def test_all_nodes_of_spot_are_taken_and_the_tasks_run_again(rig, cloud):
    work = Work(rig, cloud, forge=SPOT)
    work.rig.clock.advance(30)
    work.submit(3)
    work.rig.drain(6)
    nodes = work.target()
    for _ in range(nodes):
        cloud.emulated.preempt(BATCH, work.pool)
    assert work.states() == ["active"] * 3
    cloud.emulated.timings.transitions = {"Microsoft.Batch/batchAccounts/pools/nodes/boot": 90.0}
    work.tick()
    assert work.target() == nodes + 6
    assert work.reason.startswith("3 tasks wait for a node, the first since ")
    assert work.reason.endswith(": 6 of its nodes were taken back by Spot")
    work.tick(100)
    assert work.reason == ""
    assert work.states() == ["running"] * 3
    assert work.now().status == "RUNNING"


@pytest.mark.parametrize("by_word", [True, False])
def test_the_pool_of_tasks_is_deleted_by_hand(rig, cloud, by_word):
    work = Work(rig, cloud)
    work.rig.clock.advance(30)
    work.submit(2, tell=False)
    pools = cloud.emulated.state.batch.accounts[BATCH].pools
    del pools[work.pool.lower()]
    if by_word:
        work.tell(0, 1)
        work.rig.drain(6)
    else:
        work.tick()
    work.rig.drain(120)
    ended = work.now()
    assert ended.status == "FAILED"
    assert ended.error_message == f"pool {work.pool} does not exist any more"
    environments.dispose_environment(rig.world, rig.get_environment(work.environment))
    rig.drain(300)
    gone = rig.get_environment(work.environment)
    assert (gone.status, gone.receipt.left) == ("DELETED", ())
    assert cloud.pools() == []


def test_the_only_pool_is_deleted_by_hand(rig, cloud):
    one = {"vmType": "Standard_D4ds_v5", "vmCount": 4}
    work = Work(rig, cloud, forge=one)
    work.submit(2, 1)
    cloud.emulated.state.batch.accounts[BATCH].pools.clear()
    for _ in range(4):
        work.rig.clock.advance(61)
        work.rig.tick()
    work.rig.drain(120)
    assert work.now().status == "FAILED"
    assert "does not exist" in work.now().error_message
    environments.dispose_environment(rig.world, rig.get_environment(work.environment))
    rig.drain(300)
    assert rig.get_environment(work.environment).receipt.left == ()


@pytest.mark.parametrize("kind", ["throttle", "503", "reset-before", "reset-after"])
@pytest.mark.parametrize("call", ["EnablePoolAutoScale", "EvaluatePoolAutoScale", "ListTasks", "GetPool"])
def test_a_bad_answer_while_a_pool_grows(work, call, kind):
    work.rig.clock.advance(60)
    work.cloud.emulated.faults.add("batch", call, kind=kind, times=1)
    work.submit(4)
    work.rig.drain(80)
    assert work.target() >= 4
    assert work.states() == ["running"] * 4
    assert work.now().status == "RUNNING"


class Broken:
    """A port that fails in its own way."""

    def __init__(self, port, method: str, error: Exception) -> None:
        self._port, self._method, self._error = port, method, error

    def __getattr__(self, name: str):
        if name == self._method:
            raise self._error
        return getattr(self._port, name)


def test_a_queue_that_is_out_of_reach_refuses_no_report(work):
    work.rig.clock.advance(30)
    whole = work.rig.world
    work.rig.world = replace(whole, queue=Broken(whole.queue, "send", Unreachable("no route")))
    work.submit(4)
    work.rig.world = whole
    assert work.now().status == "RUNNING"
    work.tick()
    assert work.states() == ["running"] * 4


def test_a_look_that_fails_in_an_unknown_way_gathers_no_messages(work):
    whole = work.rig.world
    broken = replace(whole, provider=lambda _: Broken(None, "tend", ZeroDivisionError()))
    for _ in range(5):
        work.rig.world = whole
        work.keep()
        work.rig.world = broken
        work.rig.world.queue.send(tend.message(work.environment.id))
        work.rig.drain(0)
    work.rig.clock.advance(3600)
    assert whole.queue.receive(["launch"]) == []
    assert whole.store.find(Parked, "all", "all").items == ()


def test_a_look_at_an_environment_that_is_gone_is_nothing(work):
    work.rig.work(work.run)
    work.rig.drain(60)
    environments.dispose_environment(work.rig.world, work.rig.get_environment(work.environment))
    work.rig.drain(300)
    work.rig.world.queue.send(
        tend.message(work.environment.id), Message(step="launch", subject=f"{tend.SUBJECT}none")
    )
    work.rig.drain(0)
    assert work.rig.world.queue.receive(["launch"]) == []


def test_what_may_not_be_looked_after_is_told_and_ends_nothing(work):
    work.submit(1, tell=False)
    work.rig.before = lambda step: work.cloud.enforce(
        step, "Microsoft.Batch/batchAccounts/pools/write" if step == "launch" else ""
    )
    work.tick()
    assert "Microsoft.Batch/batchAccounts/pools/write is not allowed" in work.reason
    work.rig.before = lambda step: work.cloud.enforce(step)
    work.tick()
    assert work.reason == ""
    assert work.states() == ["running"]


def test_nothing_but_the_steps_own_permissions_is_needed_to_grow(work):
    work.rig.before = work.cloud.enforce
    work.submit(4, tell=False)
    work.tick()
    assert work.target() == 8
    assert work.cloud.refused() == []


def resized(work: Work, **worker: object) -> None:
    """The environment's config with another pool of tasks."""
    environment = work.rig.get_environment(work.environment)
    environment_changes.reconfigure(work.rig.world, environment, {"forge": {"workerPool": worker}})


def test_another_size_is_told_to_a_pool_that_nobody_uses(work):
    work.rig.work(work.run)
    work.rig.drain(1200)
    assert work.target() == 0
    resized(work, vmCount=12, minVmCount=2)
    changed = work.rig.get_environment(work.environment)
    assert changed.config["forge"]["workerPool"] == {**DUAL["workerPool"], "vmCount": 12, "minVmCount": 2}
    assert changed.wait is not None
    work.rig.drain(60)
    assert work.target() == 2
    assert work.rig.get_environment(work.environment).wait is None
    assert changed.timeline[-1].detail == "forge.workerPool.minVmCount, forge.workerPool.vmCount"


def test_another_size_reaches_a_run_that_is_at_work(work):
    work.rig.clock.advance(60)
    work.submit(12)
    work.rig.drain(6)
    assert "the pool has at most 8" in work.reason
    work.rig.clock.advance(60)
    resized(work, vmCount=12)
    work.rig.drain(6)
    assert work.target() == 12
    assert work.states() == ["running"] * 12


def test_a_message_of_another_size_that_was_lost_is_sent_again(work):
    work.rig.work(work.run)
    work.rig.drain(1200)
    resized(work, minVmCount=1)
    for delivery in work.rig.world.queue.receive(["launch"]):
        work.rig.world.queue.done(delivery)
    work.rig.drain(600)
    assert work.target() == 0
    work.rig.tick()
    assert work.target() == 1


@pytest.mark.parametrize(
    ("worker", "said"),
    [
        ({"vmType": "Standard_E4ds_v5"}, "config.forge.workerPool.vmType: cannot be changed"),
        ({"minVmCount": 9}, "forge.workerPool.minVmCount: 9 is more than vmCount, 8"),
        ({"vmCount": 100}, "needs 804 dedicated cores, 200 left of 200"),
    ],
)
def test_a_size_that_cannot_be_is_refused(work, worker, said):
    with pytest.raises(Invalid, match=re.escape(said)):
        resized(work, **worker)
    assert work.rig.get_environment(work.environment).config["forge"] == DUAL
