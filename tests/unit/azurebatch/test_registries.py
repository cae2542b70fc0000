"""Logins to container registries: what of them a pool is given, and by whom, and what is refused before."""

from typing import Any

import pytest

from local.clouds.azure import EmulatedAzure
from shared.errors import HeadnodeError
from shared.model.access import Registry
from shared.providers.azure.batch import bodies, registries
from tests.azure_cloud import LOCATION
from tests.azure_cloud import Clients as Sdk
from tests.clock import FakeClock
from tests.contracts.provider_suite import make, order
from tests.unit.azurebatch.conftest import ACCOUNT, FORGE, ID, Bind
from tests.unit.clouds.azure.batch import service

QUAY = Registry(server="quay.io", user="lab", password="canary-quay")
HUB = Registry(server="", user="lab", password="canary-hub")
OWN = Registry(server="lab.azurecr.io")
IDS = {"containerRegIds": ["quay", "hub"]}
LOGINS = {"quay": QUAY, "hub": HUB, "own": OWN, "again": QUAY.but(server="QUAY.io/lab")}


@pytest.fixture
def identity(sdk: Sdk) -> dict[str, Any]:
    sdk.group("ids")
    known = sdk.identities.user_assigned_identities
    made = {name: known.create_or_update("ids", name, {"location": LOCATION}) for name in ("head", "pool")}
    return {
        "managedIdentityHeadResourceId": made["head"].id,
        "managedIdentityClientId": made["head"].client_id,
        "managedIdentityPoolResourceId": made["pool"].id,
        "managedIdentityPoolClientId": made["pool"].client_id,
    }


def logins_of(azure: EmulatedAzure, pool: str) -> list[dict[str, Any]]:
    """What the pool was made with."""
    machine = azure.batch_pool(ACCOUNT, pool).body["virtualMachineConfiguration"]
    found: list[dict[str, Any]] = machine["containerConfiguration"]["containerRegistries"]
    return found


def test_a_pool_is_made_with_the_logins_and_shows_no_password(bind: Bind, azure: EmulatedAzure) -> None:
    provider = bind(logins=LOGINS, forge={**FORGE, **IDS})
    assert provider.check() == []
    make(provider)
    name = f"tower-pool-{ID}"
    assert logins_of(azure, name) == [
        {"registryServer": "quay.io", "username": "lab", "password": "canary-quay"},
        {"registryServer": "docker.io", "username": "lab", "password": "canary-hub"},
    ]
    with service(azure) as client:
        machine = client.get_pool(name).virtual_machine_configuration
    shown = machine.container_configuration.container_registries
    assert [(each.registry_server, each.username, each.password) for each in shown] == [
        ("quay.io", "lab", None),
        ("docker.io", "lab", None),
    ]


def test_arm_takes_the_same_and_identities_log_in_without_a_password(
    bind: Bind, azure: EmulatedAzure, identity: dict[str, Any]
) -> None:
    forge = {**FORGE, "dualPoolConfig": True, "containerRegIds": ["quay", "own"]}
    provider = bind(logins=LOGINS, forge=forge, **identity)
    assert provider.check() == []
    make(provider)
    for kind, id in (("head", "managedIdentityHeadResourceId"), ("worker", "managedIdentityPoolResourceId")):
        quay, own = logins_of(azure, f"tower-pool-{ID}-{kind}")
        assert quay["password"] == "canary-quay"
        assert own == {
            "registryServer": "lab.azurecr.io",
            "identityReference": {"resourceId": identity[id]},
        }


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (["nobody"], "credentials nobody not found"),
        (["quay", "again"], "two logins to quay.io: a pool has one to each registry"),
        (["own"], f"the login to lab.azurecr.io has no password, and the pool tower-pool-{ID} no identity"),
        (["user"], "the login to quay.io has no password, and it takes no identities"),
    ],
)
def test_what_can_not_be_is_told_by_field(bind: Bind, ids: list[str], said: str) -> None:
    known = {**LOGINS, "user": QUAY.but(password="")}
    found = bind(logins=known, forge={**FORGE, "containerRegIds": ids}).check()
    assert list(map(str, found)) == [f"forge.containerRegIds: {said}"]


@pytest.mark.parametrize(
    ("image", "ids", "expected"),
    [
        ("lab/nextflow:1", [], "lab/nextflow:1"),
        ("lab/nextflow:1", ["hub"], "docker.io/lab/nextflow:1"),
        ("nextflow", ["hub"], "docker.io/library/nextflow"),
        ("quay.io/lab/nextflow:1", ["hub"], "quay.io/lab/nextflow:1"),
        ("localhost:5000/nextflow", ["hub"], "localhost:5000/nextflow"),
    ],
)
def test_an_image_names_its_registry_where_there_are_logins(
    bind: Bind, azure: EmulatedAzure, azure_clock: FakeClock, image: str, ids: list[str], expected: str
) -> None:
    provider = bind(logins=LOGINS, engineContainer=image, forge={**FORGE, "containerRegIds": ids})
    make(provider)
    azure_clock.advance(31)
    job = provider.start(order(provider))
    body = azure.state.batch.accounts[ACCOUNT].jobs[job.lower()].body
    assert body["jobManagerTask"]["containerSettings"]["imageName"] == expected


def test_what_azure_quotes_of_a_login_is_not_told() -> None:
    quoted = f"PropertyValue: {QUAY.password}; canary-hub"
    logins = [registries.as_body(each, ()) for each in (QUAY, HUB)]
    assert bodies.hidden(quoted, logins) == "PropertyValue: ***; ***"
    assert "canary" not in repr(QUAY) + str(HUB) + f"{[QUAY]}"


def test_a_refusal_of_a_pool_does_not_quote_its_password(bind: Bind, azure: EmulatedAzure) -> None:
    provider = bind(logins=LOGINS, forge={**FORGE, **IDS})
    said = "A property is invalid (PropertyValue: canary-quay)"
    azure.faults.add("batch", "CreatePool", kind="InvalidPropertyValue", message=said)
    with pytest.raises(HeadnodeError, match=r"PropertyValue: \*\*\*"):
        make(provider)


def test_a_login_that_is_not_taken_is_why_a_head_job_waits(
    bind: Bind, azure: EmulatedAzure, azure_clock: FakeClock
) -> None:
    azure.registry("quay.io", {"lab": "another-password"})
    provider = bind(logins=LOGINS, forge={**FORGE, **IDS})
    make(provider)
    azure_clock.advance(31)
    job = provider.start(order(provider, deadline=azure_clock.now() + 86400))
    azure_clock.advance(200)
    reason = provider.look([job])[job].reason
    assert "is unusable: ContainerInvalidRegistry: One or more container registries" in reason
    assert "quay.io; Get https://quay.io/v2/: unauthorized" in reason
