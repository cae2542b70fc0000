"""Chooses the cloud: by the spec once it is there, until then by what the machine itself shows."""

from __future__ import annotations

import os
from collections.abc import Mapping

from shared.runner.cloud import Cloud
from shared.runner.on_aws import AwsCloud
from shared.runner.spec import Spec


def at_boot(environ: Mapping[str, str] = os.environ) -> Cloud:
    """The cloud of a machine without a spec."""
    return AwsCloud("", environ)


def chosen(spec: Spec, environ: Mapping[str, str] = os.environ) -> Cloud:
    """The cloud that the run's spec is made for."""
    own = {**environ, **spec.environment}
    return AwsCloud(spec.region, own) if spec.region else Cloud()
