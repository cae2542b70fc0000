"""Paths of blob storage: one for all, since the query and the headers make the operation."""

from local.clouds.azure.arm.routes import Route
from local.clouds.azure.blob import responses
from local.clouds.azure.blob.operations import named

routes = [
    Route(method, "/blob/{path*}", "storage/any", responses.serve, audience="", late=True, called=named)
    for method in ("GET", "HEAD", "PUT", "POST", "DELETE")
]
