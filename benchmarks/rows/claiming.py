"""Row 17: claiming the next audit while ever more are due."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from statistics import median

from django.conf import settings
from django.db.models import CharField
from django.db.models.functions import Cast
from django.utils import timezone

from benchmarks.data import make_connections
from benchmarks.place import analyze
from benchmarks.result import Measured, seconds
from connections.actions import audit_runs
from connections.models import Connection

LATER = timedelta(hours=6)


def measure(*, short: bool) -> Iterator[Measured]:
    """With connections of many people, and with connections of one person or organization whose limit is reached."""
    settings.AUDITS_AT_ONCE = 16
    counts, times = ((150, 500), 10) if short else ((150, 2_000, 10_000, 50_000), 60)
    of_many: dict[int, float] = {}
    for count in counts:
        there_are = Connection.objects.count()
        make_connections(count - there_are, first=there_are)
        of_many[count] = _claim(times)
    yield _measured("claiming the next audit", of_many, goal=1.5)
    Connection.objects.update(identity_id="one person")
    of_one = _claim_of_one(counts, times)
    yield _measured("the same, all of one person whose audits are under way", of_one, goal=1.5)
    Connection.objects.update(identity_id=Cast("pk", CharField()), organization="one")
    of_one = _claim_of_one(counts, times)
    yield _measured("the same, all of one organization whose audits are under way", of_one, goal=1.5)


def _claim_of_one(counts: Sequence[int], times: int) -> dict[int, float]:
    taken = {}
    for count in reversed(counts):
        kept = Connection.objects.order_by("pk").values_list("pk", flat=True)[:count]
        Connection.objects.exclude(pk__lte=max(kept)).update(disabled=True)
        taken[count] = _claim(times)
    Connection.objects.update(disabled=False)
    return taken


def _claim(times: int) -> float:
    """The median time of a claim after an audit has ended, while all others are due."""
    now = timezone.now()
    Connection.objects.release(next_check_at=now - LATER)
    analyze()
    under_way = audit_runs.claim_due(now=now)
    taken = []
    for _ in range(times):
        Connection.objects.filter(pk=under_way.pop(0)).release(next_check_at=now + LATER)
        taken.append(seconds(lambda: under_way.extend(audit_runs.claim_due(now=now))))
    return median(taken)


def _measured(work: str, taken: Mapping[int, float], *, goal: float) -> Measured:
    fewest, most = min(taken), max(taken)
    facts = {f"ms with {count:,} due": taken[count] * 1000 for count in sorted(taken)}
    floor = f"with {fewest:,} due"
    return Measured(17, f"{work}, with {most:,} due", floor, taken[most] / taken[fewest], goal, facts=facts)
