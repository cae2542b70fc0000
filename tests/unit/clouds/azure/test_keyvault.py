"""The emulated Key Vault, spoken to by Azure's own client, and by hand where it must say no."""

from typing import Any

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ManagedIdentityCredential
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, KeyWrapAlgorithm

from local.clouds.azure.keyvault import models
from local.clouds.azure.services import SUBSCRIPTION_ID
from tests.azure_cloud import token

VAULT = "https://headnode.vault.azure.net"
AUDIENCE = "https://vault.azure.net"


class ToTheEmulator(RequestsTransport):
    """The client insists on https and on the vault's own name."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: Any, **options: Any) -> Any:
        wanted = request.url
        request.url = wanted.replace(VAULT, f"{self._url}/keyvault/headnode")
        try:
            return super().send(request, **options)
        finally:
            request.url = wanted


@pytest.fixture
def sdk(azure, monkeypatch):
    """What the SDK's clients need to speak to the emulator as the function."""
    for name, value in azure.function_environment().items():
        monkeypatch.setenv(name, value)
    azure.state.vaults.create("headnode", "sealing")
    return {
        "credential": ManagedIdentityCredential(),
        "transport": ToTheEmulator(azure.url),
        "retry_total": 0,
    }


def test_the_sdk_reads_a_key_and_its_wrapping_is_real(sdk):
    key = KeyClient(VAULT, **sdk).get_key("sealing")
    assert (key.key_type, key.properties.version, key.properties.enabled) == ("RSA", key.id[-32:], True)
    crypto = CryptographyClient(key, **sdk)
    wrapped = crypto.wrap_key(KeyWrapAlgorithm.rsa_oaep_256, b"k" * 32)  # by the SDK, with the public half
    assert crypto.unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, wrapped.encrypted_key).key == b"k" * 32
    with pytest.raises(HttpResponseError) as caught:
        CryptographyClient(key.id, **sdk).unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, b"x" * 256)
    assert caught.value.error.code == "BadParameter"


def test_a_key_that_is_not_there_is_not_found(sdk):
    with pytest.raises(ResourceNotFoundError) as caught:
        KeyClient(VAULT, **sdk).get_key("other")
    assert caught.value.error.code == "KeyNotFound"


def test_a_role_for_keys_is_asked_for(azure, sdk):
    azure.enforce("function", {"actions": ["*"]})
    with pytest.raises(HttpResponseError, match="ForbiddenByRbac") as caught:
        KeyClient(VAULT, **sdk).get_key("sealing")
    assert (caught.value.status_code, caught.value.error.code) == (403, "Forbidden")
    assert [each.action for each in azure.judge.refusals] == ["Microsoft.KeyVault/vaults/keys/read"]


def test_only_a_token_for_vaults_is_taken(azure, sdk):
    url = f"{azure.url}/keyvault/headnode/keys/sealing?api-version=7.4"
    for bearer in ("", "nonsense", token(azure)):
        answer = httpx.get(url, headers={"Authorization": f"Bearer {bearer}"} if bearer else {})
        assert answer.status_code == 401
        assert f'resource="{AUDIENCE}"' in answer.headers["WWW-Authenticate"]
    assert httpx.get(url, headers={"Authorization": f"Bearer {token(azure, AUDIENCE)}"}).status_code == 200
    azure.state.directory.remove(azure.state.directory.function.object_id)
    with pytest.raises((ClientAuthenticationError, HttpResponseError)):
        KeyClient(VAULT, **sdk).get_key("sealing")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("wrapkey?api-version=7.4", {"alg": "RSA1_5", "value": "AAAA"}, 400),
        ("wrapkey?api-version=7.4", {"alg": "RSA-OAEP-256", "value": "a%"}, 400),
        ("wrapkey?api-version=7.4", {"alg": "RSA-OAEP-256", "value": "A" * 300}, 400),
        ("wrapkey?api-version=1999", {"alg": "RSA-OAEP-256", "value": "AAAA"}, 501),
        ("wrapkey", {"alg": "RSA-OAEP-256", "value": "AAAA"}, 400),
        ("encrypt?api-version=7.4", {"alg": "RSA-OAEP-256", "value": "AAAA"}, 501),
        ("0/unwrapkey?api-version=7.4", {"alg": "RSA-OAEP-256", "value": "AAAA"}, 404),
        ("wrapkey?api-version=7.4", {"alg": "RSA-OAEP-256", "value": "AAAA"}, 200),
    ],
)
def test_what_is_not_asked_well_is_refused(azure, path, body, status):
    azure.state.vaults.create("headnode", "sealing")
    url = f"{azure.url}/keyvault/headnode/keys/sealing/{path}"
    answer = httpx.post(url, json=body, headers={"Authorization": f"Bearer {token(azure, AUDIENCE)}"})
    assert answer.status_code == status, answer.text


def test_vaults_are_in_the_subscription() -> None:
    assert SUBSCRIPTION_ID in models.GROUP
