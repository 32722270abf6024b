"""Write mails and messages to channels to the outbox, in the transaction of the change that they report."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.db.models import Model
from django.urls import reverse

from connections import clients
from connections.domain import expiry
from connections.domain.health import StatusChange
from connections.models import Connection, Mail, MutedReminders, NotificationChannel, RegisterEntry
from connections.notifications import emails
from connections.notifications.mail_basis import Basis
from connections.notifications.mail_scopes import scopes_context
from connections.notifications.message_parts import render_parts
from connections.providers.credential import labelled

UNSUBSCRIBE_SALT = "connections.unsubscribe"
EVERYTHING = 0


@dataclass(frozen=True, slots=True)
class Recipient:
    """An address, and why it gets a mail, as the end of the sentence "You get this because".

    Or a channel, whose name is then the address.
    """

    address: str
    why: str
    channel: NotificationChannel | None = None


# The id of a channel, or None for a mail, and the address or the channel's name in lower case.
Address = tuple[int | None, str]


def address_of(recipient: Recipient) -> Address:
    """Where a recipient's mail or message goes, to put together what goes to the same place."""
    return (recipient.channel.pk if recipient.channel else None, recipient.address.casefold())


class Recipients:
    """Administrators, muted reminders and channels, queried once for many connections or entries of the register."""

    def __init__(self) -> None:
        self._muted_about: dict[int, set[str]] = {}
        self._channels_of: dict[int, list[NotificationChannel]] = {}
        self._channels_of_entry: dict[int, list[NotificationChannel]] = {}

    @cached_property
    def administrators(self) -> list[str]:
        """The addresses, each once, of all active administrators, who are the people that may manage people."""
        users = User.objects.with_perm("people.manage_people", backend="django.contrib.auth.backends.ModelBackend")
        addresses = users.exclude(email="").order_by("pk").values_list("email", flat=True)
        return list({address.casefold(): address for address in reversed(list(addresses))}.values())[::-1]

    @cached_property
    def _muted(self) -> set[str]:
        addresses = MutedReminders.objects.filter(connection=None).values_list("address", flat=True)
        return {address.casefold() for address in addresses}

    @cached_property
    def _left(self) -> set[str]:
        """The addresses of deactivated people, in lower case, except those that active people have too."""
        addresses: dict[bool, set[str]] = {True: set(), False: set()}
        for address, is_active in User.objects.exclude(email="").values_list("email", "is_active"):
            addresses[is_active].add(address.casefold())
        return addresses[False] - addresses[True]

    def has_left(self, address: str) -> bool:
        """Whether this is the address of someone who was deactivated."""
        return address.casefold() in self._left

    @cached_property
    def _channels(self) -> dict[int, NotificationChannel]:
        """All channels that have not gone."""
        return NotificationChannel.objects.defer("sealed").filter(gone_at=None).in_bulk()

    @cached_property
    def _personal_channels(self) -> dict[str, list[NotificationChannel]]:
        """The channels that active people chose for themselves, by their addresses."""
        chosen: dict[str, list[NotificationChannel]] = defaultdict(list)
        if not self._channels:
            return chosen
        pairs = NotificationChannel.people.through.objects.filter(user__is_active=True).order_by("pk")
        for pk, address in pairs.values_list("notificationchannel_id", "user__email"):
            if address and pk in self._channels:
                chosen[address.casefold()].append(self._channels[pk])
        return chosen

    def channels_of(self, connection_id: int) -> list[NotificationChannel]:
        """The channels of a connection."""
        if connection_id not in self._muted_about:
            self.load([connection_id])
        return self._channels_of.get(connection_id, [])

    def channels_of_entry(self, entry_id: int) -> list[NotificationChannel]:
        """The channels of an entry of the register."""
        if entry_id not in self._channels_of_entry:
            self.load_entries([entry_id])
        return self._channels_of_entry[entry_id]

    def personal_channels(self, addresses: Iterable[str]) -> list[NotificationChannel]:
        """The channels that the people with these addresses chose; each once."""
        chosen = (channel for address in addresses for channel in self._personal_channels.get(address.casefold(), ()))
        return list({channel.pk: channel for channel in chosen}.values())

    def load(self, connection_ids: Iterable[int]) -> None:
        """Query the muted reminders and channels of these connections in place of earlier ones."""
        self._muted_about = {pk: set() for pk in connection_ids}
        muted = MutedReminders.objects.filter(connection__in=self._muted_about)
        for pk, address in muted.values_list("connection__pk", "address"):
            self._muted_about[pk].add(address.casefold())
        self._channels_of = self._chosen_for(NotificationChannel.connections.through, "connection", self._muted_about)

    def load_entries(self, entry_ids: Iterable[int]) -> None:
        """Query the channels of these entries of the register in place of earlier ones."""
        self._channels_of_entry = self._chosen_for(NotificationChannel.entries.through, "registerentry", entry_ids)

    def _chosen_for(
        self, through: type[Model], column: str, ids: Iterable[int]
    ) -> dict[int, list[NotificationChannel]]:
        """The channels that were chosen for these rows, by their ids."""
        chosen: dict[int, list[NotificationChannel]] = {pk: [] for pk in ids}
        # Without any channel, which is usual, a batch of rows takes no further query.
        pairs = through._default_manager.filter(**{f"{column}__in": chosen}).order_by("pk")
        for pk, channel in pairs.values_list(f"{column}_id", "notificationchannel_id") if self._channels else ():
            if channel in self._channels:
                chosen[pk].append(self._channels[channel])
        return chosen

    def is_muted(self, address: str, connection_id: int) -> bool:
        """Whether this address gets no reminders about this connection, or about any."""
        if connection_id not in self._muted_about:
            self.load([connection_id])
        folded = address.casefold()
        return folded in self._muted or folded in self._muted_about[connection_id]


