"""Configs of Azure Batch that no client should send, through the API: each is a 4xx that names the field, or
an environment whose options can be read; and a plan of it is drawn or refused alike."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared import wiring
from shared.api.app import build
from shared.model.environment import Environment
from shared.model.settings import Settings
from shared.providers.azure.batch.form import FORGE_SWITCHES, NUMBERS, PATTERNS, POOL_NUMBERS, SWITCHES, TEXTS
from shared.providers.azure.batch.options import read
from tests.clock import FakeClock
from tests.scenarios.rig import SeededIds
from tests.unit.api.front import Front

LEAST = {"region": "westeurope", "workDir": "az://work/runs"}
POOL_FIELDS = (*POOL_NUMBERS, "autoScale", "lowPriority", "scaleInterval", "vmType")
FIELDS = (*PATTERNS, *NUMBERS, *SWITCHES, *TEXTS, *LEAST, "jobMaxWallClockTime", "tokenDuration", "labels")
HOSTILE = (
    *(
        "",
        " ",
        "\0",
        "a\nb",
        "../..",
        "${x}",
        "$(id)",
        "'; drop",
        "az://",
        "az://a/../b",
        "\ud7ff",
        "²d",
        "٣h",
    ),
    *(
        "Standard_D" + "9" * 5000,
        "9" * 5000 + "d",
        "x" * 70_000,
        "azure {" * 500,
        "azure.batch.pools.x.y = [" * 99,
    ),
    *(-1, 0, 2**31, 2**63, 10**30, 0.5, True, None, [], {}, [None], [{}], {"x": {"y": []}}, ["x"] * 200),
)
value = st.sampled_from(HOSTILE) | st.text(max_size=30) | st.integers() | st.booleans() | st.none()
pool = st.dictionaries(st.sampled_from(POOL_FIELDS), value, max_size=4)
forge = pool | st.builds(
    lambda own, more: {**own, **more},
    pool,
    st.fixed_dictionaries(
        {"dualPoolConfig": st.just(True)},
        optional={
            "headPool": pool | value,
            "workerPool": pool | value,
            "containerRegIds": value | st.lists(value, max_size=3),
            **dict.fromkeys(FORGE_SWITCHES[:1], value),
        },
    ),
)
config = st.builds(
    lambda wrong, forge: {**LEAST, "forge": forge, **wrong},
    st.dictionaries(st.sampled_from(FIELDS), value, max_size=4),
    forge | value,
)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Front:
    """A control plane that knows the platform, and does not ask its cloud."""
    return planes(tmp_path_factory.mktemp("malformed") / "data")


def planes(data: Path) -> Front:
    front = Front.fresh(data, "malformed")
    known = wiring.local_world(
        data, Settings(installation="test"), FakeClock(), SeededIds("malformed")
    ).faults
    front.world = replace(front.world, faults=known)
    front.app = build(front.world)
    return front


def asked(api: Front, given: dict[str, Any], name: str) -> tuple[int, str, str]:
    """The answer's status and message, and the id of what is stored."""
    body = {"computeEnv": {"name": name, "platform": "azure-batch", "config": given}}
    answer = api.call("POST", "/compute-envs", json=body)
    found = answer.json()
    return answer.status_code, found.get("message", ""), found.get("computeEnvId", "")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@example(given={**LEAST, "forge": {"vmType": "Standard_D" + "9" * 5000}})
@example(given={**LEAST, "forge": {"vmType": "Standard_D" + "9" * 5000}, "headJobCpus": 2})
@given(given=config)
def test_a_config_is_taken_and_can_be_read_or_is_refused_by_field(api: Front, given: dict[str, Any]) -> None:
    status, message, id = asked(api, given, "n")
    if status == 400:
        field = message.removeprefix("computeEnv.config.").partition(":")[0]
        assert field.partition(".")[0].partition("[")[0] in (*FIELDS, "forge"), message
        assert len(message) < 20_000
        return
    assert status == 200, message
    stored = api.stored(Environment, id)
    options = read(stored.config)
    assert options.region
    assert options.container
    assert options.forge is not None or options.head_pool
    api.world.store.remove(Environment, [id])


def test_a_right_one_is_taken(api: Front) -> None:
    status, message, id = asked(api, {**LEAST, "forge": {"vmCount": 2}}, "right")
    assert (status, message) == (200, "")
    assert read(api.stored(Environment, id).config).forge is not None
