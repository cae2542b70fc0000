"""The scenarios' control plane, for random walks."""

from tests.scenarios.conftest import clock, ec2, ready, rig, sdk_pauses

__all__ = ["clock", "ec2", "ready", "rig", "sdk_pauses"]
