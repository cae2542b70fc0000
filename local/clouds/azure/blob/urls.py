"""Paths of blob storage: one for all, since the query and the headers make the operation; and that of a
container in ARM."""

from local.clouds.azure.arm.routes import GROUP, Route
from local.clouds.azure.blob import containers, responses
from local.clouds.azure.blob.operations import named

VERSIONS = frozenset({"2022-09-01", "2023-05-01", "2024-01-01"})
_CONTAINER = (
    f"{GROUP}/providers/Microsoft.Storage/storageAccounts/{{account}}/blobServices/default/containers"
)
_READ = "Microsoft.Storage/storageAccounts/blobServices/containers/read"

routes = [
    Route("GET", f"{_CONTAINER}/{{container}}", _READ, containers.resource, VERSIONS),
    *(
        Route(method, "/blob/{path*}", "storage/any", responses.serve, audience="", late=True, called=named)
        for method in ("GET", "HEAD", "PUT", "POST", "DELETE")
    ),
]
