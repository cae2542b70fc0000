"""Azure's way of saying no: ARM's error body, and the refusals that every service shares."""

import json
from dataclasses import dataclass, field
from typing import Any

from local.clouds.answer import Answer


@dataclass
class Refused(Exception):
    """A request that was turned down. Callers branch on `code`; `status` is the HTTP one."""

    status: int
    code: str
    message: str
    headers: dict[str, str] = field(default_factory=dict)
    details: list[dict[str, Any]] = field(default_factory=list)

    def body(self) -> dict[str, Any]:
        """The inner error object, as in an answer or in a failed operation."""
        said: dict[str, Any] = {"code": self.code, "message": self.message}
        return {**said, "details": self.details} if self.details else said

    def answer(self) -> Answer:
        """The whole answer."""
        headers = [("Content-Type", "application/json; charset=utf-8"), ("x-ms-error-code", self.code)]
        return Answer(
            self.status, json.dumps({"error": self.body()}).encode(), [*headers, *self.headers.items()]
        )


def unmodelled(what: str) -> Refused:
    """The emulator's own refusal: nobody taught it this."""
    return Refused(501, "NotImplemented", f"The emulated Azure does not know {what}.")


def unauthenticated(code: str, message: str) -> Refused:
    """401 with the challenge that clients look for."""
    return Refused(
        401, code, message, {"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{code}"'}
    )


def forbidden(principal: str, action: str, scope: str) -> Refused:
    """The caller's roles lack an action."""
    return Refused(
        403,
        "AuthorizationFailed",
        f"The client '{principal}' with object id '{principal}' does not have authorization to perform action"
        f" '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please"
        " refresh your credentials.",
    )


def linked_forbidden(principal: str, action: str, scope: str, linked: str) -> Refused:
    """The caller may do it, but may not use what it refers to."""
    return Refused(
        403,
        "LinkedAuthorizationFailed",
        f"The client '{principal}' with object id '{principal}' has permission to perform action on scope"
        f" '{scope}'; however, it does not have permission to perform action(s) '{action}' on the linked"
        f" scope(s) '{linked}' (respectively) or the linked scope(s) are invalid.",
    )


def no_group(name: str) -> Refused:
    """404 of a resource group."""
    return Refused(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")


def not_found(type: str, name: str, group: str) -> Refused:
    """404 of a resource."""
    return Refused(
        404,
        "ResourceNotFound",
        f"The Resource '{type}/{name}' under resource group '{group}' was not found.",
    )


def invalid(message: str, code: str = "InvalidParameter") -> Refused:
    """400."""
    return Refused(400, code, message)


def conflict(code: str, message: str) -> Refused:
    """409."""
    return Refused(409, code, message)
