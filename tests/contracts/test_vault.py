"""The Vault contract, over every implementation."""

import stat

import boto3
import pytest

from shared.errors import Refused
from shared.vaults.file import FileVault
from shared.vaults.kms import KmsVault


@pytest.fixture(params=["file", "kms"])
def vault(request, tmp_path, aws):
    if request.param == "file":
        return FileVault(tmp_path / "vault.key")
    return KmsVault(boto3.client("kms").create_key()["KeyMetadata"]["KeyId"])


def test_what_is_sealed_is_opened_for_its_context_only(vault):
    sealed = vault.seal("s3cret ✓", "credentials/a")
    assert "s3cret" not in sealed
    assert vault.open(sealed, "credentials/a") == "s3cret ✓"
    with pytest.raises(Refused) as caught:
        vault.open(sealed, "credentials/b")
    assert "s3cret" not in str(caught.value)


def test_the_same_secret_is_never_sealed_the_same(vault):
    assert vault.seal("x", "c") != vault.seal("x", "c")


@pytest.mark.parametrize("text", ["", "x", "v1:", "v1:%%%", "kms1:%%%", "v1:AAAA", "kms1:AAAA", "v9:AAAA"])
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
