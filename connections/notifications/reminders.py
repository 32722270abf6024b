"""Remind people of expiring tokens and of missing expiry dates: once per threshold, late rather than never."""

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone

from connections import clients
from connections.domain import expiry
from connections.models import Connection, Mail, Reminder
from connections.notifications import notify
from connections.notifications.mail_basis import Basis
from connections.notifications.notify import Recipient
from connections.old_tokens import shared_with
from connections.providers.credential import ANY_CREDENTIAL
from history.record import SCHEDULER, record

log = logging.getLogger(__name__)
Kind = Reminder.Kind
MAILS: dict[str, str] = {
    Kind.EXPIRY: "expiring",
    Kind.ALL_ORGANIZATIONS: "global_tokens_end",
    Kind.UNDATED: "undated",
    Kind.REACH_UNKNOWN: "reach_unknown",
}
_MAY_BE_EXTENDED = (Kind.EXPIRY, Kind.UNDATED)
DIGEST = "digest"
# The most urgent first, as `expiry.urgency_of_days` names them.
_URGENCIES = ("Urgent", "Action needed", "")
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Due:
    """A due reminder and its recipients. `days_left` is None without an expiry date."""

    connection: Connection
    kind: str
    threshold: int
    days_left: int | None
    people: tuple[Recipient, ...]


def remind_due(*, now: datetime) -> int:
    """Write the due reminders. Returns how many mails were written.

    Reminders and mails are stored in one transaction, so of two concurrent runs one stores nothing.
    """
    today = timezone.localdate(now)
    due = [reminder for reminder in plan(today) if reminder.people or _warn_of_no_recipient(reminder)]
    if not due:
        return 0
    try:
        with transaction.atomic():
            return _write(_unchanged(due), today=today, now=now)
    except IntegrityError:
        log.info("Another worker wrote the same reminders first.")
        return 0


# What a reminder says, and to whom, depends on these columns.
_DECISIVE = ("token_set_at", "expires_on", "token_reach", "owner_id", "extra_recipients", "disabled")


def _unchanged(due: list[Due]) -> list[Due]:
    """Those of connections that are still as they were read, locked until the transaction ends.

    Those that someone changes at this moment are planned again in the next run.
    """
    connections = Connection.objects.select_for_update(of=("self",), skip_locked=True, no_key=True)
    connections = connections.filter(pk__in=[reminder.connection.pk for reminder in due]).order_by("pk")
    current = {pk: tuple(columns) for pk, *columns in connections.values_list("pk", *_DECISIVE)}
    read = attrgetter(*_DECISIVE)
    return [reminder for reminder in due if current.get(reminder.connection.pk) == read(reminder.connection)]


def _warn_of_no_recipient(reminder: Due) -> bool:
    log.warning("No one can be reminded about connection %s: there is no mail address.", reminder.connection.pk)
    return False


def plan(today: date) -> Iterator[Due]:
    """The reminders due today, for enabled connections whose token expires soon or lacks information.

    Reads the connections in batches.
    """
    farthest = today + timedelta(days=max(settings.REMINDER_DAYS, default=0))
    services = frozenset(clients.services())
    is_candidate = Q(expires_on__lte=farthest) | Q(expires_on=None) | Q(token_reach=Connection.Reach.ALL)
    is_candidate |= _lacks_reach(services)
    connections = Connection.objects.filter(is_candidate, disabled=False).order_by("expires_on", "pk").iterator(_BATCH)
    everybody = notify.Recipients()
    while batch := list(islice(connections, _BATCH)):
        earlier = _prefetch(batch, everybody)
        for connection in batch:
            for step in _steps_for(connection, earlier[connection.pk], today, services):
                yield _due(connection, step, everybody)


def _lacks_reach(services: Collection[str]) -> Q:
    asked = Reminder.objects.filter(
        connection=OuterRef("pk"), token_set_at=OuterRef("token_set_at"), kind=Kind.REACH_UNKNOWN
    )
    return Q(~Exists(asked), token_reach=Connection.Reach.UNKNOWN, server__in=services)


