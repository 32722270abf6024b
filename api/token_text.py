"""The text of an API token: a prefix and a checksum, by which secret scanners recognize it without asking anyone."""

import re
import secrets
import string
import zlib

from core.secrets import Secret

PREFIX = "mfeo_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
# 40 of 62 characters are 238 random bits.
_RANDOM, _CHECKSUM = 40, 6
_FORM = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM + _CHECKSUM}}}")


def new_token() -> Secret:
    """A random token."""
    random = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return Secret(f"{PREFIX}{random}{_checksum(random)}")


def is_token(text: str) -> bool:
    """Whether the text has the form of a token, its checksum included. It may be a token that never existed."""
    return _FORM.fullmatch(text) is not None and _checksum(text[len(PREFIX) : -_CHECKSUM]) == text[-_CHECKSUM:]


def _checksum(random: str) -> str:
    """CRC-32 in base 62, as GitHub's tokens end with it."""
    number = zlib.crc32(random.encode())
    digits = []
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
