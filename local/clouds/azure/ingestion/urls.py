"""Paths of Logs Ingestion: `<endpoint's logsIngestion>/dataCollectionRules/...`."""

from local.clouds.azure.arm.routes import Route
from local.clouds.azure.ingestion import responses

AUDIENCE = "https://monitor.azure.com"
VERSIONS = frozenset({"2023-01-01"})
_PATH = "/ingest/{endpoint}/dataCollectionRules/{rule}/streams/{stream}"

routes = [Route("POST", _PATH, "ingestion/upload", responses.upload, VERSIONS, AUDIENCE)]
