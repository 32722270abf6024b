"""Remind people before a token ends: once for each threshold, late rather than never."""

import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from connections import expiry
from connections.actions import notify
from connections.models import Connection, Mail, Reminder
from history.record import Actor, record

log = logging.getLogger(__name__)
CLOCK = Actor(name="the clock")


@dataclass(frozen=True, slots=True)
class Due:
    """One reminder that is due, and to whom."""

    connection: Connection
    threshold: int
    days_left: int
    people: tuple[str, ...]


def remind_due(*, now: datetime) -> int:
    """Write the reminders that are due. Returns how many mails were written.

    The ledger and the mails are one transaction: where two clocks plan the same, one of them stores nothing.
    """
    today = timezone.localdate(now)
    due = [one for one in plan(today) if one.people or _nobody_to_tell(one)]
    if not due:
        return 0
    try:
        with transaction.atomic():
            return _write(due, today=today, now=now)
    except IntegrityError:
        log.info("Another clock wrote the same reminders first.")
        return 0


def _nobody_to_tell(one: Due) -> bool:
    log.warning("Nobody has an address to remind about connection %s.", one.connection.pk)
    return False


def plan(today: date) -> list[Due]:
    """What is due today, for every enabled connection with a date or a token for all organizations."""
    farthest = today + timedelta(days=max(settings.REMINDER_DAYS, default=0))
    ending = Q(expires_on__lte=farthest) | Q(token_reach=Connection.Reach.ALL)
    connections = Connection.objects.filter(ending, disabled=False).select_related("owner")
    found = []
    for connection in connections.prefetch_related("reminders", "muted").order_by("expires_on", "pk").iterator(500):
        found += _due_for(connection, today)
    return found


def _due_for(connection: Connection, today: date) -> list[Due]:
    reminded = {
        one.threshold
        for one in connection.reminders.all()
        if one.token_set_at == connection.token_set_at
        and (one.expires_on == connection.expires_on or one.threshold == Reminder.GLOBAL_TOKENS_END)
    }
    found = []
    if connection.expires_on is not None:
        threshold = expiry.due_threshold(
            connection.expires_on,
            today,
            thresholds=settings.REMINDER_DAYS,
            token_set_on=timezone.localdate(connection.token_set_at),
            reminded=reminded,
        )
        if threshold is not None:
            found.append(_due(connection, threshold, expiry.days_left(connection.expires_on, today)))
    is_global = connection.token_reach == Connection.Reach.ALL
    if is_global and today < expiry.GLOBAL_TOKENS_END and Reminder.GLOBAL_TOKENS_END not in reminded:
        left = expiry.days_left(expiry.GLOBAL_TOKENS_END, today)
        found.append(_due(connection, Reminder.GLOBAL_TOKENS_END, left))
    return found


def _due(connection: Connection, threshold: int, left: int) -> Due:
    return Due(connection, threshold, left, tuple(notify.recipients(connection, urgent=left <= 0)))


def _write(due: list[Due], *, today: date, now: datetime) -> int:
    Reminder.objects.bulk_create(
        Reminder(
            connection=one.connection,
            token_set_at=one.connection.token_set_at,
            expires_on=one.connection.expires_on,
            threshold=one.threshold,
            made_at=now,
        )
        for one in due
    )
    by_person: dict[str, list[Due]] = defaultdict(list)
    for one in due:
        record("connection.reminded", one.connection, by=CLOCK, at=now, detail=_detail(one))
        for person in one.people:
            by_person[person].append(one)
    return sum(len(_mails(person, theirs, today=today, now=now)) for person, theirs in by_person.items())


def _detail(one: Due) -> dict[str, object]:
    return {"days_left": one.days_left, "threshold": one.threshold, "people": len(one.people)}


def _mails(person: str, due: list[Due], *, today: date, now: datetime) -> list[Mail]:
    if len(due) > settings.REMINDERS_BEFORE_DIGEST:
        rows = [{**notify.facts(one.connection), "expires_text": _in_words(one, today)} for one in due]
        return notify.put("digest", [person], {"rows": rows, "count": len(rows)}, connection=None, now=now)
    written = []
    for one in due:
        event = "global_tokens_end" if one.threshold == Reminder.GLOBAL_TOKENS_END else "expiring"
        context = notify.facts(one.connection) | {
            "days_left": one.days_left,
            "expires_text": _in_words(one, today),
            "global_tokens_end": expiry.GLOBAL_TOKENS_END,
        }
        written += notify.put(event, [person], context, connection=one.connection, now=now, can_unsubscribe=True)
    return written


def _in_words(one: Due, today: date) -> str:
    if one.threshold == Reminder.GLOBAL_TOKENS_END:
        return expiry.in_words(expiry.GLOBAL_TOKENS_END, today)
    return expiry.in_words(one.connection.expires_on, today)
