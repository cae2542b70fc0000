"""An AWS that can be carried about: moto's services behind a strict front, with machines that live."""

from local.clouds.aws.server import EmulatedAws, serve

__all__ = ["EmulatedAws", "serve"]
