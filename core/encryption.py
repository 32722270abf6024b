"""Encryption of stored tokens with FIELD_ENCRYPTION_KEYS, and keyed fingerprints of tokens.

HKDF derives an encryption key and a signing key from each entry, for the authenticated Fernet of django-cryptography.
The first entry encrypts, and every entry can decrypt. The encrypted text contains the name of its row, so that it
can't be decrypted after it was copied to another row. Nothing is pickled.
"""

import base64
import hashlib
import hmac
from contextlib import suppress

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signing import BadSignature
from django_cryptography.core.signing import FernetSigner
from django_cryptography.utils.crypto import FernetBytes, InvalidToken

from core.secrets import Secret

_SALT = b"mfe-orchestrator/stored-token/1"
_SEPARATOR = b"\0"


class UnreadableToken(Exception):
    """No key decrypts a stored token, or it was copied from another row."""

    code = "token_unreadable"


def _box(secret: str) -> FernetBytes:
    material = HKDF(hashes.SHA256(), 64, salt=_SALT, info=b"encrypt and sign").derive(secret.encode())
    return FernetBytes(material[:32], signer=FernetSigner(material[32:]))


def _boxes() -> list[FernetBytes]:
    if not settings.FIELD_ENCRYPTION_KEYS:
        raise ImproperlyConfigured("FIELD_ENCRYPTION_KEYS is empty: set at least one key to keep tokens with.")
    return [_box(secret) for secret in settings.FIELD_ENCRYPTION_KEYS]


def encrypt(secret: Secret, *, owner: str) -> bytes:
    """Encrypt `secret` with the newest key for the row named `owner`."""
    return bytes(_boxes()[0].encrypt(owner.encode() + _SEPARATOR + secret.reveal().encode()))


def decrypt(sealed: bytes, *, owner: str) -> Secret:
    """Decrypt with the key that fits. Raises `UnreadableToken`."""
    for box in _boxes():
        try:
            opened = bytes(box.decrypt(sealed))
        except (BadSignature, InvalidToken, ValueError):
            continue
        name, _, secret = opened.partition(_SEPARATOR)
        if name == owner.encode():
            return Secret(secret.decode())
        break
    raise UnreadableToken


def is_encrypted_with_newest_key(sealed: bytes) -> bool:
    """Whether this was encrypted with the newest key."""
    try:
        _boxes()[0].decrypt(sealed)
    except (BadSignature, InvalidToken, ValueError):
        return False
    return True


def is_readable(sealed: bytes) -> bool:
    """Whether some key decrypts this, whichever row it belongs to."""
    for box in _boxes():
        with suppress(BadSignature, InvalidToken, ValueError):
            box.decrypt(sealed)
            return True
    return False


def fingerprint(secret: Secret, *, purpose: str = "stored") -> str:
    """A keyed digest that recognizes the same secret. `purpose` separates the digests of different uses.

    Its key is not one of FIELD_ENCRYPTION_KEYS, so that it stays the same when those are rotated.
    """
    key = base64.b64decode(settings.TOKEN_FINGERPRINT_KEY)
    message = purpose.encode() + _SEPARATOR + secret.reveal().encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()
