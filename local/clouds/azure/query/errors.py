"""Refusals of the query API: what is wrong with a query is said in inner errors."""

from dataclasses import dataclass, field
from typing import Any

from local.clouds.azure.errors import Refused

INVALID = "The request had some invalid properties"


@dataclass
class QueryRefused(Refused):
    """A query that can not be run."""

    inner: dict[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """With the chain of inner errors."""
        return {**super().body(), "innererror": self.inner}


def syntax(token: str, line: int, column: int, hint: str = "") -> QueryRefused:
    """The text is no query."""
    where = f"Query could not be parsed at '{token}' on line [{line},{column}]"
    inner = {
        "code": "SYN0002",
        "message": f"{where}. {hint}" if hint else where,
        "line": line,
        "pos": column,
        "token": token,
    }
    said = "A recognition error occurred in the query."
    return QueryRefused(
        400, "BadArgumentError", INVALID, inner={"code": "SyntaxError", "message": said, "innererror": inner}
    )


def semantic(code: str, message: str) -> QueryRefused:
    """The text is a query, but asks for what there is not."""
    said = "A semantic error occurred."
    inner = {"code": "SemanticError", "message": said, "innererror": {"code": code, "message": message}}
    return QueryRefused(400, "BadArgumentError", INVALID, inner=inner)


def unknown_name(operator: str, name: str, kind: str = "column or scalar expression") -> QueryRefused:
    """No such table or column."""
    return semantic("SEM0100", f"'{operator}' operator: Failed to resolve {kind} named '{name}'")


def bad_parameter(said: str) -> Refused:
    """Something beside the query is wrong."""
    return QueryRefused(400, "BadArgumentError", INVALID, inner={"code": "InvalidParameter", "message": said})


def no_workspace(id: str) -> Refused:
    """Nobody has that customerId."""
    return Refused(404, "WorkspaceNotFoundError", f"The workspace '{id}' could not be found.")


def no_access() -> Refused:
    """The caller may not ask."""
    said = "The provided credentials have insufficient access to perform the requested operation"
    return Refused(403, "InsufficientAccessError", said)
