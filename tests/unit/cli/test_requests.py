"""From options, names and files to what the API is sent."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from local.cli import fields, requests, watch
from local.cli.screen import span
from shared.errors import Refused


class Listed:
    """An API that lists two credentials of which one is named like the other's id."""

    def get(self, path: str) -> Any:
        assert path == "/credentials"
        return {"credentials": [{"id": "a1", "name": "work"}, {"id": "b2", "name": "a1"}]}


def config(**options: Any) -> dict[str, Any]:
    known = {fields.name(field): field for field in fields.FIELDS}
    return fields.config_of({known[name]: value for name, value in options.items()})


def test_instance_types_keep_their_order_and_the_first_is_the_main_one() -> None:
    made = config(instance_type=["m6i.large", "m5.large"], spot="first")
    assert made == {"instanceTypes": ["m6i.large", "m5.large"], "instanceType": "m6i.large", "spot": "first"}


def test_no_is_said_and_silence_is_not() -> None:
    assert config(encrypt=False, graviton=None, boot_disk=None, subnet=[]) == {"ebsEncrypted": False}


def test_variables_and_files(tmp_path: Path) -> None:
    script = tmp_path / "pre.sh"
    script.write_text("echo pre\n")
    made = config(env=["A=b=c", "E="], pre_run=script)
    assert made["preRunScript"] == "echo pre\n"
    assert [(each["name"], each["value"]) for each in made["environment"]] == [("A", "b=c"), ("E", "")]
    with pytest.raises(typer.BadParameter):
        config(env=["=value"])


def test_labels_are_an_object() -> None:
    assert config(label=["team=genomics", "cost=a=b"]) == {"labels": {"team": "genomics", "cost": "a=b"}}
    with pytest.raises(typer.BadParameter, match="NAME=VALUE"):
        config(label=["team"])


def test_every_config_key_has_one_option() -> None:
    keys = [field.key for field in fields.FIELDS]
    assert len(keys) == len(set(keys))


def test_options_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "env.yaml"
    file.write_text("name: one\ncredentials: work\nconfig: {region: eu-west-1, workDir: s3://b/p}\n")
    body = requests.environment_body(
        Listed(), file, {"region": "us-east-1"}, {"name": "two", "platform": None}
    )
    assert body["computeEnv"] == {
        "name": "two",
        "platform": "aws-cloud",
        "description": "",
        "credentialsId": "a1",
        "config": {"discriminator": "aws-cloud", "region": "us-east-1", "workDir": "s3://b/p"},
    }


def test_local_is_short_for_the_platform() -> None:
    body = requests.environment_body(Listed(), None, {}, {"name": "x", "platform": "local"})["computeEnv"]
    assert (body["platform"], body["config"]) == ("local-platform", {"discriminator": "local-platform"})


def test_an_option_has_the_name_that_its_platform_knows() -> None:
    options = config(subnet=["one"], boot_disk=64, zone=["1"])
    asked = {"name": "x", "platform": "azure-cloud"}
    body = requests.environment_body(Listed(), None, options, asked)["computeEnv"]
    assert body["config"] == {
        "discriminator": "azure-cloud",
        "subnets": ["one"],
        "diskSizeGb": 64,
        "zones": ["1"],
    }


def test_a_whole_request_body_is_a_file_too(tmp_path: Path) -> None:
    inner = {"name": "x", "platform": "aws-cloud", "config": {"region": "eu-west-1"}}
    file = tmp_path / "body.json"
    file.write_text(json.dumps({"computeEnv": inner, "labelIds": [3]}))
    body = requests.environment_body(Listed(), file, {}, {})
    assert body["labelIds"] == [3]
    assert body["computeEnv"]["config"]["region"] == "eu-west-1"


def test_an_id_is_preferred_to_a_name() -> None:
    assert requests.credentials_id(Listed(), "a1") == "a1"
    assert requests.credentials_id(Listed(), "work") == "a1"
    with pytest.raises(Refused, match="no credentials 'x'"):
        requests.credentials_id(Listed(), "x")


def test_parameters_have_types_and_later_ones_win(tmp_path: Path) -> None:
    file = tmp_path / "p=1.yaml"
    file.write_text("a: 1\nb: [x, y]\n")
    found = requests.parameters(
        [str(file), "a=2", "c=true", "d=text", "e=1.5", 'f={"no": "object"}', "g=", "h=x=y"]
    )
    assert found == {
        "a": 2, "b": ["x", "y"], "c": True, "d": "text", "e": 1.5, "f": '{"no": "object"}', "g": "",
        "h": "x=y",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "0.0 s"),
        (0.44, "0.4 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7620, "2 h 07 min"),
    ],
)
def test_durations_in_words(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_a_long_id_is_told_by_its_name() -> None:
    id = "/subscriptions/0b1f/resourcegroups/g/providers/microsoft.compute/virtualmachines/headnode-r-1"
    event = {"what": "machine", "detail": f"{id} (Standard_D2ds_v4 on-demand)"}
    assert watch.event_text(event) == "machine: headnode-r-1 (Standard_D2ds_v4 on-demand)"
