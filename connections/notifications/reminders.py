"""Remind people before a token ends, and while nobody knows when: once for each step, late rather than never."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone

from connections import clients
from connections.domain import expiry
from connections.models import Connection, Mail, Reminder
from connections.notifications import notify
from connections.notifications.notify import Recipient
from connections.old_tokens import shared_with
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
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Due:
    """One reminder that is due, and to whom. `days_left` is None where no date is recorded."""

    connection: Connection
    kind: str
    threshold: int
    days_left: int | None
    people: tuple[Recipient, ...]


def remind_due(*, now: datetime) -> int:
    """Write the reminders that are due. Returns how many mails were written.

    The ledger and the mails are one transaction: where two clocks plan the same, one of them stores nothing.
    """
    today = timezone.localdate(now)
    due = [due_token for due_token in plan(today) if due_token.people or _nobody_to_tell(due_token)]
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


def plan(today: date) -> Iterator[Due]:
    """What is due today, for every enabled connection that ends soon, or of whose token nobody knows enough.

    Read in batches.
    """
    farthest = today + timedelta(days=max(settings.REMINDER_DAYS, default=0))
    services = frozenset(clients.services())
    concerned = Q(expires_on__lte=farthest) | Q(expires_on=None) | Q(token_reach=Connection.Reach.ALL)
    concerned |= _to_be_asked_for_reach(services)
    connections = Connection.objects.filter(concerned, disabled=False).order_by("expires_on", "pk").iterator(_BATCH)
    everybody = notify.Recipients()
    while some := list(islice(connections, _BATCH)):
        told = _look_up(some, everybody)
        for connection in some:
            for step in _steps_for(connection, told[connection.pk], today, services):
                yield _due(connection, step, everybody)


def _to_be_asked_for_reach(services: Collection[str]) -> Q:
    asked = Reminder.objects.filter(
        connection=OuterRef("pk"), token_set_at=OuterRef("token_set_at"), kind=Kind.REACH_UNKNOWN
    )
    return Q(~Exists(asked), token_reach=Connection.Reach.UNKNOWN, server__in=services)


_TOLD = ("token_set_at", "kind", "expires_on", "threshold")


@dataclass(frozen=True, slots=True)
class _Told:
    """A reminder that was made."""

    token_set_at: datetime
    kind: str
    expires_on: date | None
    threshold: int


def _look_up(some: list[Connection], everybody: notify.Recipients) -> dict[int, list[_Told]]:
    """What people were told of each, in a few queries: Django's own prefetching takes longer than all the rest."""
    ids = [connection.pk for connection in some]
    everybody.look_up(ids)
    owners = User.objects.in_bulk({connection.owner_id for connection in some})
    for connection in some:
        connection.owner = owners[connection.owner_id]
    told: dict[int, list[_Told]] = defaultdict(list)
    made = Reminder.objects.filter(connection__in=ids)
    for pk, set_at, kind, ends, threshold in made.values_list("connection_id", *_TOLD):
        told[pk].append(_Told(set_at, kind, ends, threshold))
    return told


@dataclass(frozen=True, slots=True)
class _Step:
    """A threshold that a connection has reached."""

    kind: str
    threshold: int
    days_left: int | None


def _steps_for(connection: Connection, told: list[_Told], today: date, services: Collection[str]) -> Iterator[_Step]:
    this_token = [notified for notified in told if notified.token_set_at == connection.token_set_at]
    set_on = timezone.localdate(connection.token_set_at)
    if connection.expires_on is None:
        nagged = {notified.threshold for notified in this_token if notified.kind == Kind.UNDATED}
        step = expiry.due_nag(set_on, today, days=settings.UNDATED_REMINDER_DAYS, nagged=nagged)
        if step is not None:
            yield _Step(Kind.UNDATED, step, None)
    else:
        reminded = {notified.threshold for notified in this_token if notified.expires_on == connection.expires_on}
        yield from _before(set_on, Kind.EXPIRY, connection.expires_on, today, reminded)
    if connection.token_reach == Connection.Reach.ALL and today < expiry.GLOBAL_TOKENS_END:
        noticed = {notified.threshold for notified in this_token if notified.kind == Kind.ALL_ORGANIZATIONS}
        yield from _before(set_on, Kind.ALL_ORGANIZATIONS, expiry.GLOBAL_TOKENS_END, today, noticed)
    if connection.token_reach == Connection.Reach.UNKNOWN and connection.server in services:
        asked = any(notified.kind == Kind.REACH_UNKNOWN for notified in this_token)
        # A dead token has to be replaced, whatever the answer.
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
    Reminder.objects.bulk_create(_ledger(due_token, now) for due_token in due)
    by_person: dict[str, list[tuple[Due, Recipient]]] = defaultdict(list)
    for due_token in due:
        record("connection.reminded", due_token.connection, by=SCHEDULER, at=now, detail=_detail(due_token))
        for person in due_token.people:
            by_person[person.address].append((due_token, person))
    earlier = _mails_of_the_day(by_person, today)
    shared = shared_with(due_token.connection for due_token in due)
    return sum(
        len(_mails(theirs, shared, earlier=earlier.get(address, 0), today=today, now=now))
        for address, theirs in by_person.items()
    )


def _ledger(one: Due, now: datetime) -> Reminder:
    return Reminder(
        connection=one.connection,
        token_set_at=one.connection.token_set_at,
        kind=one.kind,
        expires_on=one.connection.expires_on if one.kind == Kind.EXPIRY else None,
        threshold=one.threshold,
        made_at=now,
    )


