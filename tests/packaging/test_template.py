"""What is deployed on AWS, read from the template after AWS's own transform."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra import dependencies, package
from shared.model.message import STEPS
from shared.model.settings import VISIBILITY_FACTOR
from shared.steps.deliver import LOST_RACES
from shared.wiring import settings_from
from tests.deployed import of_type

LINT = Path(sys.executable).with_name("cfn-lint")


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINT, "--", str(path)], capture_output=True, text=True)


def test_the_linter_finds_nothing_in_the_source() -> None:
    ended = lint(package.TEMPLATE)
    assert (ended.returncode, ended.stdout) == (0, "")


@pytest.mark.parametrize("architecture", dependencies.ARCHITECTURES)
def test_the_linter_finds_nothing_in_what_is_deployed(tmp_path: Path, architecture: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(package.rendered_template("3.12", architecture))
    ended = lint(path)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert "Fn::Transform" not in path.read_text()
    assert path.stat().st_size < 51_200


def test_the_linter_would_find_something(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(package.rendered_template("3.12", "arm64").replace("VisibilityTimeout", "VisibleTimeout"))
    assert lint(path).returncode != 0


@pytest.mark.parametrize(("version", "architecture"), [("3.12", "x86_64"), ("3.13", "arm64")])
def test_the_defaults_are_those_of_the_build(version: str, architecture: str) -> None:
    text = package.rendered_template(version, architecture)
    assert f"Default: python{version}" in text
    assert f"Default: {architecture}" in text


def test_there_are_six_functions_with_a_role_and_a_log_of_their_own(template: dict[str, Any]) -> None:
    functions = of_type(template, "AWS::Lambda::Function")
    assert sorted(functions) == sorted(f"{each.title()}Function" for each in package.FUNCTIONS)
    for name in package.FUNCTIONS:
        found = functions[f"{name.title()}Function"]
        assert found["Handler"] == f"lambdas.{name}.handler"
        assert found["Code"]["S3Key"] == f"{name}.zip"
        assert found["Role"] == {"Fn::GetAtt": [f"{name.title()}Role", "Arn"]}
        assert found["LoggingConfig"] == {"LogGroup": {"Ref": f"{name.title()}Log"}}
    assert all(each["RetentionInDays"] for each in of_type(template, "AWS::Logs::LogGroup").values())


def test_each_step_has_a_queue_that_fits_its_function(template: dict[str, Any]) -> None:
    queues = of_type(template, "AWS::SQS::Queue")
    functions = of_type(template, "AWS::Lambda::Function")
    sources = of_type(template, "AWS::Lambda::EventSourceMapping")
    for step in STEPS:
        name = step.title()
        queue, timeout = queues[f"{name}Queue"], functions[f"{name}Function"]["Timeout"]
        assert queue["VisibilityTimeout"] >= VISIBILITY_FACTOR * timeout
        redrive = queue["RedrivePolicy"]
        assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": [f"{name}Dead", "Arn"]}
        assert redrive["maxReceiveCount"] > LOST_RACES
        assert queues[f"{name}Dead"]["MessageRetentionPeriod"] == 14 * 86400
        source = sources[f"{name}FunctionMessages"]
        assert source["EventSourceArn"] == {"Fn::GetAtt": [f"{name}Queue", "Arn"]}
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert len(sources) == len(STEPS)
    assert all(queue["SqsManagedSseEnabled"] for queue in queues.values())


def test_the_api_answers_before_its_gateway_gives_up(template: dict[str, Any]) -> None:
    assert of_type(template, "AWS::Lambda::Function")["ApiFunction"]["Timeout"] < 30
    integration = of_type(template, "AWS::ApiGatewayV2::Integration")["ApiIntegration"]
    assert integration["PayloadFormatVersion"] == "2.0"


def test_the_table_survives_and_forgets_what_expired(template: dict[str, Any]) -> None:
    table = of_type(template, "AWS::DynamoDB::Table")["Table"]
    assert [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]] == [
        ("pk", "HASH"),
        ("sk", "RANGE"),
    ]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert of_type(template, "AWS::KMS::Key")["Key"]["EnableKeyRotation"] is True
    for kept in ("Table", "Key"):
        assert template["Resources"][kept]["DeletionPolicy"].startswith("Retain")


def test_the_reaper_hears_of_machines_and_of_time(template: dict[str, Any]) -> None:
    rules = of_type(template, "AWS::Events::Rule")
    target = {"Fn::GetAtt": ["ReapFunction", "Arn"]}
    assert all([each["Arn"] for each in rule["Targets"]] == [target] for rule in rules.values())
    patterns = [rule["EventPattern"] for rule in rules.values() if "EventPattern" in rule]
    assert sorted(kind for pattern in patterns for kind in pattern["detail-type"]) == [
        "Batch Job Queue Blocked",
        "Batch Job State Change",
        "EC2 Instance State-change Notification",
        "EC2 Spot Instance Interruption Warning",
    ]
    schedules = [rule["ScheduleExpression"] for rule in rules.values() if "ScheduleExpression" in rule]
    assert schedules == ["rate(1 minute)"]


def test_alarms_watch_every_queue_and_function_and_cost_nothing_when_nobody_listens(
    template: dict[str, Any],
) -> None:
    alarms = of_type(template, "AWS::CloudWatch::Alarm")
    assert all(template["Resources"][name]["Condition"] == "HasAlarms" for name in alarms)
    watched = {
        name: {
            str(metric["MetricStat"]["Metric"]["Dimensions"][0]["Value"])
            for metric in alarm["Metrics"]
            if "MetricStat" in metric
        }
        for name, alarm in alarms.items()
    }
    assert watched["DeadLettersAlarm"] == {
        str({"Fn::GetAtt": [f"{step.title()}Dead", "QueueName"]}) for step in STEPS
    }
    assert watched["WaitingAlarm"] == {
        str({"Fn::GetAtt": [f"{step.title()}Queue", "QueueName"]}) for step in STEPS
    }
    assert watched["ErrorsAlarm"] == {str({"Ref": f"{each.title()}Function"}) for each in package.FUNCTIONS}


def test_the_functions_get_every_variable_that_wiring_reads(template: dict[str, Any]) -> None:
    source = (package.ROOT / "shared" / "wiring.py").read_text()
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        given = function["Environment"]["Variables"]
        assert {f"HEADNODE_QUEUE_{step.upper()}" for step in STEPS} <= set(given)
        for variable in ("HEADNODE_TABLE", "HEADNODE_KMS_KEY"):
            assert variable in given and variable in source
        assert settings_from({"HEADNODE_INSTALLATION": "8d31-ee"}).installation == "8d31-ee"
        assert {"HEADNODE_INSTALLATION", "HEADNODE_API_URL"} <= set(given)
        assert ("HEADNODE_FIRST_TOKEN_HASH" in given) == (name == "ApiFunction")
