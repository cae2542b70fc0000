"""AWS Batch under the scenarios of its options, each step with the least permissions of those."""

from collections.abc import Callable
from typing import Any

import boto3

from local.clouds.aws import EmulatedAws
from shared.model.environment import Environment
from shared.providers.aws.batch.permissions import policy
from shared.steps import environments
from tests.scenarios.clouds.aws import BUCKET, KEY, NOTHING, REGION
from tests.scenarios.clouds.batch import FORGE, Batch
from tests.scenarios.rig import Rig


class BatchCloud(Batch):
    """`Cloud` on Batch. `forge` is what an environment asks of Forge when it does not say."""

    forge: dict[str, Any] = FORGE

    def config(self) -> dict[str, Any]:
        return {"region": REGION, "workDir": f"s3://{BUCKET}/work", "forge": self.forge}

    def least(self, config: dict[str, Any]) -> Callable[[str], None]:
        """Enforces, for each step, the least policy for the options of this config."""

        def before(step: str) -> None:
            self.emulated.enforce(KEY, policy(step, config=config))

        self.emulated.enforce(KEY, NOTHING)
        return before


def things(aws: EmulatedAws) -> list[str]:
    """What exists of any environment."""
    batch, ec2, iam = (boto3.client(name, REGION) for name in ("batch", "ec2", "iam"))
    found = [each["jobQueueName"] for each in batch.describe_job_queues()["jobQueues"]]
    listed = batch.describe_compute_environments()["computeEnvironments"]
    found += [each["computeEnvironmentName"] for each in listed]
    found += [each["LaunchTemplateName"] for each in ec2.describe_launch_templates()["LaunchTemplates"]]
    found += [each["RoleName"] for each in iam.list_roles()["Roles"]]
    found += [each["InstanceProfileName"] for each in iam.list_instance_profiles()["InstanceProfiles"]]
    groups = ec2.describe_security_groups()["SecurityGroups"]
    found += [each["GroupName"] for each in groups if each["GroupName"] != "default"]
    found += [each.id for each in (*aws.efs.systems.all, *aws.efs.targets.all, *aws.fsx.systems.all)]
    active = batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    return found + [each["jobDefinitionName"] for each in active]


def made(rig: Rig, seconds: float = 300, **config: Any) -> Environment:
    """An environment after so many seconds."""
    environment = rig.environment(name=f"e{rig.world.ids.new(4)}", **config)
    rig.drain(seconds)
    return rig.get_environment(environment)


def disposed(rig: Rig, environment: Environment, seconds: float = 600) -> Environment:
    """An environment so many seconds after its disposal was asked for."""
    environments.dispose_environment(rig.world, rig.get_environment(environment))
    rig.drain(seconds)
    return rig.get_environment(environment)
