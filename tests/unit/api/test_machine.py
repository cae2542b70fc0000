"""What machines ask and say."""

import hashlib
import io
import zipfile

import pytest

from shared.runner.archive import zipapp_bytes
from tests.unit.api.front import Front


def test_the_runners_program_is_served_with_an_etag(api: Front) -> None:
    answer = api.call("GET", "/api/headnode/runner.pyz", token="")
    assert answer.content == zipapp_bytes()
    assert "__main__.py" in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    tag = answer.headers["etag"]
    assert tag == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    again = api.call("GET", "/headnode/runner.pyz", token="", headers={"if-none-match": f'"x", {tag}'})
    assert (again.status_code, again.content) == (304, b"")


def test_the_spec_may_be_asked_again_until_the_runner_has_started(api: Front) -> None:
    run = api.launch(api.environment(), paramsText='{"n": 1}')
    path, boot = f"/headnode/machine/{run}/1", api.boot_token(run)
    first = api.post(f"{path}/spec", {"machine": {"id": "i-0"}}, token=boot)
    second = api.post(f"{path}/spec", {}, token=boot)
    assert (first["run"], first["attempt"], first["params"]) == (run, 1, {"n": 1})
    assert first["environment"] == {"GREETING": "hello"}
    assert first["token"] != second["token"]
    for token in (first["token"], second["token"]):
        api.post(f"{path}/report", {"event": "heartbeat"}, token=token)
    api.post(f"{path}/report", {"event": "start"}, token=second["token"])
    assert api.call("POST", f"{path}/spec", json={}, token=boot).status_code == 410


def test_a_run_goes_from_boot_to_its_end(api: Front) -> None:
    run = api.launch(api.environment())
    path, boot = f"/headnode/machine/{run}/1", api.boot_token(run)
    answer = api.post(f"{path}/report", {"event": "boot", "step": "fetching", "at": 1.5}, token=boot)
    assert answer["go_on"] is True
    assert answer["cancel"] is False
    assert answer["deadline"] > api.clock.now()
    token = api.run_token(run)
    assert api.get(f"/workflow/{run}")["workflow"]["status"] == "SUBMITTED"
    api.post(f"{path}/report", {"event": "start", "machine": {"disk_free_gb": 3}}, token=token)
    assert api.get(f"/workflow/{run}")["workflow"]["status"] == "RUNNING"
    api.post(f"{path}/report", {"event": "end", "exit_status": 3, "error": "it broke"}, token=token)
    api.work(120)
    found = api.get(f"/workflow/{run}")["workflow"]
    assert (found["status"], found["exitStatus"], found["errorMessage"]) == ("FAILED", 3, "it broke")
    assert found["success"] is False
    late = api.call("POST", f"{path}/report", json={"event": "heartbeat"}, token=token)
    assert late.status_code == 410


@pytest.mark.parametrize("status", [2**31, 2**63, 10**30, -(2**63)])
def test_an_exit_status_that_no_client_could_read_is_cut(api: Front, status: int) -> None:
    run = api.launch(api.environment())
    path, token = f"/headnode/machine/{run}/1/report", api.run_token(run)
    api.post(path, {"event": "end", "exit_status": status}, token=token)
    api.work(120)
    found = api.get(f"/workflow/{run}")["workflow"]
    assert found["status"] == "FAILED"
    assert abs(found["exitStatus"]) == 2**31 - 1


def test_a_cancelled_run_is_told_to_stop(api: Front) -> None:
    run = api.launch(api.environment())
    token = api.run_token(run)
    api.post(f"/workflow/{run}/cancel", {}, status=204)
    answer = api.post(f"/headnode/machine/{run}/1/report", {"event": "heartbeat"}, token=token)
    assert (answer["go_on"], answer["cancel"]) == (False, True)


def test_a_machine_that_cannot_boot_says_so_with_its_boot_token(api: Front) -> None:
    run = api.launch(api.environment())
    body = {"event": "end", "error": "no disk", "exit_status": None}
    api.post(f"/headnode/machine/{run}/1/report", body, token=api.boot_token(run))
    api.work(120)
    assert api.get(f"/workflow/{run}")["workflow"]["errorMessage"] == "no disk"


def test_once_it_has_started_user_data_ends_nothing(api: Front) -> None:
    run = api.launch(api.environment())
    boot, token = api.boot_token(run), api.run_token(run)
    path = f"/headnode/machine/{run}/1/report"
    api.post(path, {"event": "start"}, token=token)
    assert api.call("POST", path, json={"event": "end"}, token=boot).status_code == 403


def test_another_machine_of_the_same_attempt_is_sent_away(api: Front) -> None:
    run = api.launch(api.environment())
    path, boot = f"/headnode/machine/{run}/1", api.boot_token(run)
    assert api.call("POST", f"{path}/spec", json={"machine": {"id": "i-99"}}, token=boot).status_code == 410
    said = {"event": "boot", "machine_id": "i-99"}
    assert api.call("POST", f"{path}/report", json=said, token=boot).status_code == 410


def test_long_messages_are_cut_and_wrong_events_refused(api: Front) -> None:
    run = api.launch(api.environment())
    path, boot = f"/headnode/machine/{run}/1/report", api.boot_token(run)
    api.post(path, {"event": "boot", "step": "x" * 100_000}, token=boot)
    assert max(len(event.detail) for event in api.run(run).timeline) == 4000
    answer = api.call("POST", path, json={"event": "party"}, token=boot)
    assert answer.status_code == 400
    assert "event" in answer.json()["message"]
