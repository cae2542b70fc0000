"""/platforms and what can be chosen, and whether credentials are good: against emulated clouds."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from local.clouds.aws import EmulatedAws
from local.clouds.azure import EmulatedAzure
from local.clouds.azure.batch.models import Quotas
from shared import wiring
from tests.azure_cloud import LOCATION, Clients
from tests.unit.api.front import Front
from tests.unit.api.test_credentials import creds

REGION = "eu-west-1"


@pytest.fixture(autouse=True)
def _no_old_clients() -> Iterator[None]:
    wiring.forget_clients()
    yield
    wiring.forget_clients()


def keys_of(api: Front, provider: str = "aws", **keys: Any) -> str:
    return str(api.post("/credentials", creds(f"k-{provider}", provider, **keys))["credentialsId"])


def aws_keys(api: Front, aws: EmulatedAws, enforced: tuple[str, ...] | None = None) -> str:
    key, secret = "AKIAEXAMPLE0000EXAMP", "s" * 40
    if enforced is not None:
        statement = {"Effect": "Allow", "Action": list(enforced), "Resource": "*"}
        aws.enforce(key, {"Version": "2012-10-17", "Statement": [statement]})
    return keys_of(api, accessKey=key, secretKey=secret)


def test_platforms_and_their_regions(api: Front) -> None:
    found = {each["id"]: each for each in api.get("/platforms")["platforms"]}
    assert found["aws-cloud"]["credentialsProviders"] == ["aws"]
    assert {"aws-batch", "aws-cloud", "azure-cloud", "local-platform"} <= found.keys()
    assert {"id": REGION, "name": REGION} in api.get("/platforms/aws-batch/regions")["regions"]
    assert {"id": LOCATION, "name": LOCATION} in api.get("/platforms/azure-cloud/regions")["regions"]
    assert api.get("/platforms/local-platform/regions")["regions"] == []
    assert api.get("/platforms/local-platform")["metainfo"] == {"discriminator": "local-platform"}
    for path in ("/platforms/google-batch", "/platforms/x/regions"):
        assert "not found" in api.call("GET", path).json()["message"]


def test_what_an_aws_account_offers(api: Front, aws: EmulatedAws) -> None:
    ec2 = boto3.client("ec2", REGION)
    ec2.create_key_pair(KeyName="mine")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    where = {"LocationConstraint": REGION}
    boto3.client("s3", REGION).create_bucket(Bucket="some-bucket", CreateBucketConfiguration=where)
    path = f"/platforms/aws-cloud?regionId={REGION}&credentialsId={aws_keys(api, aws)}"
    found = api.get(path)["metainfo"]
    assert (found["discriminator"], found["warnings"]) == ("aws-cloud", [])
    assert found["keyPairs"] == ["mine"]
    assert {"path": "s3://some-bucket"} in found["buckets"]
    assert {"id": vpc, "isDefault": False} in found["vpcs"]
    assert any(each["id"] == subnet and each["vpcId"] == vpc for each in found["subnets"])
    assert any(each["name"] == "default" for each in found["securityGroups"])
    types = {each["id"]: each for each in found["instanceTypes"]}
    assert types["m6g.large"]["arch"] == "arm64"
    assert "GPU" in types["g4dn.xlarge"]["features"]
    fast = {each["id"] for each in api.get(f"{path}&nvme=true")["metainfo"]["instanceTypes"]}
    assert types.keys() >= {"m5.large", "m5d.large"}
    assert "m5d.large" in fast
    assert "m5.large" not in fast


def test_what_an_aws_account_offers_to_batch(api: Front, aws: EmulatedAws) -> None:
    made = boto3.client("efs", REGION).create_file_system(CreationToken="x")["FileSystemId"]
    found = api.get(f"/platforms/aws-batch?regionId={REGION}&credentialsId={aws_keys(api, aws)}")["metainfo"]
    assert found["warnings"] == []
    assert found["efsFileSystems"] == [{"id": made}]
    assert {"optimal", "m5", "m5.large"} <= set(found["instanceFamilies"])
    assert "SPOT_PRICE_CAPACITY_OPTIMIZED" in found["allocStrategy"]
    assert found["jobQueues"] == found["fileSystems"] == []


def test_what_may_not_be_listed_is_named_and_left_empty(api: Front, aws: EmulatedAws) -> None:
    boto3.client("ec2", REGION).create_key_pair(KeyName="mine")
    id = aws_keys(api, aws, ("ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeInstanceTypes"))
    found = api.get(f"/platforms/aws-cloud?regionId={REGION}&credentialsId={id}")["metainfo"]
    assert found["keyPairs"] == found["buckets"] == found["images"] == []
    assert found["vpcs"]
    said = " ".join(found["warnings"])
    for action in ("ec2:DescribeKeyPairs", "s3:ListAllMyBuckets", "ec2:DescribeSecurityGroups"):
        assert f"{action} is not allowed" in said


def test_wishes_that_do_not_fit_are_refused_by_name(api: Front, aws: EmulatedAws) -> None:
    id = aws_keys(api, aws)
    git = keys_of(api, "github", token="x")
    for query, said in (
        (f"regionId=mars&credentialsId={id}", "regionId: must be"),
        (f"credentialsId={id}", "regionId: must be"),
        (f"regionId={REGION}&credentialsId={git}", "credentialsId: are github, aws-cloud takes aws"),
    ):
        answer = api.call("GET", f"/platforms/aws-cloud?{query}")
        assert (answer.status_code, said in answer.json()["message"]) == (400, True)
    gone = api.call("GET", f"/platforms/aws-cloud?regionId={REGION}&credentialsId=nothing")
    assert gone.status_code == 404


def test_a_cloud_that_is_busy_says_so_and_the_rest_is_there(api: Front, aws: EmulatedAws) -> None:
    id = aws_keys(api, aws)
    aws.faults.add("ec2", "DescribeVpcs", kind="throttle", times=9)
    found = api.get(f"/platforms/aws-cloud?regionId={REGION}&credentialsId={id}")["metainfo"]
    assert found["vpcs"] == []
    assert found["securityGroups"]
    assert "ec2:DescribeVpcs" in found["warnings"][0]


def azure_keys(azure: EmulatedAzure, **change: Any) -> dict[str, Any]:
    known = azure.environment()
    return {
        "tenantId": known["AZURE_TENANT_ID"],
        "clientId": known["AZURE_CLIENT_ID"],
        "clientSecret": known["AZURE_CLIENT_SECRET"],
        "subscriptionId": known["AZURE_SUBSCRIPTION_ID"],
        "storageName": "labdata",
        **change,
    }


def test_what_an_azure_subscription_offers(api: Front, azure: EmulatedAzure) -> None:
    azure.account("labdata", group="data", location=LOCATION, containers=["work", "other"])
    subnets = [{"name": "one", "properties": {"addressPrefix": "10.0.1.0/24"}}]
    properties = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": subnets}
    sdk = Clients(azure).network.virtual_networks
    body = {"location": LOCATION, "properties": properties}
    made = sdk.begin_create_or_update("data", "lab", body).result()
    id = keys_of(api, "azure-cloud", **azure_keys(azure))
    found = api.get(f"/platforms/azure-cloud?regionId={LOCATION}&credentialsId={id}")["metainfo"]
    assert found["warnings"] == []
    assert found["containers"] == ["az://other", "az://work"]
    [shown] = found["networks"]
    assert (shown["id"].lower(), shown["name"], shown["region"]) == (made.id.lower(), "lab", LOCATION)
    assert shown["resourceGroup"].lower() == "data"
    assert found["subnets"] == [{"name": "one", "networkId": shown["id"], "region": LOCATION}]
    assert "Standard_D4s_v5" in found["instanceTypes"]
    elsewhere = api.get(f"/platforms/azure-cloud?regionId=westus2&credentialsId={id}")["metainfo"]
    assert elsewhere["networks"] == elsewhere["subnets"] == []


def validate(api: Front, id: str, query: str = "") -> Any:
    return api.post(f"/credentials/{id}/validate{query}", {})


def test_good_keys_are_available(api: Front, aws: EmulatedAws) -> None:
    id = aws_keys(api, aws)
    assert validate(api, id) == {"status": "AVAILABLE", "message": None, "transientError": False}
    assert api.get(f"/credentials/{id}")["credentials"]["lastValidated"]
    assert "GetCallerIdentity" in str(aws.journal.totals())


def test_keys_that_aws_refuses_are_invalid_until_they_are_replaced(api: Front, aws: EmulatedAws) -> None:
    id = aws_keys(api, aws)
    aws.faults.add("sts", "GetCallerIdentity", kind="InvalidClientTokenId", times=1)
    said = validate(api, id)
    assert (said["status"], said["transientError"]) == ("INVALID", False)
    assert "does not accept these credentials" in said["message"]
    shown = api.get(f"/credentials/{id}")["credentials"]
    assert (shown["status"], shown["message"]) == ("INVALID", said["message"])
    api.put(f"/credentials/{id}", creds("k-aws", secretKey="newer"), status=204)
    assert api.get(f"/credentials/{id}")["credentials"]["status"] == "AVAILABLE"


def test_a_cloud_that_does_not_answer_changes_nothing(api: Front, aws: EmulatedAws) -> None:
    id = aws_keys(api, aws)
    aws.faults.add("sts", "GetCallerIdentity", kind="throttle", times=9)
    said = validate(api, id)
    assert (said["status"], said["transientError"]) == ("AVAILABLE", True)
    assert "lastValidated" not in api.get(f"/credentials/{id}")["credentials"]


def test_a_person_may_know_better(api: Front, aws: EmulatedAws) -> None:
    id = aws_keys(api, aws)
    assert api.call("POST", f"/credentials/{id}/validate?force=true").status_code == 409
    aws.faults.add("sts", "GetCallerIdentity", kind="InvalidClientTokenId", times=1)
    assert validate(api, id)["status"] == "INVALID"
    assert validate(api, id, "?force=true")["status"] == "AVAILABLE"


def test_an_azure_application_is_asked_for(api: Front, azure: EmulatedAzure) -> None:
    azure.account("labdata", group="data", location=LOCATION, containers=["work"])
    id = keys_of(api, "azure-cloud", **azure_keys(azure))
    assert validate(api, id) == {"status": "AVAILABLE", "message": None, "transientError": False}
    api.put(f"/credentials/{id}", creds("k-azure-cloud", "azure-cloud", clientSecret="wrong"), status=204)
    said = validate(api, id)
    assert said["status"] == "INVALID"
    assert "AADSTS" in said["message"]


@pytest.mark.parametrize(
    ("provider", "keys"),
    [
        ("github", {"token": "x"}),
        ("container-reg", {"userName": "u", "password": "p", "registry": "example.azurecr.io"}),
    ],
)
def test_what_is_not_checked_is_said(api: Front, provider: str, keys: dict[str, str]) -> None:
    said = validate(api, keys_of(api, provider, **keys))
    assert (said["status"], said["transientError"]) == ("AVAILABLE", False)
    assert "not checked" in said["message"]


def test_entra_keys_are_checked_as_far_as_they_say_where(api: Front, azure: EmulatedAzure) -> None:
    azure.account("labdata", group="data", location=LOCATION, containers=["work"])
    keys = azure_keys(azure, batchName="lab")
    del keys["subscriptionId"]
    id = keys_of(api, "azure_entra", **keys)
    said = validate(api, id)
    assert said["status"] == "AVAILABLE"
    assert "not checked: the Batch account" in said["message"]
    found = api.get(f"/platforms/azure-batch?regionId={LOCATION}&credentialsId={id}")["metainfo"]
    assert found["containers"] == ["az://work"]
    assert "Standard_D4s_v5" in found["vmTypes"]
    assert (found["pools"], "AccountNotFound" in found["warnings"][0]) == ([], True)
    azure.batch_account("lab")
    found = api.get(f"/platforms/azure-batch?regionId={LOCATION}&credentialsId={id}")["metainfo"]
    assert found["pools"] == found["warnings"] == []


def sizes(api: Front, query: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/headnode/platforms/azure-batch/sizes?regionId=eastus&{query}")
    return found


def test_the_size_that_nextflow_takes_beside_a_cheaper_one(api: Front) -> None:
    found = sizes(api, "cpus=2&memory=8.GB&machineType=Standard_D*_v5,Standard_D*_v4")
    assert (found["nextflow"]["name"], found["cheaper"]["name"]) == ("Standard_D8_v5", "Standard_D8as_v5")
    assert (found["nextflow"]["usd"], found["nextflow"]["slots"], found["nextflow"]["tasks"]) == (0.384, 8, 4)
    assert found["cheaper"]["usd"] < found["nextflow"]["usd"]
    assert found["cheaper"]["quotaFamily"] == "standardDASv5Family"
    assert (found["notes"], found["nextflow"]["nodesLeft"]) == ([], None)
    fast = sizes(api, "cpus=4&disk=100.GB&machineType=Standard_D*ads_v6")
    assert (fast["nextflow"], fast["cheaper"]["nvmeGiB"], fast["cheaper"]["autopool"]) == (None, 220, False)
    assert any("Cannot find a VM" in each for each in fast["notes"])
    assert any("a pool of it" in each for each in fast["notes"])
    old = sizes(api, "machineType=Basic_A0")
    assert old["nextflow"]["warnings"] == ["Basic_A0 is retired since 2024-08-31"]
    default = sizes(api, "cpus=2")
    assert default["nextflow"]["name"] == default["machineType"] == "Standard_D4a_v4"
    assert "takes Standard_D4a_v4 and no other size" in default["notes"][0]


def test_how_many_nodes_there_is_room_for(api: Front, azure: EmulatedAzure) -> None:
    quotas = Quotas(dedicated=100, low_priority=40, families={"standardDv5Family": 20})
    azure.batch_account("lab", quotas=quotas)
    id = keys_of(api, "azure_entra", **azure_keys(azure, batchName="lab"))
    query = f"cpus=2&memory=8.GB&machineType=Standard_D*_v5&regionId={LOCATION}&credentialsId="
    found = api.get(f"/headnode/platforms/azure-batch/sizes?{query}{id}")
    assert found["nextflow"]["name"] == "Standard_D8_v5"
    assert found["nextflow"]["nodesLeft"] == {"dedicated": 2, "spot": 5}
    assert found["notes"] == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("azure-batch/sizes?regionId=mars", "regionId: must be"),
        ("azure-batch/sizes?regionId=eastus&cpus=0&memory=much", "cpus: 0 is not between 1 and 1000"),
        ("azure-batch/sizes?regionId=eastus&memory=much", "memory: 'much' is no size such as '16 GB'"),
        ("azure-batch/sizes?regionId=eastus&machineType=a(b", "machineType: 'a(b' is no VM size"),
        ("azure-cloud/sizes?regionId=eastus", "on azure-cloud no machine is chosen for a task"),
    ],
)
def test_what_is_no_task_is_refused_by_name(api: Front, path: str, said: str) -> None:
    answer = api.call("GET", f"/headnode/platforms/{path}")
    assert answer.status_code == 400
    assert said in answer.json()["message"]
