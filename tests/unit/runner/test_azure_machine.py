"""A VM of the emulated Azure that carries out the real boot document, with the real runner."""

import json
import time

import pytest

from shared.providers.local import rootfs
from tests.clock import FakeClock
from tests.unit.runner.azure_place import (
    FOREVER,
    REMOVES,
    RIGHTS,
    Place,
    engine,
    journal,
    log,
    nextflow,
    place,
    tokens,
)
from tests.unit.runner.reader import reader, tell
from tests.unit.runner.world import BOOT_TOKEN, RUN, RUN_TOKEN, SESSION, until

__all__ = ["place"]


def test_a_run_of_a_few_seconds_has_its_log(place: Place) -> None:
    place.cloud.timings.ingestion = 180.0
    place.asks("#!/bin/sh\necho hello world\nmkdir results\necho 42 > results/answer\n")
    name = place.boots()
    place.ends(name)
    said = place.control.end
    assert (said["exit_status"], said["error"], said["message"]) == (0, "", "")
    assert said["machine_id"] == place.vm.id.lower()
    assert place.lines() == ["hello world"]
    assert place.source.size(place.run, f"nf-{RUN}.txt") == len(place.files[f"nf-{RUN}.txt"])
    assert b"hello world\n" in place.source.read(place.run, f"nf-{RUN}.txt")
    assert place.files[f"nf-{RUN}.exit"] == b"0\n"
    assert place.files[f"results/{RUN}/answer"] == b"42\n"
    assert any(line.startswith(b"1 headnode: ") for line in place.files[log(1)].splitlines())


def test_the_table_gets_the_same_lines(place: Place, azure_clock: FakeClock) -> None:
    place.cloud.timings.ingestion = 180.0
    place.asks("#!/bin/sh\nfor n in 1 2 3; do echo line $n; done\n")
    place.ends(place.boots())
    azure_clock.advance(180)
    asked = f'Nextflow_log_CL | where workflowId == "{RUN}" and attempt == 1 | order by seq asc'
    rows = place.way.ask(f"{asked} | project seq, message")
    written = [line.split(" ", 1) for line in place.files[log(1)].decode().splitlines()]
    assert [(str(number), text) for number, text in rows] == [(number, text) for number, text in written]


def test_a_printed_line_is_readable_within_five_seconds(place: Place) -> None:
    """While the table lags three minutes behind."""
    place.cloud.timings.ingestion = 180.0
    prints = "#!/bin/sh\nfor n in $(seq 30); do date +%s.%N; sleep 0.1; done\n"
    place.asks(prints)
    name = place.boots()
    lags: list[float] = []
    seen = 0
    while len(lags) < 30:
        new = place.lines()[seen:]
        seen += len(new)
        lags += [time.time() - float(line) for line in new]
        assert not place.control.events("end") or len(lags) == 30
        time.sleep(0.05)
    place.ends(name)
    print("lag p50", sorted(lags)[15], "p95", sorted(lags)[28])
    assert sorted(lags)[28] < 5.0


def test_an_eviction_saves_the_work_before_it_agrees(place: Place) -> None:
    nextflow(place)
    place.asks(**engine(place, tasks=40, pause=0.6))
    name = place.boots(priority="Spot", evictionPolicy="Delete")
    until(lambda: "task 1: made" in place.lines(), why=place.console)
    place.cloud.evict(name, notice=30)
    place.ends(name, "gone", 28)
    assert (place.control.end["error"], place.control.end["exit_status"]) == ("interrupted", None)
    [notice] = place.control.events("notice")
    assert notice["message"].startswith("Preempt")
    done = [(each.service, each.action, str(each.params.get("blob", ""))) for each in journal(place)]
    agreed = done.index(("imds", "acknowledge", ""))
    state = ("storage", "PutBlob", f"some/path/.headnode/{SESSION}/nextflow.tar.gz")
    task = ("storage", "PutBlob", f"some/path/.headnode/{SESSION}/work/01/{1:030x}.tar.gz")
    assert max(done.index(state), done.index(task)) < agreed


@pytest.mark.skipif(not rootfs.usable(), reason="without a root of its own a machine has other paths")
def test_a_run_goes_on_where_a_spot_machine_was_taken_away(place: Place) -> None:
    nextflow(place)
    place.asks(**engine(place, tasks=40, pause=0.6))
    first = place.boots(priority="Spot", evictionPolicy="Delete")
    until(lambda: "task 1: made" in place.lines(), why=place.console)
    place.cloud.evict(first, notice=30)
    place.ends(first, "gone", 28)
    place.control.reports.clear()
    place.attempt = 2
    place.asks(**engine(place, tasks=40, pause=0), resume=True)
    place.ends(place.boots())
    assert (place.control.end["exit_status"], place.control.end["error"]) == (0, "")
    said = [line for line in place.lines(2) if line.startswith("task ")]
    assert said[:2] == ["task 0: cached, made by machine 1", "task 1: cached, made by machine 1"]
    assert said[-1] == "task 39: made"
    whole = place.files[f"nf-{RUN}.txt"].decode().splitlines()
    assert whole.index("task 1: made") < whole.index("task 1: cached, made by machine 1")


