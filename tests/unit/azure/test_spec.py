"""What a machine is told of its place, and what the platform is called by."""

import logging
from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from shared import wiring
from shared.azure_endpoints import ARM_SCOPE
from shared.model.environment import ResourceRow
from shared.model.machine import Offer
from shared.model.run import Attempt, Run
from shared.model.settings import Settings
from shared.providers.azure.account import takeable
from shared.providers.azure.clients import Clients
from shared.providers.azure.cloud import AzureCloud
from tests.clock import FakeClock
from tests.contracts.provider_suite import order
from tests.unit.azure.conftest import ACCOUNT, CONFIG, Bind, environment

RUN = Run(id="run1", name="r", session_id="s", work_dir="az://work/runs/one")
ATTEMPT = Attempt(number=2, offer=Offer(machine_type="Standard_D2ds_v4"))
INGEST = "https://dce.westeurope-1.ingest.monitor.azure.com"


def made(key: str, **facts: str) -> ResourceRow:
    return ResourceRow(key=key, type="x", name=key, state="present", cloud_id=f"/{key}", facts=facts)


@pytest.mark.usefixtures("azure")
def test_a_machine_is_told_where_its_log_goes_and_who_it_is(clients: Clients, azure_clock: FakeClock) -> None:
    rows = (
        made("identity", clientId="me", principalId="p"),
        made("endpoint", logsIngestion=f"{INGEST}/"),
        made("rule", immutableId="dcr-1"),
    )
    variables = [
        {"name": "A", "value": "1"},
        {"name": "B", "value": None, "head": False, "compute": True},
        {"name": "C", "value": "3", "head": False, "compute": False},
    ]
    place = environment(environment=variables).but(resources=rows)
    spec = AzureCloud(place, clients, Settings(installation="this"), azure_clock).spec(RUN, ATTEMPT)
    blobs = clients.endpoints.blob(ACCOUNT)
    assert spec == {
        "logs": {
            "kind": "azure",
            "blob": f"{blobs}/work/runs/one/.headnode/logs/run1/2",
            "ingest": f"{INGEST}/dataCollectionRules/dcr-1/streams/Custom-Nextflow_log_CL",
            "run": "run1",
            "attempt": 2,
        },
        "region": "westeurope",
        "environment": {"A": "1", "B": ""},
        "azure": {
            "client_id": "me",
            "storage_account": ACCOUNT,
            "storage_url": blobs,
            "vm_id": "",
            "self_delete": False,
        },
    }


def test_the_users_own_places_for_logs(bind: Bind) -> None:
    cloud = bind(
        dataCollectionEndpoint=INGEST,
        dataCollectionRuleId="dcr-mine",
        logWorkspaceId="w",
        logTableName="Mine_CL",
        managedIdentityId="/subscriptions/s/identity",
        managedIdentityClientId="mine",
    )
    spec = cloud.spec(RUN, ATTEMPT)
    assert spec["logs"]["ingest"] == f"{INGEST}/dataCollectionRules/dcr-mine/streams/Custom-Mine_CL"
    assert spec["azure"]["client_id"] == "mine"


def test_without_an_endpoint_lines_go_to_the_work_directory_alone(bind: Bind) -> None:
    assert bind().spec(RUN, ATTEMPT)["logs"]["ingest"] == ""


@pytest.mark.parametrize(
    ("label", "taken"),
    [
        ({"team": "a"}, {"team": "a"}),
        ({"Team": "a", "team": "b"}, {"Team": "a"}),
        ({"a/b": "x", "a?": "x", "<": "x", "": "x"}, {}),
        (
            {"headnode:run": "x", "HEADNODE:run": "x", "azure-x": "x", "Microsoft": "x", "hidden-title": "x"},
            {},
        ),
        ({"k" * 513: "x"}, {}),
        ({"k": "v" * 300}, {"k": "v" * 256}),
    ],
)
def test_labels_as_far_as_azure_takes_them(label: dict[str, Any], taken: dict[str, str]) -> None:
    assert takeable(label) == taken


def test_no_more_labels_than_azure_takes() -> None:
    assert len(takeable({f"label{number:03d}": "x" for number in range(100)})) == 40


def test_environments_of_one_subscription_and_region_are_swept_at_once(
    clients: Clients, azure_clock: FakeClock, azure: EmulatedAzure
) -> None:
    def scope(credentials: str = "", **config: Any) -> str:
        place = environment(**config).but(credentials_id=credentials, id=f"e{credentials}")
        return AzureCloud(place, clients, Settings(installation="this"), azure_clock).scope()

    since = azure.journal.count
    other = "0" * 8 + "-0000" * 3 + "-" + "0" * 12
    assert scope() == scope(region="West Europe")
    assert len({scope(), scope("c1"), scope(region="northeurope"), scope(subscriptionId=other)}) == 4
    assert azure.journal.count == since


def test_the_platform_is_wired() -> None:
    assert wiring.faults("azure-cloud", CONFIG) == []
    assert [fault.field for fault in wiring.faults("azure-cloud", {})] == ["region", "workDir"]


def test_no_secret_and_no_token_is_in_any_log_record_or_request(
    ready: Bind, azure: EmulatedAzure, clients: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    cloud = ready()
    started = cloud.start(order(cloud))
    seen = [
        *cloud._account.environment.resources,
        cloud._account.environment.details,
        cloud.spec(RUN, ATTEMPT),
        cloud.look([started]),
        cloud.scope(),
        [entry.params for entry in azure.journal.entries()],
        caplog.text,
    ]
    for secret in (azure.environment()["AZURE_CLIENT_SECRET"], clients.token(ARM_SCOPE)):
        assert len(secret) > 8
        assert secret not in repr(seen)
