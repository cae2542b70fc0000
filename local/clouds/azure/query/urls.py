"""The path of the query API; its version is a part of it."""

from local.clouds.azure.arm.routes import Route
from local.clouds.azure.query import responses

AUDIENCE = "https://api.loganalytics.io"

routes = [Route("POST", "/v1/workspaces/{workspace}/query", "query/run", responses.run, audience=AUDIENCE)]
