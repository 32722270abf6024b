"""Write mails to the outbox, in the transaction of the change that they report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.urls import reverse

from connections import clients
from connections.domain import expiry
from connections.domain.health import StatusChange
from connections.models import Connection, Mail, MutedReminders
from connections.notifications import emails
from connections.notifications.mail_scopes import scopes_context

UNSUBSCRIBE_SALT = "connections.unsubscribe"
EVERYTHING = 0


@dataclass(frozen=True, slots=True)
class Recipient:
    """An address, and why it gets a mail, as the end of the sentence "You get this because"."""

    address: str
    why: str


class Recipients:
    """Administrators and muted reminders, queried once for many connections."""

    def __init__(self) -> None:
        self._muted_about: dict[int, set[str]] = {}

    @cached_property
    def administrators(self) -> list[str]:
        """The addresses of all active administrators, who are the people that may manage people."""
        users = User.objects.with_perm("people.manage_people", backend="django.contrib.auth.backends.ModelBackend")
        return list(users.exclude(email="").order_by("pk").values_list("email", flat=True))

    @cached_property
    def _muted(self) -> set[str]:
        addresses = MutedReminders.objects.filter(connection=None).values_list("address", flat=True)
        return {address.casefold() for address in addresses}

    def look_up(self, connection_ids: Iterable[int]) -> None:
        """Query the muted reminders of these connections in place of earlier ones."""
        self._muted_about = {pk: set() for pk in connection_ids}
        muted = MutedReminders.objects.filter(connection__in=self._muted_about)
        for pk, address in muted.values_list("connection__pk", "address"):
            self._muted_about[pk].add(address.casefold())

    def is_muted(self, address: str, connection_id: int) -> bool:
        """Whether this address gets no reminders about this connection, or about any."""
        if connection_id not in self._muted_about:
            self.look_up([connection_id])
        folded = address.casefold()
        return folded in self._muted or folded in self._muted_about[connection_id]


def recipients(
    connection: Connection, *, urgent: bool = False, is_reminder: bool = False, everybody: Recipients | None = None
) -> list[Recipient]:
    """Who is notified about a connection; administrators too if it is urgent or no one else is left.

    People who stopped reminders still get other notifications.
    """
    everybody = everybody or Recipients()
    owner = connection.owner
    people = [Recipient(owner.email, "you own this connection")] if owner.is_active and owner.email else []
    why = "you are listed to be notified about this connection"
    people += [Recipient(address, why) for address in connection.extra_recipients.split()]
    if is_reminder:
        people = [recipient for recipient in people if not everybody.is_muted(recipient.address, connection.pk)]
    if urgent or not owner.is_active or not people:
        people += [Recipient(address, _why_administrators(connection, urgent)) for address in everybody.administrators]
    first = {recipient.address.casefold(): recipient for recipient in reversed(people)}
    return [recipient for recipient in people if first.get(recipient.address.casefold()) is recipient]


def _why_administrators(connection: Connection, urgent: bool) -> str:
    if not connection.owner.is_active:
        return "you administer MFE Orchestrator and the owner of this connection is no longer active"
    return f"you administer MFE Orchestrator and {'this is urgent' if urgent else 'no one else can be notified'}"


def notify_status_change(connection: Connection, change: StatusChange, *, now: datetime) -> int:
    """Notify people of a status change. Returns how many mails were written."""
    context = facts(connection) | {
        "problem": clients.stored_problem(connection) if connection.problem else None,
        **scopes_context(connection),
    }
    context["token_is_dead"] = connection.problem in expiry.DEAD_TOKEN
    people = recipients(connection, urgent=change is StatusChange.REJECTED)
    return len(enqueue_mail(change, people, context, about=[connection], now=now))


def facts(connection: Connection) -> dict[str, Any]:
    """The template context that all mails about a connection share."""
    return {
        "connection": connection,
        "owner_name": connection.owner.get_full_name() or connection.owner.get_username(),
        "tokens_page": clients.tokens_page(connection.server, connection.organization),
        "place": clients.place_of(connection.server),
        "detail_url": settings.SITE_URL + connection.get_absolute_url(),
        "update_url": page("update-token", connection.pk),
        "edit_url": page("edit", connection.pk),
        "reach_url": f"{page('edit', connection.pk)}#id_token_reach",
    }


def page(name: str, *args: object) -> str:
    """The absolute URL of a page."""
    return f"{settings.SITE_URL}{reverse(f'connections:{name}', args=args)}"


def enqueue_mail(
    event: str,
    people: Iterable[Recipient],
    context: Mapping[str, Any],
    *,
    about: Iterable[Connection],
    now: datetime,
    unsubscribe_from: int | None = None,
) -> list[Mail]:
    """Write one mail about the connections to each of `people`, due now.

    `unsubscribe_from` is the id of the connection whose reminders a recipient can stop, or EVERYTHING.
    """
    subjects = list(about)
    written = []
    for recipient in people:
        stop = "" if unsubscribe_from is None else unsubscribe_url(unsubscribe_from, recipient.address)
        rendered = emails.render_mail(event, {**context, "why": recipient.why, "unsubscribe_url": stop})
        written.append(
            Mail(
                kind=event,
                connection=subjects[0] if len(subjects) == 1 else None,
                about=[{"id": connection.pk, "name": connection.name} for connection in subjects],
                recipient=recipient.address,
                subject=rendered.subject,
                text=rendered.text,
                html=rendered.html,
                headers=_unsubscribe_headers(stop),
                message_id=emails.new_message_id(),
                created_at=now,
                due_at=now,
            )
        )
    return Mail.objects.bulk_create(written)


def unsubscribe_url(connection_id: int, address: str) -> str:
    """A signed URL that stops the reminders to this address about one connection, or EVERYTHING."""
    return page("unsubscribe", signing.dumps([connection_id, address], salt=UNSUBSCRIBE_SALT))


def read_unsubscribe_key(key: str) -> tuple[int, str] | None:
    """The connection's id, or EVERYTHING, and the address that such a key holds; None when it was not signed here."""
    try:
        connection_id, address = signing.loads(key, salt=UNSUBSCRIBE_SALT)
    except signing.BadSignature:
        return None
    return connection_id, address


def _unsubscribe_headers(address: str) -> dict[str, str]:
    # https://www.rfc-editor.org/rfc/rfc8058
    if not address:
        return {}
    return {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
