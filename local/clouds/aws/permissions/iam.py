"""The permissions that IAM and STS calls need."""

import json
import re
from typing import Any

from local.clouds.aws import backends
from local.clouds.aws.call import Call
from local.clouds.aws.permissions.ec2 import requested
from local.clouds.aws.permissions.policy import Decision, Need, decide

_TAGGING = {"CreateRole": "TagRole", "CreateInstanceProfile": "TagInstanceProfile"}
"""Making something with tags needs the permission to tag it as well."""
_ON_ROLES = re.compile(
    r"(Create|Get|Delete|Update|Tag|Untag)Role|(Attach|Detach|Put|Delete|Get)RolePolicy"
    r"|List(AttachedRolePolicies|RolePolicies|RoleTags|InstanceProfilesForRole)|UpdateAssumeRolePolicy"
)
_ON_PROFILES = re.compile(
    r"(Create|Get|Delete|Tag|Untag)InstanceProfile|(AddRoleTo|RemoveRoleFrom)InstanceProfile"
    r"|ListInstanceProfileTags"
)
_ON_ANYTHING = ("ListRoles", "ListInstanceProfiles", "ListPolicies", "ListAccountAliases")


def needs(call: Call) -> list[Need] | None:
    """What an IAM call needs; None for one that is not modelled."""
    name = call.action
    if name in _ON_ANYTHING:
        return [Need(f"iam:{name}")]
    if _ON_ROLES.fullmatch(name):
        arns = (role_arn(call.params.get("RoleName", ""), call.params.get("Path", "/")),)
    elif _ON_PROFILES.fullmatch(name):
        arns = (_profile_arn(call.params.get("InstanceProfileName", ""), call.params.get("Path", "/")),)
    else:
        return None
    tags = _tags(call.params)
    context = requested(tags)
    if call.params.get("PolicyArn"):
        context["iam:PolicyARN"] = call.params["PolicyArn"]
    found = [Need(f"iam:{name}", arns, context)]
    if tags and name in _TAGGING:
        found.append(Need(f"iam:{_TAGGING[name]}", arns, context))
    if name == "AddRoleToInstanceProfile":
        passed = (role_arn(call.params.get("RoleName", "")),)
        found.append(Need("iam:PassRole", passed, {"iam:PassedToService": "ec2.amazonaws.com"}))
    return found


def sts_needs(call: Call) -> list[Need] | None:
    """What an STS call needs; asking who one is needs nothing."""
    if call.action == "GetCallerIdentity":
        return []
    return [_assume(call)] if call.action == "AssumeRole" else None


def trusts(call: Call, principal: str) -> bool:
    """Whether the role that is to be assumed exists and its trust policy lets the caller in."""
    role = role_of(call.params.get("RoleArn", ""))
    if role is None:
        return False
    document = json.loads(role.assume_role_policy_document)
    statements = document.get("Statement", [])
    kept = [
        {**{key: value for key, value in each.items() if key != "Principal"}, "Resource": "*"}
        for each in ([statements] if isinstance(statements, dict) else statements)
        if _names(each.get("Principal", {}), principal)
    ]
    return decide([{"Statement": kept}], _assume(call)) is Decision.ALLOW


def _assume(call: Call) -> Need:
    context = {"sts:RoleSessionName": call.params.get("RoleSessionName", "")}
    if "ExternalId" in call.params:
        context["sts:ExternalId"] = call.params["ExternalId"]
    return Need("sts:AssumeRole", (call.params.get("RoleArn", ""),), context)


def _names(principal: Any, caller: str) -> bool:
    named = principal if isinstance(principal, str) else principal.get("AWS", ())
    ours = {"*", backends.ACCOUNT, f"arn:aws:iam::{backends.ACCOUNT}:root", caller}
    return bool(ours & set([named] if isinstance(named, str) else named))


def role_of(named: str) -> Any | None:
    """A role of moto's by its name or ARN."""
    return next(
        (role for role in list(backends.iam().roles.values()) if named in (role.name, role.arn)), None
    )


def role_arn(name: str, path: str = "/") -> str:
    """A role's ARN, with the path that it really has when it exists."""
    role = role_of(name)
    return str(role.arn) if role else f"arn:aws:iam::{backends.ACCOUNT}:role{path}{name}"


def _profile_arn(name: str, path: str) -> str:
    profile = backends.instance_profile(name)
    return str(profile.arn) if profile else f"arn:aws:iam::{backends.ACCOUNT}:instance-profile{path}{name}"


def documents_of(role: str) -> list[dict[str, Any]]:
    """The policies that a role really has in IAM now, attached and inline."""
    found = role_of(role)
    if found is None:
        return []
    texts = [*found.policies.values(), *(current(policy) for policy in found.managed_policies.values())]
    return [json.loads(text) if isinstance(text, str) else text for text in texts]


def current(policy: Any) -> Any:
    """A managed policy's document, of its default version."""
    return next(each.document for each in policy.versions if each.version_id == policy.default_version_id)


def _tags(params: dict[str, Any]) -> dict[str, str]:
    keys = {
        k[: -len(".Key")]: v for k, v in params.items() if k.startswith("Tags.member.") and k.endswith(".Key")
    }
    return {key: params.get(f"{at}.Value", "") for at, key in keys.items()}
