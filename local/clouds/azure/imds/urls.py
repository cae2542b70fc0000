"""Paths of the instance metadata service: `<url>/imds/<vmId>/metadata/...`."""

from local.clouds.azure.arm.routes import Route
from local.clouds.azure.imds import responses

_HERE = "/imds/{machine}/metadata"

routes = [
    Route("GET", _HERE + "/identity/oauth2/token", "imds/token", responses.token, audience=""),
    Route("GET", _HERE + "/instance", "imds/instance", responses.instance, audience=""),
    Route("GET", _HERE + "/instance/{rest*}", "imds/instance", responses.instance, audience=""),
    Route("GET", _HERE + "/scheduledevents", "imds/scheduledevents", responses.events, audience=""),
    Route("POST", _HERE + "/scheduledevents", "imds/acknowledge", responses.acknowledge, audience=""),
]
