"""Tasks that enqueue others."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django import Settings

from connections import tasks
from connections.actions import audit_runs, declare_leak, prove_leak
from connections.models import AuditRun, Connection, LeakedToken, Renewal
from connections.tasks import audit_due, audit_one
from core.tasks import stopping
from history.models import Event
from history.record import Actor
from tests.factories import ConnectionFactory, make_renewal

NOW, EVERY = datetime(2026, 11, 24, 12, 0, tzinfo=UTC), timedelta(hours=6)
pytestmark = pytest.mark.django_db
Connected = Callable[..., Connection]


@pytest.fixture
def enqueued() -> Iterator[Any]:
    with patch.object(tasks.prove_leaks_due, "apply_async") as call:
        yield call


def declared(connection: Connection, now: datetime) -> LeakedToken:
    return declare_leak.declare_leak(declare_leak.find_stored(connection).key, by=Actor("Maya"), now=now)


def ask_due() -> None:
    for leak_id, lease in prove_leak.claim_due(now=timezone.now()):
        tasks.prove_leak_one(leak_id=leak_id, lease=lease)


def test_declaring_a_token_leaked_enqueues_the_first_question(
    client: Client, maintainer: User, connected: Connected, enqueued: Any
) -> None:
    client.force_login(maintainer)
    key = declare_leak.find_stored(connected()).key
    client.post(reverse("connections:declare-leak"), {"key": key})
    (call,) = enqueued.call_args_list
    assert 3 < call.kwargs["countdown"] <= 5


def test_without_a_broker_a_token_is_declared_leaked_all_the_same(
    client: Client, maintainer: User, connected: Connected, enqueued: Any
) -> None:
    client.force_login(maintainer)
    key = declare_leak.find_stored(connected()).key
    enqueued.side_effect = OperationalError("away")
    client.post(reverse("connections:declare-leak"), {"key": key})
    assert LeakedToken.objects.exists()


def test_a_question_enqueues_the_next_one_while_it_is_near(connected: Connected, enqueued: Any) -> None:
    leak = declared(connected(), timezone.now() - timedelta(seconds=6))
    ask_due()
    leak.refresh_from_db()
    assert leak.asks == 1
    (call,) = enqueued.call_args_list
    assert 0 < call.kwargs["countdown"] <= 9


def test_a_question_that_is_minutes_away_waits_for_the_scheduler(connected: Connected, enqueued: Any) -> None:
    leak = declared(connected(), timezone.now() - timedelta(minutes=6))
    ask_due()
    leak.refresh_from_db()
    assert leak.asks == 1
    assert not enqueued.called


@pytest.fixture
def two_due_renewals() -> set[int]:
    asked = {"next_ask_at": timezone.now() - timedelta(seconds=1)}
    return {make_renewal(connection, **asked).pk for connection in ConnectionFactory.create_batch(2)}


def test_each_old_token_is_asked_about_in_a_task_of_its_own(two_due_renewals: set[int]) -> None:
    with patch.object(tasks.prove_renewal_one, "delay") as enqueue:
        tasks.prove_renewals_due()
        tasks.prove_renewals_due()
    assert enqueue.call_count == 2
    assert {call.kwargs["renewal_id"] for call in enqueue.call_args_list} == two_due_renewals


def test_without_a_broker_old_tokens_are_due_as_before(two_due_renewals: set[int]) -> None:
    with patch.object(tasks.prove_renewal_one, "delay", side_effect=OperationalError("away")):
        tasks.prove_renewals_due()
    assert not Renewal.objects.exclude(leased_until=None).exists()


def test_without_a_broker_what_was_claimed_is_due_as_before() -> None:
    ConnectionFactory.create_batch(2, next_check_at=NOW - EVERY)
    with patch.object(audit_one, "delay", side_effect=OperationalError("away")):
        audit_due()
    assert not Connection.objects.exclude(leased_until=None).exists()


@pytest.fixture
def two_of_one_place(connected: Callable[..., Connection], settings: Settings) -> tuple[int, int]:
    """Two due connections, of which one is audited at a time."""
    settings.AUDITS_PER_ORGANIZATION = 1
    first, second = connected("One"), connected("Two")
    Connection.objects.update(next_check_at=NOW - EVERY)
    return first.pk, second.pk


def enqueued_and_audited() -> tuple[list[int], list[int]]:
    """The ids that messages named and that were audited, by a tick of the scheduler and its first message."""
    with patch.object(audit_one, "delay") as bell:
        audit_due()
        audit_one(**bell.call_args.kwargs)
    audited = Event.objects.filter(kind="connection.tested").order_by("pk").values_list("subject_id", flat=True)
    return [call.kwargs["connection_id"] for call in bell.call_args_list], list(audited)


def test_the_end_of_one_audit_begins_the_next_without_a_message(two_of_one_place: tuple[int, int]) -> None:
    first, second = two_of_one_place
    assert enqueued_and_audited() == ([first], [first, second])


def test_a_run_is_finished_before_the_same_task_audits_another(two_of_one_place: tuple[int, int]) -> None:
    first, second = two_of_one_place
    run, finished = audit_runs.start_chosen([first], by=Actor("ann"), now=NOW), list[bool]()

    def audit_next(connection_id: int, *, lease: str, now: datetime) -> bool:
        assert connection_id == second
        finished.append(AuditRun.objects.exclude(finished_at=None).filter(pk=run.pk).exists())
        return False

    with patch("connections.tasks.audit_under", audit_next):
        assert enqueued_and_audited() == ([first], [first])
    assert finished == [True]


def test_a_task_that_had_its_turn_hands_the_next_audit_over(
    two_of_one_place: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two_of_one_place
    monkeypatch.setattr("connections.tasks._TURN_SECONDS", 0.0)
    assert enqueued_and_audited() == ([first, second], [first])


def test_a_worker_that_stops_hands_the_next_audit_over(
    two_of_one_place: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two_of_one_place
    monkeypatch.setattr(stopping, "is_set", lambda: True)
    assert enqueued_and_audited() == ([first, second], [first])


def test_the_rest_of_a_claim_is_handed_over_when_one_is_kept(two_of_one_place: tuple[int, int]) -> None:
    other = ConnectionFactory.create(next_check_at=NOW - EVERY, organization="elsewhere").pk
    with patch.object(audit_one, "delay") as bell:
        assert tasks._enqueue_due(NOW, keep_one=True) == (two_of_one_place[0], bell.call_args.kwargs["lease"])
    assert [call.kwargs["connection_id"] for call in bell.call_args_list] == [other]
