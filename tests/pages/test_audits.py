"""The pages of audits and of a connection's history."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.actions import audit_runs
from connections.actions.unsubscribe import stop_reminders
from connections.models import AuditRun, Connection
from connections.tasks import audit_due
from core.tasks import BrokerUnavailable
from history.models import Event
from history.record import Actor, record
from tests.factories import ConnectionFactory

Connected = Callable[..., Connection]


@pytest.fixture
def rung() -> object:
    """The broker's doorbell, so that no broker is needed."""
    with patch("connections.views.common.enqueue") as bell:
        yield bell


def test_audit_all_now_shows_a_run_with_its_progress(pages: Client, connected: Connected, rung: object) -> None:
    connected()
    page = pages.post(reverse("connections:start-audits"), follow=True).content.decode()
    assert "Running" in page
    assert 'hx-trigger="every 2s"' in page
    audit_due()
    page = pages.get(reverse("connections:audit-run", args=[AuditRun.objects.get().pk])).content.decode()
    assert "Finished" in page
    assert "hx-trigger" not in page
    assert "<strong>1</strong> of <strong>1</strong> checked" in page


def test_without_a_broker_the_run_waits_and_the_page_says_so(pages: Client, connected: Connected) -> None:
    connected()
    with patch("connections.views.common.enqueue", side_effect=BrokerUnavailable):
        page = pages.post(reverse("connections:start-audits"), follow=True).content.decode()
    assert "The message broker is unavailable" in page
    assert AuditRun.objects.exists()


def test_a_run_is_cancelled(pages: Client, connected: Connected, rung: object) -> None:
    connected()
    pages.post(reverse("connections:start-audits"))
    page = pages.post(reverse("connections:cancel-audits", args=[AuditRun.objects.get().pk]), follow=True)
    assert "Audit cancelled" in page.content.decode()


def test_the_last_runs_are_listed(pages: Client, connected: Connected, rung: object) -> None:
    connected()
    pages.post(reverse("connections:start-audits"))
    assert "0 of 1" in pages.get(reverse("connections:audits")).content.decode()


def rows(page: str) -> int:
    return page.count('<tr><th scope="row">')


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, 3),
        ({"kind": "connection.connected"}, 1),
        ({"actor": "maya"}, 2),
        ({"actor": "the outbox"}, 1),
        ({"since": "2026-11-01", "until": "2026-11-30", "kind": "connection.mailed"}, 1),
        ({"until": "2026-11-01"}, 0),
        ({"since": "no day", "kind": "no.kind", "actor": "nobody"}, 3),
    ],
)
def test_history_is_filtered_by_what_who_and_when_and_exported_likewise(
    pages: Client, connected: Connected, filters: dict[str, str], expected: int
) -> None:
    connection = connected()
    pages.post(reverse("connections:test", args=[connection.pk]))
    detail = {"to": "olga@example.com", "subject": "expires"}
    at = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    record("connection.mailed", connection, by=Actor("the outbox"), at=at, detail=detail)
    assert rows(pages.get(reverse("connections:history", args=[connection.pk]), filters).content.decode()) == expected
    answer = pages.get(reverse("connections:history-csv", args=[connection.pk]), filters)
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "when,what,who,address,details,about,name,kind,event,data"
    assert len(lines) == expected + 1


def test_every_kind_of_event_has_words(pages: Client, connected: Connected) -> None:
    connection = connected()
    details: dict[str, dict[str, object]] = {
        "connection.tested": {"health": "limited", "changes": ["build_read: granted -> missing"]},
        "connection.edited": {"extra_recipients": {"before": [], "after": ["a@b.c"]}},
        "connection.rotated": {"same_person": False, "lost": ["build_read"], "gained": []},
        "connection.reminded": {"people": 1, "days_left": 7, "about": "expiry"},
        "connection.mailed": {"to": "olga@example.com", "subject": "expires"},
        "connection.unmuted": {"address": "olga@example.com"},
        "connection.from_a_later_version": {},
    }
    for kind, detail in details.items():
        record(kind, connection, by=Actor("ann"), at=datetime(2026, 11, 30, tzinfo=UTC), detail=detail)
    page = pages.get(reverse("connections:history", args=[connection.pk])).content.decode()
    for words in (
        "Limited. Build read: Granted → Missing",
        "Additional mail recipients: <ins>",
        "a@b.c</ins>",
        "Different person; lost Build read",
        "1 person, 7 days before expiry",
        "To olga@example.com: expires",
        "For olga@example.com",
        "connection.from_a_later_version",
    ):
        assert words in page


def test_somebody_who_stopped_reminders_is_shown_and_reminded_again(pages: Client, connected: Connected) -> None:
    connection = connected()
    stop_reminders(connection, address="olga@example.com", now=datetime(2026, 11, 24, tzinfo=UTC))
    assert "olga@example.com" in pages.get(connection.get_absolute_url()).content.decode()
    muted = connection.muted.get()
    pages.post(reverse("connections:resume-reminders", args=[connection.pk, muted.pk]))
    assert not connection.muted.exists()
    assert Event.objects.filter(kind="connection.unmuted", actor_name="maya").exists()


def test_the_list_costs_the_same_for_one_and_for_a_full_page(
    pages: Client, sandbox: object, django_assert_max_num_queries: Callable[..., object]
) -> None:
    ConnectionFactory.create_batch(60)
    with django_assert_max_num_queries(9):  # type: ignore[attr-defined]
        pages.get(reverse("connections:list"))


def press_test_now(client: Client, *connections: Connection) -> str:
    chosen = {"action": "test_now", "_selected_action": [connection.pk for connection in connections]}
    address = reverse("admin:connections_connection_changelist")
    return client.post(address, chosen, follow=True).content.decode()


def test_test_now_in_the_admin_has_each_chosen_connection_audited(admin_client: Client, connected: Connected) -> None:
    chosen, _ = connected("Chosen"), connected("Other")
    with patch.object(audit_due, "delay", side_effect=audit_due):
        page = press_test_now(admin_client, chosen)
    assert "1 connection is due" in page
    assert [event.subject_id for event in Event.objects.filter(kind="connection.tested")] == [chosen.pk]


def test_test_now_of_disabled_connections_claims_no_success(admin_client: Client) -> None:
    connection = ConnectionFactory.create(disabled=True)
    with patch("connections.admin.enqueue") as bell:
        page = press_test_now(admin_client, connection)
    assert not bell.called
    assert "All of these connections are disabled" in page


def test_test_now_without_a_broker_says_when_the_test_comes(admin_client: Client) -> None:
    connection = ConnectionFactory.create(next_check_at=timezone.now() + timedelta(hours=5))
    with patch("connections.admin.enqueue", side_effect=BrokerUnavailable):
        page = press_test_now(admin_client, connection)
    assert "The broker can&#x27;t be reached. 1 connection is due" in page
    assert audit_runs.claim_due(now=timezone.now()) == [connection.pk]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.25, "0.2 s"), (59.94, "59.9 s"), (190, "3 min 10 s"), (7_500, "2 h 5 min")]
)
def test_runs_say_how_long_they_took(pages: Client, seconds: float, words: str) -> None:
    at = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    run = AuditRun.objects.create(
        started_at=at, started_by="ann", by_hand=True, finished_at=at + timedelta(seconds=seconds)
    )
    assert words in pages.get(reverse("connections:audits")).content.decode()
    assert f"in {words}" in pages.get(reverse("connections:audit-run", args=[run.pk])).content.decode()
