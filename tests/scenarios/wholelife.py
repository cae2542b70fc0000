"""One whole life on a platform whose runs are jobs: what each cloud's scenarios then hold against its own."""

from shared.model.environment import Environment
from shared.steps import environments, runs
from tests.scenarios.rig import Rig


def lived(rig: Rig, placing: float) -> Environment:
    """An environment is made, has a run that ends well, one that fails, and one that is cancelled, and is
    disposed of; each step with its own permissions alone. `placing`: the seconds that a launch gets."""
    rig.cloud.enforce(None)
    rig.before = rig.cloud.enforce
    environment = rig.environment()
    rig.drain(60)
    assert rig.get_environment(environment).status == "AVAILABLE", rig.get_environment(environment).message
    for exit_status, ending in ((0, "SUCCEEDED"), (1, "FAILED")):
        run = rig.submit(environment)
        rig.drain(placing)
        rig.say(run, "boot")
        rig.cloud.keep(run)
        rig.say(run, "end", exit_status=exit_status)
        rig.drain(30)
        assert rig.get_run(run).status == ending
    cancelled = rig.submit(environment)
    rig.drain(placing)
    runs.cancel_run(rig.world, rig.get_run(cancelled))
    rig.drain(60)
    assert rig.get_run(cancelled).status == "CANCELLED"
    return disposed(rig, environment)


def disposed(rig: Rig, environment: Environment) -> Environment:
    """It is disposed of, and shown as it is then."""
    environments.dispose_environment(rig.world, rig.get_environment(environment))
    rig.drain(300)
    return rig.get_environment(environment)
