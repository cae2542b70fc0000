"""Instance metadata (IMDSv2), one endpoint per machine: `<url>/imds/<instance id>/latest/...`."""

import base64
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local.clouds.answer import Answer
from local.clouds.aws import backends
from local.clouds.aws.life import Life, Living

LONGEST_TTL = 21_600
"""Seconds; a session token lives six hours at most (EC2 user guide, IMDSv2)."""
CREDENTIALS_LIVE = 6 * 3600


class Metadata:
    """Answers only to a session token, as machines started with `HttpTokens: required` do. `known`
    is told each access key that is handed out, with its role's name."""

    def __init__(self, life: Life, clock: Callable[[], float], known: Callable[[str, str], None]) -> None:
        self._life = life
        self._clock = clock
        self._known = known
        self._tokens: dict[tuple[str, str], float] = {}
        self._credentials: dict[str, dict[str, str]] = {}

    def clear(self) -> None:
        """Forgets tokens and credentials."""
        self._tokens.clear()
        self._credentials.clear()

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """One request of a machine."""
        del body
        id, _, rest = path.removeprefix("/imds/").partition("/")
        living = self._life.find(id)
        found = backends.instance(living.region, id) if living else None
        if living is None or found is None or found.state in ("terminated", "stopped"):
            return _text(404, "no such machine")
        if "x-forwarded-for" in headers:
            return _text(403, "metadata is not for others")
        if rest == "latest/api/token":
            return self._token(method, id, headers)
        if self._tokens.get((id, headers.get("x-aws-ec2-metadata-token", "")), 0.0) <= self._clock():
            return _text(401, "a session token is required")
        if method != "GET":
            return _text(405, "metadata is read only")
        asked = rest.removeprefix("latest").strip("/")
        if asked == "user-data" and found.user_data:
            return Answer(200, base64.b64decode(str(found.user_data)))
        return _look_up(self._tree(living, found), asked)

    def _token(self, method: str, id: str, headers: dict[str, str]) -> Answer:
        asked = headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
        if method != "PUT":
            return _text(405, "tokens are PUT")
        if not asked.isdecimal() or not 1 <= int(asked) <= LONGEST_TTL:
            return _text(400, "a token needs a time to live")
        token = secrets.token_urlsafe(40)
        self._tokens[id, token] = self._clock() + int(asked)
        return Answer(200, token.encode(), [("X-aws-ec2-metadata-token-ttl-seconds", asked)])

    def _tree(self, living: Living, found: Any) -> dict[str, str]:
        zone = str(found.availability_zone)
        tree = {
            "meta-data/ami-id": found.image_id,
            "meta-data/hostname": found.private_dns_name,
            "meta-data/instance-id": found.id,
            "meta-data/instance-life-cycle": found.lifecycle or "on-demand",
            "meta-data/instance-type": found.instance_type,
            "meta-data/local-ipv4": found.private_ip,
            "meta-data/placement/availability-zone": zone,
            "meta-data/placement/region": living.region,
            "meta-data/services/domain": "amazonaws.com",
            "dynamic/instance-identity/document": json.dumps(_document(living, found), indent=2),
        }
        if living.action_at is not None:
            action = {"action": "terminate", "time": _stamp(living.action_at)}
            tree["meta-data/spot/instance-action"] = json.dumps(action)
        if found.metadata_options.instance_metadata_tags == "enabled":
            tree |= {f"meta-data/tags/instance/{tag['key']}": tag["value"] for tag in found.get_tags()}
        return tree | self._role(living, found)

    def _role(self, living: Living, found: Any) -> dict[str, str]:
        profile = backends.instance_profile(_profile_arn(found))
        if profile is None or not profile.roles:
            return {}
        role, now = profile.roles[0], self._clock()
        kept = self._credentials.get(living.id)
        if kept is None:
            made = backends.role_credentials(living.region, role, living.id, CREDENTIALS_LIVE)
            self._known(made.access_key_id, role.name)
            kept = self._credentials[living.id] = {
                "Code": "Success",
                "LastUpdated": _stamp(now),
                "Type": "AWS-HMAC",
                "AccessKeyId": made.access_key_id,
                "SecretAccessKey": made.secret_access_key,
                "Token": made.session_token,
                "Expiration": _stamp(now + CREDENTIALS_LIVE),
            }
        info = {"Code": "Success", "InstanceProfileArn": profile.arn, "InstanceProfileId": profile.id}
        return {
            "meta-data/iam/info": json.dumps(info, indent=2),
            f"meta-data/iam/security-credentials/{role.name}": json.dumps(kept, indent=2),
        }


def _profile_arn(found: Any) -> str:
    known = found.iam_instance_profile
    return str(known["Arn"] if isinstance(known, dict) else getattr(known, "arn", known) or "")


def _document(living: Living, found: Any) -> dict[str, Any]:
    return {
        "accountId": backends.ACCOUNT,
        "architecture": found.architecture,
        "availabilityZone": found.availability_zone,
        "imageId": found.image_id,
        "instanceId": found.id,
        "instanceType": found.instance_type,
        "pendingTime": f"{found.launch_time:%Y-%m-%dT%H:%M:%SZ}",
        "privateIp": found.private_ip,
        "region": living.region,
        "version": "2017-09-30",
    }


def _look_up(tree: dict[str, str], path: str) -> Answer:
    """The value at a path, or the names below it."""
    if path in tree:
        return _text(200, tree[path])
    start = f"{path}/" if path else ""
    below = sorted({name[len(start) :].partition("/")[0] for name in tree if name.startswith(start)})
    return _text(200, "\n".join(below)) if below else _text(404, "not found")


def _text(status: int, text: str) -> Answer:
    return Answer(status, text.encode(), [("Content-Type", "text/plain")])


def _stamp(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
