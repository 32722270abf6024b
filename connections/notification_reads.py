"""What pages read of mails, reminders and calendars."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from connections.models import CalendarFeed, Connection, Mail, MutedReminders, NotificationChannel, RegisterEntry
from connections.notifications import notify
from connections.providers.credential import NEVER

MAILS_PER_PAGE = 50

_MAIL_STATES = {
    "waiting": "Waiting",
    "failing": "Retrying",
    "given-up": "Failed",
    "withdrawn": "Withdrawn",
    "sent": "Sent",
    "in-a-folder": "Saved to a folder",
}


def mail_states(*, without_server: bool) -> list[tuple[str, str]]:
    """The states to choose from, with their labels: those that this site's mails can have, or have had."""
    ways = dict(
        Mail.objects.exclude(sent_at=None).order_by().values_list("is_only_written", "is_only_written").distinct()
    )
    ways[without_server] = without_server
    left_out = {False: "sent", True: "in-a-folder"}
    hidden = {state for is_only_written, state in left_out.items() if is_only_written not in ways}
    return [(state, label) for state, label in _MAIL_STATES.items() if state not in hidden]


def page_of_mails(state: str, number: str | None) -> Page[Mail]:
    """One page of the outbox, newest first; an empty state is every state."""
    return Paginator(mails(state), MAILS_PER_PAGE).get_page(number)


def mails(state: str) -> QuerySet[Mail]:
    """The mails of the outbox without their content, newest first; an empty state is every state."""
    is_unsent = Q(sent_at=None, given_up_at=None, withdrawn_at=None)
    conditions = {
        "waiting": is_unsent,
        "failing": is_unsent & ~Q(last_error=""),
        "given-up": Q(given_up_at__isnull=False),
        "withdrawn": Q(withdrawn_at__isnull=False),
        "sent": Q(sent_at__isnull=False, is_only_written=False),
        "in-a-folder": Q(sent_at__isnull=False, is_only_written=True),
    }
    rows = Mail.objects.defer(*Mail.CONTENT).select_related("connection")
    return rows.filter(conditions.get(state, Q()))


def mail(mail_id: int) -> Mail | None:
    """A mail without its content; None when there is none."""
    return mails("").filter(pk=mail_id).first()


def subjects_of(mail: Mail) -> list[tuple[str, str]]:
    """The connections that a mail is about: the name of each and its page, "" for one that is disconnected."""
    present = Connection.objects.in_bulk([row["id"] for row in mail.about])
    return [(row["name"], present[row["id"]].get_absolute_url() if row["id"] in present else "") for row in mail.about]


@dataclass(frozen=True, slots=True)
class MailCounts:
    """How many mails are due, wait to be sent, are retried after an attempt that failed, and failed."""

    due: int
    waiting: int
    failing: int
    failed: int


def mail_counts(*, now: datetime) -> MailCounts:
    """The counts of the outbox."""
    return MailCounts(
        due=count_of_waiting_mails(now=now),
        waiting=mails("waiting").count(),
        failing=mails("failing").count(),
        failed=mails("given-up").count(),
    )


def count_of_waiting_mails(*, now: datetime) -> int:
    """How many mails are due and not sent."""
    return Mail.unsent().filter(due_at__lte=now).count()


def count_of_failing_mails(*, since: datetime) -> int:
    """How many mails are retried after an attempt that failed, or failed for good since then."""
    is_current = Q(given_up_at=None) | Q(given_up_at__gte=since)
    return Mail.objects.filter(is_current, sent_at=None).exclude(last_error="").count()


def channels() -> QuerySet[NotificationChannel]:
    """All channels, by name, with for how many connections and entries, and by how many people, each was chosen."""
    counts = {f"{name}_count": _count_of(name) for name in ("connections", "entries", "people")}
    return NotificationChannel.objects.defer("sealed").annotate(**counts)


def _count_of(name: str) -> Coalesce:
    # Subqueries: joined, each of the connections of a channel would be combined with each of its entries.
    through = getattr(NotificationChannel, name).through.objects.filter(notificationchannel=OuterRef("pk"))
    counted = through.order_by().values("notificationchannel").annotate(count=Count("*"))
    return Coalesce(Subquery(counted.values("count")), 0)


