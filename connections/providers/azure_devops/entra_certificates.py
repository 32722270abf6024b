"""Certificates of applications, and the assertions that they sign.

`cryptography.x509` is imported only where a certificate is used, as it takes long.
https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Self

from connections.providers.azure_devops.entra_credentials import ASSERTION_TYPE, EntraCredential, words_of
from connections.providers.azure_devops.key_files import (
    InvalidCertificate,
    read_key_file,
    refusing_what_cannot_be_read,
)
from connections.providers.azure_devops.text import base64url
from connections.providers.credential import DateSource, day_in
from core.secrets import Secret

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_ASSERTION_SECONDS = 300
# How far the clocks of two servers may be apart.
_SKEW = timedelta(minutes=5)


class EntraCertificate(EntraCredential):
    """A certificate with its private key, which never leaves it. It has an expiry date of its own."""

    __slots__ = ()

    kind = "entra_certificate"
    label = "Microsoft Entra certificate"
    words = words_of("certificate", new="upload a new certificate")
    date_source = DateSource.CREDENTIAL

    @classmethod
    def of(cls, tenant: str, client: str, content: bytes, password: str | None, *, now: datetime) -> Self:
        """The certificate in a PEM or PFX file, which ends on a day in the time zone of `now`.

        Raises `InvalidCertificate`.
        """
        with refusing_what_cannot_be_read():
            key, certificate = read_key_file(content, password or "")
            return cls._of(tenant=tenant, client=client, **_parts(key, certificate, now=now))

    def facts(self) -> dict[str, str]:
        """Whom the certificate names, and its thumbprints: SHA-1, as Microsoft Entra shows it, and SHA-256."""
        return {name: self._parts[name] for name in ("subject", "sha1", "sha256")}

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
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self._assertion(endpoint, time.time())}

    def _assertion(self, endpoint: str, now: float) -> str:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding, rsa

        header = {"alg": "PS256", "typ": "JWT", "x5t#S256": base64url(bytes.fromhex(self._parts["sha256"]))}
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
        text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        key = serialization.load_pem_private_key(self._parts["key"].encode(), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise InvalidCertificate("not_rsa")
        digest = hashes.SHA256()
        padded = padding.PSS(padding.MGF1(digest), salt_length=digest.digest_size)
        return f"{text}.{base64url(key.sign(text.encode(), padded, digest))}"


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _parts(key: "RSAPrivateKey", certificate: "x509.Certificate", *, now: datetime) -> dict[str, str]:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    if certificate.not_valid_after_utc <= now:
        raise InvalidCertificate("expired")
    if certificate.not_valid_before_utc > now + _SKEW:
        raise InvalidCertificate("not_yet_valid")
    der, public = certificate.public_bytes(Encoding.DER), PublicFormat.SubjectPublicKeyInfo
    return {
        "key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "public_key": key.public_key().public_bytes(Encoding.PEM, public).decode(),
        "certificate": certificate.public_bytes(Encoding.PEM).decode(),
        "subject": _printable(certificate.subject.rfc4514_string())[:200],
        "ends_on": day_in(now.tzinfo, certificate.not_valid_after_utc).isoformat(),
        "sha1": hashlib.sha1(der, usedforsecurity=False).hexdigest().upper(),
        "sha256": hashlib.sha256(der).hexdigest().upper(),
    }
