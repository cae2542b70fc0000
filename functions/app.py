"""The Azure Functions app. It registers no function yet: those come with the platform Azure Cloud, and
until then a deployed app has nothing to run. Importing this module needs no Azure package."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.functions import FunctionApp


def build() -> "FunctionApp":
    """The app that the Functions host looks for in function_app.py. Needs `azure-functions`."""
    from azure.functions import FunctionApp

    return FunctionApp()
