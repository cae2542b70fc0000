"""The platform's part of the runner's spec, and the parts that wiring makes."""

from pathlib import Path
from typing import Any

import pytest

from local.clouds.aws import EmulatedAws
from shared import wiring
from shared.model.access import Registry
from shared.model.machine import Offer
from shared.model.run import Attempt, Run
from shared.model.settings import Settings
from shared.providers.aws import wired
from tests.clock import FakeClock
from tests.unit.aws.conftest import REGION, Bind, environment

RUN = Run(id="run1", name="r", session_id="s")


def spec(bind: Bind, **config: Any) -> dict[str, Any]:
    return bind(**config).spec(RUN, Attempt(number=3, offer=Offer(machine_type="m6i.large")))


def test_the_log_stream_is_known_before_the_machine_is(bind: Bind) -> None:
    assert spec(bind) == {
        "logs": {
            "kind": "cloudwatch",
            "group": "/headnode/3nvironment0000000001",
            "stream": "run1/3",
            "region": REGION,
        },
        "region": REGION,
        "environment": {},
    }
    assert spec(bind, logGroup="theirs")["logs"]["group"] == "theirs"


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ([{"name": "A", "value": "b"}], {"A": "b"}),
        ([{"name": "A", "value": "b", "head": True, "compute": False}], {"A": "b"}),
        ([{"name": "A", "value": "b", "head": False, "compute": True}], {"A": "b"}),
        ([{"name": "A", "value": "b", "head": False, "compute": False}], {}),
        ([{"name": "A"}, {"name": "B", "value": None}], {"A": "", "B": ""}),
        ([], {}),
        (None, {}),
    ],
)
def test_variables_of_the_head_and_of_its_tasks_are_one_here(bind: Bind, listed: Any, found: Any) -> None:
    assert spec(bind, environment=listed)["environment"] == found


def test_wiring_finds_the_platform(aws: EmulatedAws, tmp_path: Path) -> None:
    settings, clock = Settings(installation="this"), FakeClock()
    place = environment()
    clients = wired.clients(None, REGION, settings)
    provider = wired.provider(place, clients, settings, clock, tmp_path, lambda each: Registry(server=each))
    assert list(provider.machines()) in ([], [[]])
    attempt = Attempt(number=1, offer=Offer(machine_type="m6i.large"))
    assert wired.logs(place, clients, tmp_path).live(RUN, attempt, "", 1).end
    assert {fault.field for fault in wiring.faults("aws-cloud", {})} == {"region", "workDir"}
