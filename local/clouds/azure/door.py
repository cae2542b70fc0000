"""Azure's own names with TLS, for programs that cannot be told another address: a proxy on loopback which
answers for them itself. Nextflow's plugin, azcopy and Java know no other way to an emulated Azure."""

import datetime
import ssl
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.front import Front, Handler
from local.clouds.azure.gateway import Gateway
from local.clouds.azure.hosts import below

if TYPE_CHECKING:
    from cryptography import x509

PASSWORD = "changeit"  # noqa: S105
"""Of the trust store, which holds no secret; Java wants one."""


class Door:
    """Serves while it is open. Its certificates are of an authority of its own, made anew each time."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._scratch = tempfile.TemporaryDirectory(prefix="azure-door-")
        self.directory = Path(self._scratch.name)
        self._authority = _Authority(self.directory)
        self._front = _Proxy(self)
        self._front.start()

    def close(self) -> None:
        """Ends it. Idempotent."""
        self._front.stop()
        self._scratch.cleanup()

    def environment(self) -> dict[str, str]:
        """What makes a program find Azure here, and trust it: Java's, Go's and Python's ways."""
        store = f"-Djavax.net.ssl.trustStore={self._authority.store}"
        return {
            "HTTPS_PROXY": self._front.url,
            "SSL_CERT_FILE": str(self._authority.file),
            "NXF_OPTS": f"{store} -Djavax.net.ssl.trustStorePassword={PASSWORD}",
        }

    def context(self, host: str) -> ssl.SSLContext:
        """The server's side of TLS for one host."""
        return self._authority.context(host)

    def serve(self, host: str, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """The emulated Azure's answer to what was sent to a host of Azure's."""
        return self._gateway(method, f"{below(host)}{target}", headers, body, sent=target)


class _Proxy(Front):
    """Takes nothing but tunnels to Azure."""

    def __init__(self, door: Door) -> None:
        super().__init__("127.0.0.1", 0, _no_tunnel)
        self.RequestHandlerClass = _Tunnel
        self.door = door


def _no_tunnel(*_: object) -> Answer:
    return Answer.json({"message": "only tunnels to Azure go through here"}, 403)


class _Tunnel(Handler):
    """A connection: first to the proxy, then, inside TLS, to a host of Azure's."""

    server: _Proxy
    host = ""

    def do_CONNECT(self) -> None:  # noqa: N802 (http.server's word)
        host = self.path.rpartition(":")[0].lower()
        if below(host) is None:
            self._send(Answer.json({"message": f"{host} is no host of the emulated Azure"}, 403))
            self.close_connection = True
            return
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            self.connection = self.server.door.context(host).wrap_socket(self.connection, server_side=True)
        except (OSError, ssl.SSLError):
            self.close_connection = True  # a client that trusts somebody else only
            return
        self.request, self.host = self.connection, host
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        self.close_connection = False

    def finish(self) -> None:
        super().finish()
        if self.host:
            self.connection.close()

    def _app(self, headers: dict[str, str], body: bytes) -> Answer:
        if not self.host:
            return super()._app(headers, body)
        headers["x-forwarded-proto"] = "https"
        return self.server.door.serve(self.host, self.command, self.path, headers, body)


class _Authority:
    """Gives every host a certificate. Thread-safe."""

    def __init__(self, directory: Path) -> None:
        from cryptography.hazmat.primitives import serialization as forms  # slow to load, and seldom needed
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import pkcs12

        self._directory, self._lock = directory, threading.Lock()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._own = self._signed("Emulated Azure", "")
        self.file, self.store = directory / "authority.pem", directory / "authority.p12"
        self.file.write_bytes(self._own.public_bytes(forms.Encoding.PEM))
        entry = pkcs12.PKCS12Certificate(self._own, b"emulated-azure")
        kind = forms.BestAvailableEncryption(PASSWORD.encode())
        self.store.write_bytes(pkcs12.serialize_java_truststore([entry], kind))
        directory.chmod(0o755)

    def context(self, host: str) -> ssl.SSLContext:
        """Made once for each host."""
        with self._lock:
            if host not in self._contexts:
                self._contexts[host] = self._made(host)
            return self._contexts[host]

    def _made(self, host: str) -> ssl.SSLContext:
        from cryptography.hazmat.primitives import serialization as forms

        key = self._key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
        chain = self._signed(host, host).public_bytes(forms.Encoding.PEM)
        file = self._directory / f"{host}.pem"
        file.touch(0o600)
        file.write_bytes(key + chain)
        found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        found.load_cert_chain(file)
        return found

    def _signed(self, name: str, host: str) -> "x509.Certificate":
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        day, now = datetime.timedelta(days=1), datetime.datetime.now(datetime.UTC)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name[:64])])
        issuer = subject if not host else self._own.subject
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + 30 * day)
            .add_extension(x509.BasicConstraints(ca=not host, path_length=None), critical=True)
        )
        if host:
            made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return made.sign(self._key, hashes.SHA256())
