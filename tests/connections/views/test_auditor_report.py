"""The report for auditors."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries

from connections import list_pages
from connections.models import CapabilityState
from history.record import SCHEDULER, Actor, record
from history.tasks import seal_waiting
from tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db
REPORT = "connections:auditor-report"


@pytest.fixture
def auditor(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ada"))
    return client


def content_of(response: Any) -> str:
    return b"".join(response.streaming_content).decode()


def shown(auditor: Client, **query: str) -> str:
    return content_of(auditor.get(reverse(REPORT), query))


def test_a_row_says_owner_scopes_expiry_and_last_verification(auditor: Client) -> None:
    connection = ConnectionFactory.create(name="Payments", expires_on=timezone.localdate() + timedelta(days=3))
    at = timezone.now()
    for capability, verdict in (("code_read", "granted"), ("build_read", "missing")):
        CapabilityState.objects.create(
            connection=connection, capability=capability, verdict=verdict, verified_at=at, checked_at=at
        )
    page = shown(auditor)
    assert "1 connection," in page
    assert "Maya Example" in page
    assert "Not granted: Build read" in page
    assert "in 3 days" in page
    assert f'<time datetime="{timezone.localtime(at).isoformat()}">' in page


def test_it_has_the_changes_of_the_period_without_what_the_scheduler_did(auditor: Client) -> None:
    connection = ConnectionFactory.create(name="Payments")
    now = timezone.now()
    for kind, by, days in (
        ("connection.edited", Actor("Maya", 9), 1),
        ("connection.tested", SCHEDULER, 1),
        ("connection.rotated", Actor("Noor", 8), 200),
    ):
        record(kind, connection, by=by, at=now - timedelta(days=days))
    page = shown(auditor)
    assert "Edited" in page
    assert "Credential updated" not in page
    assert ">Tested<" not in page
    since, until = (f"{now - timedelta(days=days):%Y-%m-%d}" for days in (300, 100))
    page = shown(auditor, since=since, until=until)
    assert "Credential updated" in page
    assert "Edited" not in page


def test_it_has_the_seal_and_its_anchor(auditor: Client) -> None:
    record("connection.edited", ConnectionFactory.create(), by=Actor("Maya", 9), at=timezone.now())
    assert "nothing is sealed yet" in shown(auditor)
    seal_waiting()
    page = auditor.get(reverse(REPORT))
    assert page.context["seals"].anchor in content_of(page)


def test_its_queries_do_not_grow_with_the_connections(
    auditor: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ConnectionFactory()
    shown(auditor)
    with CaptureQueriesContext(database) as few:
        shown(auditor)
    for _ in range(30):
        ConnectionFactory()
    with django_assert_num_queries(len(few)):
        shown(auditor)


def test_its_rows_are_read_and_sent_a_few_at_a_time(auditor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_pages, "STEP", 2)
    names = {f"<!-- connections --> {number}" for number in range(5)}
    for name in names:
        ConnectionFactory.create(name=name)
    response: Any = auditor.get(reverse(REPORT))
    assert "5 connections," in next(response.streaming_content).decode()
    with CaptureQueriesContext(database) as capabilities:
        rows = [next(response.streaming_content).decode() for _ in names]
    assert {name for name in names for row in rows if escape(name) in row} == names
    assert sum("connections_capabilitystate" in query["sql"] for query in capabilities) == 3


def test_without_connections_it_says_so(auditor: Client) -> None:
    page = shown(auditor)
    assert "0 connections," in page
    assert "No connections." in page


@pytest.mark.parametrize("query", [{"since": "x"}, {"since": "2026-12-31", "until": "2026-01-01"}])
def test_days_that_make_no_period_are_no_error(auditor: Client, query: dict[str, str]) -> None:
    assert isinstance(auditor.get(reverse(REPORT), query).context["now"], datetime)
