"""Table and queue by the Function's identity alone: over TLS, with tokens, and no key anywhere."""

import datetime
import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueServiceClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from local.clouds.azure import EmulatedAzure
from shared import wiring
from shared.model.access import Token
from shared.model.message import Message
from shared.stores.storageaccount import StorageAccount
from tests.azurite import ACCOUNT, Azurite, install, running


def certified(directory: Path) -> tuple[Path, Path]:
    """A certificate for this machine that trusts itself, and its key."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - day, now + day)
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    paths = directory / "cert.pem", directory / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(pem))
    paths[1].write_bytes(key.private_bytes(pem, private, serialization.NoEncryption()))
    return paths


@pytest.fixture
def strict(tmp_path, monkeypatch) -> Iterator[Azurite]:
    """An Azurite that asks for tokens."""
    why_not = install()
    if why_not:
        pytest.skip(why_not)
    certificate, key = certified(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with running("--oauth", "basic", "--cert", str(certificate), "--key", str(key)) as found:
        yield found


@pytest.fixture
def azure() -> Iterator[EmulatedAzure]:
    """One whose tokens are good now."""
    with EmulatedAzure(machines=False) as found:
        yield found


def test_a_function_needs_no_key_for_its_table_and_queues(strict, azure, monkeypatch) -> None:
    variables = {
        **azure.function_environment(),
        "HEADNODE_STORAGE_ACCOUNT": ACCOUNT,
        "HEADNODE_TABLE": "headnode",
        "HEADNODE_QUEUE_PREFIX": "headnode",
        "HEADNODE_KEYVAULT_KEY": "https://headnode.vault.azure.net/keys/sealing",
        "HEADNODE_INSTALLATION": "identity",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(
        StorageAccount, "url", lambda self, service: f"{getattr(strict, service)}/{self.name}"
    )
    wiring.forget_clients()
    world, us = wiring.functions_world(), wiring.own_identity()
    with TableServiceClient(f"{strict.table}/{ACCOUNT}", credential=us) as tables:
        tables.create_table("headnode")
    with QueueServiceClient(f"{strict.queue}/{ACCOUNT}", credential=us) as queues:
        queues.create_queue("headnode-launch")
    saved = world.store.save(Token(id="a", expires_at=9.0))
    world.store.put_many([Token(id="b"), Token(id="c")])
    assert world.store.get(Token, "a") == saved
    world.queue.send(Message(step="launch", subject="x"), Message(step="launch", subject="y"))
    assert len(world.queue.receive(["launch"])) == 2
    wiring.forget_clients()
