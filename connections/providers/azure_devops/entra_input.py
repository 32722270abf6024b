"""What people enter about an application of Microsoft Entra."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connections.providers.azure_devops.entra_certificates import EntraCertificate
from connections.providers.azure_devops.entra_credentials import EntraClientSecret, EntraCredential
from connections.providers.azure_devops.key_files import (
    ABOUT_THE_PASSWORD,
    CERTIFICATE_ERRORS,
    LONGEST_FILE,
    InvalidCertificate,
)
from core.secrets import Secret

LONGEST_SECRET = 200
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
# What copying adds around an id: braces of PowerShell, quotes of JSON, and white space.
_AROUND_IDS = " \t\r\n\"'{}()\ufeff\u200b\u00a0"
_AROUND_SECRETS = " \t\r\n\"'\ufeff\u200b\u00a0"

TENANT_ERRORS = {
    "empty": "Enter the directory (tenant) ID.",
    "not_an_id": "A tenant ID looks like 00000000-1111-2222-3333-444444444444. Microsoft Entra shows it as “Directory "
    "(tenant) ID”.",
}
CLIENT_ERRORS = {
    "empty": "Enter the application (client) ID.",
    "not_an_id": "A client ID looks like 00000000-1111-2222-3333-444444444444. Microsoft Entra shows it as "
    "“Application (client) ID”.",
}
SECRET_ERRORS = {
    "empty": "Paste the client secret.",
    "secret_id": "This is the Secret ID. Copy the Value beside it. Microsoft Entra shows it only once, so you may have "
    "to create a new secret.",
    "too_long": "This is too long for a client secret. Paste only the value.",
    "not_printable_ascii": "The secret contains white space or an invalid character. Copy the value in one piece.",
}


class InvalidEntraInput(ValueError):
    """A text is no id, client secret or certificate. `code` says why; the text itself is not in the exception.

    `field` names the part of an application, if there are several, and `message` says what is wrong with it.
    """

    def __init__(self, code: str, *, field: str = "", message: str = "") -> None:
        super().__init__(code)
        self.code, self.field, self.message = code, field, message


def read_id(text: str) -> str:
    """A tenant or client id, in lower case without braces. Raises `InvalidEntraInput`."""
    trimmed = text.strip(_AROUND_IDS).lower()
    if not trimmed:
        raise InvalidEntraInput("empty")
    if not _GUID.fullmatch(trimmed) or not trimmed.strip("0-"):
        raise InvalidEntraInput("not_an_id")
    return trimmed


def read_secret(text: str) -> str:
    """The value of a client secret. Raises `InvalidEntraInput`."""
    trimmed = text.strip(_AROUND_SECRETS)
    if not trimmed:
        raise InvalidEntraInput("empty")
    if _GUID.fullmatch(trimmed.strip("{}").lower()):
        raise InvalidEntraInput("secret_id")
    if len(trimmed) > LONGEST_SECRET:
        raise InvalidEntraInput("too_long")
    if not (trimmed.isascii() and trimmed.isprintable()) or " " in trimmed:
        raise InvalidEntraInput("not_printable_ascii")
    return trimmed


@dataclass(frozen=True, slots=True)
class ApplicationInput:
    """What was entered about an application: its ids, and either a client secret or a file with a certificate."""

    tenant: str
    client: str
    client_secret: Secret | None = None
    certificate: bytes | None = field(default=None, repr=False)
    certificate_password: Secret | None = None


def read_application(entered: ApplicationInput, *, now: datetime) -> EntraCredential:
    """The credential that was entered. Raises `InvalidEntraInput` with its field and message."""
    tenant = _part("tenant", read_id, entered.tenant, TENANT_ERRORS)
    client = _part("client", read_id, entered.client, CLIENT_ERRORS)
    if (entered.client_secret is None) == (entered.certificate is None):
        raise InvalidEntraInput("no_choice", field="client_secret", message="Enter a client secret or a certificate.")
    if entered.certificate is not None:
        return _read_certificate(tenant, client, entered.certificate, entered.certificate_password, now=now)
    secret = entered.client_secret.reveal() if entered.client_secret else ""
    return EntraClientSecret.of(tenant, client, _part("client_secret", read_secret, secret, SECRET_ERRORS))


def _part(name: str, read: Callable[[str], str], text: str, messages: Mapping[str, str]) -> str:
    try:
        return read(text)
    except InvalidEntraInput as error:
        raise InvalidEntraInput(error.code, field=name, message=messages[error.code]) from None


def _read_certificate(
    tenant: str, client: str, content: bytes, password: Secret | None, *, now: datetime
) -> EntraCertificate:
    try:
        return EntraCertificate.of(tenant, client, content, password.reveal() if password else "", now=now)
    except InvalidCertificate as error:
        name = "certificate_password" if error.code in ABOUT_THE_PASSWORD else "certificate"
        raise InvalidEntraInput(error.code, field=name, message=CERTIFICATE_ERRORS[error.code]) from None


def certificate_in_text(text: str) -> bytes:
    """The content of a PEM file, or of a PFX file in base64. Raises `InvalidEntraInput`."""
    if "-----BEGIN" in text:
        return text.encode()
    try:
        return base64.b64decode("".join(text.split())[: 2 * LONGEST_FILE], validate=True)
    except ValueError:
        code = "not_a_certificate"
        raise InvalidEntraInput(code, field="certificate", message=CERTIFICATE_ERRORS[code]) from None
