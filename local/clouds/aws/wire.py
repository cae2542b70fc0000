"""Each protocol's own way of saying no."""

import json
import uuid
from xml.sax.saxutils import escape

from local.clouds.answer import Answer
from local.clouds.aws.call import Call


def refusal(call: Call, code: str, message: str, status: int = 400) -> Answer:
    """An error as the called service words it on the wire."""
    if call.service == "ec2":
        return _xml(status, _EC2, code, message)
    if call.service == "s3":
        return Answer(status, b"", _S3_HEADERS) if call.method == "HEAD" else _xml(status, _S3, code, message)
    if call.headers.get("x-amz-target") or call.service not in _QUERY:
        return _json_refusal(call, code, message, status)
    return _xml(status, _QUERY_FORM, code, message)


_QUERY = {"iam", "sts", "cloudformation", "autoscaling", "sns", "elbv2", "cloudwatch", "rds"}
_S3_HEADERS = [("Content-Type", "application/xml")]
_EC2 = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>{code}</Code>'
    "<Message>{message}</Message></Error></Errors><RequestID>{id}</RequestID></Response>"
)
_S3 = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message>'
    "<RequestId>{id}</RequestId></Error>"
)
_QUERY_FORM = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    "<RequestId>{id}</RequestId></ErrorResponse>"
)


def _xml(status: int, form: str, code: str, message: str) -> Answer:
    text = form.format(code=escape(code), message=escape(message), id=uuid.uuid4())
    return Answer(status, text.encode(), [("Content-Type", "text/xml;charset=UTF-8")])


def _json_refusal(call: Call, code: str, message: str, status: int) -> Answer:
    body = json.dumps({"__type": code, "message": message, "Message": message}).encode()
    kind = call.headers.get("content-type", "application/x-amz-json-1.1")
    return Answer(status, body, [("Content-Type", kind), ("x-amzn-ErrorType", code)])
