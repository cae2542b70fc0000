"""An Azure that can be carried about: long operations, roles that are enforced, machines that live."""

from local.clouds.azure.server import EmulatedAzure, serve

__all__ = ["EmulatedAzure", "serve"]
