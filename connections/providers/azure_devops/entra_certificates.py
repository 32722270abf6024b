"""Certificates of applications: what a file holds, and the assertions that it signs.

No page offers them yet, as the form needs a file, a password, and the date of the file instead of one that is chosen.
`cryptography` is imported only where a certificate is used.
https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Self

from connections.providers.azure_devops.entra_credentials import EntraCredential, words_of
from core.secrets import Secret

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

LONGEST_FILE = 64 * 1024
_SMALLEST_KEY = 2048
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS = 300

CERTIFICATE_ERRORS = {
    "empty": "Choose or paste a certificate with its private key.",
    "too_long": "This is too long for a certificate. Choose a PEM or PFX file with one certificate.",
    "wrong_password": "The password does not open this file.",
    "password_needed": "This private key has a password. Enter it.",
    "no_key": "This file has no private key. Choose the file that has both the certificate and the key.",
    "no_certificate": "This file has no certificate. Choose the file that has both the certificate and the key.",
    "not_a_certificate": "This is neither a PEM nor a PFX file.",
    "not_rsa": "The key is not an RSA key of at least 2048 bits. Microsoft Entra accepts only those.",
    "mismatch": "The private key does not belong to any certificate in this file.",
    "expired": "This certificate has expired. Microsoft Entra no longer accepts it.",
}


class InvalidCertificate(ValueError):
    """A file is not a certificate that can be used. `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class EntraCertificate(EntraCredential):
    """A certificate with its private key, which never leaves it. It has an expiry date of its own."""

    __slots__ = ()

    kind = "entra_certificate"
    label = "Microsoft Entra certificate"
    words = words_of("certificate")

    @classmethod
    def of(cls, tenant: str, client: str, content: bytes, password: str | None, *, now: datetime) -> Self:
        """The certificate in a PEM or PFX file. Raises `InvalidCertificate`."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.x509 import InvalidVersion

        try:
            return cls._of(tenant=tenant, client=client, **_parts(*_read(content, password or ""), now=now))
        except InvalidCertificate:
            raise
        except (ValueError, InvalidVersion, UnsupportedAlgorithm):
            raise InvalidCertificate("not_a_certificate") from None

    @property
    def subject(self) -> str:
        """Whom the certificate names."""
        return self._parts["subject"]

    @property
    def thumbprints(self) -> tuple[str, str]:
        """SHA-1, as Microsoft Entra shows it, and SHA-256."""
        return self._parts["sha1"], self._parts["sha256"]

    def expires_on(self, recorded: date | None) -> date | None:
        """The date of the certificate, whatever was recorded."""
        return date.fromisoformat(self._parts["ends_on"])

    def recognized_by(self) -> Secret:
        """The public key: another file with the same key, or a later certificate for it, leaks with this one."""
        return Secret(self._parts["public_key"])

    def secrets(self) -> tuple[str, ...]:
        """The private key, whole and without the lines around it."""
        key = self._parts["key"]
        return key, "".join(key.splitlines()[1:-1])

    def proof(self, endpoint: str) -> Mapping[str, str]:
        """An assertion for this endpoint, valid for some minutes."""
        return {"client_assertion_type": _ASSERTION, "client_assertion": self._assertion(endpoint, time.time())}

    def _assertion(self, endpoint: str, now: float) -> str:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding, rsa

        header = {"alg": "PS256", "typ": "JWT", "x5t#S256": _encoded(bytes.fromhex(self._parts["sha256"]))}
        issued = int(now)
        claims = {
            "aud": endpoint,
            "iss": self.client,
            "sub": self.client,
            "jti": str(uuid.uuid4()),
            "nbf": issued,
            "iat": issued,
            "exp": issued + _ASSERTION_SECONDS,
        }
        text = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
        key = serialization.load_pem_private_key(self._parts["key"].encode(), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise InvalidCertificate("not_rsa")
        digest = hashes.SHA256()
        padded = padding.PSS(padding.MGF1(digest), salt_length=digest.digest_size)
        return f"{text}.{_encoded(key.sign(text.encode(), padded, digest))}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _parts(key: "RSAPrivateKey", certificate: "x509.Certificate", *, now: datetime) -> dict[str, str]:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    if certificate.not_valid_after_utc <= now:
        raise InvalidCertificate("expired")
    der, public = certificate.public_bytes(Encoding.DER), PublicFormat.SubjectPublicKeyInfo
    return {
        "key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "public_key": key.public_key().public_bytes(Encoding.PEM, public).decode(),
        "certificate": certificate.public_bytes(Encoding.PEM).decode(),
        "subject": certificate.subject.rfc4514_string()[:200],
        "ends_on": certificate.not_valid_after_utc.astimezone(UTC).date().isoformat(),
        "sha1": hashlib.sha1(der, usedforsecurity=False).hexdigest().upper(),
        "sha256": hashlib.sha256(der).hexdigest().upper(),
    }


def _read(content: bytes, password: str) -> "tuple[RSAPrivateKey, x509.Certificate]":
    from cryptography.hazmat.primitives.asymmetric import rsa

    if not content.strip():
        raise InvalidCertificate("empty")
    if len(content) > LONGEST_FILE:
        raise InvalidCertificate("too_long")
    key, certificates = _read_pem(content, password) if b"-----BEGIN" in content else _read_pfx(content, password)
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < _SMALLEST_KEY:
        raise InvalidCertificate("no_key" if key is None else "not_rsa")
    if not certificates:
        raise InvalidCertificate("no_certificate")
    # A chain has several certificates, in any order.
    for certificate in certificates:
        if certificate.public_key() == key.public_key():
            return key, certificate
    raise InvalidCertificate("mismatch")


def _read_pem(content: bytes, password: str) -> "tuple[object, list[x509.Certificate]]":
    from cryptography import x509

    if b"PRIVATE KEY-----" not in content:
        raise InvalidCertificate("no_key")
    key = _key_in(content, password)
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise InvalidCertificate("no_certificate")
    return key, x509.load_pem_x509_certificates(content)


def _key_in(content: bytes, password: str) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    for attempt in dict.fromkeys((password.encode() or None, None)):
        try:
            return serialization.load_pem_private_key(content, attempt)
        except TypeError:
            # A password for a key without one, or none for a key with one.
            if attempt is None:
                raise InvalidCertificate("password_needed") from None
        except (ValueError, UnsupportedAlgorithm):
            raise InvalidCertificate("wrong_password" if password else "not_a_certificate") from None
    raise InvalidCertificate("not_a_certificate")


def _read_pfx(content: bytes, password: str) -> "tuple[object, list[x509.Certificate]]":
    from cryptography.hazmat.primitives.serialization import pkcs12

    # The same error for a wrong password, a missing one, and anything that is no PFX; which begins with a sequence.
    if not content.startswith(b"\x30"):
        raise InvalidCertificate("not_a_certificate")
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(content, password.encode() or None)
    except ValueError:
        raise InvalidCertificate("wrong_password" if password else "password_needed") from None
    return key, [*([certificate] if certificate else []), *others]
