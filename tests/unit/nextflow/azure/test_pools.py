"""The names of Nextflow's own pools."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Invalid
from shared.nextflow.azure.murmur import murmur3
from shared.nextflow.azure.pools import PoolSettings, autopool_id, check_pool_id

PLAIN = PoolSettings()
texts = st.text(st.characters(codec="utf-8"), max_size=20)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "00000000000000000000000000000000"),
        (b"a", "897859f6655555855a890e51483ab5e6"),
        (b"The quick brown fox jumps over the lazy dog", "6c1b07bc7bbc4be347939ac4a93c437a"),
        (bytes(range(16)), "303f9091b524494445e82f76566490ab"),
        (bytes(range(33)), "1246bafa1b28417d0ba3d6a77380ac55"),
    ],
)
def test_the_hash(data, expected):
    assert murmur3(data).hex() == expected


def test_the_name_that_nextflows_own_suite_expects():
    assert autopool_id("Standard_X1", PLAIN, {"foo": "bar"}) == (
        "nf-pool-42f3635f3fb8b71160900efa959f7809-Standard_X1"
    )


def test_what_is_in_a_name_and_what_is_not():
    name = autopool_id("Standard_D8_v5", PLAIN, {})
    for same in ({"most": 99}, {"interval": 600.0}, {"share_root": "/mnt/batch/tasks/fsmounts"}):
        assert autopool_id("Standard_D8_v5", PLAIN.but(**same), {}) == name
    for other in (
        {"count": 2},
        {"auto_scale": True},
        {"low_priority": True},
        {"privileged": True},
        {"start_privileged": True},
        {"start_script": "true"},
        {"formula": "$TargetDedicatedNodes=1;"},
        {"subnet": "/s"},
        {"policy": "pack"},
        {"sku": "batch.node.centos 8"},
        {"size": "Standard_D8_v5"},
    ):
        assert autopool_id("Standard_D8_v5", PLAIN.but(**other), {}) != name
    assert autopool_id("Standard_D8_v5", PLAIN, {"run": "1"}) != name


@given(labels=st.dictionaries(texts, texts, max_size=5))
def test_labels_have_no_order(labels):
    backwards = dict(reversed(labels.items()))
    assert autopool_id("s", PLAIN, labels) == autopool_id("s", PLAIN, backwards)


@given(one=st.builds(PoolSettings, count=st.integers(1, 500), size=texts, sku=texts, formula=texts))
def test_a_name_is_one_that_azure_takes(one):
    name = autopool_id("Standard_D8_v5", one)
    check_pool_id(name)
    assert name == autopool_id("Standard_D8_v5", one)


def test_where_shares_are_mounted():
    assert PLAIN.shares_under == "/mnt/batch/tasks/fsmounts"
    assert PLAIN.but(sku="batch.node.centos 8").shares_under == "/mnt/resource/batch/tasks/fsmounts"
    assert PLAIN.but(sku="batch.node.el 9").shares_under == ""


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "é", "a/b"])
def test_names_that_are_none(name):
    with pytest.raises(Invalid):
        check_pool_id(name)