class _EarlierReminder(NamedTuple):
    """A reminder that was sent before, with the columns that are read."""

    token_set_at: datetime
    kind: str
    expires_on: date | None
    threshold: int


def _prefetch(batch: list[Connection], everybody: notify.Recipients) -> dict[int, list[_EarlierReminder]]:
    """Earlier reminders by connection, and owners, in a few queries; Django's prefetching is much slower."""
    ids = [connection.pk for connection in batch]
    everybody.load(ids)
    owners = User.objects.in_bulk({connection.owner_id for connection in batch})
    for connection in batch:
        connection.owner = owners[connection.owner_id]
    earlier: dict[int, list[_EarlierReminder]] = defaultdict(list)
    reminders = Reminder.objects.filter(connection__in=ids)
    for pk, *columns in reminders.values_list("connection_id", *_EarlierReminder._fields):
        earlier[pk].append(_EarlierReminder(*columns))
    return earlier


@dataclass(frozen=True, slots=True)
class _Step:
    """A threshold that a connection has reached."""

    kind: str
    threshold: int
    days_left: int | None


def _steps_for(
    connection: Connection, earlier: list[_EarlierReminder], today: date, services: Collection[str]
) -> Iterator[_Step]:
    this_token = [reminder for reminder in earlier if reminder.token_set_at == connection.token_set_at]
    set_on = timezone.localdate(connection.token_set_at)
    if connection.expires_on is None:
        nagged = {reminder.threshold for reminder in this_token if reminder.kind == Kind.UNDATED}
        step = expiry.due_nag(set_on, today, days=settings.UNDATED_REMINDER_DAYS, nagged=nagged)
        if step is not None:
            yield _Step(Kind.UNDATED, step, None)
    else:
        reminded = {reminder.threshold for reminder in this_token if reminder.expires_on == connection.expires_on}
        yield from _before(set_on, Kind.EXPIRY, connection.expires_on, today, reminded)
    if connection.token_reach == Connection.Reach.ALL and today < expiry.GLOBAL_TOKENS_END:
        noticed = {reminder.threshold for reminder in this_token if reminder.kind == Kind.ALL_ORGANIZATIONS}
        yield from _before(set_on, Kind.ALL_ORGANIZATIONS, expiry.GLOBAL_TOKENS_END, today, noticed)
    if connection.token_reach == Connection.Reach.UNKNOWN and connection.server in services:
        asked = any(reminder.kind == Kind.REACH_UNKNOWN for reminder in this_token)
        # A dead token must be replaced in any case.
        if not asked and not connection.is_token_dead(today=today):
            yield _Step(Kind.REACH_UNKNOWN, 0, None)


def _before(set_on: date, kind: str, ends_on: date, today: date, reminded: set[int]) -> Iterator[_Step]:
    threshold = expiry.due_threshold(
        ends_on, today, thresholds=settings.REMINDER_DAYS, token_set_on=set_on, reminded=reminded
    )
    if threshold is not None:
        yield _Step(kind, threshold, expiry.days_left(ends_on, today))


def _due(connection: Connection, step: _Step, everybody: notify.Recipients) -> Due:
    urgent = step.days_left is not None and step.days_left <= 0
    people = notify.recipients(connection, urgent=urgent, is_reminder=True, everybody=everybody)
    return Due(connection, step.kind, step.threshold, step.days_left, tuple(people))


def _write(due: list[Due], *, today: date, now: datetime) -> int:
    Reminder.objects.bulk_create(
        _row(
            reminder.connection,
            reminder.kind,
            reminder.connection.expires_on if reminder.kind == Kind.EXPIRY else None,
            reminder.threshold,
            now,
        )
        for reminder in due
    )
    by_person: dict[notify.Address, list[tuple[Due, Recipient]]] = defaultdict(list)
    for reminder in due:
        record("connection.reminded", reminder.connection, by=SCHEDULER, at=now, detail=_detail(reminder))
        for person in reminder.people:
            by_person[notify.address_of(person)].append((reminder, person))
    earlier = _mails_of_the_day(today)
    shared = shared_with(reminder.connection for reminder in due)
    return sum(
        len(_mails(theirs, shared, earlier=earlier[address], today=today, now=now))
        for address, theirs in by_person.items()
    )


