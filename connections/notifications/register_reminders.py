"""Remind people of credentials in the register: on the days on which they are reminded of connections.

Everyone gets one mail, or one message to a channel, about all entries that are due.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from connections.domain import expiry
from connections.models import RegisterEntry
from connections.notifications import notify
from connections.notifications.mail_basis import Basis
from connections.notifications.notify import Recipient
from history.record import SCHEDULER, record

log = logging.getLogger(__name__)
MAIL = "register_expiring"
# The step of the question whether a credential is still in use, asked once after its date has passed.
AFTER = -1
MOST_ROWS = 50
_BATCH = 500
_WHY_SEVERAL = "you own these credentials, are listed to be notified about them, or administer MFE Orchestrator"


@dataclass(frozen=True, slots=True)
class DueEntry:
    """An entry of which people are to be reminded, the step that it reached, and who they are."""

    entry: RegisterEntry
    step: int
    people: tuple[Recipient, ...]
    # None without an expiry date.
    days_left: int | None


def remind_due(*, now: datetime) -> int:
    """Write the due reminders. Returns how many mails and messages were written."""
    today = timezone.localdate(now)
    by_reader: dict[tuple[int | None, str], list[tuple[DueEntry, Recipient]]] = defaultdict(list)
    with transaction.atomic():
        for due in plan(today):
            if not due.people:
                log.warning("No one can be reminded about entry %s: there is no mail address.", due.entry.pk)
            elif _claim(due):
                record("register.reminded", due.entry, by=SCHEDULER, at=now, detail=_detail(due))
                for person in due.people:
                    by_reader[notify.address_of(person)].append((due, person))
        return sum(_write(theirs, today=today, now=now) for theirs in by_reader.values())


def plan(today: date) -> Iterator[DueEntry]:
    """The reminders that are due today, those of the earliest dates first."""
    everybody, candidates = notify.Recipients(), _candidates(today).iterator(_BATCH)
    while batch := list(islice(candidates, _BATCH)):
        due = [(entry, step) for entry in batch if (step := _step_of(entry, today)) is not None]
        everybody.load_entries([entry.pk for entry, _ in due])
        for entry, step in due:
            yield _due(entry, step, everybody, today)


def _due(entry: RegisterEntry, step: int, everybody: notify.Recipients, today: date) -> DueEntry:
    left = None if entry.expires_on is None else expiry.days_left(entry.expires_on, today)
    urgent = left is not None and left <= 0
    recipients = notify.recipients_about_entry(entry, urgent=urgent, is_reminder=True, everybody=everybody)
    return DueEntry(entry, step, tuple(recipients), left)


def _candidates(today: date) -> QuerySet[RegisterEntry]:
    farthest = today + timedelta(days=max(settings.REMINDER_DAYS, default=0))
    may_be_due = Q(expires_on__lte=farthest) | Q(expires_on=None)
    entries = RegisterEntry.objects.filter(may_be_due, state=RegisterEntry.State.OPEN)
    # An entry whose last reminder was written is due no more.
    is_waiting = Q(reminded_days=None) | Q(reminded_days__gt=AFTER)
    return entries.filter(is_waiting).select_related("owner").order_by(F("expires_on").asc(nulls_last=True), "pk")


def _step_of(entry: RegisterEntry, today: date) -> int | None:
    set_on, last = timezone.localdate(entry.date_set_at), entry.reminded_days
    if entry.expires_on is None:
        nagged = set() if last is None else {last}
        return expiry.due_nag(set_on, today, days=settings.UNDATED_REMINDER_DAYS, nagged=nagged)
    if entry.expires_on < today:
        return AFTER
    reminded = set() if last is None else {days for days in settings.REMINDER_DAYS if days >= last}
    return expiry.due_threshold(
        entry.expires_on, today, thresholds=settings.REMINDER_DAYS, token_set_on=set_on, reminded=reminded
    )


def _claim(due: DueEntry) -> bool:
    """Whether the entry is as it was read, and no other worker has written this reminder."""
    entry = due.entry
    unchanged = RegisterEntry.objects.filter(pk=entry.pk, reminded_days=entry.reminded_days, closed_at=None)
    return bool(unchanged.filter(revision=entry.revision).update(reminded_days=due.step))


def _detail(due: DueEntry) -> dict[str, object]:
    people = sum(person.channel is None for person in due.people)
    about = "undated" if due.days_left is None else "expiry"
    return {"about": about, "days_left": due.days_left, "people": people, "channels": len(due.people) - people}


def _write(due: list[tuple[DueEntry, Recipient]], *, today: date, now: datetime) -> int:
    rows = [_row(entry, today) for entry, _ in due[:MOST_ROWS]]
    person = due[0][1]
    why = person.why if len(due) == 1 else _WHY_SEVERAL
    context = {
        "rows": rows,
        "count": len(due),
        "more": len(due) - len(rows),
        "first": rows[0],
        "urgency": rows[0]["urgency"],
        "tone": rows[0]["tone"],
        "register_url": f"{notify.page('register')}?status=attention",
        "url": rows[0]["url"] if len(due) == 1 else notify.page("register"),
    }
    recipient = Recipient(person.address, why, person.channel)
    stop, basis = notify.EVERYTHING, [_basis(entry.entry) for entry, _ in due]
    return len(notify.enqueue_mail(MAIL, [recipient], context, about=[], now=now, unsubscribe_from=stop, basis=basis))


def _basis(entry: RegisterEntry) -> Basis:
    return Basis(RegisterEntry, entry, "register", {"closed_at": None, "expires_on": entry.expires_on})


def _row(due: DueEntry, today: date) -> dict[str, Any]:
    entry = due.entry
    return {
        "name": entry.name,
        "kind": entry.get_kind_display(),
        "organization": entry.organization,
        "owner": entry.owner.get_full_name() or entry.owner.get_username(),
        "url": settings.SITE_URL + entry.get_absolute_url(),
        "words": _words(entry, today),
        "is_overdue": due.step == AFTER,
        "is_undated": entry.expires_on is None,
        "tone": expiry.tone_of(entry.expires_on, today),
        "urgency": expiry.urgency_of_days(due.days_left),
    }


def _words(entry: RegisterEntry, today: date) -> str:
    if entry.expires_on is None:
        return "has no expiry date recorded"
    verb = "expired" if entry.expires_on < today else "expires"
    return f"{verb} {expiry.relative_day(entry.expires_on, today)} ({entry.expires_on:%-d %b %Y})"
