"""Nextflow's own Azure plugin on the emulated Azure: a head task whose tasks go to pools. Skipped where no
plugin was built: `local.plugins`."""

import os
from pathlib import Path

import pytest

from local.demo import Options, stage
from local.demo.places import place_of
from local.nextflow import Engine, resolve
from shared.errors import Refused
from tests.headnode import headnode


def test_what_the_plugin_does_not_know_is_left_to_the_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    carries = Engine("maven", ["nextflow"], "24.10.0", True, "real", ["nf-azure@1.6.1"])
    twin = Engine("script", ["nextflow"], "0", False, "twin")
    monkeypatch.setattr(stage, "resolve", lambda environ=None: twin if environ else carries)
    engines = {}
    for option in (1, 6):
        plugin = place_of(Options(platform="azure-batch", option=option), Path()).plugin
        engines[option] = stage.engine_for("auto", plugin)
    assert engines[1] == carries
    assert engines[6].note.endswith("nf-azure (of 24.10 or newer, for identities), which was not built here")
    with pytest.raises(Refused, match="build it"):
        stage.engine_for("nextflow", "nf-amazon")


@pytest.mark.long
@pytest.mark.parametrize("option", [1, 4])
def test_the_plugin_sends_its_tasks_to_our_pools_and_to_its_own(option: int) -> None:
    engine = resolve()
    if not any(each.startswith("nf-azure@") for each in engine.plugins):
        pytest.skip(f"no nf-azure was built here: python -m local.plugins. {engine.note}")
    words = ("--platform", "azure-batch", "--option", str(option), "--engine", "nextflow", "-o", "json")
    said = headnode("demo", *words, timeout=300, HEADNODE_PLUGINS=os.environ.get("HEADNODE_PLUGINS", ""))
    assert said.code == 0, said.out + said.err
    found = said.json
    assert (found["left"], found["result"]["right"]) == ([], True)
    assert found["nextflow"]["kind"] == "maven"
    processes = {each.rpartition("-")[2] for each in found["kept"] if each.startswith("completed job ")}
    assert processes == {"SPLIT", "COUNT", "MERGE", "REPORT"}
    assert ("batch:ListPools" in found["calls"]["dispose"]) == (option == 4)
