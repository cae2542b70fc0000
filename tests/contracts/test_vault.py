"""The Vault contract, over every implementation."""

import stat

import boto3
import pytest
from azure.identity import ManagedIdentityCredential

from shared.errors import Forbidden, Refused, Throttled, Unreachable
from shared.vaults.file import FileVault
from shared.vaults.keyvault import KeyVault
from shared.vaults.kms import KmsVault


@pytest.fixture
def keyvault(azure, monkeypatch):
    """A Function's vault, and its key's URL below the emulator's."""
    for name, value in azure.function_environment().items():
        monkeypatch.setenv(name, value)
    azure.state.vaults.create("headnode", "sealing")
    return KeyVault(f"{azure.url}/keyvault/headnode/keys/sealing", ManagedIdentityCredential, plain=True)


@pytest.fixture(params=["file", "kms", "keyvault"])
def vault(request, tmp_path):
    if request.param == "file":
        return FileVault(tmp_path / "vault.key")
    if request.param == "keyvault":
        return request.getfixturevalue("keyvault")
    request.getfixturevalue("aws")
    return KmsVault(boto3.client("kms").create_key()["KeyMetadata"]["KeyId"])


VERSION = "0" * 32
SEALED = (
    "akv1:AAAA",
    f"akv1:{VERSION}:AAAA:AAAA",
    f"akv1:{VERSION}/../other/{VERSION}:AAAA:AAAA",
    f"akv1:{VERSION}:A:AAAA",
)


def test_what_is_sealed_is_opened_for_its_context_only(vault):
    sealed = vault.seal("s3cret ✓", "credentials/a")
    assert "s3cret" not in sealed
    assert vault.open(sealed, "credentials/a") == "s3cret ✓"
    with pytest.raises(Refused) as caught:
        vault.open(sealed, "credentials/b")
    assert "s3cret" not in str(caught.value)


def test_the_same_secret_is_never_sealed_the_same(vault):
    assert vault.seal("x", "c") != vault.seal("x", "c")


@pytest.mark.parametrize(
    "text", ["", "x", "v1:", "v1:%%%", "kms1:%%%", "v1:AAAA", "kms1:AAAA", "v9:AAAA", *SEALED]
)
def test_text_that_was_not_sealed_here_is_refused(vault, text):
    with pytest.raises(Refused):
        vault.open(text, "c")


def test_tampered_text_is_refused(vault):
    sealed = vault.seal("secret", "c")
    middle = len(sealed) - 6
    changed = "A" if sealed[middle] != "A" else "B"
    with pytest.raises(Refused):
        vault.open(sealed[:middle] + changed + sealed[middle + 1 :], "c")


def test_the_key_file_is_its_owners_alone_and_made_once(tmp_path):
    path = tmp_path / "vault.key"
    sealed = FileVault(path).seal("secret", "c")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert FileVault(path).open(sealed, "c") == "secret"
    assert [each.name for each in tmp_path.iterdir()] == ["vault.key"]
    path.write_bytes(b"short")
    with pytest.raises(Refused, match="damaged"):
        FileVault(path)


def test_kms_names_what_is_too_long(aws):
    vault = KmsVault(boto3.client("kms").create_key()["KeyMetadata"]["KeyId"])
    with pytest.raises(Refused, match="5000 bytes"):
        vault.seal("x" * 5000, "c")


def test_a_new_version_of_the_key_seals_and_the_old_one_still_opens(azure, keyvault):
    old = keyvault.seal("old", "c")
    azure.state.vaults.create("headnode", "sealing")
    new = keyvault.seal("x" * 100_000, "c")
    assert old.split(":")[1] != new.split(":")[1]
    assert (keyvault.open(old, "c"), keyvault.open(new, "c")) == ("old", "x" * 100_000)
    swapped = ":".join([*old.split(":")[:3], new.split(":")[3]])
    with pytest.raises(Refused, match="cannot be opened"):
        keyvault.open(swapped, "c")


def test_key_vault_needs_two_data_actions_and_no_more(azure, keyvault):
    actions = [f"Microsoft.KeyVault/vaults/keys/{verb}/action" for verb in ("wrap", "unwrap")]
    azure.enforce("function", {"dataActions": actions[:1]})
    sealed = keyvault.seal("secret", "c")
    with pytest.raises(Forbidden) as caught:
        keyvault.open(sealed, "c")
    assert caught.value.action == actions[1]
    azure.enforce("function", {"actions": actions, "dataActions": actions[1:]})
    assert keyvault.open(sealed, "c") == "secret"
    with pytest.raises(Forbidden) as caught:
        keyvault.seal("secret", "c")
    assert caught.value.action == actions[0]


def test_key_vaults_bad_days_have_our_words(azure, keyvault):
    sealed = keyvault.seal("secret", "c")
    for kind, found in (("throttle", Throttled), ("5xx", Unreachable), ("reset-before", Unreachable)):
        azure.faults.clear()
        azure.faults.add("keyvault", "*", kind=kind, times=None)
        with pytest.raises(found) as caught:
            keyvault.open(sealed, "c")
        assert "secret" not in str(caught.value)
    azure.faults.clear()
    azure.faults.add("keyvault", "*", kind="503", times=1)
    assert keyvault.open(sealed, "c") == "secret"
    azure.state.vaults.clear()
    with pytest.raises(Refused, match="cannot be opened"):
        keyvault.open(sealed, "c")
    with pytest.raises(Refused, match="KeyNotFound"):
        keyvault.seal("secret", "c")


def test_a_token_never_travels_over_http_unless_told(azure, keyvault):
    careful = KeyVault(keyvault._key, ManagedIdentityCredential)
    with pytest.raises(Unreachable):
        careful.seal("secret", "c")
    assert azure.journal.entries("keyvault") == []
