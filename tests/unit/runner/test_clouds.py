"""Which cloud a spec is for, and what a machine without any can do."""

from pathlib import Path
from typing import Any

import pytest

from shared.runner.cloud import Cloud
from shared.runner.clouds import chosen
from shared.runner.console import Console
from shared.runner.errors import StepFailed
from shared.runner.lines import Mask
from shared.runner.on_aws import AwsCloud
from shared.runner.on_azure import AzureCloud
from shared.runner.spec import Spec

LEAST: dict[str, Any] = {
    "run": "r",
    "attempt": 1,
    "pipeline": "/p",
    "work_dir": "/w",
    "deadline": 1.0,
    "token": "t",
}


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({}, Cloud),
        ({"region": "eu-west-1"}, AwsCloud),
        ({"region": "westeurope", "azure": {"client_id": "c"}}, AzureCloud),
        ({"region": "eu-west-1", "azure": {}}, AwsCloud),
    ],
)
def test_the_spec_says_which_cloud_it_is(given: dict[str, Any], kind: type[Cloud]) -> None:
    assert type(chosen(Spec.of({**LEAST, **given}), {})) is kind


def test_the_variables_that_a_run_gets() -> None:
    region = chosen(Spec.of({**LEAST, "region": "eu-west-1"}), {}).environment()
    assert region == {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}
    azure = {"client_id": "c"}
    # AZURE_CLIENT_ID alone would be taken for half of a service principal by Nextflow's plugin.
    assert chosen(Spec.of({**LEAST, "region": "westeurope", "azure": azure}), {}).environment() == {}
    assert Cloud().environment() == {}


def test_what_a_run_says_never_moves_where_tokens_go() -> None:
    own = {"HEADNODE_AZURE_URL": "https://evil.example", "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://evil"}
    spec = Spec.of({**LEAST, "azure": {"client_id": "c"}, "environment": own})
    cloud = chosen(spec, {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1"})
    assert isinstance(cloud, AzureCloud)
    assert cloud._environ == {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1"}
    assert cloud._instance._base == "http://127.0.0.1:1/metadata"


def test_a_machine_without_a_cloud(tmp_path: Path) -> None:
    none = Cloud()
    assert (none.machine_id(), none.notice(), list(none.secrets()), none.shortfall()) == ("", None, [], "")
    assert not none.remove_machine()
    for address in ("s3://b/x", "az://c/x", "relative"):
        with pytest.raises(StepFailed, match="not an absolute path"):
            none.work_dir(address)
    with pytest.raises(StepFailed, match="its source is not known"):
        none.secret("aws-secretsmanager:x")
    console = Console(tmp_path / "c.txt", Mask())
    with pytest.raises(StepFailed, match="'azure' is not known"):
        none.shipper(console, {"kind": "azure"})
    console.write("hello")
    shipper = none.shipper(console, {"kind": "file", "path": str(tmp_path / "log")})
    assert shipper.drain(10)
    assert (tmp_path / "log").read_text() == "hello\n"
    console.close()
