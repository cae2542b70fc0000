"""The permissions that S3 calls need: S3's operations and its permissions have different names."""

import re
from typing import Any
from urllib.parse import unquote

from local.clouds.aws.call import Call
from local.clouds.aws.permissions.policy import Need

_ON_OBJECTS = {
    "GetObject": "GetObject",
    "HeadObject": "GetObject",
    "GetObjectAttributes": "GetObject",
    "PutObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "AbortMultipartUpload": "AbortMultipartUpload",
    "ListParts": "ListMultipartUploadParts",
    "DeleteObject": "DeleteObject",
    "CopyObject": "PutObject",
    "UploadPartCopy": "PutObject",
    "GetObjectTagging": "GetObjectTagging",
    "PutObjectTagging": "PutObjectTagging",
}
_ON_BUCKETS = {
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "GetBucketLocation": "GetBucketLocation",
    "GetBucketVersioning": "GetBucketVersioning",
    "CreateBucket": "CreateBucket",
    "DeleteBucket": "DeleteBucket",
}


def needs(call: Call) -> list[Need] | None:
    """What a call needs; None for one that is not modelled."""
    bucket, key = call.params.get("Bucket", ""), call.params.get("Key", "")
    if call.action == "ListBuckets":
        return [Need("s3:ListAllMyBuckets")]
    if call.action == "DeleteObjects":
        keys = re.findall(r"<Key>(.*?)</Key>", call.body.decode("utf-8", "replace"))
        return [Need("s3:DeleteObject", (arn(bucket, each),)) for each in keys]
    if call.action in _ON_BUCKETS:
        return [Need(f"s3:{_ON_BUCKETS[call.action]}", (arn(bucket),), _listing(call.params))]
    if call.action not in _ON_OBJECTS:
        return None
    found = [Need(f"s3:{_ON_OBJECTS[call.action]}", (arn(bucket, key),))]
    source = call.headers.get("x-amz-copy-source")
    if source:
        found.append(Need("s3:GetObject", (f"arn:aws:s3:::{unquote(source).lstrip('/').partition('?')[0]}",)))
    if call.headers.get("x-amz-tagging"):
        found.append(Need("s3:PutObjectTagging", (arn(bucket, key),)))
    return found


def may_list(call: Call) -> Need:
    """Who may not list a bucket is told 403, not 404, about objects that do not exist."""
    return Need("s3:ListBucket", (arn(call.params.get("Bucket", "")),))


def arn(bucket: str, key: str = "") -> str:
    """A bucket's ARN, or an object's."""
    return f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"


def _listing(params: dict[str, Any]) -> dict[str, str]:
    return {f"s3:{name}": params[name] for name in ("prefix", "delimiter") if name in params}
