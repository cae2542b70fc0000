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
EVENT = {
    "version": "2.0", "routeKey": "$default", "rawPath": "/service-info", "rawQueryString": "",
    "headers": {"host": "control.example"}, "isBase64Encoded": False,
    "requestContext": {
        "domainName": "control.example", "requestId": "r", "stage": "$default", "timeEpoch": 0,
        "http": {"method": "GET", "path": "/service-info", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                 "userAgent": "bench"},
    },
}  # fmt: skip
BARE = """import asyncio, boto3
asyncio.set_event_loop(asyncio.new_event_loop())
from fastapi import FastAPI
from mangum import Mangum
client = boto3.client("dynamodb")
app = FastAPI()
@app.get("/service-info")
async def service_info(): return {{}}
assert Mangum(app, lifespan="off")({event}, None)["statusCode"] == 200
"""
OURS = """import asyncio, types
asyncio.set_event_loop(asyncio.new_event_loop())
from lambdas.api import WORLD, handler
WORLD.store._table._client  # which is made at the first look at a token
context = types.SimpleNamespace(
    function_name="api", memory_limit_in_mb=512, invoked_function_arn="arn", aws_request_id="r")
assert handler({event}, context)["statusCode"] == 200
"""
TIMED = "import time; start = time.perf_counter()\n{}\nprint(time.perf_counter() - start)"


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
    yield answering()


def answering() -> Figure:
    """The API's import and first answer beside the least that could answer: FastAPI, Mangum and a client."""
    bare, ours = [], []
    for _ in range(ROUNDS):
        bare.append(seconds(BARE.format(event=EVENT)))
        ours.append(seconds(OURS.format(event=EVENT)))
    took, least = min(ours) * 1000, min(bare) * 1000
    how = f"{took:.0f} ms over {least:.0f} ms for FastAPI, Mangum and a DynamoDB client"
    return Figure("cold start of the API to its first answer", took / least, 1.5, "x", how)


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