def recipients(
    connection: Connection, *, urgent: bool = False, is_reminder: bool = False, everybody: Recipients | None = None
) -> list[Recipient]:
    """Who is notified about a connection; administrators too if it is urgent or no one else is left.

    People who stopped reminders still get other notifications. Channels come in addition to people, never instead of
    them: those of the connection, and those that the people chose.
    """
    everybody = everybody or Recipients()
    subject = _Subject("connection", connection.pk, connection.owner, connection.extra_recipients)
    channels = everybody.channels_of(connection.pk)
    return _recipients(subject, channels, urgent=urgent, is_reminder=is_reminder, everybody=everybody)


def recipients_about_entry(
    entry: RegisterEntry, *, urgent: bool, is_reminder: bool, everybody: Recipients
) -> list[Recipient]:
    """The same about an entry of the register."""
    subject = _Subject("credential", EVERYTHING, entry.owner, entry.extra_recipients)
    channels = everybody.channels_of_entry(entry.pk)
    return _recipients(subject, channels, urgent=urgent, is_reminder=is_reminder, everybody=everybody)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What people are notified about. `pk` is the id of a connection, or EVERYTHING."""

    noun: str
    pk: int
    owner: User
    extra_recipients: str

    def why_administrators(self, *, urgent: bool) -> str:
        if not self.owner.is_active:
            return f"you administer MFE Orchestrator and the owner of this {self.noun} is no longer active"
        return f"you administer MFE Orchestrator and {'this is urgent' if urgent else 'no one else can be notified'}"


def _recipients(
    subject: _Subject,
    channels: Iterable[NotificationChannel],
    *,
    urgent: bool,
    is_reminder: bool,
    everybody: Recipients,
) -> list[Recipient]:
    owner = subject.owner
    people = [Recipient(owner.email, f"you own this {subject.noun}")] if owner.is_active and owner.email else []
    why = f"you are listed to be notified about this {subject.noun}"
    people += [
        Recipient(address, why) for address in subject.extra_recipients.split() if not everybody.has_left(address)
    ]
    if is_reminder:
        people = [recipient for recipient in people if not everybody.is_muted(recipient.address, subject.pk)]
    if urgent or not owner.is_active or not people:
        why = subject.why_administrators(urgent=urgent)
        people += [Recipient(address, why) for address in everybody.administrators]
    first = {recipient.address.casefold(): recipient for recipient in reversed(people)}
    people = [recipient for recipient in people if first.get(recipient.address.casefold()) is recipient]
    personal = everybody.personal_channels(recipient.address for recipient in people)
    each_once = {channel.pk: channel for channel in (*channels, *personal)}
    return people + [channel_recipient(channel) for channel in each_once.values()]


def channel_recipient(channel: NotificationChannel) -> Recipient:
    """A channel that was chosen for what a message is about."""
    return Recipient(channel.name, "the channel was chosen", channel)


def administrators() -> list[Recipient]:
    """All administrators, for mails that are about no connection."""
    return [Recipient(address, "you administer MFE Orchestrator") for address in Recipients().administrators]


def notify_status_change(connection: Connection, change: StatusChange, *, now: datetime) -> int:
    """Notify people of a status change. Returns how many mails and messages were written."""
    context = facts(connection) | {
        "problem": clients.stored_problem(connection) if connection.problem else None,
        **scopes_context(connection),
    }
    context["token_is_dead"] = connection.problem in expiry.DEAD_TOKEN
    people = recipients(connection, urgent=change is StatusChange.REJECTED)
    return len(enqueue_mail(change, people, context, about=[connection], now=now))


def facts(connection: Connection) -> dict[str, Any]:
    """The template context that all mails about a connection share."""
    credential = connection.credential()
    application = credential.client
    return {
        "connection": connection,
        "application": application,
        "words": credential.words,
        "credential_facts": labelled(credential.facts),
        "owner_name": connection.owner.get_full_name() or connection.owner.get_username(),
        "tokens_page": "" if application else clients.tokens_page(connection.server, connection.organization),
        "place": clients.place_of(connection.server),
        "detail_url": settings.SITE_URL + connection.get_absolute_url(),
        "update_url": page("update-token", connection.pk),
        "renew_url": page("renew", connection.pk) if clients.can_renew(connection) else "",
        "edit_url": page("edit", connection.pk),
        "reach_url": f"{page('edit', connection.pk)}#id_token_reach",
    }


def page(name: str, *args: object) -> str:
    """The absolute URL of a page of this app, or of another one whose name comes with its namespace."""
    return f"{settings.SITE_URL}{reverse(name if ':' in name else f'connections:{name}', args=args)}"


def enqueue_mail(
    event: str,
    people: Iterable[Recipient],
    context: Mapping[str, Any],
    *,
    about: Iterable[Connection],
    now: datetime,
    unsubscribe_from: int | None = None,
    basis: Iterable[Basis] = (),
) -> list[Mail]:
    """Write one mail about the connections to each of `people`, or one message to a channel, due now.

    `unsubscribe_from` is the id of the connection whose reminders a recipient can stop, or EVERYTHING.
    The mail is withdrawn if no row of its `basis` is as it was any more when it is about to be sent.
    """
    subjects = list(about)
    shared = {
        "kind": event,
        "connection": subjects[0] if len(subjects) == 1 else None,
        "about": [{"id": connection.pk, "name": connection.name} for connection in subjects],
        "basis": [row.as_json() for row in basis],
        "created_at": now,
        "due_at": now,
    }
    return Mail.objects.bulk_create(_rows(event, people, context, shared, unsubscribe_from))


def _rows(
    event: str,
    people: Iterable[Recipient],
    context: Mapping[str, Any],
    shared: Mapping[str, Any],
    unsubscribe_from: int | None,
) -> Iterator[Mail]:
    content: dict[str, Any] | None = None
    for recipient in people:
        if recipient.channel is not None:
            # The same for all channels.
            content = content or _message_content(event, context)
            yield _message(recipient.channel, content, shared)
            continue
        stop = "" if unsubscribe_from is None else unsubscribe_url(unsubscribe_from, recipient.address)
        rendered = emails.render_mail(event, {**context, "why": recipient.why, "unsubscribe_url": stop})
        yield Mail(
            **shared,
            recipient=recipient.address,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            headers=_unsubscribe_headers(stop),
            message_id=emails.new_message_id(),
        )


def _message_content(event: str, context: Mapping[str, Any]) -> dict[str, Any]:
    parts = render_parts(event, context)
    return {"subject": emails.render_subject(event, context), "text": parts.text, "payload": parts.as_json()}


def _message(channel: NotificationChannel, content: Mapping[str, Any], shared: Mapping[str, Any]) -> Mail:
    return Mail(
        **shared,
        **content,
        channel=channel,
        channel_kind=channel.kind,
        recipient=channel.name,
        # Without a full stop, which the signature uses as a separator. Kept for all attempts, as that of a mail is.
        message_id=f"msg_{uuid.uuid4().hex}",
    )


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