def test_what_its_tasks_printed_can_be_read_when_the_machine_is_gone(place: Place) -> None:
    nextflow(place)
    place.asks(**engine(place, tasks=3, fail="1"))
    place.ends(place.boots())
    front, run = reader(place.root, place.source, "az://work/some/path")
    well = tell(front, run, 1, f"/var/lib/headnode/work/00/{0:030x}")
    assert (well["entries"], well["pending"]) == (["task 0 begins", "well done"], False)
    failed = tell(front, run, 2, f"/var/lib/headnode/work/01/{1:030x}", "FAILED")
    assert failed["entries"] == ["task 1 begins", "boom"]
    whole = front.call("GET", f"/workflow/{run}/download/2?fileName=.command.log")
    assert (whole.status_code, whole.text) == (200, "task 1 begins\nboom\n")


def test_tokens_may_end_in_the_middle_of_a_run(place: Place, azure_clock: FakeClock) -> None:
    go = place.root / "go"
    place.asks(f"#!/bin/sh\necho before\nwhile [ ! -e {go} ]; do sleep 0.1; done\necho after\n")
    name = place.boots()
    until(lambda: place.lines() == ["before"], why=place.console)
    azure_clock.advance(25 * 3600)
    go.touch()
    place.ends(name)
    assert place.lines() == ["before", "after"]
    assert place.control.end["message"] == ""


def test_a_grant_that_arrives_late_costs_no_line(place: Place) -> None:
    place.cloud.enforce(place.vm.client_id, {})
    go = place.root / "go"
    place.asks(f"#!/bin/sh\necho one\nwhile [ ! -e {go} ]; do sleep 0.1; done\necho two\n")
    name = place.boots()
    until(lambda: place.control.events("start"), why=place.console)
    until(lambda: place.cloud.judge.refusals)
    place.cloud.enforce(place.vm.client_id, RIGHTS)
    go.touch()
    place.ends(name)
    assert place.lines() == ["one", "two"]
    assert (place.control.end["exit_status"], place.control.end["message"]) == (0, "")


def test_ingestion_that_hangs_or_refuses_delays_nothing(place: Place) -> None:
    place.cloud.faults.add("ingestion", "upload", kind="503", times=None)
    place.asks("#!/bin/sh\necho hello\n")
    began = time.monotonic()
    place.ends(place.boots())
    assert place.lines() == ["hello"]
    assert place.control.end["message"] == ""
    assert time.monotonic() - began < 20


def test_no_token_or_secret_is_in_any_log(place: Place) -> None:
    asks = 'curl -sS -H Metadata:true "$AZURE_POD_IDENTITY_AUTHORITY_HOST/metadata/identity/oauth2/token'
    asks += '?api-version=2018-02-01&resource=https://storage.azure.com/"'
    secrets = [{"name": "PASSWORD", "source": "given", "value": "sword-canary"}]
    place.asks(
        f"#!/bin/sh\n{asks}; echo; echo done $TOKEN\n",
        secrets=secrets,
        environment={"AZURE_CLIENT_SECRET": "client-canary", "TOKEN": "see client-canary and sword-canary"},
    )
    place.ends(place.boots())
    assert place.lines()[-1] == "done see *** and ***"
    text = b"".join(place.files.values()).decode(errors="replace") + json.dumps(place.control.reports)
    rows = [json.dumps(row) for row in place.way.ask("Nextflow_log_CL | project message")]
    text += "".join(rows) + place.console()
    for secret in ("canary", BOOT_TOKEN, RUN_TOKEN):
        assert secret not in text
    ours = [token for token, about in tokens(place).items() if about.principal == place.vm.principal]
    assert len(ours) >= 2
    shown = [token for token in ours if token in text]
    assert len(shown) <= 1, "only the one that the pipeline itself asked for and printed"


def test_a_machine_that_may_removes_itself_when_nobody_else_does(place: Place) -> None:
    place.pace = "0.01"
    place.cloud.enforce(place.vm.client_id, REMOVES)
    place.asks("#!/bin/sh\necho hello\n")
    place.control.spec["azure"]["self_delete"] = True
    name = place.boots()
    place.ends(name, "gone")
    assert place.control.end["exit_status"] == 0
    done = [(each.service, each.action) for each in journal(place)]
    assert done.count(("compute", "virtualMachines/delete")) == 1
    assert done.index(("compute", "virtualMachines/delete")) > done.index(("storage", "PutBlob"))


def test_a_machine_that_hangs_removes_itself_before_it_is_switched_off(place: Place) -> None:
    """The control plane is away, so that the end cannot be reported; then the deadline comes."""
    place.cloud.enforce(place.vm.client_id, REMOVES)
    place.asks(FOREVER, deadline=time.time() + 10)
    place.control.spec["azure"]["self_delete"] = True
    name = place.boots(lives=10)
    until(lambda: "up" in place.lines(), why=place.console)
    place.control.down = True
    place.ends(name, "gone", 20)
    assert not place.control.events("end")


def test_a_machine_never_removes_itself_unasked(place: Place) -> None:
    place.pace = "0.01"
    place.cloud.enforce(place.vm.client_id, REMOVES)
    place.asks("#!/bin/sh\necho hello\n")
    place.ends(place.boots())
    assert ("compute", "virtualMachines/delete") not in [(e.service, e.action) for e in journal(place)]


def test_a_cancel_stops_the_work(place: Place) -> None:
    place.asks(FOREVER, heartbeat=0.1)
    name = place.boots()
    until(lambda: "up" in place.lines(), why=place.console)
    place.control.answer = {"go_on": False, "cancel": True, "deadline": 0}
    place.ends(name)
    assert place.control.end["error"] == "cancelled"
