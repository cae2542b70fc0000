"""How long Azure's stores, queues and vaults want to be left alone, whatever form they say it in."""

import types

import pytest

from shared.errors import Throttled
from shared.stores import storageaccount
from shared.vaults import keyvault

SAID = [
    ("7", 7.0),
    ("Wed, 21 Oct 2026 07:28:00 GMT", 1.0),
    ("1e999", 60.0),
    ("nan", 1.0),
    ("-5", 0.1),
    ("", 1.0),
]


def throttled(wish: str) -> object:
    return types.SimpleNamespace(status_code=429, headers={"Retry-After": wish}, json=dict)


@pytest.mark.parametrize(("wish", "seconds"), SAID)
def test_a_key_vaults_wish(wish: str, seconds: float) -> None:
    error = keyvault.refusal(throttled(wish), "wrapkey")
    assert isinstance(error, Throttled)
    assert error.after == seconds


@pytest.mark.parametrize(("wish", "seconds"), SAID)
def test_a_storage_accounts_wish(wish: str, seconds: float) -> None:
    assert storageaccount.after(types.SimpleNamespace(response=throttled(wish))) == seconds
