"""Signed tokens: those of the issuer, and those of other issuers, which are read and verified."""

import base64
import binascii
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_PADDINGS: dict[str, padding.AsymmetricPadding] = {
    "RS256": padding.PKCS1v15(),
    "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH),
}
Claims = dict[str, Any]


def encoded(content: bytes) -> str:
    """Base64 as tokens have it: for URLs, without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def decoded(text: str) -> bytes:
    """The content of base64 for URLs, padded or not. Raises `ValueError`."""
    bare = text.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def key_of_this_process() -> rsa.RSAPrivateKey:
    """One key for all issuers of a process. To make one takes a tenth of a second."""
    return _new_key()


class SigningKey:
    """An RSA key that `make` makes when it is first needed."""

    def __init__(self, key_id: str, make: Callable[[], rsa.RSAPrivateKey] = _new_key) -> None:
        self.key_id = key_id
        self._make = make
        self._lock = threading.Lock()
        self._made: rsa.RSAPrivateKey | None = None

    @property
    def _key(self) -> rsa.RSAPrivateKey:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def signed(self, claims: Claims, header: Mapping[str, str] | None = None) -> str:
        """A token with these claims, RS256."""
        head = {"typ": "JWT", "alg": "RS256", "kid": self.key_id, **(header or {})}
        content = ".".join(encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
        return f"{content}.{encoded(self._key.sign(content.encode(), _PADDINGS['RS256'], hashes.SHA256()))}"

    def public_key(self) -> rsa.RSAPublicKey:
        """The public key."""
        return self._key.public_key()

    def public(self) -> dict[str, str]:
        """The public key as a JSON Web Key."""
        numbers = self.public_key().public_numbers()
        parts = {name: encoded(_bytes(value)) for name, value in (("n", numbers.n), ("e", numbers.e))}
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.key_id, **parts}


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


@dataclass(frozen=True)
class SignedToken:
    """A token of another issuer or of a client, read but not verified."""

    header: Claims
    claims: Claims
    _content: bytes
    _signature: bytes

    @classmethod
    def read(cls, text: str) -> "SignedToken":
        """Take a token apart. Raises `ValueError`."""
        first, second, third = text.split(".")
        header, claims = (json.loads(decoded(part)) for part in (first, second))
        if not (isinstance(header, dict) and isinstance(claims, dict)) or header.get("alg") not in _PADDINGS:
            raise ValueError("not a token that can be verified")
        return cls(header, claims, f"{first}.{second}".encode(), decoded(third))

    def is_signed_by(self, key: Any) -> bool:
        """Whether a public key verifies the signature."""
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        try:
            key.verify(self._signature, self._content, _PADDINGS[self.header["alg"]], hashes.SHA256())
        except InvalidSignature:
            return False
        return True


def public_key(jwk: Mapping[str, str]) -> rsa.RSAPublicKey:
    """The key of a JSON Web Key. Raises `ValueError` or `KeyError`."""
    n, e = (int.from_bytes(decoded(jwk[name]), "big") for name in ("n", "e"))
    return rsa.RSAPublicNumbers(e, n).public_key()
