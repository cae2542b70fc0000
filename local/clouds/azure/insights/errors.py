"""Refusals of Microsoft.Insights."""

from typing import Any

from local.clouds.azure.errors import Refused


def bad_rule(code: str, message: str, target: str) -> Refused:
    """A rule that could not work; the reason is in the details."""
    details: list[dict[str, Any]] = [{"code": code, "message": message, "target": target}]
    return Refused(400, "InvalidPayload", "Data collection rule is invalid", details=details)


def bad_endpoint(message: str) -> Refused:
    """An endpoint that could not be."""
    details: list[dict[str, Any]] = [{"code": "InvalidProperty", "message": message, "target": "properties"}]
    return Refused(400, "InvalidPayload", "Data collection endpoint is invalid", details=details)
