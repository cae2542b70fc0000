"""Answers that no Azure gives: nothing is believed that was not said, and nothing goes on for ever."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.errors import HeadnodeError, Refused, Retry, Unreachable
from shared.model.environment import ResourceRow
from shared.model.machine import RUNNING
from shared.model.settings import Settings
from shared.providers.azure.clients import Clients
from shared.providers.azure.cloud import AzureCloud
from shared.providers.azure.errors import Answer, refusal
from shared.providers.azure.machines import state_of
from tests.clock import FakeClock
from tests.unit.azure.conftest import environment
from tests.unit.azure.liar import NONSENSE, Liar, liar

__all__ = ["liar"]

VM = (
    "/subscriptions/6d0e9a3b-0000-0000-0000-000000000000/resourcegroups/g/providers"
    "/microsoft.compute/virtualmachines/v"
)


@pytest.fixture
def cloud(liar: Liar, monkeypatch: pytest.MonkeyPatch, azure_clock: FakeClock) -> AzureCloud:
    monkeypatch.setattr(Clients, "token", lambda *_: "t")
    clients = Clients({"subscriptionId": "6d0e9a3b-0000-0000-0000-000000000000"})
    return AzureCloud(environment(), clients, Settings(installation="this"), azure_clock)


ROLE = ResourceRow(key="role", type="RoleDefinition", name="r", state="making")
GROUP = ResourceRow(key="group", type="ResourceGroup", name="g", state="making")


@pytest.mark.parametrize(("status", "body"), NONSENSE)
@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda cloud: cloud.look([VM]), id="look"),
        pytest.param(lambda cloud: cloud.stop([VM]), id="stop"),
        pytest.param(lambda cloud: list(cloud.machines()), id="machines"),
        pytest.param(lambda cloud: cloud.find("r", 1), id="find"),
        pytest.param(lambda cloud: cloud.ensure(GROUP, {}), id="group"),
        pytest.param(lambda cloud: cloud.ensure(ROLE, {}), id="role"),
        pytest.param(lambda cloud: cloud.check(), id="check"),
    ],
)
def test_what_says_nothing_is_asked_for_again(
    liar: Liar, cloud: AzureCloud, act: Callable[[AzureCloud], Any], status: int, body: bytes
) -> None:
    liar.say(status, body, Location=f"{liar.url}/elsewhere")
    with pytest.raises(Unreachable):
        act(cloud)
    assert not any("elsewhere" in call or call.startswith("DELETE") for call in liar.calls)


def test_a_listing_that_leads_to_itself_ends(liar: Liar, cloud: AzureCloud) -> None:
    liar.say(200, {"value": [], "nextLink": f"{liar.url}/subscriptions/x?page=2"})
    with pytest.raises(Unreachable, match="circle"):
        list(cloud.machines())
    assert len(liar.calls) < 10


@pytest.mark.parametrize("port", ["1", "{}1"])
def test_a_listing_leads_to_no_other_place(liar: Liar, cloud: AzureCloud, port: str) -> None:
    liar.say(200, {"value": [], "nextLink": f"https://127.0.0.1:{port.format('')}/x"})
    with pytest.raises(Refused, match="elsewhere"):
        list(cloud.machines())


@pytest.mark.parametrize("value", [5, "text", {"a": 1}, [None, 1, "x", {}, {"id": None}, {"id": 5}]])
def test_a_listing_of_the_wrong_types_is_empty_or_no_answer(
    liar: Liar, cloud: AzureCloud, value: object
) -> None:
    liar.say(200, {"value": value})
    try:
        assert list(cloud.machines()) == []
    except HeadnodeError as error:
        assert isinstance(error, Retry)


@pytest.mark.parametrize(
    "properties",
    [
        {"instanceView": "x"},
        {"instanceView": {"statuses": 5}},
        {"instanceView": {"statuses": ["x", None, {"code": None}]}},
        {"provisioningState": {"x": 1}},
        {"provisioningState": "Rebuilding"},
    ],
)
def test_a_vm_of_the_wrong_types_still_counts_as_running(properties: dict[str, Any]) -> None:
    assert state_of(properties) == (RUNNING, "")


def test_a_failure_without_its_reason() -> None:
    statuses = [{"code": "ProvisioningState/failed/"}]
    assert state_of({"provisioningState": "Failed", "instanceView": {"statuses": statuses}})[1] == "Failed"


@pytest.mark.parametrize("wish", ["²", "٣", "-1", "1e999", "", "9" * 400])
def test_a_wait_that_is_no_number_is_not_believed(wish: str) -> None:
    error = refusal(Answer(429, {"retry-after": wish}, {}), "x")
    assert isinstance(error, Retry)
    assert 1 <= error.after <= 60
