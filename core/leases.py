"""Leases in the database: one worker at a time works on a row, and renews its lease while it works.

The lease of a worker that died expires, and the row is due again, whatever happened to the task's message. Each lease
has a random name, so that a worker whose lease has expired can't write to a row that another one has claimed since.
"""

import logging
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, ClassVar, Self, TypeVar

from django.conf import settings
from django.db import connection as database
from django.db import models
from django.db.models import Q

from core.database_time import database_now, lies_ahead, written_ahead_of_time

log = logging.getLogger(__name__)
# How often a lease is renewed within its duration.
_RENEWALS = 3
Row = TypeVar("Row", bound="Leased")


def new_lease() -> str:
    """A unique name for a lease."""
    return str(uuid.uuid4())


class LeasedQuerySet(models.QuerySet[Row]):
    """Claim, renew and release rows, each with one conditional UPDATE."""

    def held(self, now: datetime) -> Self:
        """Rows with a lease that has not expired."""
        return self.filter(self._held(now))

    def free(self, now: datetime) -> Self:
        """Rows that can be claimed."""
        return self.exclude(self._held(now))

    def under(self, lease: str) -> Self:
        """Rows that this lease still holds: neither released nor claimed again since."""
        return self.filter(lease=lease, leased_until__isnull=False)

    def claim(self, *, now: datetime, **changes: Any) -> str:
        """Claim the free rows among these. Returns the lease's name, or "" if none is free."""
        lease = new_lease()
        return lease if self.free(now).renew(now=now, lease=lease, **changes) else ""

    def start(self, lease: str, *, now: datetime) -> str:
        """Rename a lease when its work starts, so that a duplicate message does not start it again. Returns "" then."""
        started = new_lease()
        return started if self.under(lease).renew(now=now, lease=started) else ""

    def renew(self, *, now: datetime, **changes: Any) -> int:
        """Extend the leases of these rows by a full duration from now. Returns the number of rows."""
        return self.update(leased_until=now + self.model.lease_duration(), **changes)

    def release(self, **changes: Any) -> int:
        """End the leases of these rows. Returns the number of rows."""
        return self.update(leased_until=None, lease="", **changes)

    def repair_clock_skew(self, *, now: datetime, latest: datetime) -> None:
        """Make rows due at `latest` if they would be due later only because the clock was ahead at the last run."""
        ahead = self.filter(written_ahead_of_time(self.model.done_field, now))
        ahead.filter(**{f"{self.model.due_field}__gt": latest}).update(**{self.model.due_field: latest})

    def _held(self, now: datetime) -> Q:
        return lies_ahead("leased_until", now, at_most=2 * self.model.lease_duration())


class Leased(models.Model):
    """A row that workers lease.

    `lease` is the lease's name. `lease_setting` names the setting with the duration in seconds, `due_field` the column
    with the time of the next run, and `done_field` that of the last run.
    """

    leased_until = models.DateTimeField(null=True)
    lease = models.CharField(max_length=36, blank=True)

    lease_setting: ClassVar[str]
    due_field: ClassVar[str]
    done_field: ClassVar[str]
    objects = LeasedQuerySet.as_manager()

    class Meta:
        abstract = True

    @classmethod
    def lease_duration(cls) -> timedelta:
        """How long a lease lasts unless it is renewed."""
        return timedelta(seconds=getattr(settings, cls.lease_setting))

    @classmethod
    def renewal_interval(cls) -> float:
        """After how many seconds a lease is renewed, so that one renewal may fail."""
        return cls.lease_duration().total_seconds() / _RENEWALS


@contextmanager
def renewing(rows: LeasedQuerySet[Any]) -> Iterator[None]:
    """Renew the leases of these rows in the background until the block ends."""
    held = _Held(rows)
    _renewals.add(held)
    try:
        yield
    finally:
        _renewals.remove(held)


@contextmanager
def working_on(rows: LeasedQuerySet[Any]) -> Iterator[None]:
    """Renew the leases of these rows until the block ends, and release them then, also if it fails."""
    try:
        with renewing(rows):
            yield
    finally:
        rows.release()


class _Held:
    """Rows whose leases are renewed, and when that is due, in seconds of `time.monotonic`."""

    def __init__(self, rows: LeasedQuerySet[Any]) -> None:
        self._rows = rows
        self._every = rows.model.renewal_interval()
        self.due_at = time.monotonic() + self._every

    def renew(self) -> bool:
        """Renew the leases. Whether there is anything left to renew."""
        self.due_at = time.monotonic() + self._every
        try:
            return bool(self._rows.renew(now=database_now()))
        except Exception as error:
            # Also of a connection that is broken. The leases of others depend on the same thread.
            log.warning("A lease of %s could not be renewed: %s", self._rows.model.__name__, error)
            return True
        finally:
            with suppress(Exception):
                database.close()


class _Renewals:
    """Renews the leases of this process in one thread.

    Most work ends before its first renewal, so the thread is not woken by it. It ends when it wakes and finds nothing.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: list[_Held] = []
        self._under_way: _Held | None = None
        self._wakes_at = 0.0
        self._thread: threading.Thread | None = None

    def add(self, held: _Held) -> None:
        with self._changed:
            self._held.append(held)
            if self._thread is None or not self._thread.is_alive():
                self._wakes_at = held.due_at
                self._thread = threading.Thread(target=self._run, name="lease", daemon=True)
                self._thread.start()
            elif held.due_at < self._wakes_at:
                self._changed.notify_all()

    def remove(self, held: _Held) -> None:
        """Renew these no longer. Waits for a renewal that is under way."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way is not held)
            if held in self._held:
                self._held.remove(held)

    def _run(self) -> None:
        while (held := self._wait_for_next()) is not None:
            is_held = False
            try:
                is_held = held.renew()
            finally:
                with self._changed:
                    self._under_way = None
                    if not is_held and held in self._held:
                        self._held.remove(held)
                    self._changed.notify_all()

    def _wait_for_next(self) -> _Held | None:
        """The leases to renew next, when that is due; None if there are none."""
        with self._changed:
            while self._held:
                held = min(self._held, key=attrgetter("due_at"))
                left = held.due_at - time.monotonic()
                if left <= 0:
                    self._under_way = held
                    return held
                self._wakes_at = held.due_at
                self._changed.wait(left)
            self._thread = None
            return None


_renewals = _Renewals()
