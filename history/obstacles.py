"""Obstacles to sealing the waiting events: signs that seals or events were removed.

Nothing is sealed while there is one. If the operator knows a harmless reason, `history accept` seals the events and
records the decision. See docs/decisions/0004-sealed-history.md.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from django.contrib.auth.models import User
from django.db import connection

from history import anchor_checks, anchor_file
from history.acceptances import Accepted, accepted
from history.chain import End, end_of_seals
from history.findings import SHOWN_EVENTS, Finding, moment, named
from history.models import Event, Verification

# Sealing normally takes a minute. Events that wait longer could have been changed without a trace.
SEALED_WITHIN = timedelta(minutes=15)
REMEDY = 'Compare with an anchor kept elsewhere. If you know the reason, run: manage.py history accept --reason "…"'
_MOST_EVENTS = 1000
Waiting = Sequence[tuple[int, datetime]]


def unsealed(end: End) -> Waiting:
    """Ids and dates of the oldest unsealed events, enough of them to find out what is wrong."""
    return list(Event.objects.filter(pk__gt=end.last_id).order_by("pk").values_list("pk", "at")[:_MOST_EVENTS])


def obstacles(end: End, waiting: Waiting, *, now: datetime) -> list[Finding]:
    """All obstacles to sealing the events after `end`. Raises `ImproperlyConfigured` without a key."""
    return [*of_the_end(end), *of_waiting(end, waiting, now=now), *_emptiness(end, waiting, now=now)]


def of_the_end(end: End) -> Iterator[Finding]:
    """The anchor file or an earlier verification knows a newer seal than the newest in the database."""
    anchors = anchor_file.newest_anchors()
    decided = accepted() if anchors else Accepted()
    findings = list(anchor_checks.check(anchors[-1:], decided).findings())
    if findings:
        # The older anchors show since when.
        findings = list(anchor_checks.check(anchors, decided).findings())
    yield from findings
    latest = highest_verified()
    # Read the end again, because another process may have sealed more meanwhile.
    is_gone = latest > end.number and latest > end_of_seals().number
    if is_gone and not any(finding.kind == "truncated" for finding in findings):
        newest = f"the newest seal is {end.number}" if end.number else "there are no seals"
        words = f"An earlier verification found seal {latest}, but now {newest}. {anchor_checks.REMEDY}"
        yield Finding("truncated", end.number + 1, words)


def highest_verified() -> int:
    """The highest number of a seal in the stored verifications, or 0."""
    return Verification.objects.order_by("-last_number").values_list("last_number", flat=True).first() or 0


def of_waiting(end: End, waiting: Waiting, *, now: datetime) -> Iterator[Finding]:
    """Waiting events are too old, or some between them are gone. `waiting` is sorted by id."""
    late = [(pk, at) for pk, at in waiting if at < now - SEALED_WITHIN]
    if late:
        yield _never_sealed(late) if end.number == 0 else _late(end, late)
    if end.number and connection.vendor == "sqlite":
        yield from _gaps(end, [pk for pk, _ in waiting])


def _never_sealed(late: Waiting) -> Finding:
    oldest = moment(min(at for _, at in late))
    words = (
        f"There are no seals and no checkpoint, but the oldest event is from {oldest}. Either nothing was ever sealed "
        "here, or the seals were removed and events may have been changed."
    )
    return Finding("never_sealed", 1, words, tuple(pk for pk, _ in late[:SHOWN_EVENTS]))


def _late(end: End, late: Waiting) -> Finding:
    ids, oldest = tuple(pk for pk, _ in late), moment(min(at for _, at in late))
    words = (
        f"{named(ids)} not sealed within 15 minutes; the oldest is from {oldest}. Either the scheduler or the workers "
        "stopped, or seals were removed, or events were added. Changes to unsealed events leave no trace."
    )
    return Finding("late", end.number + 1, words, ids[:SHOWN_EVENTS])


def _gaps(end: End, ids: list[int]) -> Iterator[Finding]:
    """Gaps between ids. Only on SQLite, which reuses the ids of a rollback; on PostgreSQL gaps are normal."""
    gaps = [(low + 1, high - 1) for low, high in pairwise([end.last_id, *ids]) if high > low + 1]
    if gaps:
        shown = ", ".join(str(low) if low == high else f"{low} to {high}" for low, high in gaps[:SHOWN_EVENTS])
        yield Finding("removed", end.number + 1, f"Events were removed before they were sealed: {shown}.")


def _emptiness(end: End, waiting: Waiting, *, now: datetime) -> Iterator[Finding]:
    """There are people but no events. Adding a person always records an event, so events were removed."""
    if not end.number and not waiting and User.objects.filter(date_joined__lt=now - SEALED_WITHIN).exists():
        yield Finding("emptied", 1, "There are people, but no events, seals or checkpoint: they were all removed.")
