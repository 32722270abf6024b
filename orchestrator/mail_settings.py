"""Settings of the mail server, from EMAIL_URL. Without it, mails are written to a folder."""

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
    """Django's settings for this URL. Raises `ImproperlyConfigured`, without the URL, which contains a password."""
    if not url:
        return {"EMAIL_BACKEND": _TO_FOLDER}
    try:
        if not url.startswith("filemail:"):
            url = with_encoded_hash(url)
        mail: dict[str, Any] = environ.Env.email_url_config(url)
    except (ValueError, ImproperlyConfigured):
        raise ImproperlyConfigured(
            f"EMAIL_URL cannot be read. Use {_FORMS}, with special characters in the password percent-encoded."
        ) from None
    if mail["EMAIL_BACKEND"] == _SMTP and not mail["EMAIL_HOST"]:
        raise ImproperlyConfigured(f"EMAIL_URL names no mail server. Use {_FORMS}.")
    if mail["EMAIL_BACKEND"] == _FILES:
        mail["EMAIL_BACKEND"] = _TO_FOLDER
    if not mail["EMAIL_FILE_PATH"]:
        del mail["EMAIL_FILE_PATH"]
    if url.lower().startswith("smtps:"):
        # django-environ takes it for STARTTLS, but RFC 8314 and others for TLS from the first byte.
        mail |= {"EMAIL_USE_TLS": False, "EMAIL_USE_SSL": True}
    return mail
