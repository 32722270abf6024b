"""/healthz, /readyz and `manage.py ready`: for those who watch the product from outside."""

import io
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from core.models import Heartbeat
from history.models import Event
from history.record import Actor, Named, record
from history.tasks import seal_waiting, verify
from orchestrator import health
from tests.orchestrator.conftest import Broker


@pytest.fixture(autouse=True)
def _fresh_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = health.Cached(lambda: health.report(now=timezone.now()))
    monkeypatch.setattr(health, "current_report", fresh)


@pytest.fixture
def all_well(db: None, running_broker: Broker, settings: Settings) -> None:
    settings.CELERY_BROKER_URL = running_broker.url
    for part in Heartbeat.Part:
        Heartbeat.objects.create(part=part, seen_at=timezone.now())


def parts(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {part["name"]: part for part in answer["parts"]}


def test_a_process_that_lives_says_so_without_asking_the_database(client: Client) -> None:
    # No database fixture: a query would fail the test.
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"alive\n")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_whoever_asks_needs_neither_a_name_of_the_site_nor_https(
    all_well: None, client: Client, settings: Settings, path: str
) -> None:
    settings.ALLOWED_HOSTS = ["repositories.example.com"]
    settings.SECURE_SSL_REDIRECT = True
    assert client.get(path, headers={"host": "10.1.2.3:8000"}).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_nobody_can_post_there(client: Client, path: str) -> None:
    answer = client.post(path)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


def test_a_product_of_which_every_part_works_is_ready(all_well: None, client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert answer.json()["ready"] is True
    assert list(parts(answer.json())) == ["database", "broker", "clock", "worker", "history"]
    assert parts(answer.json())["clock"]["seconds"] < 60


def test_a_clock_that_stands_still_is_not_ready(all_well: None, client: Client) -> None:
    Heartbeat.objects.filter(part="clock").update(seen_at=timezone.now() - timedelta(minutes=12))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert parts(answer.json())["clock"] == {
        "name": "clock",
        "ok": False,
        "says": "The scheduler has not run for 12 minutes.",
        "seconds": 720,
    }
    assert parts(answer.json())["worker"]["ok"] is True


def test_a_broker_that_is_away_is_not_ready_and_its_address_is_not_told(
    all_well: None, running_broker: Broker, client: Client
) -> None:
    running_broker.stop()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert parts(answer.json())["broker"]["says"] == "No response."
    assert running_broker.url.removeprefix("redis+socket:/") not in answer.content.decode()


def test_a_database_that_is_away_is_not_ready(all_well: None, client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE orchestrator_heartbeat")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert {name: part["ok"] for name, part in parts(answer.json()).items()} == {
        "database": False,
        "broker": True,
        "clock": False,
        "worker": False,
        "history": False,
    }


def test_asking_often_costs_no_more_than_asking_once(
    all_well: None, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.get("/readyz")
    with django_assert_num_queries(0):
        client.get("/readyz")


def test_asking_costs_few_queries(
    all_well: None, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(9):
        client.get("/readyz")


def append(at: datetime) -> Event:
    return record("connection.tested", Named("connection", 7, "Acme main"), by=Actor("x"), at=at)


def test_a_history_that_is_sealed_and_verified_is_ready(all_well: None, client: Client) -> None:
    append(timezone.now())
    seal_waiting()
    verify()
    says = "Sealed; no tampering found."
    assert parts(client.get("/readyz").json())["history"] == {
        "name": "history",
        "ok": True,
        "says": says,
        "seconds": None,
    }


def test_events_that_were_not_sealed_in_time_are_not_ready(
    all_well: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(timezone.now() - timedelta(minutes=14))
    assert client.get("/readyz").status_code == 200
    later = timezone.now() + timedelta(minutes=2)
    monkeypatch.setattr(health, "current_report", lambda: health.report(now=later))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert parts(answer.json())["history"]["says"].startswith("The history is not being sealed. ")


def test_a_history_that_does_not_hold_is_not_ready_and_what_is_wrong_is_not_told_to_strangers(
    all_well: None, client: Client
) -> None:
    event = append(timezone.now())
    seal_waiting()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE history_event SET subject_name = 'Forged' WHERE id = %s", [event.pk])
    verify()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    says = "The history failed verification. The History page and `manage.py history verify` show why."
    assert parts(answer.json())["history"]["says"] == says


def test_an_anchor_file_that_cannot_be_written_is_not_ready_and_its_name_is_not_told(
    all_well: None, client: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.HISTORY_ANCHOR_FILE = str(tmp_path)
    append(timezone.now())
    seal_waiting()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "The anchor file of the history cannot be written." in parts(answer.json())["history"]["says"]
    assert str(tmp_path) not in answer.content.decode()


def test_a_history_that_cannot_be_read_is_not_known(
    all_well: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_of: object) -> None:
        raise OperationalError("no such table: history_seal")

    monkeypatch.setattr(health, "seal_state", broken)
    history = parts(client.get("/readyz").json())["history"]
    assert history["says"] == "Unknown, because the database is unavailable."


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("ready", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_says_how_each_part_is(all_well: None) -> None:
    assert command().startswith("ok  database  Reachable.\nok  broker    Reachable.\nok  clock     Last heartbeat ")


def test_the_command_answers_for_the_parts_that_are_asked_for(all_well: None) -> None:
    Heartbeat.objects.filter(part="worker").delete()
    assert list(parts(json.loads(command("clock", "--json")))) == ["clock"]
    with pytest.raises(CommandError, match=r"Not ready: worker\.") as refused:
        command("clock", "worker")
    assert refused.value.returncode == 1


def test_the_command_refuses_a_part_that_is_none(all_well: None) -> None:
    with pytest.raises(CommandError, match="There is no part named crock") as refused:
        command("crock")
    assert refused.value.returncode == 2
