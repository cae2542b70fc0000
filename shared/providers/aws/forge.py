"""The IAM role and instance profile of an environment: make, remove, prove gone.

Names hold the environment's id, so what exists under them is ours: `EntityAlreadyExists` is an
earlier try of ours. The create permissions allow no read, the dispose permissions no read of
profiles. A role is removed only when it carries our tags; the profile only when the role of the
same environment does, or is gone; and a profile is proven gone by a deletion that finds nothing.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Literal

from shared.errors import NotYet, Refused, Retry
from shared.model import tags
from shared.model.environment import Leftover, Resource, ResourceRow
from shared.providers.aws import policies
from shared.providers.aws.account import Account
from shared.providers.aws.errors import asking, code_of, text_of

if TYPE_CHECKING:
    from mypy_boto3_iam.type_defs import TagTypeDef

ROLE, PROFILE = "role", "profile"
TYPES = {ROLE: "IamRole", PROFILE: "IamInstanceProfile"}
INLINE = "headnode"
"""Our own inline policy's name."""


def resources(account: Account) -> list[Resource]:
    """Role and profile; nothing when the user brings an instance profile."""
    if account.options.profile_arn:
        return []
    return [
        Resource(key=ROLE, type=TYPES[ROLE], name=account.role_name),
        Resource(key=PROFILE, type=TYPES[PROFILE], name=account.profile_name, needs=(ROLE,)),
    ]


def ensure(account: Account, row: ResourceRow) -> str:
    """Makes the resource of this row, whatever of it is there already; returns its name."""
    makers = {ROLE: ensure_role, PROFILE: ensure_profile}
    makers[row.key](account, row.name)
    return row.name


def ensure_role(account: Account, name: str) -> None:
    """The role with its policies."""
    iam = account.clients.iam
    with asking("iam:CreateRole"), suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=policies.trust(account.options.region),
            Description="Machines of a headnode compute environment",
            Tags=pairs(account),
        )
    for managed in policies.MANAGED:
        attach(account, name, managed)
    put_inline(account, name, INLINE, policies.own(account))


def pairs(account: Account) -> "list[TagTypeDef]":
    """The environment's tags and the user's labels as IAM takes them."""
    return [{"Key": key, "Value": value} for key, value in {**account.labels, **account.tags}.items()]


def attach(account: Account, role: str, managed: str) -> None:
    """A managed policy, or the same statements inline where the partition does not have it."""
    arn = policies.managed_arn(managed, account.options.region)
    with asking("iam:AttachRolePolicy"):
        try:
            account.clients.iam.attach_role_policy(RoleName=role, PolicyArn=arn)
            return
        except account.clients.iam.exceptions.NoSuchEntityException as error:
            if arn not in text_of(error):
                raise NotYet(f"role {role} cannot be seen yet") from error
    put_inline(account, role, managed, policies.same_inline(managed))


def put_inline(account: Account, role: str, name: str, document: str) -> None:
    """An inline policy, new or replaced."""
    with asking("iam:PutRolePolicy"):
        try:
            account.clients.iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)
        except account.clients.iam.exceptions.NoSuchEntityException as error:
            raise NotYet(f"role {role} cannot be seen yet") from error


def ensure_profile(account: Account, name: str) -> None:
    """The instance profile with the environment's role in it."""
    iam = account.clients.iam
    with asking("iam:CreateInstanceProfile"), suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_instance_profile(InstanceProfileName=name, Tags=pairs(account))
    with asking("iam:AddRoleToInstanceProfile"):
        try:
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=account.role_name)
        except iam.exceptions.LimitExceededException:
            # A profile holds one role, and only we put one into ours.
            pass
        except iam.exceptions.NoSuchEntityException as error:
            raise NotYet(f"{account.role_name} or {name} cannot be seen yet") from error


def remove(account: Account, row: ResourceRow) -> bool:
    """Takes one step towards the row's absence; True once the cloud answered that it is absent.
    Raises Refused for a role under our name that does not carry our tags."""
    if row.key == PROFILE:
        role_is_ours(account, account.role_name)
        return remove_profile(account, row.name)
    if not role_is_ours(account, row.name):
        return True
    strip_role(account, row.name)
    delete_role(account, row.name)
    return not role_is_ours(account, row.name)


