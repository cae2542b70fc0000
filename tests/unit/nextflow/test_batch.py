"""The config that sends tasks to a work queue, and who has the last word on it."""

from shared.nextflow import command
from shared.nextflow.batch import Tasks, config

LEAST = Tasks(queue="TowerForge-e-work", region="eu-west-1")


def lines(tasks: Tasks) -> list[str]:
    return config(tasks).splitlines()[1:]


def test_the_least() -> None:
    assert lines(LEAST) == [
        "process.executor = 'awsbatch'",
        "process.queue = 'TowerForge-e-work'",
        "aws.region = 'eu-west-1'",
        "aws.batch.maxSpotAttempts = 0",
    ]


def test_all_of_it() -> None:
    tasks = LEAST.but(
        work_dir="s3://b/work/",
        job_role="arn:job",
        execution_role="arn:execution",
        cli_path="/opt/bin/aws",
        volumes=("/a:/b", "/c"),
        log_group="/mine",
        spot=True,
        cpus=64,
        memory=1000,
        tags={"team": "o'neill"},
        variables={"A": "it's"},
    )
    assert lines(tasks)[3:] == [
        "aws.batch.jobRole = 'arn:job'",
        "aws.batch.executionRole = 'arn:execution'",
        "aws.batch.cliPath = '/opt/bin/aws'",
        "aws.batch.logsGroup = '/mine'",
        "aws.batch.volumes = ['/a:/b', '/c']",
        "aws.batch.maxSpotAttempts = 5",
        "cloudcache.enabled = true",
        "cloudcache.path = 's3://b/work/cloudcache/.cache'",
        "process.resourceLimits = [cpus: 64, memory: 1000.MB]",
        "process.resourceLabels = ['team': 'o\\'neill']",
        "env.A = 'it\\'s'",
    ]


def test_fusion_needs_no_command_line_tool() -> None:
    said = config(LEAST.but(cli_path="/opt/bin/aws", wave=True, fusion=True, snapshots=True))
    assert "cliPath" not in said
    for each in ("wave.enabled", "fusion.enabled", "fusion.snapshots"):
        assert f"{each} = true" in said


def test_the_launch_has_the_last_word_and_the_environment_the_first() -> None:
    found = command.files("r", "aws-batch", {"nextflowConfig": "e"}, {"configText": "l"}, None, "t")
    assert [found[name].strip() for name in sorted(found)] == ["e", "t", "l"]
    found = command.files("r", "aws-cloud", {"nextflowConfig": "e"}, {"configText": "l"})
    assert [found[name].strip()[-1] for name in sorted(found)][1:] == ["e", "l"]
