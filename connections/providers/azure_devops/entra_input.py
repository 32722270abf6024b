"""What people enter about an application of Microsoft Entra."""

import re

from connections.providers.azure_devops.entra_credentials import EntraClientSecret

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
    """A text is no id, or no client secret. `code` says why; the text itself is not in the exception."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


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


def read_client_secret(tenant: str, client: str, secret: str) -> EntraClientSecret:
    """The credential with these ids. Raises `InvalidEntraInput`."""
    return EntraClientSecret.of(read_id(tenant), read_id(client), read_secret(secret))