def _row(connection: Connection, kind: str, expires_on: date | None, threshold: int, now: datetime) -> Reminder:
    return Reminder(
        connection=connection,
        token_set_at=connection.token_set_at,
        kind=kind,
        expires_on=expires_on,
        threshold=threshold,
        made_at=now,
    )


def count_as_reminded(connection: Connection, day: date, *, now: datetime) -> None:
    """Record the last expiry reminder as sent, for when people are notified in another way."""
    entry = _row(connection, Kind.EXPIRY, day, min(settings.REMINDER_DAYS, default=0), now)
    Reminder.objects.bulk_create([entry], ignore_conflicts=True)


def _detail(reminder: Due) -> dict[str, object]:
    return {
        "about": reminder.kind,
        "days_left": reminder.days_left,
        "threshold": reminder.threshold,
        "people": sum(person.channel is None for person in reminder.people),
        "channels": sum(person.channel is not None for person in reminder.people),
    }


def _mails_of_the_day(today: date) -> Counter[notify.Address]:
    """How many reminders were already written to each address today."""
    midnight = timezone.make_aware(datetime.combine(today, time.min))
    mails = Mail.objects.filter(kind__in=[*MAILS.values(), DIGEST], created_at__gte=midnight)
    written: Counter[notify.Address] = Counter()
    for channel, name, count in mails.order_by().values_list("channel_id", "recipient").annotate(count=Count("pk")):
        written[channel, name.casefold()] += count
    return written


def _mails(
    due: list[tuple[Due, Recipient]], shared: Mapping[int, list[str]], *, earlier: int, today: date, now: datetime
) -> list[Mail]:
    """`shared` has the names of other connections with the same token, by connection id."""
    if len(due) + earlier > settings.REMINDERS_BEFORE_DIGEST and len(due) > 1:
        return [_digest(due, shared, today=today, now=now)]
    written = []
    for reminder, person in due:
        connection = reminder.connection
        written += notify.enqueue_mail(
            MAILS[reminder.kind],
            [person],
            _context(reminder, shared, today),
            about=[connection],
            now=now,
            unsubscribe_from=connection.pk,
            basis=[_basis(reminder)],
        )
    return written


def _digest(due: list[tuple[Due, Recipient]], shared: Mapping[int, list[str]], *, today: date, now: datetime) -> Mail:
    rows = [_context(reminder, shared, today) for reminder, _ in due]
    # Recipient.why is about one connection; a digest is about several.
    recipient = due[0][1]
    why = "you own these connections, are listed to be notified about them, or administer MFE Orchestrator"
    context = {
        "rows": [row | {"text": _row_text(row), "url": _row_url(row)} for row in rows],
        "count": len({reminder.connection.pk for reminder, _ in due}),
        "bulk_url": f"{notify.page('rotation')}?within={max(settings.REMINDER_DAYS, default=30)}",
        "tokens_pages": _tokens_pages(rows),
        "words": rows[0]["words"] if len({row["words"] for row in rows}) == 1 else ANY_CREDENTIAL,
        "application": all(row["application"] for row in rows),
        "any_application": any(row["application"] for row in rows),
        "any_at_the_service": any(row["place"] == "organization" and not row["application"] for row in rows),
        "any_reach_unknown": any(row["kind"] == Kind.REACH_UNKNOWN for row in rows),
        "any_end": any(row["kind"] != Kind.REACH_UNKNOWN for row in rows),
        "any_can_be_extended": any(_may_be_extended(row) for row in rows),
        **_worst(rows),
        **_global_tokens(today),
    }
    (mail,) = notify.enqueue_mail(
        DIGEST,
        [replace(recipient, why=why)],
        context,
        about=[reminder.connection for reminder, _ in due],
        now=now,
        unsubscribe_from=notify.EVERYTHING,
        basis=[_basis(reminder) for reminder, _ in due],
    )
    return mail


