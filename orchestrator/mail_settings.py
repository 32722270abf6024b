"""Settings of the mail server, from EMAIL_URL; without one mails are written to a folder."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from orchestrator.service_urls import with_encoded_hash

_SMTP = "django.core.mail.backends.smtp.EmailBackend"
_FILES = "django.core.mail.backends.filebased.EmailBackend"
_TO_FOLDER = "connections.notifications.mail_folder.FolderBackend"
_FORMS = (
    "smtp+tls://user:password@mail.example.com:587 (STARTTLS), smtps://…:465 (TLS from the first byte) or smtp://…:25"
)


def read(url: str) -> dict[str, Any]:
    """Django's settings for this address. Raises `ImproperlyConfigured`, without the address: a password is in it."""
    if not url:
        return {"EMAIL_BACKEND": _TO_FOLDER}
    try:
        if not url.startswith("filemail:"):
            url = with_encoded_hash(url)
        found: dict[str, Any] = environ.Env.email_url_config(url)
    except (ValueError, ImproperlyConfigured):
        raise ImproperlyConfigured(
            f"EMAIL_URL cannot be read. It is one of {_FORMS}; special characters in the password are percent-encoded."
        ) from None
    if found["EMAIL_BACKEND"] == _SMTP and not found["EMAIL_HOST"]:
        raise ImproperlyConfigured(f"EMAIL_URL names no mail server. It is one of {_FORMS}.")
    if found["EMAIL_BACKEND"] == _FILES:
        found["EMAIL_BACKEND"] = _TO_FOLDER
    if not found["EMAIL_FILE_PATH"]:
        del found["EMAIL_FILE_PATH"]
    if url.lower().startswith("smtps:"):
        # To django-environ it is STARTTLS; to everybody else, as to RFC 8314, it is TLS from the first byte.
        found |= {"EMAIL_USE_TLS": False, "EMAIL_USE_SSL": True}
    return found