def role_is_ours(account: Account, name: str) -> bool:
    """Whether the role exists; raises Refused when it exists and is not ours."""
    iam = account.clients.iam
    with asking("iam:GetRole"):
        try:
            shown = iam.get_role(RoleName=name)["Role"]
        except iam.exceptions.NoSuchEntityException:
            return False
    found = {each["Key"]: each["Value"] for each in shown.get("Tags", [])}
    if not account.tags.items() <= found.items():
        ours = f"{tags.INSTALLATION} and {tags.ENVIRONMENT}"
        raise Refused(f"role {name} exists and is not ours: its tags {ours} are missing or others")
    return True


def strip_role(account: Account, name: str) -> None:
    """Takes every policy off the role, also those that somebody added: a role with policies stays."""
    iam = account.clients.iam
    for arn in attached_policies(account, name):
        with asking("iam:DetachRolePolicy"):
            gone_is_fine(partial(iam.detach_role_policy, RoleName=name, PolicyArn=arn))
    for policy in inline_policies(account, name):
        with asking("iam:DeleteRolePolicy"):
            gone_is_fine(partial(iam.delete_role_policy, RoleName=name, PolicyName=policy))


def attached_policies(account: Account, name: str) -> list[str]:
    """The managed policies on the role; none when the role is gone."""
    iam = account.clients.iam
    with asking("iam:ListAttachedRolePolicies"), suppress(iam.exceptions.NoSuchEntityException):
        pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
        return [each["PolicyArn"] for page in pages for each in page["AttachedPolicies"]]
    return []


def inline_policies(account: Account, name: str) -> list[str]:
    """The inline policies of the role; none when the role is gone."""
    iam = account.clients.iam
    with asking("iam:ListRolePolicies"), suppress(iam.exceptions.NoSuchEntityException):
        pages = iam.get_paginator("list_role_policies").paginate(RoleName=name)
        return [each for page in pages for each in page["PolicyNames"]]
    return []


def delete_role(account: Account, name: str) -> None:
    """Asks for the role's deletion. Raises Retry while something still holds it."""
    iam = account.clients.iam
    with asking("iam:DeleteRole"):
        try:
            gone_is_fine(partial(iam.delete_role, RoleName=name))
        except iam.exceptions.DeleteConflictException as error:
            raise Retry(f"role {name} is still in use: {text_of(error)}") from error


def remove_profile(account: Account, name: str) -> bool:
    """Deletes the profile, emptying it when AWS says that it holds a role: a repeated removal then
    never asks for a role to leave a profile that it is not in. The last deletion is the proof: it
    must find nothing."""
    iam = account.clients.iam
    for _ in range(3):
        match delete_profile(account, name):
            case "absent":
                return True
            case "held":
                with asking("iam:RemoveRoleFromInstanceProfile"):
                    leave = partial(iam.remove_role_from_instance_profile, InstanceProfileName=name)
                    gone_is_fine(partial(leave, RoleName=account.role_name))
    return False


def delete_profile(account: Account, name: str) -> Literal["absent", "held", "asked"]:
    """One deletion: there was nothing to delete, it still holds a role, or it was accepted."""
    iam = account.clients.iam
    with asking("iam:DeleteInstanceProfile"):
        try:
            iam.delete_instance_profile(InstanceProfileName=name)
        except iam.exceptions.NoSuchEntityException:
            return "absent"
        except iam.exceptions.DeleteConflictException:
            return "held"
    return "asked"


def gone_is_fine(act: Callable[[], object]) -> None:
    """Calls; NoSuchEntity means that somebody (an earlier try of ours) did it already."""
    try:
        act()
    except Exception as error:
        if code_of(error) != "NoSuchEntity":
            raise


def leftovers(account: Account, rows: Sequence[ResourceRow]) -> list[Leftover]:
    """The role by name, the profile by a deletion that must find nothing (asked only for a row whose
    removal was asked for before: a profile in use is reported without touching it)."""
    found: list[Leftover] = []
    for row in rows:
        why = role_left(account, row.name) if row.key == ROLE else profile_left(account, row)
        if why:
            found.append(Leftover(type=row.type, cloud_id=row.name, why=why))
    return found


def role_left(account: Account, name: str) -> str:
    """Why the role counts as left; empty when it is gone."""
    try:
        return "it still exists" if role_is_ours(account, name) else ""
    except Refused as error:
        return str(error)


def profile_left(account: Account, row: ResourceRow) -> str:
    """Why the profile counts as left; empty when it is gone."""
    if row.state == "planned":
        return ""
    if row.state not in ("removing", "gone"):
        return "its removal was not asked for"
    try:
        return "" if delete_profile(account, row.name) == "absent" else "it still existed"
    except Retry as error:
        return str(error)
