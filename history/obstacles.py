"""What stands against sealing the events that wait: signs that somebody removed seals or events.

The product seals nothing while one of these is found. `history accept` is how an operator says that there is a good
reason, and it is recorded. See docs/decisions/0004-sealed-history.md.
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

# Sealing is a matter of a minute. What waited longer could have been changed, and shows no trace of it.
SEALED_WITHIN = timedelta(minutes=15)
REMEDY = 'Compare with an anchor kept elsewhere. When you know the reason: manage.py history accept --reason "…"'
_LOOKED_AT = 1000
Waiting = Sequence[tuple[int, datetime]]


def unsealed(end: End) -> Waiting:
    """The oldest events that are not sealed, as id and date; enough of them to see what is wrong."""
    return list(Event.objects.filter(pk__gt=end.last_id).order_by("pk").values_list("pk", "at")[:_LOOKED_AT])


def obstacles(end: End, waiting: Waiting, *, now: datetime) -> list[Finding]:
    """Everything that stands against sealing what waits after `end`. Raises `ImproperlyConfigured` without a key."""
    return [*of_the_end(end), *of_waiting(end, waiting, now=now), *_emptiness(end, waiting, now=now)]


def of_the_end(end: End) -> Iterator[Finding]:
    """The newest seal is not the newest that there ever was, as far as anything still knows."""
    noted = anchor_file.newest_anchors()
    decided = accepted() if noted else Accepted()
    found = list(anchor_checks.check(noted[-1:], decided).findings())
    if found:
        # The others tell since when.
        found = list(anchor_checks.check(noted, decided).findings())
    yield from found
    latest = highest_verified()
    # Asked again: another sealer may have gone on since.
    is_gone = latest > end.number and latest > end_of_seals().number
    if is_gone and not any(finding.kind == "truncated" for finding in found):
        there = f"seal {end.number} is the newest" if end.number else "there is none"
        words = f"Seal {latest} was there at an earlier verification, and now {there}. {anchor_checks.REMEDY}"
        yield Finding("truncated", end.number + 1, words)


def highest_verified() -> int:
    """The highest number of a seal that a verification saw, as far as they are kept; 0 when none did."""
    return Verification.objects.order_by("-last_number").values_list("last_number", flat=True).first() or 0


def of_waiting(end: End, waiting: Waiting, *, now: datetime) -> Iterator[Finding]:
    """The events that wait are older than they can be, or some between them are gone. `waiting` is sorted by id."""
    late = [(pk, at) for pk, at in waiting if at < now - SEALED_WITHIN]
    if late:
        yield _never_sealed(late) if end.number == 0 else _late(end, late)
    if end.number and connection.vendor == "sqlite":
        yield from _gaps(end, [pk for pk, _ in waiting])


def _never_sealed(late: Waiting) -> Finding:
    oldest = moment(min(at for _, at in late))
    words = (
        f"There are no seals and no checkpoint, although the oldest event is from {oldest}. Either nothing was ever "
        "sealed here, or the seals were removed, and events may have been changed."
    )
    return Finding("never_sealed", 1, words, tuple(pk for pk, _ in late[:SHOWN_EVENTS]))


def _late(end: End, late: Waiting) -> Finding:
    ids, oldest = tuple(pk for pk, _ in late), moment(min(at for _, at in late))
    words = (
        f"{named(ids)} not sealed within 15 minutes; the oldest is from {oldest}. Either the scheduler or workers "
        "stood still, or seals were removed, or events were added. Until they are sealed, a change leaves no trace."
    )
    return Finding("late", end.number + 1, words, ids[:SHOWN_EVENTS])


def _gaps(end: End, ids: list[int]) -> Iterator[Finding]:
    """SQLite gives ids without gaps, and gives those of a rollback again. PostgreSQL leaves gaps by itself."""
    gone = [(low + 1, high - 1) for low, high in pairwise([end.last_id, *ids]) if high > low + 1]
    if gone:
        shown = ", ".join(str(low) if low == high else f"{low} to {high}" for low, high in gone[:SHOWN_EVENTS])
        yield Finding("removed", end.number + 1, f"Events were removed before they were sealed: {shown}.")


def _emptiness(end: End, waiting: Waiting, *, now: datetime) -> Iterator[Finding]:
    """Everybody who is added leaves an event, so a history without any was emptied."""
    if not end.number and not waiting and User.objects.filter(date_joined__lt=now - SEALED_WITHIN).exists():
        yield Finding("emptied", 1, "There are people, but no event, no seal and no checkpoint: all were removed.")
