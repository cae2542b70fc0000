"""The metadata service of a VM: tokens, its own id, and events that end it."""

import json
import threading
import time
from pathlib import Path

import pytest

from local.clouds.azure import EmulatedAzure
from shared.runner import azure_imds
from shared.runner.azure import MONITOR, STORAGE
from shared.runner.azure_imds import Instance, life
from shared.runner.clouds import MICROSOFT, at_boot
from shared.runner.errors import Denied, Failed
from shared.runner.on_aws import AwsCloud
from shared.runner.on_azure import AzureCloud
from tests.clock import FakeClock
from tests.unit.runner.azure_vm import AzureVm
from tests.unit.runner.world import serving


@pytest.fixture
def vm(azure: EmulatedAzure) -> AzureVm:
    made = AzureVm(azure, priority="Spot", evictionPolicy="Delete")
    made.start()
    return made


def test_the_machine_knows_its_own_id(vm: AzureVm) -> None:
    instance = vm.instance()
    assert instance.id() == vm.id
    assert instance.id() == vm.id
    assert vm.said_to_imds("instance") == 1


def test_tokens_are_kept_one_for_each_service(vm: AzureVm) -> None:
    instance = vm.instance()
    known: list[str] = []
    instance.learned = known.append
    storage, monitor = instance.token(STORAGE), instance.token(MONITOR)
    assert [instance.token(STORAGE), instance.token(MONITOR)] == [storage, monitor]
    assert known == [storage, monitor]
    assert vm.cloud.state.directory.read(storage).audience == "https://storage.azure.com"
    assert vm.cloud.state.directory.read(monitor).principal == vm.principal


def test_threads_share_one_token(vm: AzureVm) -> None:
    instance = vm.instance()
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(instance.token(STORAGE))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert vm.said_to_imds("token") == 1


def test_a_token_is_renewed_before_its_end(vm: AzureVm, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = vm.instance()
    first = instance.token(STORAGE)
    monkeypatch.setattr(azure_imds, "REFRESH_BEFORE", 25 * 3600.0)
    second = instance.token(STORAGE)
    assert second != first
    vm.cloud.faults.add("imds", "token", kind="503", times=None)
    assert instance.token(STORAGE) == second, "the old one is good for as long as it lives"


def test_a_token_that_was_not_accepted_is_asked_for_again(vm: AzureVm, azure_clock: FakeClock) -> None:
    vm.may()
    azure = vm.azure()
    url = f"{vm.storage_url}/work?restype=container&comp=list"
    asked = {"x-ms-version": "2021-12-02"}
    assert azure.send(STORAGE, "GET", url, headers=asked, patience=0).status == 200
    azure_clock.advance(25 * 3600)
    assert azure.send(STORAGE, "GET", url, headers=asked, patience=5).status == 200
    assert vm.said_to_imds("token") == 2


@pytest.mark.parametrize("status", [404, 410, 429, 500, 503])
def test_a_service_that_is_being_updated_is_asked_again(vm: AzureVm, status: int) -> None:
    instance = vm.instance()
    vm.cloud.faults.add("imds", "token", kind="Updating", status=status)
    with pytest.raises(Failed) as failed:
        instance.token(STORAGE)
    assert not isinstance(failed.value, Denied)
    assert instance.token(STORAGE)


def test_an_identity_that_the_machine_does_not_have(vm: AzureVm) -> None:
    with pytest.raises(Denied, match="refuses identity"):
        Instance("00000000-0000-0000-0000-000000000000", vm.environment).token(STORAGE)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"expires_in": "3600", "expires_on": "1600"}, 600.0),
        ({"expires_in": "3600", "expires_on": "99999"}, 3600.0),
        ({"expires_in": "3600", "expires_on": "500"}, 3600.0),
        ({"expires_in": 3600}, 3600.0),
    ],
    ids=["a date", "our clock is late", "our clock is early", "a length only"],
)
def test_how_long_a_token_lives(given: dict[str, object], seconds: float) -> None:
    assert life(given, 1000.0) == seconds


def test_an_eviction_is_seen_and_agreed_to(vm: AzureVm) -> None:
    instance = vm.instance()
    assert instance.events() == []
    vm.cloud.evict(vm.name, notice=3600)
    [event] = instance.events()
    assert event.kind == "Preempt"
    assert vm.cloud.state.store.get(vm.id) is not None
    instance.acknowledge([event])
    assert vm.cloud.state.store.get(vm.id) is None


KINDS = ["Preempt", "Terminate", "Redeploy", "Reboot", "Freeze"]


@pytest.mark.parametrize("kind", KINDS)
def test_events_that_end_the_work_of_this_machine(kind: str) -> None:
    """The emulated Azure only evicts; the other kinds come from a stand-in."""
    events = [
        {"EventId": "ours", "EventType": kind, "Resources": ["other", "VM-1"], "NotBefore": "soon"},
        {"EventId": "theirs", "EventType": kind, "Resources": ["other"], "NotBefore": ""},
    ]

    def routes(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        assert headers["Metadata"] == "true"
        found: object = {"name": "vm-1", "resourceId": "/x"}
        if "scheduledevents" in path:
            found = {"DocumentIncarnation": 1, "Events": events}
        return 200, json.dumps(found).encode()

    with serving(routes) as url:
        notice = AzureCloud({}, {"AZURE_POD_IDENTITY_AUTHORITY_HOST": url}).notice()
    if kind == "Freeze":
        assert notice is None
        return
    assert notice is not None
    assert notice.said == f"{kind} soon"
    assert notice.within == (30.0 if kind == "Preempt" else 120.0)
    assert notice.grace + notice.saving < notice.within


@pytest.mark.parametrize("kind", ["5xx", "reset-before", "throttle"])
def test_a_service_that_does_not_answer_says_nothing(vm: AzureVm, kind: str) -> None:
    vm.cloud.evict(vm.name, notice=3600)
    vm.cloud.faults.add("imds", "*", kind=kind, times=2)
    instance = vm.instance()
    assert instance.events() == []
    assert instance.id() == ""
    assert len(instance.events()) == 1


def test_no_service_at_all_costs_no_time() -> None:
    instance = Instance("", {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1"})
    began = time.monotonic()
    assert (instance.id(), instance.events()) == ("", [])
    with pytest.raises(Failed):
        instance.token(STORAGE)
    assert time.monotonic() - began < 5


def test_a_machine_knows_its_cloud_before_it_has_a_spec(tmp_path: Path) -> None:
    vendor = tmp_path / "sys_vendor"
    assert type(at_boot({}, vendor)) is AwsCloud
    vendor.write_text(f"{MICROSOFT}\n")
    assert type(at_boot({}, vendor)) is AzureCloud
    assert type(at_boot({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://x"}, vendor)) is AwsCloud
    vendor.write_text("Amazon EC2\n")
    assert type(at_boot({"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://x"}, vendor)) is AzureCloud
