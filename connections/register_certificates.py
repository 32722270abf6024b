"""Read a certificate file: names and dates, of which nothing but these is kept.

A private key or a PKCS #12 container is refused before it is parsed. `cryptography.x509`, which takes long to import,
is imported only where a certificate is read.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from django.utils import timezone

from connections.input_rules import InvalidInput
from connections.providers.credential import day_in

if TYPE_CHECKING:
    from cryptography import x509

MOST_BYTES = 256 * 1024
_MOST_NAMES = 10
_PEM = b"-----BEGIN CERTIFICATE-----"
# A sequence that begins with version 3 is PKCS #12, and one with version 0 or 1 is a private key.
# https://www.rfc-editor.org/rfc/rfc7292#section-4, https://www.rfc-editor.org/rfc/rfc5958#section-2
_VERSION = b"\x02\x01"


class NotACertificate(InvalidInput):
    """The file holds no certificate that can be read, or a private key. The message repeats nothing of it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, field="file")


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What is known of the first certificate of a file: whose it is, who issued it, and when it is valid.

    `soonest_on` is the earliest end among all certificates of the chain, which is the day on which something stops.
    Days are those of the site's time zone.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    serial: str
    fingerprint: str
    valid_from: date
    expires_on: date
    chain: int
    soonest_on: date

    @property
    def notes(self) -> str:
        """The facts as notes of an entry."""
        lines = [
            f"Subject: {self.subject}",
            f"Issuer: {self.issuer}",
            f"Names: {', '.join(self.names)}" if self.names else "",
            f"Serial number: {self.serial}",
            f"SHA-256: {self.fingerprint}",
            f"Valid from {self.valid_from:%-d %b %Y} to {self.expires_on:%-d %b %Y}",
            f"{self.chain} certificates in the file; the first to expire does so on {self.soonest_on:%-d %b %Y}"
            if self.chain > 1
            else "",
        ]
        return "\n".join(filter(None, lines))

    @property
    def name(self) -> str:
        """A name for an entry."""
        return next(iter(self.names), self.subject)


def read_certificate(content: bytes) -> CertificateFacts:
    """The facts of a certificate as PEM or DER, alone or first of a chain. Raises `NotACertificate`."""
    if len(content) > MOST_BYTES:
        raise NotACertificate("certificate_too_large", "This file is too large for a certificate.")
    _refuse_keys(content)
    from cryptography import x509

    malformed = (x509.UnsupportedGeneralNameType, x509.InvalidVersion, x509.DuplicateExtension)
    try:
        if _PEM in content:
            chain = x509.load_pem_x509_certificates(content)
        else:
            chain = [x509.load_der_x509_certificate(content)]
        return _facts(chain)
    except (ValueError, *malformed):
        words = "This is no certificate that we can read. Export it as PEM (.pem, .crt) or DER (.cer), without its key."
        raise NotACertificate("certificate_invalid", words) from None


def _refuse_keys(content: bytes) -> None:
    if b"PRIVATE KEY" in content:
        words = "This file holds a private key. It was not kept. Choose the file that holds only the certificate."
        raise NotACertificate("private_key", words)
    version = _version_of(content)
    if version == 3:
        words = "This is a PFX file, which holds a private key. It was not kept. Export only the certificate."
        raise NotACertificate("pfx_file", words)
    if version is not None:
        words = "This looks like a private key. It was not kept. Choose the file that holds only the certificate."
        raise NotACertificate("private_key", words)


def _version_of(content: bytes) -> int | None:
    """The number that a DER sequence begins with; None if it does not, as a certificate."""
    if len(content) < 8 or content[:1] != b"\x30":
        return None
    length_bytes = content[1] & 0x7F if content[1] & 0x80 else 0
    inner = content[2 + length_bytes : 2 + length_bytes + 3]
    return inner[2] if inner[:2] == _VERSION and len(inner) == 3 else None


def _facts(chain: "list[x509.Certificate]") -> CertificateFacts:
    first = chain[0]
    return CertificateFacts(
        subject=_shown(first.subject),
        issuer=_shown(first.issuer),
        names=_names(first),
        serial=f"{first.serial_number:x}",
        fingerprint=first.fingerprint(hashes.SHA256()).hex(":"),
        valid_from=_day(first.not_valid_before_utc),
        expires_on=_day(first.not_valid_after_utc),
        chain=len(chain),
        soonest_on=min(_day(certificate.not_valid_after_utc) for certificate in chain),
    )


def _day(moment: datetime) -> date:
    return day_in(timezone.get_current_timezone(), moment)


def _shown(name: "x509.Name") -> str:
    from cryptography.x509.oid import NameOID

    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    text = str(common[0].value) if common else name.rfc4514_string()
    return "".join(letter for letter in text if letter.isprintable())[:200].strip() or "no subject"


def _names(certificate: "x509.Certificate") -> tuple[str, ...]:
    from cryptography import x509

    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(name[:200] for name in found.get_values_for_type(x509.DNSName) if name.isprintable())[:_MOST_NAMES]
