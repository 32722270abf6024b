"""Store the revision of each calendar event, and increase it when the event changes."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from connections.models import CalendarEntry
from connections.notifications.calendar_feed import Entry, Key, Revision

_ROWS_AT_ONCE = 500
# Below the limit of parameters in one query of SQLite.
_IDS_AT_ONCE = 10_000
# DTSTAMP and LAST-MODIFIED have a resolution of a second, so a second change within one counts as one second later.
A_SECOND = timedelta(seconds=1)


def revise(entries: list[Entry], *, now: datetime) -> Mapping[Key, Revision]:
    """The stored revision of each entry. Writes only when an event has changed."""
    known = _known(entries)
    if not all(_is_current(entry, known) for entry in entries):
        with transaction.atomic():
            _store(entries, now=now)
        # Read again: a concurrent request may have stored it first.
        known = _known(entries)
    return {key: Revision(row.sequence, row.changed_at) for key, row in known.items()}


def next_second(now: datetime, *, after: datetime | None) -> datetime:
    """`now` to the second, or the second after `after` when that is later."""
    second = now.replace(microsecond=0)
    return second if after is None else max(second, after.replace(microsecond=0) + A_SECOND)


def _known(entries: list[Entry], *, is_locking: bool = False) -> dict[Key, CalendarEntry]:
    ids = sorted({entry.key[0] for entry in entries})
    known: dict[Key, CalendarEntry] = {}
    for start in range(0, len(ids), _IDS_AT_ONCE):
        rows = CalendarEntry.objects.filter(connection__in=ids[start : start + _IDS_AT_ONCE]).order_by("pk")
        known |= {(row.connection_id, row.kind): row for row in (rows.select_for_update() if is_locking else rows)}
    return known


def _is_current(entry: Entry, known: Mapping[Key, CalendarEntry]) -> bool:
    return entry.key in known and known[entry.key].digest == entry.digest


def _store(entries: list[Entry], *, now: datetime) -> None:
    known = _known(entries, is_locking=True)
    fresh, changed = [], []
    for entry in entries:
        row = known.get(entry.key)
        if row is None:
            connection_id, kind = entry.key
            at = next_second(now, after=None)
            fresh.append(CalendarEntry(connection_id=connection_id, kind=kind, digest=entry.digest, changed_at=at))
        elif row.digest != entry.digest:
            row.digest, row.sequence = entry.digest, row.sequence + 1
            row.changed_at = next_second(now, after=row.changed_at)
            changed.append(row)
    CalendarEntry.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=_ROWS_AT_ONCE)
    CalendarEntry.objects.bulk_update(changed, ["digest", "sequence", "changed_at"], batch_size=_ROWS_AT_ONCE)
