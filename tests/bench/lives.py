"""What the lives of environments share: how long until a status, in the emulated cloud's own time."""

from shared.model.environment import Environment
from tests.bench.figures import Figure
from tests.scenarios.rig import Rig

LOOKS = 0.5
"""Seconds between two looks at what is due."""
PATIENCE = 600


def beside(name: str, rig: Rig, environment: Environment, wanted: str, longest: float, said: str) -> Figure:
    """How long an environment takes until it has a status, over the longest chain of the cloud's own
    changes."""
    began = rig.clock.now()
    rig.drain(0)
    while rig.get_environment(environment).status != wanted:
        found = rig.get_environment(environment)
        if rig.clock.now() - began > PATIENCE:
            raise RuntimeError(f"the environment is {found.status}: {found.message or found.wait}")
        rig.clock.advance(LOOKS)
        rig.drain(0)
    took = rig.clock.now() - began
    return Figure(name, took / longest, 1.2, "x", f"{took:.1f} s over {longest:.0f} s: {said}")
