"""Certificate bundles as Windows writes them, decoded for OpenSSL, which does not read UTF-16."""

import codecs
import re
from pathlib import Path

_ENCODINGS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


def text_of(content: bytes) -> str:
    """The text of a PEM file, decoded by its byte order mark; text around the certificates may be anything."""
    encoding = next((encoding for mark, encoding in _ENCODINGS if content.startswith(mark)), "utf-8")
    return content.decode(encoding, "replace")


def marked_certificates(path: str) -> str:
    """The certificates of a file with a byte order mark; empty for other files. Raises `OSError`."""
    with Path(path).open("rb") as file:
        start = file.read(3)
        if not start.startswith(tuple(mark for mark, _ in _ENCODINGS)):
            return ""
        return "\n".join(_CERTIFICATE.findall(text_of(start + file.read())))
