"""Files with a certificate and its private key: PEM and PFX, with and without a password.

`cryptography` is imported only where a file is read.
"""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

LONGEST_FILE = 64 * 1024
_SMALLEST_KEY = 2048
# Opening a file with more rounds would occupy the process for seconds to hours. Programs write a million at most.
_MOST_ROUNDS = 10_000_000
_SALT, _NUMBER, _SALT_LENGTHS = b"\x04", b"\x02", range(8, 65)
# Nothing counts further than in eight bytes and one for the sign. Random content, such as a key, may look like a longer
# number: one of several hundred key files did.
_NUMBER_LENGTHS = range(1, 10)
# Certificates have no rounds.
_KEY = re.compile(rb"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END ")

CERTIFICATE_ERRORS = {
    "empty": "Choose the file with the certificate and its private key.",
    "too_long": "This is too long for a certificate. Choose a PEM or PFX file with one certificate.",
    "wrong_password": "The password does not open this file.",
    "password_needed": "This private key has a password. Enter it.",
    "no_key": "This file has no private key. Choose the file that has both the certificate and the key.",
    "no_certificate": "This file has no certificate. Choose the file that has both the certificate and the key.",
    "not_a_certificate": "This is neither a PEM nor a PFX file that we can read.",
    "unsupported": "This file uses an algorithm that we can't read. Export it again, with an RSA key and AES-256.",
    "not_rsa": "The key is not an RSA key of at least 2048 bits. Microsoft Entra accepts only those.",
    "mismatch": "The private key does not belong to any certificate in this file.",
    "expired": "This certificate has expired. Microsoft Entra no longer accepts it.",
    "not_yet_valid": "This certificate is not valid yet. Microsoft Entra does not accept it before its first day.",
}
ABOUT_THE_PASSWORD = frozenset({"wrong_password", "password_needed"})


class InvalidCertificate(ValueError):
    """A file is not a certificate that can be used. `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@contextmanager
def refusing_what_cannot_be_read() -> Iterator[None]:
    """Raise `InvalidCertificate` for what `cryptography` raises, without the exception, which may repeat content."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import InvalidVersion

    try:
        yield
    except InvalidCertificate:
        raise
    except UnsupportedAlgorithm:
        raise InvalidCertificate("unsupported") from None
    except (ValueError, InvalidVersion):
        raise InvalidCertificate("not_a_certificate") from None


def read_key_file(content: bytes, password: str) -> "tuple[RSAPrivateKey, x509.Certificate]":
    """The private key in a file, and its certificate. Raises `InvalidCertificate` and what `cryptography` raises."""
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
    from cryptography.hazmat.primitives import serialization

    _require_few_rounds(*map(base64.b64decode, _KEY.findall(content)))
    for attempt in dict.fromkeys((password.encode() or None, None)):
        try:
            return serialization.load_pem_private_key(content, attempt)
        except TypeError:
            # A password for a key without one, or none for a key with one.
            if attempt is None:
                raise InvalidCertificate("password_needed") from None
        except ValueError:
            raise InvalidCertificate("wrong_password" if password else "not_a_certificate") from None
    raise InvalidCertificate("not_a_certificate")


def _read_pfx(content: bytes, password: str) -> "tuple[object, list[x509.Certificate]]":
    from cryptography.hazmat.primitives.serialization import pkcs12

    # The same error for a wrong password, a missing one, and anything that is no PFX; which begins with a sequence.
    if not content.startswith(b"\x30"):
        raise InvalidCertificate("not_a_certificate")
    _require_few_rounds(content)
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(content, password.encode() or None)
    except ValueError:
        raise InvalidCertificate("wrong_password" if password else "password_needed") from None
    return key, [*([certificate] if certificate else []), *others]


def _require_few_rounds(*contents: bytes) -> None:
    """Raise `InvalidCertificate` if opening one of these would take too long."""
    if any(rounds > _MOST_ROUNDS for content in contents for rounds in _rounds(content)):
        raise InvalidCertificate("unsupported")


def _rounds(content: bytes) -> Iterator[int]:
    """Each number that follows what may be a salt, as the rounds of a key derivation do in DER.

    https://www.rfc-editor.org/rfc/rfc8018#appendix-A
    """
    at = content.find(_SALT)
    while 0 <= at < len(content) - 1:
        length = content[at + 1]
        head = content[at + 2 + length : at + 4 + length]
        if length in _SALT_LENGTHS and head[:1] == _NUMBER and len(head) == 2 and head[1] in _NUMBER_LENGTHS:
            yield int.from_bytes(content[at + 4 + length : at + 4 + length + head[1]], signed=True)
        at = content.find(_SALT, at + 1)
