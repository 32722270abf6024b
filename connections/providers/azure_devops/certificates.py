"""TLS contexts that trust a bundle of certificates, also one that Windows wrote: OpenSSL does not read UTF-16."""

import codecs
import re
from functools import lru_cache
from pathlib import Path
from ssl import SSLContext

from urllib3.util.ssl_ import create_urllib3_context

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


def trusting(path: str) -> SSLContext:
    """A context that trusts the certificates of this file, read again only when the file has changed.

    Reading the usual bundle takes longer than a TLS handshake. Raises `OSError`, also for a file without certificates.
    """
    changed_at = Path(path).stat()
    return _trusting(path, changed_at.st_mtime_ns, changed_at.st_size)


@lru_cache(maxsize=16)
def _trusting(path: str, _changed_ns: int, _size: int) -> SSLContext:
    context = create_urllib3_context()
    marked = marked_certificates(path)
    context.load_verify_locations(cadata=marked) if marked else context.load_verify_locations(cafile=path)
    return context
