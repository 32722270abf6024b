"""Write mails into the outbox, in the transaction of the fact they tell."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.urls import reverse

from connections import clients, emails, messages
from connections.azure_devops.capabilities import BY_KEY, Verdict
from connections.models import Connection, Mail
from connections.status import News

UNSUBSCRIBE_SALT = "connections.unsubscribe"


def recipients(connection: Connection, *, urgent: bool = False) -> list[str]:
    """Who is told about a connection; administrators too when it is urgent or nobody else is left."""
    people = [connection.owner.email] if connection.owner.is_active and connection.owner.email else []
    people += connection.extra_recipients.split()
    muted = set(connection.muted.values_list("address", flat=True))
    people = [one for one in people if one not in muted]
    if urgent or not connection.owner.is_active or not people:
        people += administrators()
    return list(dict.fromkeys(people))


def administrators() -> list[str]:
    """The addresses of all active administrators."""
    found = User.objects.filter(is_superuser=True, is_active=True).exclude(email="")
    return list(found.order_by("pk").values_list("email", flat=True))


def tell_status(connection: Connection, what: News, *, now: datetime) -> int:
    """Tell people what became of a connection. Returns how many mails were written."""
    context = facts(connection) | {
        "problem": messages.problem(connection.problem) if connection.problem else None,
        "missing": _missing(connection),
    }
    people = recipients(connection, urgent=what is News.REJECTED)
    return len(put(what, people, context, connection=connection, now=now))


def _missing(connection: Connection) -> list[dict[str, str]]:
    found = connection.capabilities.exclude(verdict=Verdict.GRANTED).order_by("pk")
    return [
        {"label": BY_KEY[one.capability].azure_label, "without": messages.PURPOSES[one.capability].without}
        for one in found
    ]


def facts(connection: Connection) -> dict[str, Any]:
    """What every mail about a connection says."""
    try:
        tokens_page = clients.server(connection.server).tokens_page(connection.organization)
    except clients.UnknownServer:
        tokens_page = ""
    return {
        "connection": connection,
        "owner_name": connection.owner.get_full_name() or connection.owner.get_username(),
        "tokens_page": tokens_page,
        "detail_url": settings.SITE_URL + connection.get_absolute_url(),
        "update_url": settings.SITE_URL + reverse("connections:update-token", args=[connection.pk]),
    }


def put(
    event: str,
    people: Iterable[str],
    context: Mapping[str, Any],
    *,
    connection: Connection | None,
    now: datetime,
    can_unsubscribe: bool = False,
) -> list[Mail]:
    """One mail for each of `people`, due at once."""
    written = []
    for address in people:
        unsubscribe = unsubscribe_url(connection, address) if can_unsubscribe and connection else ""
        worded = emails.word(event, {**context, "unsubscribe_url": unsubscribe})
        written.append(
            Mail(
                kind=event,
                connection=connection,
                recipient=address,
                subject=worded.subject,
                text=worded.text,
                html=worded.html,
                headers=_unsubscribe_headers(unsubscribe),
                message_id=emails.new_message_id(),
                created_at=now,
                due_at=now,
            )
        )
    return Mail.objects.bulk_create(written)


def unsubscribe_url(connection: Connection, address: str) -> str:
    """A signed address at which this person stops the reminders about this connection."""
    key = signing.dumps([connection.pk, address], salt=UNSUBSCRIBE_SALT)
    return f"{settings.SITE_URL}{reverse('connections:unsubscribe', args=[key])}"


def _unsubscribe_headers(address: str) -> dict[str, str]:
    # https://www.rfc-editor.org/rfc/rfc8058
    if not address:
        return {}
    return {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
