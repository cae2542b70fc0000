"""Files of a work directory in S3, by `s3:GetObject` alone: no listing, no head, no bucket permission."""

from typing import TYPE_CHECKING

from shared.errors import Fault, Invalid, Refused
from shared.logs.names import checked
from shared.providers.aws.clients import Clients
from shared.providers.aws.errors import FORBIDDEN, asking, code_of

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

ACTION = "s3:GetObject"
ABSENT = frozenset(("NoSuchKey", "NoSuchBucket", "404"))
PAST_THE_END = frozenset(("InvalidRange", "416"))


def size(clients: Clients, work_dir: str, name: str) -> int | None:
    """The file's bytes, by asking for its first one. None when it is not there; so also when S3 says
    `AccessDenied`, which is its answer for a missing key to those who may not list the bucket."""
    bucket, key = location(work_dir, name)
    with asking(ACTION):
        try:
            answer = clients.s3.get_object(Bucket=bucket, Key=key, Range="bytes=0-0")
        except Exception as error:
            code = code_of(error)
            if code in PAST_THE_END:
                return 0
            if code in ABSENT or code in FORBIDDEN:
                return None
            raise
        with answer["Body"] as body:
            body.read()
    return total(answer)


def total(answer: "GetObjectOutputTypeDef") -> int:
    """The whole object's size from a partial answer; a stand-in that ignores ranges sends it whole."""
    shown = answer.get("ContentRange", "")
    return int(shown.rpartition("/")[2]) if "/" in shown else answer["ContentLength"]


def read(clients: Clients, work_dir: str, name: str, start: int = 0, length: int | None = None) -> bytes:
    """Bytes from `start`, at most `length` (None: all). Empty past the end. Raises Refused when the
    file is not there. Memory: what is returned."""
    if length is not None and length <= 0:
        return b""
    bucket, key = location(work_dir, name)
    last = "" if length is None else start + length - 1
    wanted = {"Range": f"bytes={start}-{last}"} if start or length is not None else {}
    with asking(ACTION):
        try:
            answer = clients.s3.get_object(Bucket=bucket, Key=key, **wanted)  # type: ignore[arg-type]
        except Exception as error:
            code = code_of(error)
            if code in PAST_THE_END:
                return b""
            if code in ABSENT:
                raise Refused(f"{name} is not in the work directory") from error
            raise
        with answer["Body"] as body:
            return bytes(body.read())


def location(work_dir: str, name: str) -> tuple[str, str]:
    """Bucket and key. Raises Invalid for a name that leads elsewhere, or a work directory that is not
    in S3."""
    checked(name)
    if not work_dir.startswith("s3://"):
        raise Invalid(Fault("workDir", "not an s3:// path"))
    bucket, _, prefix = work_dir.removeprefix("s3://").strip("/").partition("/")
    return bucket, f"{prefix}/{name}" if prefix else name
