"""Counters and durations that all processes added up in the database (`core.metric_totals`)."""

import json
from collections import defaultdict
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from core.metric_totals import BUCKETS
from core.models import MetricTotal

_COUNTERS = {
    "orchestrator_http_requests": ("Requests by route, method and status.", ("route", "method", "status")),
    "orchestrator_credential_checks": ("Checks of credentials by outcome: a problem code, or ok.", ("outcome",)),
    "orchestrator_audits": ("Audits of stored credentials by the state they led to.", ("health",)),
    "orchestrator_probes": ("Probes of capabilities by verdict.", ("capability", "verdict")),
}
_DURATIONS = {
    "orchestrator_http_request_duration_seconds": ("Time to answer a request, by route.", ("route",)),
    "orchestrator_credential_check_duration_seconds": ("Time that a check of a credential took.", ()),
    "orchestrator_probe_duration_seconds": ("Time that Azure DevOps took to answer a probe.", ("capability",)),
}
_BOUNDS = [*map(str, BUCKETS), "+Inf"]
Values = dict[tuple[str, ...], float]


def counted() -> Iterator[Metric]:
    """Every counter and duration, in one query."""
    stored: dict[str, list[tuple[dict[str, str], float]]] = defaultdict(list)
    for name, labels, value in MetricTotal.objects.order_by("pk").values_list("name", "labels", "value"):
        stored[name].append((json.loads(labels), value))
    for name, (help_text, label_names) in _COUNTERS.items():
        counter = CounterMetricFamily(name, help_text, labels=label_names)
        for known, value in stored[name]:
            counter.add_metric([known.get(label, "") for label in label_names], value)
        yield counter
    for name, (help_text, label_names) in _DURATIONS.items():
        yield _histogram(name, help_text, label_names, stored)


def _histogram(
    name: str, help_text: str, labels: tuple[str, ...], stored: dict[str, list[tuple[dict[str, str], float]]]
) -> Metric:
    family = HistogramMetricFamily(name, help_text, labels=labels)
    buckets: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for known, value in stored[name]:
        buckets[tuple(known.get(label, "") for label in labels)][known["le"]] = value
    sums: Values = {tuple(known.get(label, "") for label in labels): value for known, value in stored[f"{name}_sum"]}
    for key, counts in buckets.items():
        family.add_metric(key, _cumulated(counts), sums.get(key, 0.0))
    return family


def _cumulated(counts: dict[str, float]) -> list[tuple[str, float]]:
    total, cumulated = 0.0, []
    for bound in _BOUNDS:
        total += counts.get(bound, 0.0)
        cumulated.append((bound, total))
    return cumulated
