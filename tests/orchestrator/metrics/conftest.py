"""A client that reads /metrics."""

from collections.abc import Callable

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from core import metric_totals
from core.metric_totals import Totals

TOKEN = "a-bearer-token-for-tests"
Series = dict[str, list[tuple[dict[str, str], float]]]


@pytest.fixture
def metrics_on(db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.METRICS_TOKEN = TOKEN
    settings.MIDDLEWARE = ["orchestrator.metrics.endpoint.Metrics", *settings.MIDDLEWARE]
    totals = Totals()
    for module in ("core.metric_totals", "orchestrator.metrics.endpoint", "connections.clients"):
        monkeypatch.setattr(f"{module}.totals", totals)
    assert metric_totals.totals is totals


@pytest.fixture
def scrape(metrics_on: None) -> Callable[[], Series]:
    """Reads /metrics as Prometheus' own Python parser does: samples by name."""

    def read() -> Series:
        answer = Client().get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
        series: Series = {}
        for family in text_string_to_metric_families(answer.content.decode()):
            for sample in family.samples:
                series.setdefault(sample.name, []).append((sample.labels, sample.value))
        return series

    return read
