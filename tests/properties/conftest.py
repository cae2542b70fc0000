"""The scenarios' control plane, for random walks."""

from tests.scenarios.conftest import clock, cloud, ready, rig, sdk_pauses

__all__ = ["clock", "cloud", "ready", "rig", "sdk_pauses"]
