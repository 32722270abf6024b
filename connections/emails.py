"""The way out by mail: how a mail is worded, and how it is handed to the mail server."""

import re
import smtplib
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import make_msgid
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends import smtp
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string

from connections.models import Mail

SUBJECT_PREFIX = "[MFE Orchestrator] "
LONGEST_SUBJECT = 250
_EMPTY_LINES = re.compile(r"\n\s*\n\s*\n")
# What `hand_over` raises. `SMTPException` is an `OSError` too, and a mail that cannot be written down a `ValueError`.
TROUBLES = (OSError, ValueError)
_SERVER_TROUBLES = (
    smtplib.SMTPServerDisconnected,
    smtplib.SMTPConnectError,
    smtplib.SMTPHeloError,
    smtplib.SMTPAuthenticationError,
    smtplib.SMTPNotSupportedError,
)


def is_of_the_server(failure: Exception) -> bool:
    """Whether the next mail would meet the same trouble, as it says nothing of this one."""
    if isinstance(failure, smtplib.SMTPException):
        return isinstance(failure, _SERVER_TROUBLES)
    return isinstance(failure, OSError)


@dataclass(frozen=True, slots=True)
class Worded:
    """A mail's subject and both of its forms."""

    subject: str
    text: str
    html: str


def word(event: str, context: Mapping[str, Any]) -> Worded:
    """The words of `templates/emails/<event>/`."""
    subject = SUBJECT_PREFIX + " ".join(render_to_string(f"emails/{event}/subject.txt", dict(context)).split())
    full = {**context, "subject": subject}
    text = render_to_string(f"emails/{event}/body.txt", full)
    return Worded(
        subject=subject[:LONGEST_SUBJECT],
        text=_EMPTY_LINES.sub("\n\n", text).strip() + "\n",
        html=render_to_string(f"emails/{event}/body.html", full),
    )


def new_message_id() -> str:
    """An id that stays with the mail through every attempt, so that a duplicate is known as one."""
    return make_msgid(domain=urlsplit(settings.SITE_URL).hostname or "localhost")


class Unconfirmed(smtplib.SMTPServerDisconnected):
    """A whole mail was handed over and no answer came: it may have been accepted, and the next attempt be a second."""


class _SMTP(smtplib.SMTP):
    """A connection that ends with its deadline, however slowly the server drips."""

    _watch: threading.Timer | None = None

    def watch(self) -> None:
        """Count the deadline from now."""
        self.unwatch()
        self._watch = threading.Timer(settings.EMAIL_DEADLINE, self._cut)
        self._watch.daemon = True
        self._watch.start()

    def unwatch(self) -> None:
        """Let it be as long as it takes until the next mail."""
        if self._watch is not None:
            self._watch.cancel()

    def data(self, msg: Any) -> tuple[int, bytes]:
        """As smtplib's, with patience until the deadline: a server that looks into mails answers late.

        https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.2.6
        """
        if self.sock is not None:
            self.sock.settimeout(settings.EMAIL_DEADLINE)
        try:
            return super().data(msg)
        except smtplib.SMTPResponseException:
            raise
        except OSError as trouble:
            raise Unconfirmed(f"No answer to a mail that was handed over: {trouble}") from trouble
        finally:
            if self.sock is not None:
                self.sock.settimeout(settings.EMAIL_TIMEOUT)

    def _get_socket(self, *args: Any) -> Any:
        # The first moment at which there is something to cut; the greeting has not been read yet.
        self.watch()
        return super()._get_socket(*args)  # type: ignore[misc]  # typeshed leaves out what smtplib's own classes override

    def _cut(self) -> None:
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


class _SMTPOverTLS(_SMTP, smtplib.SMTP_SSL):
    """The same with TLS from the first byte."""


class SMTPBackend(smtp.EmailBackend):
    """Django's, with a deadline over everything that belongs to one mail."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """Plain, or with TLS from the first byte."""
        return _SMTPOverTLS if self.use_ssl else _SMTP


def way_out() -> BaseEmailBackend:
    """The configured way, closed until the first mail."""
    is_smtp = settings.EMAIL_BACKEND == "django.core.mail.backends.smtp.EmailBackend"
    return SMTPBackend() if is_smtp else get_connection()


@contextmanager
def _deadline(way: BaseEmailBackend) -> Iterator[None]:
    before = getattr(way, "connection", None)
    if before is not None:
        before.watch()
    try:
        yield
    finally:
        for one in (before, getattr(way, "connection", None)):
            if one is not None:
                one.unwatch()


def close(way: BaseEmailBackend) -> None:
    """Say goodbye to the mail server. What goes wrong at that changes nothing for what was handed over."""
    with suppress(*TROUBLES), _deadline(way):
        way.close()


def hand_over(mail: Mail, way: BaseEmailBackend) -> None:
    """Give one mail to the mail server, within EMAIL_DEADLINE seconds. Raises a member of TROUBLES."""
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
        message.send()
