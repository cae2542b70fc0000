"""Cold start: importing a Lambda's handler beside making the SDK clients that it uses."""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator

from tests.bench.figures import Figure
from tests.bench.place import VARIABLES

CLIENTS = {
    # A plan asks EC2; a log asks CloudWatch and S3.
    "api": ("dynamodb", "sqs", "kms", "logs", "s3", "ec2"),
    "create": ("dynamodb", "sqs", "kms", "ec2", "iam"),
    "launch": ("dynamodb", "sqs", "kms", "ec2"),
    "logs": ("dynamodb", "sqs", "kms", "logs", "s3"),
    "reap": ("dynamodb", "sqs", "kms", "ec2"),
    "dispose": ("dynamodb", "sqs", "kms", "iam"),
}
ROUNDS = 7
TIMED = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"


def figures() -> Iterator[Figure]:
    """The ratio for each handler: medians of processes started turn by turn."""
    for handler, clients in CLIENTS.items():
        makes = "; ".join(f"boto3.client({name!r})" for name in clients)
        bare, ours = [], []
        for _ in range(ROUNDS):
            bare.append(seconds(f"import boto3; {makes}"))
            ours.append(seconds(f"import lambdas.{handler}"))
        took, least = statistics.median(ours) * 1000, statistics.median(bare) * 1000
        how = f"{took:.0f} ms over {least:.0f} ms for {', '.join(clients)}"
        yield Figure(f"cold import of lambdas.{handler}", took / least, 1.3, "x", how)


def seconds(code: str) -> float:
    """Time of the code in a fresh interpreter, imports included."""
    environment = {**os.environ, **VARIABLES, **lambda_variables()}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-c", TIMED.format(code)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.splitlines()[-1])


def lambda_variables() -> dict[str, str]:
    """What the template gives a function. No call is made while it is imported."""
    queues = {
        f"HEADNODE_QUEUE_{step}": f"https://sqs.example/{step}"
        for step in ("CREATE", "LAUNCH", "LOGS", "REAP", "DISPOSE")
    }
    return {
        **queues,
        "HEADNODE_TABLE": "headnode",
        "HEADNODE_KMS_KEY": "alias/headnode",
        "HEADNODE_INSTALLATION": "bench",
        "POWERTOOLS_TRACE_DISABLED": "true",
        "POWERTOOLS_SERVICE_NAME": "headnode",
        "POWERTOOLS_METRICS_NAMESPACE": "headnode",
    }
