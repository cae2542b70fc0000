"""The azure scope: every option read, checked and written, secrets beside the text."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Invalid
from shared.nextflow.azure.authentication import Method, batch_method, storage_method, token_seconds
from shared.nextflow.azure.checks import Run
from shared.nextflow.azure.config import Hybrid, hybrid, render
from shared.nextflow.azure.options import SCOPES
from shared.nextflow.azure.reading import read

NOW = 1_800_000_000.0
HOUR, DAY = 3600.0, 86400.0
RUN = Run(longest=24 * HOUR, now=NOW)
GUID = "11111111-2222-3333-4444-555555555555"
KEY = "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5=="
SAS = "sv=2024-11-04&ss=b&srt=co&sp=rwdlac&se=2027-01-17T08:00:00Z&sig=c2ln"
ACCOUNTS: dict[str, Any] = {
    "storage": {"accountName": "store"},
    "batch": {"accountName": "acct", "location": "westeurope"},
}
SUBNET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/n"


def scope(**more: Any) -> dict[str, Any]:
    found = deepcopy(ACCOUNTS)
    for name, options in more.items():
        found.setdefault(name, {}).update(options)
    return found


IDENTITY = {"managedIdentity": {"clientId": GUID}}
PRINCIPAL = {
    "activeDirectory": {"servicePrincipalId": GUID, "servicePrincipalSecret": "s3cret", "tenantId": GUID}
}
KEYS = {"storage": {"accountKey": KEY}, "batch": {"accountKey": KEY}}


def said(given: dict[str, Any], run: Run = RUN) -> list[str]:
    with pytest.raises(Invalid) as error:
        render(given, run)
    return [str(each) for each in error.value.faults]


def merged(*parts: dict[str, Any]) -> dict[str, Any]:
    found = deepcopy(ACCOUNTS)
    for part in parts:
        for name, options in part.items():
            if isinstance(options, dict):
                found.setdefault(name, {}).update(deepcopy(options))
            else:
                found[name] = options
    return found


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


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (
            {"batch": {"autoPollMode": True}},
            "azure.batch.autoPollMode: is no option; did you mean autoPoolMode?",
        ),
        (
            {"batch": {"autopoolmode": True}},
            "azure.batch.autopoolmode: is no option; did you mean autoPoolMode?",
        ),
        ({"bacth": {}}, "azure.bacth: is no option; did you mean batch?"),
        (
            {"batch": {"pools": {"a": {"vmtype": 1}}}},
            "azure.batch.pools.a.vmtype: is no option; did you mean vmType?",
        ),
        ({"zzz": 1}, "azure.zzz: is no option"),
        ({"azcopy": 1}, "azure.azcopy: is a scope and needs options inside"),
        (
            {"batch": {"pools": {"a b": {}}}},
            "azure.batch.pools.a b: needs a name of up to 64 letters, digits, hyphens and underscores",
        ),
        (
            {"batch": {"autoPoolMode": "false"}},
            "azure.batch.autoPoolMode: 'false' is not true or false (without quotes)",
        ),
        (
            {"batch": {"pools": {"a": {"autoScale": True, "scaleInterval": "4 min"}}}},
            "azure.batch.pools.a.scaleInterval: '4 min' is not between 5m and 7d",
        ),
        (
            {"batch": {"jobMaxWallClockTime": "181d"}},
            "azure.batch.jobMaxWallClockTime: '181d' is not between 1m and 180d",
        ),
        (
            {"storage": {"tokenDuration": "48"}},
            "azure.storage.tokenDuration: '48' is no duration such as '48h' or '2 min'",
        ),
        (
            {"storage": {"sasToken": f"?{SAS}"}},
            "azure.storage.sasToken: needs a signature (sv=...&sig=...) without the leading question mark",
        ),
        ({"retryPolicy": {"jitter": 2}}, "azure.retryPolicy.jitter: 2 is no number between 0 and 1"),
        (
            {"retryPolicy": {"delay": "10s", "maxDelay": "1s"}},
            "azure.retryPolicy.maxDelay: is less than delay",
        ),
        (
            {"managedIdentity": {"system": True}},
            "azure.managedIdentity: takes either clientId or system, not both",
        ),
        (
            {"activeDirectory": {"tenantId": GUID}},
            "azure.activeDirectory.servicePrincipalId: is missing:"
            " a service principal needs its id, its secret and its tenant",
        ),
        ({"registry": {"userName": "u"}}, "azure.registry: needs userName and password together"),
        (
            {"batch": {"endpoint": "https://other.westeurope.batch.azure.com"}},
            "azure.batch.endpoint: is not of the accountName acct",
        ),
        (
            {"batch": {"pools": {"a": {"maxVmCount": 3}}}},
            "azure.batch.pools.a.maxVmCount: does nothing without autoScale = true",
        ),
        (
            {"batch": {"pools": {"a": {"autoScale": True, "vmCount": 4, "maxVmCount": 3}}}},
            "azure.batch.pools.a.maxVmCount: is less than vmCount",
        ),
        (
            {"batch": {"pools": {"a": {"vmType": "Standard_Z9"}}}},
            "azure.batch.pools.a.vmType: is no size that Nextflow knows in westeurope",
        ),
        (
            {"batch": {"pools": {"a": {"vmType": "Standard_D*"}}}},
            "azure.batch.pools.a.vmType: is a pattern, which only the pool `auto` takes",
        ),
        (
            {"batch": {"pools": {"a": {"runAs": "r", "privileged": True}}}},
            "azure.batch.pools.a.privileged: does nothing beside runAs",
        ),
        (
            {"storage": {"fileShares": {"r": {"mountPath": "/r"}}}},
            "azure.storage.fileShares.r: needs azure.storage.accountKey:"
            " shares take no identity, principal or signature",
        ),
        (
            {"batch": {"copyToolInstallMode": "off"}},
            "azure.batch.copyToolInstallMode: 'off' needs Fusion: without azcopy no task gets its files",
        ),
        (
            {"batch": {"jobMaxWallClockTime": "2h"}},
            "azure.batch.jobMaxWallClockTime: is shorter than the run may be",
        ),
        (
            {"batch": {"deletePoolsOnCompletion": True}},
            "azure.batch.deletePoolsOnCompletion: deletes every pool that the run used,"
            " also one that was there before: only with pools that Nextflow makes by itself (autoPoolMode)",
        ),
        (
            {"storage": {"tokenDuration": "12h"}},
            "azure.storage.tokenDuration: of 12h ends before a run of up to 1d does:"
            " every task after that would fail",
        ),
        (
            {"storage": {"tokenDuration": "9d"}},
            "azure.storage.tokenDuration: is cut to 7d: Azure gives no longer to a managed identity",
        ),
    ],
)
def test_what_is_wrong_is_told(given, fault):
    assert fault in said(merged(IDENTITY, given))


def test_several_things_are_told_at_once_and_no_secret_with_them():
    wrong = merged({"storage": {"accountKey": "has blank", "accountName": KEY}, "batch": {"location": 1}})
    found = said(wrong)
    assert len(found) >= 3
    assert not any("has blank" in each or KEY in each for each in found)


def test_a_subnet_needs_entra():
    pools = {"batch": {"pools": {"a": {"virtualNetwork": SUBNET}}}}
    assert (
        "azure.batch.pools.a.virtualNetwork: needs a managed identity or a service principal, not a key"
        in (said(merged(KEYS, pools)))
    )
    assert render(merged(PRINCIPAL, pools), RUN)


def test_no_way_in():
    assert said(scope()) == [
        "azure.storage: has no way in:"
        " a managed identity, a service principal, a signature or an account key",
        "azure.batch: has no way in: a managed identity, a service principal or an account key",
    ]


def test_a_signature_that_ends_too_early():
    # It ends two days after NOW.
    sas = merged({"storage": {"sasToken": SAS}, "batch": {"accountKey": KEY}})
    assert said(sas, RUN.but(longest=3 * DAY)) == [
        "azure.storage.sasToken: ends in 2d, before a run of up to 3d does"
    ]
    assert said(sas, RUN.but(now=NOW + 9 * DAY))[0].startswith("azure.storage.sasToken: ends in 0ms")


def test_a_run_that_no_delegated_signature_outlives():
    found = said(merged(IDENTITY), RUN.but(longest=8 * DAY))
    assert found[0].startswith("azure.storage.tokenDuration: the run may take 8d, but signatures made with")
    fusion = RUN.but(longest=8 * DAY, fusion=True)
    assert render(merged(IDENTITY, {"batch": {"poolIdentityClientId": GUID}}), fusion)
    assert "tokenDuration = '212h'" in render(merged(KEYS), RUN.but(longest=8 * DAY)).text


@given(run=st.floats(1, 30 * DAY), method=st.sampled_from([Method.IDENTITY, Method.PRINCIPAL, Method.KEY]))
def test_a_token_outlives_its_run_or_is_refused(run, method):
    try:
        found = token_seconds(run, method)
    except ValueError:
        assert run > 7 * DAY and method is not Method.KEY
        return
    assert found >= run
    assert found % HOUR == 0
    assert method is Method.KEY or found <= 7 * DAY


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


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
