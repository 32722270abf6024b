"""Counters for monitoring: counted in each process, added up in the database, so that any web process can report all.

Counting costs a dictionary entry. A process writes what it has counted with a request or task, at most every fifteen
seconds (`flush_if_due`), and when it ends. A process that is killed loses what it has not written. Nothing is counted
while METRICS_TOKEN is not set.
"""

import json
import logging
from bisect import bisect_left
from collections import defaultdict
from threading import Lock
from time import monotonic

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import F

from core.models import MetricTotal

log = logging.getLogger(__name__)
EVERY = 15.0  # seconds
# Upper bounds of the buckets of every duration, in seconds.
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
Key = tuple[str, str]


class Totals:
    """What this process has counted and not yet written."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counted: dict[Key, float] = defaultdict(float)
        self._flushed_at = monotonic()

    def add(self, name: str, amount: float = 1.0, /, **labels: str) -> None:
        """Raise the counter `name` with these labels."""
        if settings.METRICS_TOKEN:
            with self._lock:
                self._counted[name, _as_text(labels)] += amount

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Count a duration: in its bucket (`le`, "+Inf" beyond the last), and in the sum."""
        position = bisect_left(BUCKETS, seconds)
        bound = str(BUCKETS[position]) if position < len(BUCKETS) else "+Inf"
        self.add(name, 1.0, le=bound, **labels)
        self.add(f"{name}_sum", seconds, **labels)

    def flush_if_due(self) -> None:
        """Write what was counted when the last time is long enough ago. Raises nothing."""
        if self._counted and monotonic() - self._flushed_at >= EVERY:
            self.flush()

    def flush(self) -> None:
        """Add what was counted to the database. Raises nothing: without a database it is written the next time."""
        with self._lock:
            counted, self._counted = self._counted, defaultdict(float)
            self._flushed_at = monotonic()
        if not counted:
            return
        try:
            with transaction.atomic():
                for key, amount in sorted(counted.items()):
                    _add(key, amount)
        except DatabaseError as away:
            log.debug("Counters are written later: %s", away)
            with self._lock:
                for key, amount in counted.items():
                    self._counted[key] += amount


def _add(key: Key, amount: float) -> None:
    row = MetricTotal.objects.filter(name=key[0], labels=key[1])
    if not row.update(value=F("value") + amount):
        MetricTotal.objects.bulk_create([MetricTotal(name=key[0], labels=key[1])], ignore_conflicts=True)
        row.update(value=F("value") + amount)


def _as_text(labels: dict[str, str]) -> str:
    return json.dumps(labels, sort_keys=True)


totals = Totals()
