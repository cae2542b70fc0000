"""Decides, before moto sees a call, whether its caller may make it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from local.clouds.answer import Answer
from local.clouds.aws import backends
from local.clouds.aws.call import Call
from local.clouds.aws.faults import denied
from local.clouds.aws.permissions import batch, ec2, iam, records, s3, storage
from local.clouds.aws.permissions.policy import Decision, Document, Need, UnreadablePolicy, decide

_MODELS: dict[str, Callable[[Call], list[Need] | None]] = {
    "batch": batch.needs,
    "efs": storage.efs,
    "fsx": storage.fsx,
    "ssm": storage.ssm,
    "secretsmanager": storage.secrets,
    "ec2": ec2.needs,
    "iam": iam.needs,
    "sts": iam.sts_needs,
    "s3": s3.needs,
    "logs": records.logs,
    "sqs": records.sqs,
    "dynamodb": records.dynamodb,
    "kms": records.kms,
}
_KEY = re.compile(r"<AccessKeyId>(\w+)</AccessKeyId>")


@dataclass
class Refusal:
    """A call that was refused, and the permission that was missing."""

    principal: str
    need: Need
    why: str


@dataclass
class Judge:
    """Knows which access key belongs to whom. A key without an owner may do everything; a role's
    temporary keys may do what its policies in IAM allow, unless `enforce` gave it others."""

    documents: dict[str, list[Document]] = field(default_factory=dict)
    """By access key id or role name."""
    roles: dict[str, str] = field(default_factory=dict)
    """The role's name by temporary access key id."""
    refusals: list[Refusal] = field(default_factory=list)
    tags_of: Callable[[str], Mapping[str, str]] = lambda _: {}
    """The tags of something of Batch's by its ARN."""

    def clear(self) -> None:
        """Everybody may do everything again."""
        for known in (self.documents, self.roles, self.refusals):
            known.clear()

    def __call__(self, call: Call) -> Answer | None:
        """A refusal in the service's own words, or None. Sets the call's principal."""
        call.principal = self._principal(call)
        if call.service == "s3" and not call.signed:
            return self._refuse(call, Need(f"s3:{call.action}"), "the request is not signed")
        if (call.service, call.action) == ("sts", "AssumeRole") and not iam.trusts(call, call.principal):
            return self._refuse(
                call, Need("sts:AssumeRole", (call.params.get("RoleArn", ""),)), "not trusted"
            )
        documents = self._documents(call)
        if documents is None:
            return None
        needs = _MODELS.get(call.service, records.anything)(call)
        if needs is None:
            return self._refuse(
                call, Need(f"{call.service}:{call.action}"), "the emulator has no model of it"
            )
        for need in needs:
            try:
                decision = decide(documents, self._tagged(call, need))
            except UnreadablePolicy as error:
                return self._refuse(call, need, f"behind an unreadable policy: {error}")
            if decision is not Decision.ALLOW:
                return self._refuse(call, need, decision.value)
        return None

    def _tagged(self, call: Call, need: Need) -> Need:
        """A need with the tags that its resource has now, where the service lets policies ask for them."""
        if call.service != "batch" or not need.action.startswith("batch:"):
            return need
        carried = self.tags_of(need.resources[0])
        found = {f"aws:ResourceTag/{key}": value for key, value in carried.items()}
        return replace(need, context={**need.context, **found})

    def after(self, call: Call, answer: Answer) -> Answer:
        """Learns the keys of assumed roles; hides from strangers what a bucket does not hold."""
        if (call.service, call.action, answer.status) == ("sts", "AssumeRole", 200):
            key = _KEY.search(answer.body.decode())
            if key:
                self.roles[key[1]] = call.params["RoleArn"].rpartition("/")[2]
        if (call.service, answer.status) == ("s3", 404) and call.params.get("Key"):
            documents = self._documents(call)
            if documents is not None and decide(documents, s3.may_list(call)) is not Decision.ALLOW:
                return denied(call, "Access Denied")
        return answer

    def _documents(self, call: Call) -> list[Document] | None:
        role = self.roles.get(call.access_key)
        known = self.documents.get(role or call.access_key)
        return [*iam.documents_of(role)] if known is None and role else known

    def _principal(self, call: Call) -> str:
        role = self.roles.get(call.access_key)
        if role:
            return f"arn:aws:sts::{backends.ACCOUNT}:assumed-role/{role}/session"
        return f"arn:aws:iam::{backends.ACCOUNT}:user/{call.access_key}" if call.access_key else "anonymous"

    def _refuse(self, call: Call, need: Need, why: str) -> Answer:
        self.refusals.append(Refusal(call.principal, need, why))
        said = f"User: {call.principal} is not authorized to perform: {need.action} on resource: "
        answer = denied(call, f"{said}{need.resources[0]} because it is {why}")
        if call.service == "s3" and call.params.get("Bucket"):
            region = backends.bucket_region(call.params["Bucket"])
            if region:
                answer.headers = [*answer.headers, ("x-amz-bucket-region", region)]
            elif not call.signed:
                answer.status = 404
        return answer
