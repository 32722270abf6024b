"""Metrics of connections and their credentials, read from the database."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache

from django.conf import settings
from django.db.models import Count, QuerySet
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from connections.domain.expiry import never_expires
from connections.domain.health import Health
from connections.models import Connection
from history.days import end_of

_LABELS = ("connection", "organization")
_COLUMNS = ("pk", "name", "organization", "expires_on", "health")
Row = tuple[int, str, str, date | None, str]


def credentials(now: datetime) -> Iterator[Metric]:
    """One series for each connection that is not disabled; those that need attention first, where there is a cap."""
    enabled = Connection.objects.filter(disabled=False)
    expiry, days, health = _families()
    today = timezone.localdate(now)
    by_number = settings.METRICS_CONNECTION_LABEL == "id"
    # Days repeat, and each costs a look into the time zone.
    end = lru_cache(maxsize=1000)(lambda day: end_of(day).timestamp())
    for pk, name, organization, expires_on, state in _rows(enabled):
        labels = (str(pk), "") if by_number else (name, organization)
        health.add_metric((*labels, state), 1)
        if expires_on is not None and not never_expires(expires_on):
            expiry.add_metric(labels, end(expires_on))
            days.add_metric(labels, (expires_on - today).days)
    yield from (expiry, days, health)
    yield from _counts(enabled)


def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily, GaugeMetricFamily]:
    return (
        GaugeMetricFamily(
            "orchestrator_credential_expiry_timestamp_seconds",
            "When the credential expires: the end of its last day in the time zone of the site.",
            labels=_LABELS,
        ),
        GaugeMetricFamily(
            "orchestrator_credential_days_left",
            "Days until the credential expires; negative when it has expired.",
            labels=_LABELS,
        ),
        GaugeMetricFamily(
            "orchestrator_connection_health",
            "1 for the state that the connection is in.",
            labels=(*_LABELS, "health"),
        ),
    )


def _rows(enabled: QuerySet[Connection]) -> Iterator[Row]:
    rows = enabled.order_by("attention_due_on", "pk").values_list(*_COLUMNS)
    return rows[: settings.METRICS_MAX_CONNECTIONS].iterator(chunk_size=2000)


def _counts(enabled: QuerySet[Connection]) -> Iterator[Metric]:
    by_health = dict(enabled.order_by().values_list("health").annotate(Count("pk")))
    counted = GaugeMetricFamily("orchestrator_connections", "Connections by state.", labels=("health",))
    for state in Health:
        counted.add_metric((state.value,), by_health.get(state.value, 0))
    # Disabled connections keep the state that they had.
    counted.add_metric((Health.DISABLED.value,), Connection.objects.filter(disabled=True).count())
    yield counted
    yield GaugeMetricFamily(
        "orchestrator_connections_without_expiry_date",
        "Enabled connections without a recorded expiry date.",
        value=enabled.filter(expires_on=None).count(),
    )
    yield GaugeMetricFamily(
        "orchestrator_connections_not_exported",
        "Enabled connections without series of their own, because of METRICS_MAX_CONNECTIONS.",
        value=max(0, sum(by_health.values()) - settings.METRICS_MAX_CONNECTIONS),
    )
