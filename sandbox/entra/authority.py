"""The certificate authority of the issuer, its certificate for TLS, and certificates with which applications sign in.

Everything is a file in one folder, so that it stays the same when the sandbox starts again. Nothing is made before it
is needed: elliptic curves for TLS, RSA where Microsoft Entra accepts nothing else.
"""

import ssl
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.entra.certificates import CertificateAuthority, self_signed

_SERVER = ("localhost", "127.0.0.1", "::1")
_DAYS = 825


class Authority:
    """The certificates in a folder. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority, for clients to trust. Made when it does not exist."""
        path = self._folder / "ca.pem"
        with self._lock:
            if not (path.exists() and self._server_file.exists()):
                self._make(path)
        return path

    @property
    def _server_file(self) -> Path:
        return self._folder / "server.pem"

    def server_context(self) -> ssl.SSLContext:
        """What the issuer needs to speak TLS on loopback."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with self._lock:
            _ = self.ca_file
            context.load_cert_chain(self._server_file)
        return context

    def certificate_file(self, name: str, *, days: float = 365) -> Path:
        """A certificate and its key, RSA, in one file. Made when it does not exist; expired if `days` is negative."""
        path = self._folder / f"{name}.pem"
        with self._lock:
            if not path.exists():
                _replace(path, self_signed(f"Sandbox {name}", days=days))
        return path

    def key(self, name: str) -> rsa.RSAPrivateKey:
        """The key of a certificate. Made when it does not exist."""
        key = serialization.load_pem_private_key(self.certificate_file(name).read_bytes(), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError(f"the key of {name} is not RSA")
        return key

    def certificate(self, name: str) -> x509.Certificate | None:
        """The certificate of an application, if `certificate_file` has made one."""
        path = self._folder / f"{name}.pem"
        return x509.load_pem_x509_certificate(path.read_bytes()) if path.exists() else None

    def write_text(self, name: str, text: str) -> Path:
        """Write another file into the folder."""
        path = self._folder / name
        with self._lock:
            _replace(path, text.encode())
        return path

    def _make(self, ca_file: Path) -> None:
        """Make the authority and one server. The authority signs nothing else, so its key is not kept."""
        ca_file.unlink(missing_ok=True)
        authority = CertificateAuthority("Sandbox authority", days=_DAYS)
        _replace(self._server_file, authority.server(*_SERVER, days=_DAYS))
        _replace(ca_file, authority.pem)


def _replace(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read. Concurrent readers find all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    beside.touch(mode=0o600)
    beside.write_bytes(content)
    beside.replace(path)
