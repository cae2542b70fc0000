"""The azure scope: every option read, checked and written, secrets beside the text."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.errors import Invalid
from shared.nextflow.azure.authentication import Method, batch_method, storage_method
from shared.nextflow.azure.config import Hybrid, hybrid, render
from shared.nextflow.azure.options import SCOPES
from shared.nextflow.azure.reading import read
from tests.unit.nextflow.azure.scopes import (
    GUID,
    IDENTITY,
    KEY,
    KEYS,
    PRINCIPAL,
    RUN,
    SAS,
    SUBNET,
    merged,
    scope,
)


def test_an_identity_needs_no_secret_at_all():
    found = render(merged(IDENTITY, PRINCIPAL, KEYS, {"storage": {"sasToken": SAS}}), RUN)
    assert found.variables == {}
    assert found.storage == "managed identity"
    assert found.text.splitlines() == [
        f"azure.activeDirectory.servicePrincipalId = '{GUID}'",
        f"azure.activeDirectory.tenantId = '{GUID}'",
        "azure.batch.accountName = 'acct'",
        "azure.batch.location = 'westeurope'",
        f"azure.managedIdentity.clientId = '{GUID}'",
        "azure.storage.accountName = 'store'",
        "azure.storage.tokenDuration = '27h'",
    ]


def test_the_least_secret_of_each_method():
    assert render(merged(PRINCIPAL, KEYS), RUN).variables == {"AZURE_CLIENT_SECRET": "s3cret"}
    sas = merged(KEYS, {"storage": {"sasToken": SAS}})
    assert render(sas, RUN).variables == {"AZURE_STORAGE_SAS_TOKEN": SAS, "AZURE_BATCH_ACCOUNT_KEY": KEY}
    assert render(merged(KEYS), RUN).variables == {
        "AZURE_STORAGE_ACCOUNT_KEY": KEY,
        "AZURE_BATCH_ACCOUNT_KEY": KEY,
    }
    shares = {"storage": {"fileShares": {"refs": {"mountPath": "/mnt/refs"}}, "accountKey": KEY}}
    registry = {"registry": {"server": "r.azurecr.io", "userName": "u", "password": "p4ss"}}
    assert render(merged(IDENTITY, shares, registry), RUN).variables == {
        "AZURE_STORAGE_ACCOUNT_KEY": KEY,
        "AZURE_REGISTRY_PASSWORD": "p4ss",
    }


def test_what_the_environment_has_counts():
    run = RUN.but(available=frozenset({"AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"}))
    assert render(scope(), run).storage == "service principal"
    assert storage_method(read(scope()), {"AZURE_STORAGE_ACCOUNT_KEY"}) is Method.KEY
    assert batch_method(read(scope()), {"AZURE_BATCH_ACCOUNT_KEY"}) is Method.KEY
    # Nextflow reads an identity from its config alone.
    assert storage_method(read(scope()), {"AZURE_MANAGED_IDENTITY_USER"}) is None


FULL = {
    "activeDirectory": {"servicePrincipalId": GUID, "servicePrincipalSecret": "x", "tenantId": "t.example"},
    "azcopy": {"blobTier": "Hot", "blockSize": "8"},
    "batch": {
        "accountKey": KEY,
        "accountName": "acct",
        "allowPoolCreation": True,
        "autoPoolMode": True,
        "copyToolInstallMode": "node",
        "delayBetweenAttempts": "10 s",
        "deleteJobsOnCompletion": False,
        "deletePoolsOnCompletion": False,
        "deleteTasksOnCompletion": True,
        "endpoint": "https://acct.westeurope.batch.azure.com",
        "jobMaxWallClockTime": "7d",
        "jobQuotaRetryDelay": "2 min",
        "location": "westeurope",
        "maxJobQuotaRetries": 0,
        "maxParallelTransfers": 8,
        "maxTransferAttempts": 3,
        "poolIdentityClientId": "auto",
        "terminateJobsOnCompletion": True,
        "pools": {
            "auto": {"vmType": "Standard_D*d_v5,Standard_E*d_v5"},
            "pool-1": {
                "autoScale": True,
                "fileShareRootPath": "/mnt/batch/tasks/fsmounts",
                "lowPriority": True,
                "maxVmCount": 9,
                "mountOptions": "-o vers=3.0",
                "offer": "ubuntu-hpc",
                "privileged": True,
                "publisher": "microsoft-dsvm",
                "scaleFormula": "$TargetDedicatedNodes = 1;",
                "scaleInterval": "10 min",
                "schedulePolicy": "pack",
                "sku": "batch.node.ubuntu 24.04",
                "virtualNetwork": SUBNET,
                "vmCount": 2,
                "vmType": "standard_d4d_v5",
                "startTask": {"script": "echo 'hi'\necho $HOME", "privileged": True},
            },
            "other": {"runAs": "me"},
        },
    },
    "managedIdentity": {"clientId": GUID, "system": False},
    "registry": {"password": "x", "server": "r.azurecr.io", "userName": "u"},
    "retryPolicy": {"delay": "250ms", "jitter": 0.25, "maxAttempts": 10, "maxDelay": "90s"},
    "storage": {
        "accountKey": KEY,
        "accountName": "store",
        "sasToken": SAS,
        "tokenDuration": "2d",
        "fileShares": {"refs": {"mountPath": "/mnt/refs", "mountOptions": "-o vers=3.0"}},
    },
}


def test_every_option_is_read_and_written():
    reading = read(FULL)
    assert not reading.faults
    shapes = {
        ".".join(
            "<name>" if each in ("pool-1", "auto", "other", "refs") else each for each in name.split(".")
        )
        for name in reading.values
    }
    assert shapes == {f"{scope}.{name}" for scope, options in SCOPES.items() for name in options}
    full = deepcopy(FULL)
    del full["storage"]["sasToken"]  # with Fusion there is either
    found = render(full, RUN.but(fusion=True))
    lines = found.text.splitlines()
    for each in (
        "azure.batch.delayBetweenAttempts = '10s'",
        "azure.batch.jobMaxWallClockTime = '7d'",
        "azure.batch.maxJobQuotaRetries = 0",
        "azure.batch.pools.'pool-1'.scaleInterval = '10m'",
        "azure.batch.pools.'pool-1'.startTask.script = 'echo \\'hi\\'\\necho $HOME'",
        "azure.batch.pools.'pool-1'.scaleFormula = '$TargetDedicatedNodes = 1;'",
        "azure.managedIdentity.system = false",
        "azure.retryPolicy.delay = '250ms'",
        "azure.retryPolicy.jitter = 0.25",
        "azure.storage.fileShares.refs.mountPath = '/mnt/refs'",
        "azure.storage.tokenDuration = '2d'",
    ):
        assert each in lines
    for secret in (KEY, SAS, "password", "Secret", "accountKey"):
        assert secret not in found.text


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@example(value="0\r", at="batch.pools.<name>.mountOptions")
@given(
    value=anything, at=st.sampled_from(sorted(f"{s}.{o}" for s, options in SCOPES.items() for o in options))
)
def test_any_value_is_either_refused_or_written_on_one_line(value, at):
    given: dict[str, Any] = merged(IDENTITY)
    inner = given
    *parents, last = at.replace("<name>", "pool").split(".")
    for each in parents:
        inner = inner.setdefault(each, {})
    inner[last] = value
    try:
        found = render(given, RUN.but(fusion=True))
    except Invalid as error:
        assert error.faults
        return
    for line in found.text.splitlines():
        assert line.startswith("azure.") and " = " in line


@given(value=anything)
def test_any_scope_is_read(value):
    read(value if isinstance(value, dict) else {"batch": value})


def test_processes_by_selector():
    wanted = Hybrid(
        bucket_dir="az://data/work/",
        queues={"label:big": "pool-1", "name:ALIGN.*": "auto"},
        containers={"label:big": "my/image:1", "name:ALIGN.*": "my/other:2"},
    )
    assert hybrid(wanted).splitlines() == [
        "bucketDir = 'az://data/work'",
        "process {",
        "    withLabel: 'big' {",
        "        executor = 'azurebatch'",
        "        queue = 'pool-1'",
        "        container = 'my/image:1'",
        "    }",
        "    withName: 'ALIGN.*' {",
        "        executor = 'azurebatch'",
        "        queue = 'auto'",
        "        container = 'my/other:2'",
        "    }",
        "}",
    ]
    assert hybrid(wanted.but(fusion=True)).startswith("workDir = 'az://data/work'")
    for wrong in ({"containers": {}}, {"queues": {}}, {"bucket_dir": "az://data"}, {"queues": {"x": "y"}}):
        with pytest.raises(Invalid):
            hybrid(wanted.but(**wrong))
