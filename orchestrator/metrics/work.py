"""Metrics of work in the background, from the database: audits, mails, scheduler, workers, rate limits, history."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from math import inf

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet
from prometheus_client.core import GaugeMetricFamily, Metric

from connections.models import Connection, Mail, RateLimitPause
from core.models import Heartbeat
from history.queries import seal_state


def work(now: datetime) -> Iterator[Metric]:
    """What waits, for how long, and when each part was last seen at work."""
    due = Connection.objects.filter(disabled=False, next_check_at__lte=now)
    yield from _waiting("audits_due", "Audits that are due", due, "next_check_at", now)
    waiting = Mail.unsent()
    yield from _waiting("mails_waiting", "Mails that wait to be sent", waiting, "created_at", now)
    yield GaugeMetricFamily(
        "orchestrator_mails_given_up",
        "Mails in the outbox that will not be sent again.",
        value=Mail.objects.filter(sent_at=None, given_up_at__isnull=False).count(),
    )
    yield from _parts(now)
    yield _rate_limited(now)
    yield GaugeMetricFamily(
        "orchestrator_history_sealed",
        "1 while the history is verified and being sealed.",
        value=0 if seal_state(now=now).problem else 1,
    )


def _waiting(
    name: str, what: str, rows: "QuerySet[Connection] | QuerySet[Mail]", since: str, now: datetime
) -> Iterator[Metric]:
    found = rows.order_by().aggregate(count=Count("pk"), oldest=Min(since))
    oldest = max(0.0, (now - found["oldest"]).total_seconds()) if found["oldest"] else 0.0
    yield GaugeMetricFamily(f"orchestrator_{name}", f"{what}.", value=found["count"])
    yield GaugeMetricFamily(
        f"orchestrator_{name}_oldest_seconds", f"{what}: how long the oldest has waited.", value=oldest
    )


def _parts(now: datetime) -> Iterator[Metric]:
    seen = GaugeMetricFamily(
        "orchestrator_heartbeat_age_seconds",
        "Seconds since the scheduler and a worker were last seen at work; +Inf if never.",
        labels=("part",),
    )
    broker = GaugeMetricFamily(
        "orchestrator_broker_unreachable_seconds",
        "For how long the scheduler has not reached the broker; 0 when it does.",
    )
    # A part that has never run is infinitely late: without a series no alert would ever fire.
    ages, lost = dict.fromkeys(Heartbeat.Part.values, inf), None
    for sign in Heartbeat.objects.order_by("part"):
        ages[sign.part] = max(0.0, (now - sign.seen_at).total_seconds())
        lost = sign.broker_lost_at or lost
    for part, age in ages.items():
        seen.add_metric((_PARTS[part],), age)
    broker.add_metric((), max(0.0, (now - lost).total_seconds()) if lost else 0.0)
    yield from (seen, broker)


# The scheduler's stored code is older than its name.
_PARTS = {Heartbeat.Part.SCHEDULER.value: "scheduler", Heartbeat.Part.WORKER.value: "worker"}


def _rate_limited(now: datetime) -> Metric:
    family = GaugeMetricFamily(
        "orchestrator_rate_limited_connections",
        "Connections whose requests wait because Azure DevOps limits their person, by organization.",
        labels=("organization",),
    )
    counts: Counter[str] = Counter()
    paused = Connection.objects.filter(Q(RateLimitPause.holds(now)), disabled=False).order_by("organization")
    for organization, count in paused.values_list("organization").annotate(Count("pk")):
        counts[organization if settings.METRICS_CONNECTION_LABEL == "name" else ""] += count
    for label, count in counts.items():
        family.add_metric((label,), count)
    return family
