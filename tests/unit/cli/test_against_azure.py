"""The commands against a real control plane whose cloud is the emulated Azure: each option of the guide."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cli import fields
from local.clouds.azure import EmulatedAzure
from tests.azure_cloud import LOCATION, Clients
from tests.headnode import Served, one_line, serve

CONFIG = ("--platform", "azure-cloud", "--region", LOCATION, "--work-dir", "az://work/runs")
LAB = ("--credentials", "entra", "--storage-resource-group", "lab-data")


@pytest.fixture
def served(azure: EmulatedAzure, tmp_path: Path) -> Iterator[Served]:
    azure.account("labdata", group="lab-data", location=LOCATION, containers=["work"])
    known = azure.environment()
    with serve(tmp_path / "data", HEADNODE_TOKEN="t", HEADNODE_AZURE_URL=azure.url) as running:
        words = ("credentials", "add", "entra", "--provider", "azure-cloud", "--storage-account", "labdata")
        added = running.headnode(*words, **{name: known[name] for name in known if name.startswith("AZURE_")})
        assert added.code == 0, added.err
        yield running


def test_an_environment_from_plan_to_receipt(served: Served, azure: EmulatedAzure) -> None:
    planned = served.headnode("env", "plan", "lab", *CONFIG, *LAB)
    assert planned.code == 0, planned.err
    assert "VirtualNetwork" in planned.out
    assert "offer 1: Standard_D2ds_v4 on-demand" in planned.out
    assert served.json("env", "list") == []

    made = served.headnode("env", "create", "lab", *CONFIG, *LAB)
    assert made.code == 0, made.err
    assert sum(line.startswith("  made ") for line in made.err.splitlines()) == 10
    gone = served.headnode("env", "dispose", "lab")
    assert gone.code == 0, gone.err
    assert gone.out.splitlines()[-1] == "left: 0"
    left = [each.name for each in azure.resources()]
    assert left == ["lab-data", "labdata"]


def test_every_option_of_the_guide_is_taken(served: Served, azure: EmulatedAzure, tmp_path: Path) -> None:
    clients = Clients(azure)
    clients.group("mine")
    network = clients.subnet("mine").partition("/subnets/")[0]
    identity = clients.identities.user_assigned_identities.create_or_update(
        "mine", "own", {"location": LOCATION}
    )
    script = tmp_path / "script.sh"
    script.write_text("echo hello\n")
    options = {
        "instance-type": "Standard_D4ds_v4",
        "subnet": "default",
        "boot-disk": "64",
        "subscription": azure.environment()["AZURE_SUBSCRIPTION_ID"],
        "resource-group": "mine",
        "network": network,
        "zone": "1",
        "storage-account": "labdata",
        "managed-identity": identity.id,
        "spot": "first",
        "max-resumes": "2",
        "env": "COLOUR=blue",
        "label": "team=genomics",
        "pre-run": str(script),
        "post-run": str(script),
        "nextflow-config": str(script),
        "engine-container": "nextflow/nextflow:24.10.0",
    }
    words = [part for name, value in options.items() for part in (f"--{name}", value)]
    created = served.headnode("env", "create", "own", *CONFIG, *LAB, *words, "--public-ip", "--self-delete")
    assert created.code == 0, created.err
    shown = served.json("env", "show", "own")["config"]
    theirs = {"region", "work-dir", "storage-resource-group", "public-ip", "self-delete", *options}
    guide = {field.option for field in fields.FIELDS if not field.help.startswith("AWS:")}
    assert guide == theirs
    for field in fields.FIELDS:
        if field.option in theirs:
            assert shown.get(field.azure or field.key), field.option
    offers = served.headnode("env", "plan", "other", *CONFIG, *LAB, *words).out
    assert "offer 1: Standard_D4ds_v4 1 spot" in offers
    assert "offer 2: Standard_D4ds_v4 1 on-demand" in offers


def test_every_fault_is_in_the_one_line(served: Served) -> None:
    wrong = ("--platform", "azure-cloud", "--region", "mars", "--work-dir", "az://work", "--spot", "often")
    said = served.headnode("env", "create", "lab", *wrong, *LAB)
    assert said.code == 1
    assert all(field in one_line(said) for field in ("region", "workDir", "spot"))


def test_the_printed_role_is_what_the_portal_takes(served: Served) -> None:
    whole = served.json("permissions", "azure-cloud")["properties"]
    step = served.json("permissions", "azure-cloud", "--step", "launch")["properties"]
    assert set(step["permissions"][0]["actions"]) < set(whole["permissions"][0]["actions"])
    assert whole["assignableScopes"] == ["/subscriptions/<SUBSCRIPTION-ID>"]
