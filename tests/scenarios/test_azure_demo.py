"""The whole of it on an emulated Azure: a real control plane, and VMs that really run the runner."""

from pathlib import Path

from tests.scenarios.test_demo import pipeline, place, receipt

__all__ = ["place"]  # looks that nothing is left behind, by itself

AZURE = ("--platform", "azure-cloud")


def test_the_bundled_example_on_an_emulated_azure() -> None:
    code, found = receipt(*AZURE)
    assert (code, found["left"], found["result"]["right"]) == (0, [], True)
    assert found["result"]["got"]["sequences"] == 96
    assert found["made"] == found["removed"]
    assert len(found["made"]) == 10
    assert len(found["run"]["machines"]) == 1
    assert found["calls"]["launch"] == {"compute:virtualMachines/write": 1}
    assert found["calls"]["logs"]["storage:GetBlob"] > found["calls"]["logs"].get("query:run", 0)


def test_a_vm_that_is_evicted(tmp_path: Path) -> None:
    code, found = receipt(*AZURE, "--spot-interruption", "--pipeline", pipeline(tmp_path, lines=60))
    assert (code, found["left"]) == (0, [])
    assert [machine["interrupted"] for machine in found["run"]["machines"]] == [True, False]
    assert found["run"]["status"] == "SUCCEEDED"
    assert found["calls"]["launch"] == {"compute:virtualMachines/write": 2}
