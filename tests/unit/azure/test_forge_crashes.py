"""A crash at any call of an environment's making or removal is healed by coming back."""

from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from shared.errors import Retry
from shared.model.environment import ResourceRow
from tests.contracts.provider_suite import make, rows_of, unmake
from tests.unit.azure.conftest import Bind


@pytest.mark.parametrize("config", [{}, {"storageResourceGroup": "data"}])
@pytest.mark.parametrize("kind", ["reset-after", "reset-before"])
def test_a_crash_at_any_call_of_the_making_is_healed_by_coming_back(
    bind: Bind, azure: EmulatedAzure, account: str, config: dict[str, Any], kind: str
) -> None:
    cloud = bind(**config)
    unsure = [row.to("making") for row in rows_of(cloud)]
    calls = crash_at_each_call(azure, kind, lambda: make(cloud), lambda: unmake(cloud, unsure))
    assert calls >= 15
    rows = make(cloud)
    assert cloud.leftovers(unmake(cloud, rows)) == []
    left = {each.id for each in azure.resources()}
    assert {each for each in left if "TowerForge" in each or "Authorization" in each} == set()


@pytest.mark.parametrize("kind", ["reset-after", "reset-before"])
def test_a_crash_at_any_call_of_the_removal_is_healed_by_coming_back(
    bind: Bind, azure: EmulatedAzure, account: str, kind: str
) -> None:
    cloud = bind()
    known: list[ResourceRow] = []

    def made() -> None:
        known[:] = make(cloud)

    made()
    assert crash_at_each_call(azure, kind, lambda: unmake(cloud, known), made) >= 15
    assert cloud.leftovers(unmake(cloud, known)) == []


def crash_at_each_call(azure: EmulatedAzure, kind: str, act: Any, again: Any) -> int:
    """Has the n-th call of `act` cut off, for each n there is; comes back until it is done, and then sets
    the scene anew. How many calls there were."""
    for number in range(1, 100):
        fault = azure.faults.add("*", "*", number, kind)
        try:
            act()
        except Retry:
            azure.faults.clear()
            act()
        azure.faults.clear()
        if not fault.struck:
            return number - 1
        again()
    raise AssertionError("there is no end of calls")
