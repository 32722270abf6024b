"""A dead clock, worker or broker is seen on the pages, and breaks none of them."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from connections.models import AuditRun, Connection
from core.models import Heartbeat
from orchestrator import health
from orchestrator.celery import app as celery_app

LIST = "/code-repositories/"
SILENT = "The scheduler has not run for 12 minutes."


@pytest.fixture
def _old_web_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A web process that has been up for an hour."""
    watch = health.AlarmMonitor()
    watch._started_at -= 3600
    monkeypatch.setattr(health, "monitor", watch)


@pytest.fixture
def _silent_clock(db: None, _old_web_process: None) -> None:
    Heartbeat.objects.create(part="clock", seen_at=timezone.now() - timedelta(minutes=12, seconds=10))


@pytest.fixture
def _broker_away() -> Iterator[None]:
    """The product's own Celery, with an address at which nobody listens."""
    app: Any = celery_app

    def use(url: str) -> None:
        app.conf.broker_url = url
        app.amqp._producer_pool = app._pool = None

    before = app.conf.broker_url
    use("redis://127.0.0.1:1/0")
    yield
    use(before)


@pytest.mark.usefixtures("_silent_clock")
def test_a_silent_clock_is_shown_with_what_it_means_and_what_helps(pages: Client) -> None:
    page = pages.get(LIST).content.decode()
    assert SILENT in page
    assert "Audits, reminders and mails are waiting; nothing is lost." in page
    assert "restart the process “beat”" in page


@pytest.mark.usefixtures("_silent_clock")
def test_nobody_else_is_told(client: Client, person: Callable[..., User]) -> None:
    assert SILENT not in client.get(reverse("login")).content.decode()
    client.force_login(person("stranger"))
    assert SILENT not in client.get(reverse("connections:guide")).content.decode()


@pytest.mark.usefixtures("_old_web_process")
def test_nothing_is_shown_while_all_parts_work(pages: Client) -> None:
    for part in Heartbeat.Part:
        Heartbeat.objects.create(part=part, seen_at=timezone.now())
    assert 'role="alert"' not in pages.get(LIST).content.decode()


@pytest.mark.usefixtures("_silent_clock")
def test_it_costs_one_query_in_a_few_seconds(pages: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    pages.get(LIST)
    with django_assert_num_queries(_queries_without_alarm(pages)):
        pages.get(LIST)


def _queries_without_alarm(pages: Client) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with pytest.MonkeyPatch.context() as patch, CaptureQueriesContext(connection) as captured:
        patch.setattr(health, "monitor", health.AlarmMonitor())
        pages.get(LIST)
    return len(captured)


@pytest.mark.usefixtures("_broker_away")
def test_without_a_broker_every_page_works_and_a_test_still_tests(
    pages: Client, connected: Callable[..., Connection]
) -> None:
    connection = connected()
    for name, arguments in (("list", []), ("audits", []), ("detail", [connection.pk]), ("add-azure-devops", [])):
        assert pages.get(reverse(f"connections:{name}", args=arguments)).status_code == 200
    tested = pages.post(reverse("connections:test", args=[connection.pk]), follow=True)
    assert tested.status_code == 200
    connection.refresh_from_db()
    assert connection.health == "healthy"


@pytest.mark.usefixtures("_broker_away")
def test_without_a_broker_audit_all_now_begins_a_run_and_says_when_it_goes_on(
    pages: Client, connected: Callable[..., Connection]
) -> None:
    connected()
    page = pages.post(reverse("connections:start-audits"), follow=True).content.decode()
    assert "The message broker is unavailable. The audit starts once it is back." in page
    assert AuditRun.objects.filter(finished_at=None).exists()
