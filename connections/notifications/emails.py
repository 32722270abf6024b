"""Render mails and hand them to the mail server."""

import re
import smtplib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.errors import ObsoleteHeaderDefect
from email.headerregistry import HeaderRegistry
from email.utils import make_msgid
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import sanitize_address
from django.core.validators import validate_email
from django.template.loader import render_to_string

from connections.models import Mail
from connections.notifications.mail_failures import SetupError
from connections.notifications.mail_folder import FolderBackend
from connections.notifications.smtp import SMTPBackend, Unconfirmed

SUBJECT_PREFIX = "[MFE Orchestrator] "
LONGEST_SUBJECT = 250
# With what make_msgid puts before it, a Message-ID is no longer than its column.
_LONGEST_DOMAIN = 70
_EMPTY_LINES = re.compile(r"\n\s*\n\s*\n")
_BACKENDS = "django.core.mail.backends"
# Our backends replace Django's, whichever the settings name.
_OURS: dict[str, type[BaseEmailBackend]] = {
    f"{_BACKENDS}.smtp.EmailBackend": SMTPBackend,
    f"{_BACKENDS}.filebased.EmailBackend": FolderBackend,
    "connections.notifications.mail_folder.FolderBackend": FolderBackend,
}
_UNDELIVERED = {
    f"{_BACKENDS}.console.EmailBackend": "the worker's output",
    f"{_BACKENDS}.dummy.EmailBackend": "nothing",
}


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """Subject, plain text and HTML of a mail."""

    subject: str
    text: str
    html: str


def render_mail(event: str, context: Mapping[str, Any]) -> RenderedMail:
    """Render `templates/emails/<event>/`."""
    subject = SUBJECT_PREFIX + render_subject(event, context)
    full = {**context, "subject": subject}
    text = render_to_string(f"emails/{event}/body.txt", full)
    return RenderedMail(
        subject=subject[:LONGEST_SUBJECT],
        text=_EMPTY_LINES.sub("\n\n", text).strip() + "\n",
        html=render_to_string(f"emails/{event}/body.html", full),
    )


def render_subject(event: str, context: Mapping[str, Any]) -> str:
    """The subject without the prefix that mails have."""
    subject = " ".join(render_to_string(f"emails/{event}/subject.txt", dict(context)).split())
    return subject[: LONGEST_SUBJECT - len(SUBJECT_PREFIX)]


def new_message_id() -> str:
    """A Message-ID, kept for all attempts of a mail, so that mail programs recognize duplicates."""
    domain = urlsplit(settings.SITE_URL).hostname or "localhost"
    return make_msgid(domain=domain[-_LONGEST_DOMAIN:].lstrip(".-"))


def written_to() -> str:
    """Where mails are written if no mail server is configured, such as "the folder /srv/mail"; otherwise empty."""
    if _OURS.get(settings.EMAIL_BACKEND) is FolderBackend:
        return f"the folder {settings.EMAIL_FILE_PATH}"
    return _UNDELIVERED.get(settings.EMAIL_BACKEND, "")


def sender_problem(sender: str) -> str:
    """Why this sender is invalid, as the end of a sentence; empty if it is valid.

    Quotes around a name with a comma: https://www.rfc-editor.org/rfc/rfc5322#section-3.4
    """
    if "\n" in sender or "\r" in sender:
        return "contains a line break"
    header: Any = HeaderRegistry()("From", sender)
    is_broken = any(not isinstance(defect, ObsoleteHeaderDefect) for defect in header.defects)
    try:
        if is_broken or len(header.addresses) != 1:
            raise ValueError(sender)
        sanitize_address(sender, settings.DEFAULT_CHARSET)
        validate_email(header.addresses[0].addr_spec)
    except (ValueError, TypeError, ValidationError):
        return "is not a single mail address; put a name with a comma or another special character in quotes"
    return ""


def open_backend() -> BaseEmailBackend:
    """The configured backend, which connects with the first mail. Raises SetupError."""
    if reason := sender_problem(settings.DEFAULT_FROM_EMAIL):
        raise SetupError(f"DEFAULT_FROM_EMAIL {reason}.")
    try:
        backend = _OURS.get(settings.EMAIL_BACKEND)
        return backend() if backend else get_connection()
    except Exception as error:
        raise SetupError(f"Mail is misconfigured: {error}") from error


@contextmanager
def _deadline(backend: BaseEmailBackend) -> Iterator[None]:
    before = getattr(backend, "connection", None)
    if before is not None:
        before.watch()
    try:
        yield
    finally:
        for connection in (before, getattr(backend, "connection", None)):
            if connection is not None:
                connection.unwatch()


def close(backend: BaseEmailBackend) -> None:
    """Close the connection. Errors are ignored, as they do not affect the mails that were accepted."""
    with suppress(OSError, ValueError), _deadline(backend):
        backend.close()


def send_mail(mail: Mail, backend: BaseEmailBackend) -> None:
    """Hand one mail to the mail server within EMAIL_DEADLINE seconds. Raises the errors that `fault_of` classifies.

    The connection stays open for the next mail. If the server closed it after an earlier mail, a new one is opened.
    """
    is_used = isinstance(backend, SMTPBackend) and backend.is_usable
    if not is_used:
        close(backend)
    try:
        _send(mail, backend)
    except smtplib.SMTPServerDisconnected as error:
        if not is_used or isinstance(error, Unconfirmed) or isinstance(error.__context__, TimeoutError):
            raise
        close(backend)
        _send(mail, backend)


def _send(mail: Mail, backend: BaseEmailBackend) -> None:
    message = EmailMultiAlternatives(
        mail.subject,
        mail.text,
        settings.DEFAULT_FROM_EMAIL,
        [mail.recipient],
        headers={"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated", **mail.headers},
        connection=backend,
    )
    message.attach_alternative(mail.html, "text/html")
    with _deadline(backend):
        # Otherwise Django would close the connection after this mail.
        backend.open()
        message.send()
