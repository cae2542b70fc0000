"""Paths of role definitions and assignments, at any scope."""

from local.clouds.azure.arm.routes import Route
from local.clouds.azure.authorization import responses
from local.clouds.azure.authorization.models import ASSIGNMENT, DEFINITION

VERSIONS = frozenset({"2022-04-01"})
_DEFINITIONS = "{scope*}/providers/" + DEFINITION
_ASSIGNMENTS = "{scope*}/providers/" + ASSIGNMENT

routes = [
    Route("PUT", _DEFINITIONS + "/{name}", f"{DEFINITION}/write", responses.define, VERSIONS),
    Route("GET", _DEFINITIONS + "/{name}", f"{DEFINITION}/read", responses.get_definition, VERSIONS),
    Route("DELETE", _DEFINITIONS + "/{name}", f"{DEFINITION}/delete", responses.undefine, VERSIONS),
    Route("GET", _DEFINITIONS, f"{DEFINITION}/read", responses.definitions, VERSIONS),
    Route("PUT", _ASSIGNMENTS + "/{name}", f"{ASSIGNMENT}/write", responses.assign, VERSIONS),
    Route("GET", _ASSIGNMENTS + "/{name}", f"{ASSIGNMENT}/read", responses.get_assignment, VERSIONS),
    Route("DELETE", _ASSIGNMENTS + "/{name}", f"{ASSIGNMENT}/delete", responses.unassign, VERSIONS),
    Route("GET", _ASSIGNMENTS, f"{ASSIGNMENT}/read", responses.assignments, VERSIONS),
]
