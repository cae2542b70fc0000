"""`headnode demo --platform aws-batch`: a head job that really runs, with its own role's keys."""

from tests.headnode import headnode


def test_a_head_job_runs_for_real_and_nothing_is_left() -> None:
    said = headnode("demo", "--platform", "aws-batch", "-o", "json", timeout=120)
    assert said.code == 0, said.out + said.err
    found = said.json
    assert found["nextflow"]["kind"] == "script"
    assert (found["left"], found["result"]["right"]) == ([], True)
    assert found["made"] == found["removed"]
    assert len(found["made"]) == 11
    assert found["calls"]["launch"] == {"batch:SubmitJob": 1}


def test_spot_cannot_take_a_head_job() -> None:
    said = headnode("demo", "--platform", "aws-batch", "--spot-interruption")
    assert said.code != 0
    assert "never on Spot" in said.err
