"""The Bicep files as a deployment would work them out."""

import re
from typing import Any

from infra import package_azure
from tests.bicep.deployment import SUBSCRIPTION, Deployment
from tests.bicep.resource import Resource

MAIN = package_azure.FOLDER / "main.bicep"
FILES = sorted(package_azure.FOLDER.rglob("*.bicep"))
KINDS = ("per-step", "one")
HASH = "c0ffee" * 10


def deployed(isolation: str = "per-step", **parameters: Any) -> Deployment:
    given = {"isolation": isolation, "firstTokenHash": HASH, **parameters}
    return Deployment(MAIN, given, f"/subscriptions/{SUBSCRIPTION}")


def of_type(deployment: Deployment, kind: str) -> list[Resource]:
    return [each for each in deployment.resources() if each.type == kind]


def settings(app: Resource) -> dict[str, str]:
    listed = app.body["properties"]["siteConfig"]["appSettings"]
    found = {each["name"]: each["value"] for each in listed}
    assert len(found) == len(listed), "a setting is there twice"
    return found


def enabled(app: Resource) -> set[str]:
    """The functions that an app runs."""
    pattern = re.compile(r"AzureWebJobs\.(\w+)\.Disabled")
    return {
        m[1] for name, value in settings(app).items() if (m := pattern.fullmatch(name)) and value == "false"
    }


def of_app(app: Resource) -> set[str]:
    """The API and the steps whose functions it runs."""
    return {name.partition("_")[0] for name in enabled(app)}
