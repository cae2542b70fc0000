"""Every operation that is served, once, on real data. `Front.call` holds each answer against the public
description (where that is at hand) and against our own."""

from tests.described import operations
from tests.unit.api.examples import EXAMPLES
from tests.unit.api.front import Front
from tests.unit.api.furnished import CONFIGS, KEYS, THERE, everything


def names() -> list[str]:
    return [f"{method} {form}" for method, form in operations()]


def test_there_is_an_example_of_every_operation() -> None:
    assert sorted(names()) == sorted(EXAMPLES)


def test_every_operation_answers_as_it_is_described(api: Front) -> None:
    there = everything(api)
    gone = [name for name in EXAMPLES if name.startswith("DELETE ")]
    for name in [*(name for name in EXAMPLES if name not in gone), *gone]:
        method, _, form = name.partition(" ")
        answer = EXAMPLES[name].sent(api, there, method, form)
        assert answer.status_code == EXAMPLES[name].status, f"{name}: {answer.text}"
        # A machine fetches a private repository with what it is given; nobody else sees a secret.
        assert "canary" not in answer.text or name.endswith("/spec"), name


def test_everything_of_a_kind_is_shown_as_it_is_described(api: Front) -> None:
    there = everything(api)
    found = api.get(f"/compute-envs{THERE}")["computeEnvs"]
    assert {each["platform"] for each in found} == set(CONFIGS)
    for each in found:
        shown = api.get(f"/compute-envs/{each['id']}{THERE}")["computeEnv"]
        assert shown["config"]["discriminator"] == each["platform"]
    found = api.get(f"/credentials{THERE}")["credentials"]
    assert {each["provider"] for each in found} == set(KEYS)
    for each in found:
        assert (
            api.get(f"/credentials/{each['id']}")["credentials"]["keys"]["discriminator"] == each["provider"]
        )
    for run in (there.run, there.over, there.far, there.booting, there.doomed):
        for part in ("", "/launch", "/progress", "/metrics", "/tasks", "/log"):
            api.get(f"/workflow/{run}{part}{THERE}")
    statuses = [each["task"]["status"] for each in api.get(f"/workflow/{there.run}/tasks")["tasks"]]
    assert statuses == ["COMPLETED", "CACHED", "FAILED", "RUNNING", "SUBMITTED", "ABORTED"]
    for action in (there.hooked, there.pushed):
        api.get(f"/actions/{action}")
    for launch in (f"{there.run}Launch", f"pipeline{int(there.pipeline):014d}", f"{there.hooked}Action"):
        api.get(f"/launch/{launch}")
    api.delete(f"/compute-envs/{there.spare_environment}")
    api.work(60)
    shown = api.get(f"/compute-envs/{there.spare_environment}")["computeEnv"]
    assert (shown["status"], shown["deleted"]) == ("DELETED", True)