def _basis(reminder: Due) -> Basis:
    """The token, the connection in use, and what the reminder is about."""
    connection = reminder.connection
    decisive = "expires_on" if reminder.kind in (Kind.EXPIRY, Kind.UNDATED) else "token_reach"
    columns = ("token_set_at", "disabled", decisive)
    return Basis(Connection, connection, "connection", {name: getattr(connection, name) for name in columns})


def _may_be_extended(row: dict[str, Any]) -> bool:
    return row["kind"] in _MAY_BE_EXTENDED and not row["token_is_dead"] and not row["application"]


def _worst(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How urgent a digest is, by its most urgent row, and whether what it is about has happened already."""
    endings = [row for row in rows if row["kind"] != Kind.REACH_UNKNOWN]
    most_urgent = min(rows, key=lambda row: _URGENCIES.index(row["urgency"]))
    return {
        "urgency": most_urgent["urgency"],
        "tone": most_urgent["tone"],
        "expired_count": len({row["connection"].pk for row in rows if row["ended"]}),
        "all_ended": bool(endings) and all(row["ended"] for row in endings),
    }


def _tokens_pages(rows: list[dict[str, Any]]) -> list[tuple[str, str, bool | None]]:
    """Organizations with the page of their tokens, and whether each token there must be created; None to look only."""
    can_extend: dict[tuple[str, str], list[bool]] = {}
    for row in rows:
        if row["tokens_page"]:
            listed = can_extend.setdefault((row["connection"].organization, row["tokens_page"]), [])
            if row["kind"] != Kind.REACH_UNKNOWN:
                listed.append(_may_be_extended(row))
    return [(*page, not any(listed) if listed else None) for page, listed in sorted(can_extend.items())]


def _context(reminder: Due, shared: Mapping[int, list[str]], today: date) -> dict[str, Any]:
    connection, days_left = reminder.connection, reminder.days_left
    ended = days_left is not None and (days_left < 0 or connection.problem in expiry.EXPIRED)
    ends_on = expiry.GLOBAL_TOKENS_END if reminder.kind == Kind.ALL_ORGANIZATIONS else connection.expires_on
    return {
        **notify.facts(connection),
        "shared_with": shared.get(connection.pk, []),
        "kind": reminder.kind,
        "days_left": days_left,
        "ended": ended,
        "token_is_dead": ended or connection.is_token_dead(today=today),
        "expires_text": expiry.relative_day(ends_on, today) if ends_on else "",
        "tone": "bad" if ended else expiry.tone_of(ends_on, today),
        "urgency": expiry.urgency_of_days(-1 if ended else days_left),
        "ends_on": ends_on,
        **_global_tokens(today),
    }


def _global_tokens(today: date) -> dict[str, Any]:
    return {
        "global_tokens_end": expiry.GLOBAL_TOKENS_END,
        "global_tokens_ended": today >= expiry.GLOBAL_TOKENS_END,
        "reach_unknown_url": f"{notify.page('list')}?status={Kind.REACH_UNKNOWN}",
    }


def _row_text(row: dict[str, Any]) -> str:
    if row["kind"] == Kind.UNDATED:
        return "no expiry date is recorded"
    if row["kind"] == Kind.REACH_UNKNOWN:
        return "not recorded for which organizations it is valid"
    day = f"{row['ends_on']:%-d %B %Y}"
    if row["kind"] == Kind.ALL_ORGANIZATIONS:
        return f"valid for all organizations, stops working {row['expires_text']}, {day}: create a new one"
    verb = "expires" if not row["ended"] else "expired" if row["days_left"] < 0 else "has expired; recorded date"
    text = f"{verb} {row['expires_text']}, {day}"
    text = f"{text}: create a new one" if row["token_is_dead"] or row["application"] else text
    others = ", ".join(row["shared_with"])
    return f"{text}; also used by {others}" if others else text


def _row_url(row: dict[str, Any]) -> str:
    if row["kind"] == Kind.REACH_UNKNOWN:
        return str(row["reach_url"])
    return str(row["edit_url"] if row["kind"] == Kind.UNDATED else row["update_url"])
