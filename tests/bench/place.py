"""A control plane against the fast EC2 stub, for measuring our own time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from shared.clock import SystemClock, SystemIds
from shared.model.environment import Environment
from shared.model.run import Run
from shared.model.settings import Settings
from shared.ports import World
from shared.steps.runs import submit_run
from shared.wiring import forget_clients, local_world

REGION = "eu-west-1"

VARIABLES = {
    "AWS_ACCESS_KEY_ID": "AKIABENCHBENCHBENCH0",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def world_at(url: str) -> Iterator[World]:
    """A fresh one-machine world whose AWS is at `url`."""
    os.environ.update(VARIABLES, AWS_ENDPOINT_URL=url)
    forget_clients()
    with TemporaryDirectory() as data:
        yield local_world(Path(data), Settings(installation="bench"), SystemClock(), SystemIds())


def environment_in(world: World) -> Environment:
    """An AVAILABLE environment whose account was looked at already."""
    return world.store.save(
        Environment(
            id=world.ids.new(22),
            name="bench",
            platform="aws-cloud",
            status="AVAILABLE",
            config={"region": REGION, "workDir": "s3://bench/work", "instanceType": "m6i.large"},
            details={
                "imageId": "ami-0123456789abcdef0",
                "rootDevice": "/dev/xvda",
                "subnetIds": ["subnet-1"],
            },
            created_at=world.clock.now(),
        )
    )


def submitted(world: World, environment: Environment, count: int) -> list[Run]:
    """So many runs, each with its launch message queued."""
    body = {"pipeline": "https://example.org/hello"}
    return [
        submit_run(world, workspace_id=0, user_id=1, owner="bench", environment=environment, launch=body)
        for _ in range(count)
    ]
