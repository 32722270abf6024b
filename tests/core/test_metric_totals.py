"""Counters that all processes add up in the database."""

import threading

import pytest
from django.db import OperationalError
from pytest_django import DjangoAssertNumQueries, Settings

from core import metric_totals
from core.metric_totals import EVERY, Totals
from core.models import MetricTotal

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _on(settings: Settings) -> None:
    settings.METRICS_TOKEN = "a-bearer-token-for-tests"


def stored() -> dict[tuple[str, str], float]:
    return {(row.name, row.labels): row.value for row in MetricTotal.objects.all()}


def test_nothing_is_counted_where_metrics_are_off(settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    totals = Totals()
    totals.add("checks")
    totals.flush()
    assert stored() == {}


def test_the_order_of_labels_makes_no_second_counter() -> None:
    totals = Totals()
    totals.add("requests", route="a", method="GET")
    totals.add("requests", method="GET", route="a")
    totals.flush()
    assert list(stored().values()) == [2]


def test_a_second_flush_writes_only_what_is_new() -> None:
    totals = Totals()
    totals.add("checks")
    totals.flush()
    totals.flush()
    assert stored() == {("checks", "{}"): 1}


def test_what_was_counted_is_written_when_its_time_has_come(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    now = 1000.0
    monkeypatch.setattr(metric_totals, "monotonic", lambda: now)
    totals = Totals()
    totals.add("checks")
    now += EVERY / 2
    with django_assert_num_queries(0):
        totals.flush_if_due()
    now += EVERY / 2
    totals.flush_if_due()
    assert stored() == {("checks", "{}"): 1}


def test_what_cannot_be_written_is_kept_for_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    totals = Totals()
    totals.add("checks")

    def away(*_: object) -> None:
        raise OperationalError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(metric_totals, "_add", away)
        totals.flush()
    totals.add("checks")
    totals.flush()
    assert stored() == {("checks", "{}"): 2}


def test_threads_lose_nothing() -> None:
    totals = Totals()

    def count() -> None:
        for _ in range(500):
            totals.add("checks")

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    totals.flush()
    assert stored() == {("checks", "{}"): 4000}
