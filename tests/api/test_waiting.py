"""Waiting for long work: until it is over, at most so long, and only some requests at once."""

import signal
import threading
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from django.db import connection as database
from django.utils import timezone
from pytest_django import Settings

from api import waiting
from api.waiting import Wait
from connections.models import AuditRun, LeakedToken
from orchestrator import gunicorn
from tests.api.calls import Program, problem
from tests.factories import ConnectionFactory, make_leak


@pytest.fixture(autouse=True)
def _waits_are_over() -> Iterator[None]:
    yield
    assert waiting._waiting == 0


def running() -> AuditRun:
    return AuditRun.objects.create(started_at=timezone.now(), started_by="x", by_hand=True)


def finish_after(count: int, run: AuditRun) -> list[bool]:
    """What `waiting.pause` does instead: the audit finishes during this pause. Says whether a transaction was open."""
    pauses: list[bool] = []

    def pause(_seconds: float) -> bool:
        pauses.append(database.in_atomic_block)
        if len(pauses) == count:
            AuditRun.objects.filter(pk=run.pk).update(finished_at=timezone.now())
        return False

    patch.object(waiting, "pause", pause).start()
    return pauses


@pytest.fixture(autouse=True)
def _pauses_are_real_again() -> Iterator[None]:
    yield
    patch.stopall()


@pytest.mark.django_db(transaction=True)
def test_a_request_waits_until_a_leaked_token_is_proved_dead(program: Program) -> None:
    leak = make_leak(ConnectionFactory.create())
    response = program.call("GET", f"/leaks/{leak.pk}")
    assert (response.json()["state"], response.headers["Retry-After"]) == ("waiting", "5")

    def pause(_seconds: float) -> bool:
        LeakedToken.objects.filter(pk=leak.pk).update(proved_at=timezone.now(), next_ask_at=None)
        return False

    patch.object(waiting, "pause", pause).start()
    response = program.call("GET", f"/leaks/{leak.pk}?wait=30")
    assert response.json()["state"] == "proved"
    assert "Retry-After" not in response.headers


@pytest.mark.parametrize(("query", "header"), [("?wait=30", ""), ("", "wait=30"), ("", "respond-async, wait=30")])
@pytest.mark.django_db(transaction=True)
def test_a_request_waits_until_the_audit_has_ended(program: Program, query: str, header: str) -> None:
    run = running()
    pauses = finish_after(3, run)
    response = program.call("GET", f"/audits/{run.pk}{query}", headers={"Prefer": header} if header else {})
    assert response.json()["state"] == "finished"
    assert "Retry-After" not in response.headers
    assert response.headers.get("Preference-Applied") == ("wait=30" if header else None)
    # Nothing is locked meanwhile.
    assert pauses == [False] * 3


def test_it_waits_no_longer_than_it_was_asked_to(program: Program) -> None:
    run = running()
    with patch.object(waiting, "monotonic", side_effect=[0.0, 0.5, 1.5, 2.5]):
        pauses = finish_after(99, run)
        response = program.call("GET", f"/audits/{run.pk}?wait=2")
    assert (response.json()["state"], len(pauses)) == ("running", 2)
    assert response.headers["Retry-After"] == "5"


@pytest.mark.parametrize("query", ["", "?wait=0"])
def test_without_a_wait_the_state_is_returned_at_once(program: Program, query: str) -> None:
    run = running()
    pauses = finish_after(1, run)
    assert program.get(f"/audits/{run.pk}{query}")["state"] == "running"
    assert pauses == []


def test_beyond_the_limit_requests_do_not_wait(program: Program, settings: Settings) -> None:
    settings.API_WAITING_REQUESTS = 0
    run = running()
    pauses = finish_after(1, run)
    response = program.call("GET", f"/audits/{run.pk}", headers={"Prefer": "wait=30"})
    assert (response.json()["state"], response.headers["Retry-After"], pauses) == ("running", "5", [])
    assert "Preference-Applied" not in response.headers


def test_what_is_over_is_not_waited_for(program: Program) -> None:
    run = AuditRun.objects.create(started_at=timezone.now(), finished_at=timezone.now(), started_by="x", by_hand=True)
    response = program.call("GET", f"/audits/{run.pk}", headers={"Prefer": "wait=30"})
    assert response.json()["state"] == "finished"
    assert "Preference-Applied" not in response.headers


def test_each_wait_takes_a_slot_until_it_is_over(settings: Settings) -> None:
    settings.API_WAITING_REQUESTS = 1
    inside, go_on, results = threading.Event(), threading.Event(), []

    def pause(_seconds: float) -> bool:
        inside.set()
        return go_on.wait(10) and False

    with patch.object(waiting, "pause", pause):
        first = threading.Thread(
            target=lambda: results.append(waiting.follow(go_on.is_set, lambda is_over: is_over, wait=Wait(30)))
        )
        first.start()
        assert inside.wait(10)
        assert waiting.follow(lambda: "now", lambda _: False, wait=Wait(30)) == "now"
        go_on.set()
        first.join(10)
    assert results == [True]


def test_a_process_that_ends_answers_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_stopping", threading.Event())
    waiting.stop()
    assert waiting.follow(lambda: "now", lambda _: False, wait=Wait(30)) == "now"


def test_gunicorn_ends_the_waits_of_a_worker_that_is_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    stopping, ended = threading.Event(), threading.Event()
    monkeypatch.setattr(waiting, "_stopping", stopping)
    before = signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        gunicorn.post_worker_init(None)
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stopping.is_set()
    assert ended.is_set()


@pytest.mark.parametrize("query", ["wait=31", "wait=-1", "wait=x", "wait=", "wiat=1"])
def test_a_wait_that_cannot_be(program: Program, query: str) -> None:
    problem(program.call("GET", f"/audits/{running().pk}?{query}"), 422, "input_invalid")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("wait=7", 7),
        ('WAIT = "7"', 7),
        ("return=minimal, wait=7; x=y", 7),
        ("wait=9999999", 30),
        ("wait=x", 0),
        ("wait", 0),
        ("", 0),
        ("wait=-1", 0),
        ("await=7", 0),
    ],
)
def test_what_a_program_prefers(header: str, seconds: int) -> None:
    assert waiting.preferred(header) == seconds
