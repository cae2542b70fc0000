"""A pool that is made is tried with a node: a subnet without a way out says nothing of itself."""

import pytest

from local.clouds.azure import EmulatedAzure
from local.clouds.azure.batch.models import Quotas
from shared.errors import NotYet, Refused
from shared.model.environment import Made
from shared.ports import Provider
from shared.providers.azure.batch.probe import PATIENCE
from tests.azure_cloud import Clients as Sdk
from tests.clock import FakeClock
from tests.contracts.provider_suite import rows_of
from tests.unit.azurebatch.conftest import ACCOUNT, ID, Bind

NAME = f"tower-pool-{ID}"
RESIZE, BOOT = (f"Microsoft.Batch/batchAccounts/pools/{what}" for what in ("resize", "nodes/boot"))


@pytest.fixture
def subnet(sdk: Sdk) -> str:
    sdk.group()
    return sdk.subnet()


def ensure(provider: Provider) -> Made:
    (row,) = rows_of(provider)
    return provider.ensure(row, {})


def writes(azure: EmulatedAzure) -> list[str]:
    return [each.action for each in azure.journal.entries() if each.writes and "ool" in each.action]


def test_one_node_is_asked_for_and_leaves_by_itself(
    bind: Bind, azure: EmulatedAzure, azure_clock: FakeClock, subnet: str
) -> None:
    azure.timings.transitions = {RESIZE: 60.0, BOOT: 120.0}
    provider = bind(subnetId=subnet)
    with pytest.raises(
        NotYet, match="its first node is not there yet; it is tried before runs are"
    ) as caught:
        ensure(provider)
    assert caught.value.after == 5
    azure_clock.advance(61)
    with pytest.raises(NotYet, match="its first node is waitingforstarttask"):
        ensure(provider)
    azure_clock.advance(121)
    for _ in range(2):  # a worker that died before it wrote this down asks again
        assert ensure(provider).facts == {"boots": "yes"}
    assert len(azure.batch_pool(ACCOUNT, NAME).nodes) == 1
    assert writes(azure) == ["CreatePool"]
    azure_clock.advance(1300)
    assert not azure.batch_pool(ACCOUNT, NAME).nodes


def test_a_node_that_reaches_nothing_of_the_internet_says_so(
    bind: Bind, azure: EmulatedAzure, subnet: str
) -> None:
    azure.cut_off(subnet)
    with pytest.raises(Refused) as caught:
        ensure(bind(subnetId=subnet))
    said = str(caught.value)
    assert "is starttaskfailed; its start task ended with 28: nodes need a way out" in said
    assert "curl: (28) Failed to connect to github.com port 443" in said


def test_a_node_that_does_not_even_reach_batch_cannot_say_anything(
    bind: Bind, azure: EmulatedAzure, subnet: str
) -> None:
    azure.cut_off(subnet, "batch")
    with pytest.raises(Refused) as caught:
        ensure(bind(subnetId=subnet))
    said = str(caught.value)
    assert "is unusable; NodePreparationError: An error occurred during node preparation" in said
    assert "printed" not in said


def test_a_node_that_never_comes_up_is_not_waited_for_for_ever(
    bind: Bind, azure: EmulatedAzure, azure_clock: FakeClock, subnet: str
) -> None:
    azure.timings.transitions = {BOOT: 1e6}
    provider = bind(subnetId=subnet)
    seen: set[int] = set()
    for _ in range(int(PATIENCE // 60)):
        with pytest.raises(NotYet):
            ensure(provider)
        azure_clock.advance(60)
        seen.add(len(azure.batch_pool(ACCOUNT, NAME).nodes))
    azure_clock.advance(60)
    with pytest.raises(Refused, match="no node came up within 30 minutes"):
        ensure(provider)
    assert max(seen) == 1
    azure_clock.advance(1300)
    assert not azure.batch_pool(ACCOUNT, NAME).nodes


def test_a_quota_ends_it_and_a_shortage_says_nothing_of_the_subnet(
    bind: Bind, azure: EmulatedAzure, azure_clock: FakeClock, subnet: str
) -> None:
    azure.timings.transitions = {RESIZE: 60.0}
    provider = bind(subnetId=subnet)
    with pytest.raises(NotYet):
        ensure(provider)
    azure.starve(ACCOUNT, NAME, "AllocationFailed")
    azure_clock.advance(61)
    assert ensure(provider).facts == {"boots": "not known: AllocationFailed"}
    azure.starve(ACCOUNT, NAME, "")
    azure.batch_account(ACCOUNT, quotas=Quotas(dedicated=2))
    pool = azure.batch_pool(ACCOUNT, NAME)
    pool.errors = [{"code": "AccountCoreQuotaReached", "message": "The account has reached its quota."}]
    with pytest.raises(Refused, match="gets no node to try: AccountCoreQuotaReached"):
        ensure(provider)


def test_it_is_left_out_where_that_is_wished_and_done_where_it_is(
    bind: Bind, azure: EmulatedAzure, subnet: str
) -> None:
    forge = {"vmType": "Standard_D4ds_v5", "vmCount": 2}
    assert ensure(bind(subnetId=subnet, forge={**forge, "bootProbe": False})).facts == {}
    assert not azure.batch_pool(ACCOUNT, NAME).nodes
    azure.state.batch.accounts[ACCOUNT].pools.clear()
    assert ensure(bind(forge=forge)).facts == {}
    azure.state.batch.accounts[ACCOUNT].pools.clear()
    assert ensure(bind(forge={**forge, "bootProbe": True})).facts == {"boots": "yes"}
    assert [str(each) for each in bind(forge={**forge, "bootProbe": "no"}).check()] == [
        "forge.bootProbe: 'no' is not true or false"
    ]


def test_a_pool_that_has_nodes_anyway_is_tried_with_those(
    bind: Bind, azure: EmulatedAzure, subnet: str
) -> None:
    azure.cut_off(subnet)
    fixed = {"vmType": "Standard_D4ds_v5", "vmCount": 2, "autoScale": False}
    with pytest.raises(Refused, match="is starttaskfailed"):
        ensure(bind(subnetId=subnet, forge=fixed))
