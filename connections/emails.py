"""The way out by mail: how a mail is worded, and how it is handed to the mail server."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import make_msgid
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string

from connections.models import Mail

SUBJECT_PREFIX = "[MFE Orchestrator] "


@dataclass(frozen=True, slots=True)
class Worded:
    """A mail's subject and both of its forms."""

    subject: str
    text: str
    html: str


def word(event: str, context: Mapping[str, Any]) -> Worded:
    """The words of `templates/emails/<event>/`."""
    full = {**context, "site": settings.SITE_URL}
    subject = " ".join(render_to_string(f"emails/{event}/subject.txt", full).split())
    return Worded(
        subject=(SUBJECT_PREFIX + subject)[:250],
        text=render_to_string(f"emails/{event}/body.txt", full).strip() + "\n",
        html=render_to_string(f"emails/{event}/body.html", full),
    )


def new_message_id() -> str:
    """An id that stays with the mail through every attempt, so that a duplicate is known as one."""
    return make_msgid(domain=urlsplit(settings.SITE_URL).hostname or "localhost")


def hand_over(mail: Mail, connection: BaseEmailBackend) -> None:
    """Give one mail to the mail server. Raises what the backend raises: `OSError` or `SMTPException`."""
    message = EmailMultiAlternatives(
        mail.subject,
        mail.text,
        settings.DEFAULT_FROM_EMAIL,
        [mail.recipient],
        headers={"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated", **mail.headers},
        connection=connection,
    )
    message.attach_alternative(mail.html, "text/html")
    message.send()
