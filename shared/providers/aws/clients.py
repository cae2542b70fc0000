"""SDK clients of one set of credentials in one region, made on first use and kept.

Two kinds: most retry as the SDK does (standard mode); `ec2_once`, which asks for machines, never
does, since botocore would repeat an ask that was refused for lack of capacity, and hide that from us.
"""

import functools
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from shared.errors import Refused

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.config import Config
    from botocore.session import Session
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

CONNECT, READ = 5, 20
"""Seconds until a connection, or an answer, is given up."""
POOL = 50
"""Connections kept for each client: one for each worker thread of a busy host."""
REMEMBERED = 1000
"""Answers kept at most; then the oldest goes."""


@functools.cache
def models() -> Any:
    """The SDK's own description of the services: constant files, read once for the process, since
    reading them is nine tenths of making a client. Honours AWS_DATA_PATH as the SDK does."""
    from botocore.session import Session

    return Session().get_component("data_loader")


class Clients:
    """What wiring keeps for (credentials, their generation, region). Thread-safe.

    `credentials` are `accessKey`/`secretKey`, `assumeRoleArn`, `externalId` and `mode` (`role`: the
    host's own role assumes it, whatever the keys); None or empty is the host's own role. Nothing is
    read or called before the first client is used.
    """

    def __init__(
        self,
        credentials: Mapping[str, Any] | None,
        region: str,
        *,
        installation: str = "headnode",
        tries: int = 3,
    ) -> None:
        self.region = region
        self.role = str((credentials or {}).get("assumeRoleArn") or "")
        self.tries = tries
        self._keys = dict(credentials or {})
        self._session_name = f"headnode-{installation}"[:64]
        self._made: dict[tuple[str, str], Any] = {}
        self._memory: dict[str, tuple[float, Any]] = {}
        self._lock = threading.RLock()

    @property
    def ec2(self) -> "EC2Client":
        """EC2, with retries: for everything but the ask for a machine."""
        return self._client("ec2", "retry")  # type: ignore[return-value]

    @property
    def ec2_once(self) -> "EC2Client":
        """EC2 without retries: each call of ours is one request."""
        return self._client("ec2", "once")  # type: ignore[return-value]

    @property
    def iam(self) -> "IAMClient":
        """IAM, with retries."""
        return self._client("iam", "retry")  # type: ignore[return-value]

    @property
    def batch(self) -> Any:
        """Batch, with retries: for everything but the submission of a job."""
        return self._client("batch", "retry")

    @property
    def batch_once(self) -> Any:
        """Batch without retries: a submission has no token, so a repeated one would be a second job."""
        return self._client("batch", "once")

    @property
    def efs(self) -> Any:
        """EFS, with retries: a file system is made under a token."""
        return self._client("efs", "retry")

    @property
    def fsx(self) -> Any:
        """FSx, with retries: likewise."""
        return self._client("fsx", "retry")

    @property
    def ssm(self) -> Any:
        """Systems Manager, with retries: for AWS's own parameters."""
        return self._client("ssm", "retry")

    @property
    def logs(self) -> "CloudWatchLogsClient":
        """CloudWatch Logs, with retries."""
        return self._client("logs", "retry")  # type: ignore[return-value]

    @property
    def s3(self) -> "S3Client":
        """S3, with retries."""
        return self._client("s3", "retry")  # type: ignore[return-value]

    @property
    def s3_unsigned(self) -> "S3Client":
        """S3 for requests that carry no credentials and need no permission."""
        return self._client("s3", "unsigned")  # type: ignore[return-value]

    def service(self, name: str) -> Any:
        """Any other service, with retries: for a read now and then."""
        return self._client(name, "retry")

    def remember(self, key: str, now: float, age: float, read: Callable[[], T]) -> T:
        """The answer of `read`, kept for `age` seconds. Two threads may both read; both are right."""
        with self._lock:
            kept = self._memory.get(key)
        if kept is not None and 0 <= now - kept[0] < age:
            return kept[1]  # type: ignore[no-any-return]
        value = read()
        with self._lock:
            self._memory.pop(key, None)
            self._memory[key] = (now, value)
            if len(self._memory) > REMEMBERED:
                del self._memory[next(iter(self._memory))]
        return value

    def forget(self, key: str) -> None:
        """Drops a remembered answer that proved wrong."""
        with self._lock:
            self._memory.pop(key, None)

    def _client(self, service: str, kind: str) -> "BaseClient":
        made = self._made.get((service, kind))
        if made is None:
            with self._lock:
                made = self._made.get((service, kind)) or self._make(service, kind)
                self._made[(service, kind)] = made
        return made

    def _make(self, service: str, kind: str) -> "BaseClient":
        return self._session.create_client(service, region_name=self.region, config=self._config(kind))

    def _config(self, kind: str) -> "Config":
        from botocore import UNSIGNED
        from botocore.config import Config

        tries = self.tries if kind == "retry" else 1
        config = Config(
            connect_timeout=CONNECT,
            read_timeout=READ,
            max_pool_connections=POOL,
            retries={"mode": "standard", "total_max_attempts": tries},
            # Our requests are typed; checking each again costs a launch a twentieth of its time.
            parameter_validation=False,
        )
        return config.merge(Config(signature_version=UNSIGNED)) if kind == "unsigned" else config

    @functools.cached_property
    def _session(self) -> "Session":
        session = self._base()
        return self._assuming(session) if self.role else session

    def _base(self) -> "Session":
        """A session with the keys that were given, or with the host's own role."""
        from botocore.session import Session

        session = Session()
        session.register_component("data_loader", models())
        if self._keys.get("accessKey") and self._keys.get("mode") != "role":
            session.set_credentials(str(self._keys["accessKey"]), str(self._keys.get("secretKey", "")))
        return session

    def _assuming(self, base: "Session") -> "Session":
        """A session whose credentials come from AssumeRole and renew themselves before they expire."""
        from botocore.credentials import (
            AssumeRoleCredentialFetcher,
            CredentialProvider,
            CredentialResolver,
            DeferredRefreshableCredentials,
        )
        from botocore.session import Session

        extra = {"RoleSessionName": self._session_name}
        if self._keys.get("externalId"):
            extra["ExternalId"] = str(self._keys["externalId"])
        source = base.get_credentials()
        if source is None:
            raise Refused(f"there are no usable AWS credentials to assume {self.role} with")
        client = functools.partial(base.create_client, region_name=self.region, config=self._config("retry"))
        fetcher = AssumeRoleCredentialFetcher(client, source, self.role, extra_args=extra)

        class Assumed(CredentialProvider):
            METHOD = "headnode-assume-role"

            def load(self) -> Any:
                return DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)

        session = Session()
        session.register_component("data_loader", models())
        session.register_component("credential_provider", CredentialResolver([Assumed()]))
        return session
