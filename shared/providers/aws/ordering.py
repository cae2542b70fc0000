"""An order as the one RunInstances call that it is, and what its refusals mean."""

from typing import TYPE_CHECKING, Any

from shared.errors import Fault, HeadnodeError, Invalid, NoCapacity, NotYet, Refused, Retry
from shared.model import tags
from shared.model.machine import Offer, Order
from shared.providers.aws import choices
from shared.providers.aws.account import VALUE_LIMIT, Account, takeable
from shared.providers.aws.errors import code_of, from_sdk

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import TagSpecificationTypeDef, TagTypeDef

USER_DATA_LIMIT = 16384
"""Bytes before base64 (EC2's documented limit)."""
YOUNG = 600.0
"""Seconds for which a user's own instance profile may still be unknown to EC2."""
STALE = frozenset(["InvalidSubnetID.NotFound", "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"])
SPENT = frozenset(["IdempotentParameterMismatch", "IdempotentInstanceTerminated"])
"""The token was used before: there is, or was, a machine for it."""


def offers(account: Account) -> list[Offer]:
    """Instance types x subnets, all of them as spot first where spot comes first, then on-demand: who
    asks for spot would rather have another type than pay three times the price."""
    places = choices.subnets_for(account)
    return [
        Offer(machine_type=kind, place=place, spot=spot)
        for spot in account.options.markets
        for kind in account.options.types
        for place in places
    ]


def run_instance(account: Account, order: Order) -> str:
    """The machine's id, after exactly one write call that is never repeated by the SDK.

    Raises what `errors` says, and `TokenSpent` when the token had its machine before."""
    request = request_for(account, order)
    try:
        answer = account.clients.ec2_once.run_instances(**request)
    except Exception as error:
        raise meaning(account, error) from error
    return answer["Instances"][0]["InstanceId"]


class TokenSpent(Retry):
    """This order's token was used before; its machine has to be looked for."""


def meaning(account: Account, error: Exception) -> Exception:
    """What a refusal of RunInstances means for this environment."""
    code = code_of(error)
    translated = from_sdk(error, "ec2:RunInstances")
    if translated is None:
        return error
    if code in SPENT:
        return TokenSpent(str(translated))
    if code in STALE:
        return stale(account, code, translated)
    if isinstance(translated, NotYet) and account.options.profile_arn:
        age = account.clock.now() - account.environment.created_at
        return translated if age < YOUNG else Refused(f"instanceProfileArn: {translated}")
    return translated


def stale(account: Account, code: str, said: HeadnodeError) -> HeadnodeError:
    """A subnet or image that is gone: what the user named is refused; of what was looked up, the next
    subnet may do, and the image is looked up anew."""
    if "Subnet" in code:
        if account.options.subnets:
            return Refused(f"subnetIds: {said}")
        choices.forget_subnets(account)
        return NoCapacity(str(said), code)
    if account.options.image_id:
        return Refused(f"imageId: {said}")
    choices.replace_image(account)
    return Retry(str(said), after=1.0)


def request_for(account: Account, order: Order) -> dict[str, Any]:
    """The RunInstances request. The same order makes the same request, which the idempotency token
    demands. Raises Invalid for user data that EC2 would refuse."""
    size = len(order.boot.encode())
    if size > USER_DATA_LIMIT:
        raise Invalid(Fault("userData", f"{size} bytes, EC2 takes {USER_DATA_LIMIT}"))
    options = account.options
    image = choices.image_for(account)
    request: dict[str, Any] = {
        "ImageId": image.id,
        "InstanceType": order.offer.machine_type,
        "MinCount": 1,
        "MaxCount": 1,
        "ClientToken": order.token,
        "UserData": order.boot,
        "InstanceInitiatedShutdownBehavior": "terminate",
        # Two hops: containers on the machine ask for its credentials too.
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
        "Monitoring": {"Enabled": False},
        "BlockDeviceMappings": [{"DeviceName": image.root, "Ebs": disk(account)}],
        "IamInstanceProfile": profile(account),
        "TagSpecifications": tag_specifications(account, order),
    }
    if order.offer.place:
        request["SubnetId"] = order.offer.place
    if options.groups:
        request["SecurityGroupIds"] = list(options.groups)
    if options.key_pair:
        request["KeyName"] = options.key_pair
    if order.offer.spot:
        request["InstanceMarketOptions"] = {
            "MarketType": "spot",
            "SpotOptions": {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"},
        }
    return request


def disk(account: Account) -> dict[str, Any]:
    """The root volume, which dies with the machine."""
    options = account.options
    found: dict[str, Any] = {"VolumeSize": options.disk, "VolumeType": "gp3", "DeleteOnTermination": True}
    if options.encrypted:
        found["Encrypted"] = True
        if options.kms_key:
            found["KmsKeyId"] = options.kms_key
    return found


def profile(account: Account) -> dict[str, str]:
    """The user's own instance profile, or ours."""
    given = account.options.profile_arn
    return {"Arn": given} if given else {"Name": account.profile_name}


def tag_specifications(account: Account, order: Order) -> list["TagSpecificationTypeDef"]:
    """The same tags on the instance and on its volume."""
    carried = machine_tags(account, order)
    pairs: list[TagTypeDef] = [{"Key": key, "Value": value} for key, value in carried.items()]
    return [{"ResourceType": "instance", "Tags": pairs}, {"ResourceType": "volume", "Tags": pairs}]


def machine_tags(account: Account, order: Order) -> dict[str, str]:
    """Ours, then the user's labels as far as EC2 takes them. A label never replaces a tag of ours."""
    ours = {
        "Name": f"headnode-{order.run_id}-{order.attempt}",
        **account.tags,
        tags.RUN: order.run_id,
        tags.ATTEMPT: str(order.attempt),
        tags.OWNER: order.owner[:VALUE_LIMIT],
        tags.DEADLINE: str(int(order.deadline)),
    }
    return {**takeable(order.labels), **ours}
