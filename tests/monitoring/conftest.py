"""/metrics as the tests of the endpoint read it."""

from tests.orchestrator.metrics.conftest import metrics_on, scrape

__all__ = ["metrics_on", "scrape"]
