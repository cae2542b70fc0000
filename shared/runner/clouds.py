"""Chooses the cloud: by the spec once it is there, until then by what the machine itself shows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from shared.runner.cloud import Cloud
from shared.runner.on_aws import AwsCloud
from shared.runner.on_azure import AzureCloud
from shared.runner.spec import Spec

VENDOR = Path("/sys/class/dmi/id/sys_vendor")
MICROSOFT = "Microsoft Corporation"


def at_boot(environ: Mapping[str, str] = os.environ, vendor: Path = VENDOR) -> Cloud:
    """The cloud of a machine without a spec: where its variables say that a metadata service is, else by
    the name of who made the machine."""
    if "AZURE_POD_IDENTITY_AUTHORITY_HOST" in environ or "AZ_BATCH_JOB_ID" in environ:
        return AzureCloud({}, environ)
    aws = any(name.startswith("AWS_EC2_METADATA_") for name in environ)
    return AzureCloud({}, environ) if not aws and made_by(vendor) == MICROSOFT else AwsCloud("", environ)


def chosen(spec: Spec, environ: Mapping[str, str] = os.environ) -> Cloud:
    """The cloud that the run's spec is made for."""
    if spec.azure:
        return AzureCloud(spec.azure, environ, spec.environment)
    return AwsCloud(spec.region, {**environ, **spec.environment}) if spec.region else Cloud()


def made_by(vendor: Path) -> str:
    """Who made the machine, as its firmware says; "" where it says nothing."""
    try:
        return vendor.read_text().strip()
    except OSError:
        return ""
