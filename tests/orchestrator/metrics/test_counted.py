"""Checks, audits and probes are counted wherever they run."""

from collections.abc import Callable

from core.metric_totals import BUCKETS, Totals
from tests.orchestrator.metrics.conftest import Series


def test_what_two_processes_counted_is_added_up(scrape: Callable[[], Series]) -> None:
    web, worker = Totals(), Totals()
    web.add("orchestrator_credential_checks", outcome="ok")
    worker.add("orchestrator_credential_checks", 2, outcome="ok")
    worker.add("orchestrator_credential_checks", outcome="timed_out")
    web.flush()
    worker.flush()
    assert scrape()["orchestrator_credential_checks_total"] == [
        ({"outcome": "ok"}, 3),
        ({"outcome": "timed_out"}, 1),
    ]


def test_durations_are_a_histogram_with_cumulated_buckets(scrape: Callable[[], Series]) -> None:
    totals = Totals()
    for seconds in (0.01, 0.05, 0.3, 99):
        totals.observe("orchestrator_credential_check_duration_seconds", seconds)
    totals.flush()
    series = scrape()
    name = "orchestrator_credential_check_duration_seconds"
    buckets = {labels["le"]: value for labels, value in series[f"{name}_bucket"]}
    assert list(buckets) == [*map(str, BUCKETS), "+Inf"]
    assert (buckets["0.05"], buckets["0.25"], buckets["0.5"], buckets["30.0"], buckets["+Inf"]) == (2, 2, 3, 3, 4)
    assert series[f"{name}_count"] == [({}, 4)]
    assert series[f"{name}_sum"] == [({}, 99.36)]
