"""The azure scope: what is wrong with it is told before anything runs, all at once and without a secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.nextflow.azure.authentication import Method, token_seconds
from shared.nextflow.azure.config import render
from tests.unit.nextflow.azure.scopes import (
    DAY,
    GUID,
    HOUR,
    IDENTITY,
    KEY,
    KEYS,
    NOW,
    PRINCIPAL,
    RUN,
    SAS,
    SUBNET,
    merged,
    said,
    scope,
)


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
