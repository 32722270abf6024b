"""Row 15: /metrics with ten thousand connections."""

from collections.abc import Iterator
from secrets import token_urlsafe
from time import process_time

from django.conf import settings
from django.test import Client, override_settings
from prometheus_client import exposition
from prometheus_client.core import GaugeMetricFamily, Metric

from benchmarks.data import make_connections
from benchmarks.result import Measured, side_by_side

TOKEN = token_urlsafe()
_SERIES_OF_EACH = 3


class _FromMemory:
    """As many series with labels of the same kind, from no database."""

    def __init__(self, count: int) -> None:
        self._count = count

    def collect(self) -> Iterator[Metric]:
        """What the encoder asks for."""
        for number in range(_SERIES_OF_EACH):
            family = GaugeMetricFamily(f"metric_{number}", "A metric.", labels=("connection", "organization"))
            for series in range(self._count):
                family.add_metric((f"Connection {series}", "acme"), series)
            yield family


def measure(*, short: bool) -> Iterator[Measured]:
    """Beside the encoder of prometheus-client alone."""
    count = 200 if short else 10_000
    make_connections(count)
    middleware = ["orchestrator.metrics.endpoint.Metrics", *settings.MIDDLEWARE]
    with override_settings(METRICS_TOKEN=TOKEN, MIDDLEWARE=middleware):
        browser = Client(headers={"authorization": f"Bearer {TOKEN}"})

        def scrape() -> int:
            answer = browser.get("/metrics")
            assert answer.status_code == 200
            return len(answer.content)

        def encode() -> None:
            exposition.generate_latest(_FromMemory(count))

        floor, ours = side_by_side([encode, scrape], 1 if short else 10)
        begun = process_time()
        size = scrape()
        facts = {"encoder": floor, "/metrics": ours, "processor time": process_time() - begun}
    work = f"/metrics with {count:,} connections"
    yield Measured(15, work, "the encoder alone, as many series", ours / floor, 2.0, facts=facts)
    yield Measured(15, f"the same: its size for {count:,}", "", size / 1e6, 5.0, unit="MB")
