"""The packaged template as CloudFormation would see it."""

import re
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
