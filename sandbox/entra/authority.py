"""The certificate authority of the issuer, its certificate for TLS, and certificates with which applications sign in.

Everything is a file in one folder, so that it stays the same when the sandbox starts again. Nothing is made before it
is needed: elliptic curves for TLS, RSA where Microsoft Entra accepts nothing else.
"""

import ssl
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

_ADDRESSES = ("127.0.0.1", "::1")
_DAYS = 825
# Clocks in tests may be behind.
_EARLIER = timedelta(days=365)
_PEM = serialization.Encoding.PEM
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Authority:
    """The certificates in a folder. They can be asked for from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority, for clients to trust. Made when it does not exist."""
        path = self._folder / "ca.pem"
        with self._lock:
            if not (path.exists() and self._server_file.exists()):
                self._make()
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
        """A certificate and its key, RSA, in one file. Made when it does not exist; ended if `days` is negative."""
        path = self._folder / f"{name}.pem"
        with self._lock:
            if not path.exists():
                key = rsa.generate_private_key(65537, 2048)
                subject = _name(f"Sandbox {name}")
                certificate = _builder(subject, subject, key.public_key(), days).sign(key, hashes.SHA256())
                _write(path, certificate, key)
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

    def write_text(self, name: str, text: str) -> None:
        """Write another file into the folder."""
        with self._lock:
            _replace(self._folder / name, text.encode())

    def _make(self) -> None:
        """The authority and one server. The authority signs nothing else, so its key is not kept."""
        (self._folder / "ca.pem").unlink(missing_ok=True)
        key, own = ec.generate_private_key(ec.SECP256R1()), _name("Sandbox authority")
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        authority = _builder(own, own, key.public_key(), _DAYS).add_extension(constraints, critical=True)
        authority = authority.add_extension(_signs_certificates(), critical=True)
        server_key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName(
            [x509.DNSName("localhost"), *(x509.IPAddress(ip_address(one)) for one in _ADDRESSES)]
        )
        server = _builder(_name("localhost"), own, server_key.public_key(), _DAYS).add_extension(names, critical=False)
        issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
        server = server.add_extension(issued_by, critical=False)
        _write(self._server_file, server.sign(key, hashes.SHA256()), server_key)
        _replace(self._folder / "ca.pem", authority.sign(key, hashes.SHA256()).public_bytes(_PEM))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, days: float
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    ends_at = now + timedelta(days=days)
    return (
        x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
        .not_valid_before(min(now, ends_at) - _EARLIER)
        .not_valid_after(ends_at)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _signs_certificates() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, certificate: x509.Certificate, key: PrivateKey) -> None:
    secret = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _replace(path, certificate.public_bytes(_PEM) + secret)


def _replace(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads. Whoever reads it at the same time finds all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    beside.touch(mode=0o600)
    beside.write_bytes(content)
    beside.replace(path)
