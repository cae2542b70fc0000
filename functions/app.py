"""The Azure Functions app: six blueprints, one for each step of a life and one for the API."""

import logging

from azure.functions import FunctionApp

from functions import api, create, dispose, launch, logs, reap
from functions.telemetry import with_facts

BLUEPRINTS = (
    api.blueprint,
    create.blueprint,
    launch.blueprint,
    logs.blueprint,
    reap.blueprint,
    dispose.blueprint,
)


def build() -> FunctionApp:
    """The app that the Functions host looks for in function_app.py."""
    # At its default level an SDK writes two lines for each of its requests.
    logging.getLogger("azure").setLevel(logging.WARNING)
    with_facts(logging.getLogger("headnode"))
    app = FunctionApp()
    for blueprint in BLUEPRINTS:
        app.register_functions(blueprint)
    return app
