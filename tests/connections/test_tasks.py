"""Tasks that enqueue others."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django import DjangoCaptureOnCommitCallbacks

import api.tasks
import delivery.tasks
from connections import tasks
from connections.actions import audit_loop, audit_runs, declare_leak, prove_leak
from connections.models import Connection, LeakedToken, Renewal, TokenImport
from connections.tasks import audit_due, continue_audits
from history.record import Actor
from tests.factories import ConnectionFactory, make_renewal

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
    client: Client,
    maintainer: User,
    connected: Connected,
    enqueued: Any,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client.force_login(maintainer)
    key = declare_leak.find_stored(connected()).key
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("connections:declare-leak"), {"key": key})
    (call,) = enqueued.call_args_list
    assert 3 < call.kwargs["countdown"] <= 5


def test_without_a_broker_a_token_is_declared_leaked_all_the_same(
    client: Client,
    maintainer: User,
    connected: Connected,
    enqueued: Any,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client.force_login(maintainer)
    key = declare_leak.find_stored(connected()).key
    enqueued.side_effect = OperationalError("away")
    with django_capture_on_commit_callbacks(execute=True):
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


def test_without_a_broker_nothing_is_enqueued_for_other_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    enqueued = list[bool]()
    monkeypatch.setattr(audit_loop, "work_due", lambda *, clock, enqueue_again: enqueued.append(enqueue_again()))
    with patch.object(continue_audits, "delay", side_effect=[OperationalError("away"), None]):
        audit_due()
        audit_due()
    assert enqueued == [False, True]


def test_expired_rows_of_one_kind_that_cannot_be_deleted_keep_no_others(maintainer: User) -> None:
    long_ago = timezone.now() - timedelta(days=3)
    TokenImport.objects.create(
        user=maintainer, server="Azure DevOps Services", organization="acme", read_at=long_ago, entries=[]
    )
    with patch("connections.tasks.outbox.forget_old", side_effect=OSError):
        tasks.remove_expired_rows()
    assert not TokenImport.objects.exists()


def test_audits_go_on_although_runs_cannot_be_repaired(caplog: pytest.LogCaptureFixture) -> None:
    with (
        patch.object(audit_runs, "tidy", side_effect=ValueError("broken")),
        patch.object(audit_loop, "work_due") as work_due,
    ):
        audit_due()
    assert work_due.called
    assert "ValueError: broken" in caplog.text


def test_leaked_tokens_are_asked_about_although_no_mail_can_be_written(connected: Connected, enqueued: Any) -> None:
    declared(connected(), timezone.now() - timedelta(seconds=6))
    broken = patch.object(declare_leak, "notify_pending", side_effect=ValueError("broken"))
    with broken, patch.object(tasks.prove_leak_one, "delay") as ask:
        tasks.prove_leaks_due()
    assert ask.called


@pytest.mark.parametrize(
    ("task", "first", "second"),
    [
        (api.tasks.remove_expired_rows, "api.actions.idempotency.forget_old", "api.actions.manage_tokens.remove_ended"),
        (
            delivery.tasks.repair_clock_skew,
            "delivery.sync.sync.repair_clock_skew",
            "delivery.live.polling.repair_clock_skew",
        ),
        (
            delivery.tasks.remove_expired_rows,
            "delivery.live.polling.remove_unwatched",
            "delivery.remote_read.forget_old_generations",
        ),
    ],
)
def test_a_step_that_fails_does_not_stop_the_next_one(task: Callable[[], None], first: str, second: str) -> None:
    with patch(first, side_effect=ValueError("broken")), patch(second) as next_step:
        task()
    assert next_step.called
