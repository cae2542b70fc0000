"""The deployed control plane, served by AWS's runtime client: what API Gateway, SQS and EventBridge do
around the functions, in the events' real shapes.

Nothing is delivered but while `wait` pumps, in the thread that calls it; only the API answers at once.
"""

import base64
import contextlib
import hashlib
import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import boto3
from moto.events.models import EventPattern

from infra.package import FUNCTIONS
from tests.deployed import Stack
from tests.hosting import Ticking
from tests.lambda_runtime import Function, FunctionError

ACCOUNT = "123456789012"


class Gateway(BaseHTTPRequestHandler):
    """An HTTP API: each request becomes an event of payload format 2.0."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    invoke: Callable[[dict[str, Any]], dict[str, Any]]

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            answer = type(self).invoke(self.event(body))
        except FunctionError:
            answer = {"statusCode": 500, "body": '{"message": "Internal Server Error"}'}
        text = answer.get("body") or ""
        data = base64.b64decode(text) if answer.get("isBase64Encoded") else text.encode()
        self.send_response(answer["statusCode"])
        for name, value in {**answer.get("headers", {}), "content-length": str(len(data))}.items():
            self.send_header(name, value)
        self._headers_buffer.append(b"\r\n" + data)  # type: ignore[attr-defined]
        self.flush_headers()

    def event(self, body: bytes) -> dict[str, Any]:
        url = urlsplit(self.path)
        now = time.time()
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": url.path,
            "rawQueryString": url.query,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "requestContext": {
                "accountId": ACCOUNT,
                "apiId": "headnode",
                "domainName": self.headers.get("Host", ""),
                "domainPrefix": "headnode",
                "http": {
                    "method": self.command,
                    "path": url.path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": self.headers.get("User-Agent", ""),
                },
                "requestId": uuid.uuid4().hex[:16],
                "routeKey": "$default",
                "stage": "$default",
                "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
                "timeEpoch": int(now * 1000),
            },
            "isBase64Encoded": False,
        }
        if url.query:
            event["queryStringParameters"] = dict(parse_qsl(url.query, keep_blank_values=True))
        if body:
            encoded = not self.headers.get("Content-Type", "").startswith(("application/json", "text/"))
            event["body"] = base64.b64encode(body).decode() if encoded else body.decode()
            event["isBase64Encoded"] = encoded
        return event

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


for method in ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"):
    setattr(Gateway, f"do_{method}", Gateway.serve)


class Front(ThreadingHTTPServer):
    """Serves the gateway on a free port; known before the functions are."""

    daemon_threads = True

    def __init__(self) -> None:
        self.gateway = type("Bound", (Gateway,), {})
        super().__init__(("127.0.0.1", 0), self.gateway)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class LambdaHost(Ticking):
    """Six functions, each from its archive alone and with the permissions of its role alone."""

    def __init__(
        self, aws: Any, text: str, archives: Mapping[str, Path], unpacked: Mapping[str, Path]
    ) -> None:
        self.aws = aws
        self._text = text
        self._archives = archives
        self._unpacked = unpacked
        self._events: deque[dict[str, Any]] = deque()
        self.errors: list[str] = []
        """Invocations that raised, in words."""

    def start(self, variables: Mapping[str, str], only: Sequence[str] = FUNCTIONS, **parameters: str) -> Self:
        """Deploys, and starts the functions, with variables that a test adds to the stack's."""
        self._open = contextlib.ExitStack()
        front = Front()
        self._open.callback(front.server_close)
        self._open.callback(front.shutdown)
        self.url = front.url
        self.stack = Stack(self._text, self._archives, front.url, **parameters)
        self.functions = {name: self._function(name, variables) for name in only}
        if "api" in self.functions:
            front.gateway.invoke = self.functions["api"].invoke
        self.sqs, self.events = boto3.client("sqs"), boto3.client("events")
        self._rules = self._read_rules()
        self._sources = boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        self.aws.on_event(self._events.append)
        return self

    def stop(self) -> None:
        self._open.close()

    def _function(self, name: str, more: Mapping[str, str]) -> Function:
        """As Lambda starts it: the stack's variables, and credentials of the function's own role."""
        key = f"AKIA{name.upper():X<16}"
        self.aws.enforce(key, self.stack.policy(name))
        cloud = {**self.aws.environment(boto3.Session().region_name), "AWS_ACCESS_KEY_ID": key}
        variables = {**self.stack.variables(name), **cloud, **more}
        function = Function(name, f"lambdas.{name}.handler", self._unpacked[name], variables)
        return self._open.enter_context(function)

    def _read_rules(self) -> list[EventPattern]:
        """The patterns of the stack's rules that call the reaper."""
        found = []
        for rule in self.events.list_rules()["Rules"]:
            [target] = self.events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
            assert target["Arn"].endswith(self.stack.ids["ReapFunction"])
            if "EventPattern" in rule:
                found.append(EventPattern.load(rule["EventPattern"]))
        return found

    def trouble(self) -> str:
        """Errors and logs."""
        return self.logs()

    def pump(self) -> int:
        """Delivers what is due, once; how much that was."""
        count = 0
        while self._events:
            count += self._event(self._events.popleft())
        return count + sum(self._batch(source) for source in self._sources)

    def tick(self) -> None:
        """What the schedule sends."""
        arn = f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/{self.stack.ids['ReapFunctionTick']}"
        self._invoke("reap", event("aws.events", "Scheduled Event", {}, arn))

    def _event(self, found: dict[str, Any]) -> int:
        if not any(pattern.matches_event(found) for pattern in self._rules):
            return 0
        self._invoke("reap", found)
        return 1

    def _batch(self, source: dict[str, Any]) -> int:
        """One batch of an event source; what the function does not report as failed is deleted."""
        arn = source["EventSourceArn"]
        step = next(
            each
            for each in FUNCTIONS
            if self.stack.ids.get(f"{each.title()}Queue", "/").endswith(arn.rpartition(":")[2])
        )
        url = self.stack.ids[f"{step.title()}Queue"]
        found = self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=source["BatchSize"], MessageSystemAttributeNames=["All"]
        ).get("Messages", [])
        if not found:
            return 0
        answer = self._invoke(step, {"Records": [record(message, arn) for message in found]})
        if answer is not None:
            failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
            for message in found:
                if message["MessageId"] not in failed:
                    self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return len(found)

    def _invoke(self, name: str, payload: dict[str, Any]) -> Any:
        try:
            return self.functions[name].invoke(payload)
        except FunctionError as error:
            self.errors.append(f"{name}: {error}")
            return None

    def logs(self) -> str:
        """What every function printed, for a test that failed."""
        return "\n".join(f"--- {name}\n{each.log[-4000:]}" for name, each in self.functions.items())


def event(source: str, kind: str, detail: dict[str, Any], arn: str) -> dict[str, Any]:
    """An event of EventBridge."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": kind,
        "source": source,
        "account": ACCOUNT,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "region": "eu-west-1",
        "resources": [arn],
        "detail": detail,
    }


def record(message: dict[str, Any], arn: str) -> dict[str, Any]:
    """A record of an SQS event."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": hashlib.md5(message["Body"].encode()).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": arn.split(":")[3],
    }


def sqs_event(*bodies: str) -> dict[str, Any]:
    """An SQS event with these bodies; each message's id is its position."""
    arn = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:test"
    attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": "1800000000000"}
    messages = [
        {"MessageId": str(position), "ReceiptHandle": "h", "Body": body, "Attributes": attributes}
        for position, body in enumerate(bodies)
    ]
    return {"Records": [record(each, arn) for each in messages]}


def dumped(value: Any) -> str:
    """For messages of failed tests."""
    return json.dumps(value, indent=1, sort_keys=True)
