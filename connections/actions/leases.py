"""Who is looking at a connection: a lease in its row, renewed while the work goes on.

A worker that died leaves a lease that soon ends, and the connection is due as before. The broker has no say in it.
"""

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db import connection as database
from django.db.models import Q, QuerySet
from django.utils import timezone

from connections.models import Connection

log = logging.getLogger(__name__)
_CLAIMING = 0x6D66655F61756469  # "mfe_audi"
# So often a lease is renewed in its time: one renewal may fail.
_RENEWALS = 3


def lease_end(now: datetime) -> datetime:
    """When a lease ends that is taken now, unless it is renewed. It names the lease, too."""
    return now + timedelta(seconds=settings.AUDIT_LEASE_SECONDS)


def due(now: datetime) -> QuerySet[Connection]:
    """The connections that are to be looked at and that nobody holds."""
    return Connection.objects.exclude(_held(now)).filter(disabled=False, next_check_at__lte=now)


def held(now: datetime) -> QuerySet[Connection]:
    """The connections that somebody looks at."""
    return Connection.objects.filter(_held(now))


def _held(now: datetime) -> Q:
    # A lease that ends much later than any can is from a machine whose clock was ahead.
    return Q(leased_until__gte=now, leased_until__lte=now + 2 * timedelta(seconds=settings.AUDIT_LEASE_SECONDS))


@contextmanager
def alone() -> Iterator[None]:
    """Count and claim as one step: one claimer at a time, in a short transaction. SQLite has one writer anyway."""
    with transaction.atomic():
        if database.vendor == "postgresql":
            with database.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CLAIMING])
        yield


def claim(connection_ids: Iterable[int], *, now: datetime) -> list[int]:
    """Lease those that are still due, in the caller's transaction, and return them. Waits for nobody's write."""
    free = due(now).filter(pk__in=list(connection_ids)).select_for_update(skip_locked=True, no_key=True)
    taken = list(free.values_list("pk", flat=True))
    Connection.objects.filter(pk__in=taken).update(leased_until=lease_end(now))
    return taken


def start(connection_id: int, lease: datetime, *, now: datetime) -> bool:
    """Begin the work of a lease, and count it anew from `now`. False when the work is done, or in other hands."""
    mine = Connection.objects.filter(leased_until=lease, disabled=False)
    return bool(mine.filter(pk=connection_id).update(leased_until=lease_end(now)))


def release(connection_ids: Iterable[int]) -> None:
    """End leases that nobody will use; the connections are due as before."""
    Connection.objects.filter(pk__in=list(connection_ids)).update(leased_until=None)


@contextmanager
def renewing(connection_id: int, lease: datetime) -> Iterator[None]:
    """Renew the lease for as long as the work in the block takes."""
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(connection_id, lease, over), name="lease", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def _keep(connection_id: int, lease: datetime, over: threading.Event) -> None:
    while not over.wait(settings.AUDIT_LEASE_SECONDS / _RENEWALS):
        now = timezone.now()
        try:
            if not start(connection_id, lease, now=now):
                return
            lease = lease_end(now)
        except DatabaseError as trouble:
            log.warning("The lease of connection %s could not be renewed: %s", connection_id, trouble)
        finally:
            database.close()
