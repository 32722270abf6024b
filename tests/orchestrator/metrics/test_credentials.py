"""One series for each connection: when its credential expires, and its health."""

from collections.abc import Callable
from datetime import date, timedelta

from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from history.days import end_of
from tests.factories import ConnectionFactory
from tests.orchestrator.metrics.conftest import Series

EXPIRY = "orchestrator_credential_expiry_timestamp_seconds"


def test_a_credential_expires_at_the_end_of_its_day_in_the_sites_time_zone(
    scrape: Callable[[], Series], settings: Settings
) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    day = date(2027, 2, 26)
    ConnectionFactory(name="Payments", organization="fabrikam", expires_on=day)
    with timezone.override("Pacific/Auckland"):
        expected = end_of(day).timestamp()
    assert scrape()[EXPIRY] == [({"connection": "Payments", "organization": "fabrikam"}, expected)]


def test_days_left_are_negative_for_an_expired_credential(scrape: Callable[[], Series]) -> None:
    today = timezone.localdate()
    ConnectionFactory(name="Old", expires_on=today - timedelta(days=3))
    ConnectionFactory(name="New", expires_on=today + timedelta(days=90))
    days = {labels["connection"]: value for labels, value in scrape()["orchestrator_credential_days_left"]}
    assert days == {"Old": -3, "New": 90}


def test_a_credential_without_a_date_has_no_expiry_and_is_counted(scrape: Callable[[], Series]) -> None:
    ConnectionFactory(expires_on=None)
    series = scrape()
    assert EXPIRY not in series
    assert series["orchestrator_connections_without_expiry_date"] == [({}, 1)]


def test_every_state_is_counted_also_those_of_no_connection(scrape: Callable[[], Series]) -> None:
    ConnectionFactory(health="limited")
    ConnectionFactory(health="limited", disabled=True)
    counts = {labels["health"]: value for labels, value in scrape()["orchestrator_connections"]}
    assert counts == {
        "healthy": 0, "limited": 1, "rejected": 0, "unreachable": 0, "not_checked": 0, "disabled": 1,
    }  # fmt: skip


def test_a_disabled_connection_alerts_nobody(scrape: Callable[[], Series]) -> None:
    ConnectionFactory(health="rejected", disabled=True, expires_on=date(2026, 1, 1))
    series = scrape()
    assert EXPIRY not in series
    assert "orchestrator_connection_health" not in series


def test_the_cap_leaves_out_those_that_need_nobody_and_says_how_many(
    scrape: Callable[[], Series], settings: Settings
) -> None:
    settings.METRICS_MAX_CONNECTIONS = 2
    today = timezone.localdate()
    ConnectionFactory(name="Later", expires_on=today + timedelta(days=80))
    ConnectionFactory(name="Soon", expires_on=today + timedelta(days=2))
    ConnectionFactory(name="Rejected", health="rejected", expires_on=today + timedelta(days=60))
    series = scrape()
    assert {labels["connection"] for labels, _ in series[EXPIRY]} == {"Soon", "Rejected"}
    assert series["orchestrator_connections_not_exported"] == [({}, 1)]


def test_where_names_are_not_to_leave_the_site_numbers_stand_for_them(
    scrape: Callable[[], Series], settings: Settings
) -> None:
    settings.METRICS_CONNECTION_LABEL = "id"
    connection = ConnectionFactory.create(name="Payments", organization="fabrikam", expires_on=timezone.localdate())
    assert [labels for labels, _ in scrape()[EXPIRY]] == [{"connection": str(connection.pk), "organization": ""}]


def test_the_number_of_queries_does_not_grow_with_the_connections(scrape: Callable[[], Series]) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as captured:
            scrape()
        return len(captured)

    ConnectionFactory()
    few = queries()
    ConnectionFactory.create_batch(50)
    assert queries() == few
