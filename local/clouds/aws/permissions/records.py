"""The permissions that calls to logs, queues, tables and keys need."""

from collections.abc import Iterator
from typing import Any

from local.clouds.aws import backends
from local.clouds.aws.call import Call
from local.clouds.aws.permissions.policy import Need

_ON_STREAMS = ("GetLogEvents", "PutLogEvents", "DeleteLogStream")
_BATCHES = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}
_TRANSACTED = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "Get": "GetItem"}


def _arn(call: Call, service: str, rest: str) -> str:
    return f"arn:aws:{service}:{call.region}:{backends.ACCOUNT}:{rest}"


def logs(call: Call) -> list[Need]:
    """CloudWatch Logs. A group is checked under its own ARN and under that of its (nameless) stream."""
    group = (
        call.params.get("logGroupName") or str(call.params.get("logGroupIdentifier", "")).rpartition(":")[2]
    )
    if call.action in _ON_STREAMS:
        stream = call.params.get("logStreamName", "")
        return [Need(f"logs:{call.action}", (_arn(call, "logs", f"log-group:{group}:log-stream:{stream}"),))]
    plain = _arn(call, "logs", f"log-group:{group}")
    return [Need(f"logs:{call.action}", (plain, f"{plain}:log-stream:"))]


def sqs(call: Call) -> list[Need]:
    """SQS: a batch needs what its single call needs."""
    if call.action == "ListQueues":
        return [Need("sqs:ListQueues")]
    name = call.params.get("QueueName") or str(call.params.get("QueueUrl", "")).rpartition("/")[2]
    return [Need(f"sqs:{_BATCHES.get(call.action, call.action)}", (_arn(call, "sqs", name),))]


def dynamodb(call: Call) -> list[Need]:
    """DynamoDB: an index is a resource of its own; a transaction needs what its items need."""
    return list(_dynamodb(call)) or [Need(f"dynamodb:{call.action}")]


def _dynamodb(call: Call) -> Iterator[Need]:
    params: dict[str, Any] = call.params
    if call.action in ("TransactWriteItems", "TransactGetItems"):
        for item in params.get("TransactItems", []):
            for verb, asked in item.items():
                need = "ConditionCheckItem" if verb == "ConditionCheck" else _TRANSACTED[verb]
                yield Need(f"dynamodb:{need}", (_table(call, asked["TableName"]),))
    elif call.action in ("BatchGetItem", "BatchWriteItem"):
        for table in params.get("RequestItems", {}):
            yield Need(f"dynamodb:{call.action}", (_table(call, table),))
    elif params.get("TableName"):
        table = _table(call, params["TableName"])
        index = params.get("IndexName")
        yield Need(f"dynamodb:{call.action}", (f"{table}/index/{index}" if index else table,))


def _table(call: Call, name: str) -> str:
    return name if name.startswith("arn:") else _arn(call, "dynamodb", f"table/{name}")


def kms(call: Call) -> list[Need]:
    """KMS: always the key itself, whatever alias it was called by."""
    asked = str(call.params.get("KeyId", ""))
    if call.action == "Decrypt":
        asked = _key_of(str(call.params.get("CiphertextBlob", ""))) or asked
    if call.action in ("CreateKey", "ListKeys", "ListAliases"):
        return [Need(f"kms:{call.action}")]
    about = call.params.get("EncryptionContext") or {}
    context = {f"kms:EncryptionContext:{key}": value for key, value in about.items()}
    if about:
        context["kms:EncryptionContextKeys"] = tuple(about)
    return [Need(f"kms:{call.action}", (_key(call, asked),), context)]


def _key(call: Call, asked: str) -> str:
    from moto.kms.models import kms_backends

    alias = asked.rpartition(":")[2]
    if alias.startswith("alias/"):
        asked = kms_backends[backends.ACCOUNT][call.region].get_key_id_from_alias(alias) or "unknown"
    return asked if asked.startswith("arn:") else _arn(call, "kms", f"key/{asked}")


def _key_of(ciphertext: str) -> str:
    """moto's ciphertext begins with the key's id."""
    import base64
    import binascii

    try:
        return base64.b64decode(ciphertext)[:36].decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def anything(call: Call) -> list[Need] | None:
    """Services without resources, as far as we call them."""
    known = {
        "cloudwatch": ("PutMetricData",),
        "xray": ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets"),
        "ecr": ("GetAuthorizationToken",),
    }
    return [Need(f"{call.service}:{call.action}")] if call.action in known.get(call.service, ()) else None
