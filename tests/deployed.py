"""The packaged template as CloudFormation would see it."""

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

CODE = "headnode-code"
"""The bucket that `aws cloudformation package` uploads the archives to."""


def translated(text: str, region: str = "eu-west-1") -> dict[str, Any]:
    """The template after upload and AWS's serverless transform."""
    uploaded = re.sub(r"CodeUri: (\w+\.zip)", rf"CodeUri: s3://{CODE}/\1", text)
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=region))
    found: dict[str, Any] = translator.translate(yaml_parse(uploaded), {})
    return found


def of_type(template: dict[str, Any], kind: str) -> dict[str, Any]:
    """Logical id -> properties of the resources of one type."""
    resources = template["Resources"].items()
    return {name: each.get("Properties", {}) for name, each in resources if each["Type"] == kind}


NOT_IN_MOTO = ("AWS::ApiGatewayV2::", "AWS::Lambda::EventInvokeConfig", "AWS::CloudWatch::Alarm")
"""Types that moto's CloudFormation does not know. `Stack` makes the API through its own service; the
alarms and the retries of asynchronous calls have no part in a run."""


class Stack:
    """The template's resources, made in the emulated AWS."""

    def __init__(self, text: str, archives: Mapping[str, Path], api_url: str, **parameters: str) -> None:
        self.template = translated(text)
        self._upload(archives)
        self.api = boto3.client("apigatewayv2").create_api(Name="headnode", ProtocolType="HTTP")["ApiId"]
        values = {"ApiUrl": api_url, **parameters}
        cloudformation = boto3.client("cloudformation")
        cloudformation.create_stack(
            StackName="headnode",
            TemplateBody=json.dumps(self._known()),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        )
        made = cloudformation.describe_stack_resources(StackName="headnode")["StackResources"]
        self.ids: dict[str, str] = {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for each in made
            if "PhysicalResourceId" in each
        }

    def _upload(self, archives: Mapping[str, Path]) -> None:
        s3 = boto3.client("s3")
        s3.create_bucket(
            Bucket=CODE, CreateBucketConfiguration={"LocationConstraint": boto3.Session().region_name}
        )
        for name, path in archives.items():
            s3.put_object(Bucket=CODE, Key=f"{name}.zip", Body=path.read_bytes())

    def _known(self) -> dict[str, Any]:
        """The template without what moto lacks, and with the API's id in its place. moto would work
        off event sources itself, in Docker: they are made disabled, for `Pump` to read."""
        resources = {
            name: each
            for name, each in self.template["Resources"].items()
            if not each["Type"].startswith(NOT_IN_MOTO)
        }
        for source in resources.values():
            if source["Type"] == "AWS::Lambda::EventSourceMapping":
                source["Properties"]["Enabled"] = False
        outputs = {k: v for k, v in self.template["Outputs"].items() if k != "ApiUrl"}
        known: dict[str, Any] = self._named({**self.template, "Resources": resources, "Outputs": outputs})
        return known

    def _named(self, value: Any) -> Any:
        if value == {"Ref": "Api"}:
            return self.api
        if isinstance(value, dict):
            return {key: self._named(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._named(each) for each in value]
        return value.replace("${Api}", self.api) if isinstance(value, str) else value

    def variables(self, function: str) -> dict[str, str]:
        """The environment that Lambda would give to a function."""
        found = boto3.client("lambda").get_function_configuration(
            FunctionName=self.ids[f"{function.title()}Function"]
        )
        variables: dict[str, str] = found["Environment"]["Variables"]
        return variables

    def policy(self, function: str) -> dict[str, Any]:
        """The policy document of a function's role."""
        role = self.ids[f"{function.title()}Role"]
        found = boto3.client("iam").get_role_policy(RoleName=role, PolicyName=function)
        # moto keeps a template's document as Python shows it, with None for AWS::NoValue.
        document: dict[str, Any] = ast.literal_eval(str(found["PolicyDocument"]))
        return {**document, "Statement": [each for each in document["Statement"] if each is not None]}
