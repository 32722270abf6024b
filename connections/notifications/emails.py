"""The way out by mail: how a mail is worded, and how it is handed to the mail server."""

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
_EMPTY_LINES = re.compile(r"\n\s*\n\s*\n")
_BACKENDS = "django.core.mail.backends"
# Ours in place of Django's, whichever of both the settings name.
_OURS: dict[str, type[BaseEmailBackend]] = {
    f"{_BACKENDS}.smtp.EmailBackend": SMTPBackend,
    f"{_BACKENDS}.filebased.EmailBackend": FolderBackend,
    "connections.notifications.mail_folder.FolderBackend": FolderBackend,
}
_REACH_NOBODY = {
    f"{_BACKENDS}.console.EmailBackend": "the worker's output",
    f"{_BACKENDS}.dummy.EmailBackend": "nothing",
}


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A mail's subject and both of its forms."""

    subject: str
    text: str
    html: str


def render_mail(event: str, context: Mapping[str, Any]) -> RenderedMail:
    """The words of `templates/emails/<event>/`."""
    subject = SUBJECT_PREFIX + " ".join(render_to_string(f"emails/{event}/subject.txt", dict(context)).split())
    full = {**context, "subject": subject}
    text = render_to_string(f"emails/{event}/body.txt", full)
    return RenderedMail(
        subject=subject[:LONGEST_SUBJECT],
        text=_EMPTY_LINES.sub("\n\n", text).strip() + "\n",
        html=render_to_string(f"emails/{event}/body.html", full),
    )


def new_message_id() -> str:
    """An id that stays with the mail through every attempt, so that a duplicate is known as one."""
    return make_msgid(domain=urlsplit(settings.SITE_URL).hostname or "localhost")


def written_to() -> str:
    """Where mails are written while no mail server gets them, such as “the folder /srv/mail”; empty when one does."""
    if _OURS.get(settings.EMAIL_BACKEND) is FolderBackend:
        return f"the folder {settings.EMAIL_FILE_PATH}"
    return _REACH_NOBODY.get(settings.EMAIL_BACKEND, "")


def sender_problem(sender: str) -> str:
    """Why this sender cannot be used, as the end of a sentence; empty when it can.

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
    """The configured way, closed until the first mail. Raises SetupError."""
    if words := sender_problem(settings.DEFAULT_FROM_EMAIL):
        raise SetupError(f"DEFAULT_FROM_EMAIL {words}.")
    try:
        backend = _OURS.get(settings.EMAIL_BACKEND)
        return backend() if backend else get_connection()
    except Exception as error:
        raise SetupError(f"Mail is misconfigured: {error}") from error


@contextmanager
def _deadline(way: BaseEmailBackend) -> Iterator[None]:
    before = getattr(way, "connection", None)
    if before is not None:
        before.watch()
    try:
        yield
    finally:
        for connection in (before, getattr(way, "connection", None)):
            if connection is not None:
                connection.unwatch()


def close(way: BaseEmailBackend) -> None:
    """Say goodbye to the mail server. What goes wrong at that changes nothing for what was handed over."""
    with suppress(OSError, ValueError), _deadline(way):
        way.close()


def send_mail(mail: Mail, way: BaseEmailBackend) -> None:
    """Give one mail to the mail server, within EMAIL_DEADLINE seconds. Raises whatever `fault_of` judges.

    The connection stays open for the next mail. One that the server dropped after an earlier mail is replaced.
    """
    is_used = isinstance(way, SMTPBackend) and way.is_usable
    if not is_used:
        close(way)
    try:
        _send(mail, way)
    except smtplib.SMTPServerDisconnected as dropped:
        if not is_used or isinstance(dropped, Unconfirmed) or isinstance(dropped.__context__, TimeoutError):
            raise
        close(way)
        _send(mail, way)


def _send(mail: Mail, way: BaseEmailBackend) -> None:
    message = EmailMultiAlternatives(
        mail.subject,
        mail.text,
        settings.DEFAULT_FROM_EMAIL,
        [mail.recipient],
        headers={"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated", **mail.headers},
        connection=way,
    )
    message.attach_alternative(mail.html, "text/html")
    with _deadline(way):
        # Django ends a connection that it opened itself after each mail.
        way.open()
        message.send()
