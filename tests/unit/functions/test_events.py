"""Event Grid events in their documented shapes, as azure-functions reads them."""

import json
from typing import Any

import pytest
from azure.functions import get_binding_registry
from azure.functions.meta import Datum

from functions.events import translated

MACHINE = (
    "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/RG/providers"
    "/Microsoft.Compute/virtualMachines/headnode-Abc-1-0123abcd"
)


def read(event: dict[str, Any]) -> Any:
    decode = get_binding_registry().get("eventGridTrigger").decode
    return decode(Datum(json.dumps(event), "json"), trigger_metadata={})


def resource(operation: str, about: str = MACHINE, outcome: str = "Success") -> dict[str, Any]:
    return {
        "id": "1",
        "topic": "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333",
        "subject": about,
        "eventType": f"Microsoft.Resources.ResourceDelete{outcome}",
        "eventTime": "2026-11-21T00:00:00.123Z",
        "dataVersion": "2",
        "metadataVersion": "1",
        "data": {"resourceUri": about, "operationName": operation, "status": "Succeeded"},
    }


def health(kind: str, **properties: str) -> dict[str, Any]:
    about = MACHINE.lower()
    return {
        "id": "1",
        "source": "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333",
        "subject": f"{about}/providers/Microsoft.ResourceHealth/AvailabilityStatuses/current",
        "type": f"Microsoft.ResourceNotifications.HealthResources.{kind}",
        "time": "2026-11-21T00:00:00Z",
        "specversion": "1.0",
        "data": {
            "resourceInfo": {
                "id": f"{about}/providers/Microsoft.ResourceHealth/AvailabilityStatuses/current",
                "properties": {"targetResourceId": about, "targetResourceType": "x", **properties},
            },
            "apiVersion": "2023-12-01",
        },
    }


@pytest.mark.parametrize(
    ("event", "facts"),
    [
        (
            resource("Microsoft.Compute/virtualMachines/delete"),
            {"state": "Microsoft.Compute/virtualMachines/delete"},
        ),
        (
            resource("Microsoft.Compute/virtualMachines/write", outcome="Failure"),
            {"state": "Microsoft.Compute/virtualMachines/write"},
        ),
        (health("AvailabilityStatusChanged", availabilityState="Unavailable"), {"state": "Unavailable"}),
        (
            health("ResourceAnnotated", annotationName="VirtualMachineDeallocationInitiated"),
            {"state": "VirtualMachineDeallocationInitiated"},
        ),
        (
            health("ResourceAnnotated", annotationName="VirtualMachinePreempted"),
            {"notice": "VirtualMachinePreempted"},
        ),
        (resource("") | {"data": None}, {"state": "changed"}),
    ],
)
def test_a_machines_event_is_a_reason_to_look(event: dict[str, Any], facts: dict[str, str]) -> None:
    [message] = translated(read(event))
    assert (message.step, message.subject, message.facts) == ("reap", f"machine:{MACHINE.lower()}", facts)


@pytest.mark.parametrize(
    "about",
    [
        "",
        "/subscriptions/1",
        MACHINE.replace("virtualMachines", "disks"),
        MACHINE.replace("Compute", "Other"),
    ],
)
def test_what_is_about_no_machine_is_nothing(about: str) -> None:
    assert translated(read(resource("x", about))) == []


@pytest.mark.parametrize(
    "data",
    [
        [],
        "text",
        5,
        {"resourceInfo": "x"},
        {"resourceInfo": {"properties": [1]}},
        {"resourceInfo": {"properties": {"targetResourceId": 5, "annotationName": {"a": 1}}}},
        {"resourceUri": ["x"], "operationName": 7},
    ],
)
def test_data_of_the_wrong_types_is_read_by_its_subject(data: Any) -> None:
    [message] = translated(read(resource("") | {"data": data}))
    assert (message.subject, message.facts) == (f"machine:{MACHINE.lower()}", {"state": "changed"})


def test_what_an_event_says_is_cut_short() -> None:
    """It is kept on the record, and a message has 64 KiB."""
    [message] = translated(read(resource("Evict" + "x" * 100_000)))
    assert len(message.facts["notice"]) == 200


def test_an_id_of_64_kib_fits_into_a_message() -> None:
    [message] = translated(read(resource("x", MACHINE + "x" * 65_536)))
    assert len(message.subject) < 2100