def count_as_reminded(connection: Connection, day: date, *, now: datetime) -> None:
    """Note the last reminder of a token's end as made, when people hear of the end in another way."""
    entry = Reminder(
        connection=connection,
        token_set_at=connection.token_set_at,
        kind=Kind.EXPIRY,
        expires_on=day,
        threshold=min(settings.REMINDER_DAYS, default=0),
        made_at=now,
    )
    Reminder.objects.bulk_create([entry], ignore_conflicts=True)


def _detail(one: Due) -> dict[str, object]:
    return {"about": one.kind, "days_left": one.days_left, "threshold": one.threshold, "people": len(one.people)}


def _mails_of_the_day(addresses: Iterable[str], today: date) -> dict[str, int]:
    """How many reminders each of these people has been sent today already."""
    midnight = timezone.make_aware(datetime.combine(today, time.min))
    mails = Mail.objects.filter(kind__in=[*MAILS.values(), DIGEST], created_at__gte=midnight, recipient__in=addresses)
    return dict(mails.order_by().values_list("recipient").annotate(count=Count("pk")))


def _mails(
    due: list[tuple[Due, Recipient]], shared: Mapping[int, list[str]], *, earlier: int, today: date, now: datetime
) -> list[Mail]:
    """`shared` are the names of the other connections with the same token, by the connection's id."""
    if len(due) + earlier > settings.REMINDERS_BEFORE_DIGEST and len(due) > 1:
        return [_digest(due, shared, today=today, now=now)]
    written = []
    for one, person in due:
        context = notify.facts(one.connection) | _words(one, today)
        context["shared_with"] = shared.get(one.connection.pk, [])
        stop = one.connection.pk
        about = [one.connection]
        written += notify.enqueue_mail(MAILS[one.kind], [person], context, about=about, now=now, unsubscribe_from=stop)
    return written


def _digest(due: list[tuple[Due, Recipient]], shared: Mapping[int, list[str]], *, today: date, now: datetime) -> Mail:
    rows = [
        notify.facts(one.connection) | _words(one, today) | {"shared_with": shared.get(one.connection.pk, [])}
        for one, _ in due
    ]
    # Recipient.why is about one connection; a digest is about several.
    address = due[0][1].address
    why = "you own these connections, are listed to be notified about them, or administer MFE Orchestrator"
    context = {
        "rows": [row | {"words": _row_words(row), "url": _row_url(row)} for row in rows],
        "count": len({one.connection.pk for one, _ in due}),
        "bulk_url": f"{notify.page('rotation')}?within={max(settings.REMINDER_DAYS, default=30)}",
        "tokens_pages": _tokens_pages(rows),
        "any_at_the_service": any(row["place"] == "organization" for row in rows),
        "any_reach_unknown": any(row["kind"] == Kind.REACH_UNKNOWN for row in rows),
        "any_end": any(row["kind"] != Kind.REACH_UNKNOWN for row in rows),
        "any_can_be_extended": any(row["kind"] in _MAY_BE_EXTENDED and not row["token_is_dead"] for row in rows),
        **_global_tokens(today),
    }
    about = [one.connection for one, _ in due]
    (mail,) = notify.enqueue_mail(
        DIGEST, [Recipient(address, why)], context, about=about, now=now, unsubscribe_from=notify.EVERYTHING
    )
    return mail


def _tokens_pages(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted({(row["connection"].organization, row["tokens_page"]) for row in rows if row["tokens_page"]})


def _words(one: Due, today: date) -> dict[str, Any]:
    ended = one.days_left is not None and (one.days_left < 0 or one.connection.problem == "token_expired")
    ends_on = expiry.GLOBAL_TOKENS_END if one.kind == Kind.ALL_ORGANIZATIONS else one.connection.expires_on
    return {
        "kind": one.kind,
        "days_left": one.days_left,
        "ended": ended,
        "token_is_dead": ended or one.connection.is_token_dead(today=today),
        "expires_text": expiry.in_words(ends_on, today),
        "ends_on": ends_on,
        **_global_tokens(today),
    }


def _global_tokens(today: date) -> dict[str, Any]:
    return {
        "global_tokens_end": expiry.GLOBAL_TOKENS_END,
        "global_tokens_ended": today >= expiry.GLOBAL_TOKENS_END,
        "reach_unknown_url": f"{notify.page('list')}?status={Kind.REACH_UNKNOWN}",
    }


def _row_words(row: dict[str, Any]) -> str:
    if row["kind"] == Kind.UNDATED:
        return "no expiry date is recorded"
    if row["kind"] == Kind.REACH_UNKNOWN:
        return "not recorded for which organizations it is valid"
    day = f"{row['ends_on']:%-d %B %Y}"
    if row["kind"] == Kind.ALL_ORGANIZATIONS:
        return f"valid for all organizations, stops working {row['expires_text']}, {day}: create a new one"
    words = f"{'expired' if row['ended'] else 'expires'} {row['expires_text']}, {day}"
    words = f"{words}: create a new one" if row["token_is_dead"] else words
    others = ", ".join(row["shared_with"])
    return f"{words}; also used by {others}" if others else words


def _row_url(row: dict[str, Any]) -> str:
    if row["kind"] == Kind.REACH_UNKNOWN:
        return str(row["reach_url"])
    return str(row["edit_url"] if row["kind"] == Kind.UNDATED else row["update_url"])