def channel_named(name: str) -> NotificationChannel | None:
    """The channel with this name."""
    return NotificationChannel.objects.filter(name=name).first()


def last_message(channel: NotificationChannel) -> Mail | None:
    """The newest message to a channel."""
    return Mail.objects.defer(*Mail.CONTENT).filter(channel=channel).order_by("-created_at", "-pk").first()


@dataclass(frozen=True, slots=True)
class ChannelChoice:
    """A channel that can be chosen, and whether it is."""

    channel: NotificationChannel
    is_chosen: bool


def channel_choices(chosen: QuerySet[NotificationChannel]) -> list[ChannelChoice]:
    """All channels, and which of them are among `chosen`."""
    ids = set(chosen.values_list("pk", flat=True))
    channels = NotificationChannel.objects.defer("sealed")
    return [ChannelChoice(channel, channel.pk in ids) for channel in channels]


def channel_choices_of(user: User) -> list[ChannelChoice]:
    """All channels, and which of them this person chose for their own notifications."""
    return channel_choices(NotificationChannel.objects.filter(people=user))


def muted_by(address: str) -> QuerySet[MutedReminders]:
    """The reminders that someone at this address stopped; none without an address."""
    return MutedReminders.objects.filter(address__iexact=address) if address else MutedReminders.objects.none()


def muted_about(connection: Connection) -> QuerySet[MutedReminders]:
    """Who stopped the reminders about one connection."""
    return MutedReminders.objects.filter(connection=connection)


@dataclass(frozen=True, slots=True)
class ReminderAddress:
    """Reminders about one connection, or about all, to one address: what a signed link to stop them stands for."""

    connection: Connection | None
    address: str

    def is_muted(self) -> bool:
        """Whether they are stopped."""
        return muted_by(self.address).filter(connection=self.connection).exists()


def reminder_address(key: str) -> ReminderAddress | None:
    """What the key of a link stands for; None when it was not signed here or the connection is gone."""
    read = notify.read_unsubscribe_key(key)
    if read is None:
        return None
    pk, address = read
    if pk == notify.EVERYTHING:
        return ReminderAddress(None, address)
    connection = Connection.objects.filter(pk=pk).first()
    return ReminderAddress(connection, address) if connection else None


def shows_all_dates(user: User) -> bool:
    """Whether a person's calendar has the dates of every connection, not of their own only."""
    return user.has_perm("connections.change_guardrails")


def dated_of(user: User) -> QuerySet[Connection]:
    """The enabled connections whose expiry dates a person's calendar shows: their own, or all for an administrator."""
    enabled = Connection.objects.filter(disabled=False).select_related("owner", "stored_credential")
    enabled = enabled.defer("stored_credential__sealed").order_by("expires_on", "pk")
    return enabled if shows_all_dates(user) else enabled.filter(owner=user)


def dated_entries_of(user: User) -> QuerySet[RegisterEntry]:
    """The open entries of the register whose expiry dates a person's calendar shows, in the same way."""
    if not user.has_perm("connections.view_registerentry"):
        return RegisterEntry.objects.none()
    dated = RegisterEntry.objects.filter(state=RegisterEntry.State.OPEN).exclude(expires_on=None)
    dated = dated.order_by("expires_on", "pk")
    return dated if shows_all_dates(user) else dated.filter(owner=user)


@dataclass(frozen=True, slots=True)
class PersonalCalendar:
    """A person's calendar: its address, if there is one, how many dates it shows, and the reminders they stopped."""

    feed: CalendarFeed | None
    shows_all: bool
    dates: int
    muted: list[MutedReminders]


def personal_calendar(user: User) -> PersonalCalendar:
    """What the calendar's page shows, in four queries."""
    return PersonalCalendar(
        feed=CalendarFeed.objects.filter(user=user).first(),
        shows_all=shows_all_dates(user),
        dates=dated_of(user).exclude(expires_on=None).exclude(expires_on=NEVER).count()
        + dated_entries_of(user).count(),
        muted=list(muted_by(user.email).select_related("connection")),
    )
