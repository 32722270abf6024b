"""Signs of life: seldom written, never in the way."""

from datetime import UTC, datetime, timedelta

import pytest
from celery.signals import task_prerun
from django.db import DatabaseError
from pytest_django import DjangoAssertNumQueries

from core import heartbeats
from core.heartbeats import EVERY, Pulse, record, record_loop
from core.models import Heartbeat

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SCHEDULER, WORKER = Heartbeat.Part.SCHEDULER, Heartbeat.Part.WORKER


def seen(part: Heartbeat.Part = WORKER) -> datetime:
    return Heartbeat.objects.get(pk=part).seen_at


@pytest.mark.django_db
def test_the_first_sign_makes_the_row_and_later_ones_move_it() -> None:
    record(WORKER, now=NOW)
    record(WORKER, now=NOW + EVERY)
    assert seen() == NOW + EVERY


@pytest.mark.django_db
def test_another_process_signs_a_moment_ago_are_enough() -> None:
    record(WORKER, now=NOW)
    record(WORKER, now=NOW + EVERY - timedelta(seconds=1))
    assert seen() == NOW


@pytest.mark.django_db
def test_a_row_from_before_the_machine_was_set_back_is_replaced() -> None:
    record(WORKER, now=NOW)
    record(WORKER, now=NOW - timedelta(days=1))
    assert seen() == NOW - timedelta(days=1)


@pytest.mark.django_db
def test_a_lost_broker_is_written_at_once_and_so_is_its_return() -> None:
    record(SCHEDULER, now=NOW)
    lost = NOW + timedelta(seconds=1)
    record(SCHEDULER, now=lost, broker_lost_at=lost)
    assert Heartbeat.objects.get().broker_lost_at == lost
    record(SCHEDULER, now=lost + timedelta(seconds=1))
    assert Heartbeat.objects.get().broker_lost_at is None


@pytest.mark.django_db
def test_a_pulse_writes_once_however_often_it_beats(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    pulse = Pulse(WORKER, clock=lambda: 1000.0)
    pulse.beat()
    with django_assert_num_queries(0):
        pulse.beat()


@pytest.mark.django_db
def test_a_pulse_writes_again_after_twenty_seconds(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    times = iter([1000.0, 1020.0])
    pulse = Pulse(WORKER, clock=lambda: next(times))
    pulse.beat()
    Heartbeat.objects.update(seen_at=NOW - timedelta(days=1))
    pulse.beat()
    assert seen() > NOW - timedelta(days=1)


def test_a_database_that_is_away_is_said_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DatabaseError("server closed the connection")

    monkeypatch.setattr(heartbeats, "record", fail)
    Pulse(SCHEDULER).beat()
    assert "The scheduler could not write its heartbeat: server closed the connection" in caplog.text


@pytest.mark.django_db
def test_a_worker_that_runs_a_task_leaves_a_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "_worker", Pulse(WORKER))
    task_prerun.send(sender=None)
    assert Heartbeat.objects.filter(pk=WORKER).exists()


@pytest.mark.django_db
def test_a_loop_that_turns_is_written_once_in_twenty_seconds() -> None:
    record(WORKER, now=NOW)
    for age in (timedelta(), EVERY - timedelta(seconds=1)):
        record_loop(WORKER, now=NOW + age, turns=True)
        assert Heartbeat.objects.get().loop_seen_at == NOW
    record_loop(WORKER, now=NOW + EVERY, turns=True)
    assert Heartbeat.objects.get().loop_seen_at == NOW + EVERY


@pytest.mark.django_db
def test_a_loop_that_stands_still_is_not_hidden_by_others_that_turn() -> None:
    record(WORKER, now=NOW)
    record_loop(WORKER, now=NOW, turns=False)
    record_loop(WORKER, now=NOW + timedelta(seconds=1), turns=True)
    assert Heartbeat.objects.get().stalled_at == NOW


@pytest.mark.django_db
def test_a_loop_whose_part_was_never_seen_at_work_makes_no_row() -> None:
    record_loop(WORKER, now=NOW, turns=True)
    assert not Heartbeat.objects.exists()
