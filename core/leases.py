"""Leases: a row belongs to one worker until a time that the worker renews while it works.

A worker that died leaves a lease that expires, and the row is due as before; the broker has no say in it. A lease has a
name, so that a worker whose lease expired meanwhile writes nothing into a row that another holds.
"""

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self, TypeVar

from django.conf import settings
from django.db import DatabaseError, models
from django.db import connection as database
from django.db.models import Q

from core.database_time import database_now, lies_ahead, written_ahead_of_time

log = logging.getLogger(__name__)
# So often a lease is renewed in its time: one renewal may fail.
_RENEWALS = 3
Row = TypeVar("Row", bound="Leased")


def new_lease() -> str:
    """A name that no other lease has."""
    return str(uuid.uuid4())


class LeasedQuerySet(models.QuerySet[Row]):
    """Claim, renew and release rows, each with one conditional UPDATE."""

    def held(self, now: datetime) -> Self:
        """Rows with a lease that lasts."""
        return self.filter(self._held(now))

    def free(self, now: datetime) -> Self:
        """The others."""
        return self.exclude(self._held(now))

    def under(self, lease: str) -> Self:
        """Rows that were claimed under this name and neither released nor claimed since."""
        return self.filter(lease=lease, leased_until__isnull=False)

    def claim(self, *, now: datetime, **changes: Any) -> str:
        """Lease those that are free. Returns the lease's name, or nothing where none is free: two never hold a row."""
        lease = new_lease()
        return lease if self.free(now).renew(now=now, lease=lease, **changes) else ""

    def start(self, lease: str, *, now: datetime) -> str:
        """Begin the work of a lease, under a new name, so that a message that comes twice begins it once."""
        started = new_lease()
        return started if self.under(lease).renew(now=now, lease=started) else ""

    def renew(self, *, now: datetime, **changes: Any) -> int:
        """Let the leases of these rows expire a whole lease from now. Returns how many rows there are."""
        return self.update(leased_until=now + self.model.lease_duration(), **changes)

    def release(self, **changes: Any) -> int:
        """End the leases of these rows. Returns how many rows there are."""
        return self.update(leased_until=None, lease="", **changes)

    def repair_clock_skew(self, *, now: datetime, latest: datetime) -> None:
        """Let nothing wait beyond `latest` because the clock was ahead when the row was worked on last."""
        ahead = self.filter(written_ahead_of_time(self.model.done_field, now))
        ahead.filter(**{f"{self.model.due_field}__gt": latest}).update(**{self.model.due_field: latest})

    def _held(self, now: datetime) -> Q:
        return lies_ahead("leased_until", now, at_most=2 * self.model.lease_duration())


class Leased(models.Model):
    """A row that workers lease.

    `lease` is the lease's name, `lease_setting` the name of the setting that says how many seconds it lasts.
    `due_field` says when the row is next worked on, and `done_field` when it last was.
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
        """How long a lease lasts that is not renewed."""
        return timedelta(seconds=getattr(settings, cls.lease_setting))


@contextmanager
def renewing(rows: LeasedQuerySet[Any]) -> Iterator[None]:
    """Renew the leases of these rows for as long as the work in the block takes."""
    done = threading.Event()
    renewer = threading.Thread(target=_renew_until, args=(rows, done), name="lease", daemon=True)
    renewer.start()
    try:
        yield
    finally:
        done.set()
        renewer.join()


def _renew_until(rows: LeasedQuerySet[Any], done: threading.Event) -> None:
    while not done.wait(rows.model.lease_duration().total_seconds() / _RENEWALS):
        try:
            if not rows.renew(now=database_now()):
                return
        except DatabaseError as error:
            log.warning("A lease of %s could not be renewed: %s", rows.model.__name__, error)
        finally:
            database.close()
