"""What waits, and for how long."""

from collections.abc import Callable
from datetime import datetime, timedelta
from math import inf
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from connections.models import Mail, RateLimitPause
from core.models import Heartbeat
from tests.factories import ConnectionFactory
from tests.orchestrator.metrics.conftest import Series


def mail(message_id: str, created_at: datetime, **more: Any) -> Mail:
    return Mail.objects.create(
        kind="expiring", recipient="maya@example.com", message_id=message_id, created_at=created_at, due_at=created_at,
        **more,
    )  # fmt: skip


def test_mails_that_wait_are_counted_with_the_age_of_the_oldest(scrape: Callable[[], Series]) -> None:
    now = timezone.now()
    mail("1", now - timedelta(hours=2))
    mail("2", now - timedelta(minutes=1))
    mail("3", now - timedelta(days=1), sent_at=now)
    mail("4", now - timedelta(days=9), given_up_at=now)
    mail("5", now - timedelta(days=9), withdrawn_at=now)
    series = scrape()
    assert series["orchestrator_mails_waiting"] == [({}, 2)]
    assert series["orchestrator_mails_waiting_oldest_seconds"][0][1] == pytest.approx(7200, abs=60)
    assert series["orchestrator_mails_given_up"] == [({}, 1)]


def test_audits_that_are_due_are_counted_and_those_of_disabled_connections_are_not(
    scrape: Callable[[], Series],
) -> None:
    now = timezone.now()
    ConnectionFactory(next_check_at=now - timedelta(minutes=30))
    ConnectionFactory(next_check_at=now - timedelta(hours=3), disabled=True)
    ConnectionFactory(next_check_at=now + timedelta(hours=3))
    series = scrape()
    assert series["orchestrator_audits_due"] == [({}, 1)]
    assert series["orchestrator_audits_due_oldest_seconds"][0][1] == pytest.approx(1800, abs=60)


def test_nothing_that_waits_is_zero_and_not_missing(scrape: Callable[[], Series]) -> None:
    series = scrape()
    for name in ("audits_due", "audits_due_oldest_seconds", "mails_waiting", "mails_waiting_oldest_seconds"):
        assert series[f"orchestrator_{name}"] == [({}, 0)]


def test_each_part_has_the_age_of_its_last_sign_of_life(scrape: Callable[[], Series]) -> None:
    now = timezone.now()
    Heartbeat.objects.create(
        part=Heartbeat.Part.SCHEDULER, seen_at=now - timedelta(seconds=20), broker_lost_at=now - timedelta(minutes=5)
    )
    Heartbeat.objects.create(part=Heartbeat.Part.WORKER, seen_at=now - timedelta(minutes=10))
    series = scrape()
    ages = {labels["part"]: value for labels, value in series["orchestrator_heartbeat_age_seconds"]}
    assert ages == {"scheduler": pytest.approx(20, abs=10), "worker": pytest.approx(600, abs=10)}
    assert series["orchestrator_broker_unreachable_seconds"][0][1] == pytest.approx(300, abs=10)


def test_a_part_that_has_never_run_is_infinitely_late_and_not_missing(scrape: Callable[[], Series]) -> None:
    Heartbeat.objects.create(part=Heartbeat.Part.SCHEDULER, seen_at=timezone.now())
    ages = {labels["part"]: value for labels, value in scrape()["orchestrator_heartbeat_age_seconds"]}
    assert ages == {"scheduler": pytest.approx(0, abs=10), "worker": inf}


def test_connections_that_must_wait_are_counted_by_organization(scrape: Callable[[], Series]) -> None:
    now = timezone.now()
    RateLimitPause.objects.create(
        server="Sandbox", identity_id=ConnectionFactory.build().identity_id, until=now + timedelta(minutes=2)
    )
    ConnectionFactory(organization="acme")
    ConnectionFactory(organization="fabrikam", identity_id="33333333-3333-4333-8333-333333333333")
    assert scrape()["orchestrator_rate_limited_connections"] == [({"organization": "acme"}, 1)]


def test_without_names_the_connections_that_must_wait_are_one_number(
    scrape: Callable[[], Series], settings: Settings
) -> None:
    settings.METRICS_CONNECTION_LABEL = "id"
    until = timezone.now() + timedelta(minutes=2)
    RateLimitPause.objects.create(server="Sandbox", identity_id=ConnectionFactory.build().identity_id, until=until)
    for organization in ("acme", "fabrikam", "contoso"):
        ConnectionFactory(organization=organization)
    assert scrape()["orchestrator_rate_limited_connections"] == [({"organization": ""}, 3)]
