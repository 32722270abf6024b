"""What stands between us and Azure DevOps answers in its name: a stored connection is not judged by it."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from connections.actions import audit_results
from connections.actions.audit import audit
from connections.models import Connection, Mail, RateLimitPause
from history.models import Event
from history.record import Actor
from sandbox.server import Sandbox

SCHEDULER = Actor("scheduler")
JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html"}
REFUSED = json.dumps({"message": "TF400813: Resource not available.", "typeKey": "UnauthorizedRequestException"})
UNKNOWN_PERSON = json.dumps({"message": "has not been materialized", "typeKey": "AadUserStateException"})

# Situation: the answer to connectionData, and the problem code.
ON_THE_WAY: dict[str, tuple[dict[str, Any], str]] = {
    "throttled 401": ({"status": 401, "headers": JSON | {"Retry-After": "37"}, "body": REFUSED}, "throttled"),
    "throttled 203": ({"status": 203, "headers": HTML | {"X-RateLimit-Delay": "3"}, "body": "<html>"}, "throttled"),
    "throttled 302": ({"status": 302, "headers": {"Location": "/_signin", "X-RateLimit-Remaining": "0"}}, "throttled"),
    "throttled 403": ({"status": 403, "headers": JSON | {"Retry-After": "37"}, "body": REFUSED}, "throttled"),
    "text 403": ({"status": 403, "headers": {"Content-Type": "text/plain"}, "body": "Forbidden"}, "gateway_refused"),
    "empty 403": ({"status": 403}, "gateway_refused"),
    "JSON 403": ({"status": 403, "headers": JSON, "body": '{"message": "Forbidden"}'}, "gateway_refused"),
    "empty 401": ({"status": 401}, "gateway_refused"),
    "block page": ({"status": 200, "headers": HTML, "body": "<html><title>Blocked</title></html>"}, "foreign_page"),
    "redirect": ({"status": 302, "headers": {"Location": "https://blocked.example.com/x"}}, "redirected"),
    "maintenance": ({"status": 503, "headers": {"Retry-After": "37"}}, "maintenance"),
    "bad request": ({"status": 400, "headers": JSON, "body": "{}"}, "rejected"),
    "gone": ({"status": 410}, "rejected"),
    "proxy": ({"status": 407}, "proxy_refused"),
}


@pytest.fixture
def connection(connected: Callable[..., Connection], maintainer: User) -> Connection:
    maintainer.email = "maya.owner@example.com"
    maintainer.save()
    found = connected()
    found.expires_on = datetime.now(UTC).date() + timedelta(days=60)
    found.save()
    return found


def look(connection: Connection) -> None:
    audit(connection, by=SCHEDULER, now=datetime.now(UTC), interactive=False)


@pytest.mark.parametrize("situation", ON_THE_WAY)
def test_trouble_on_the_way_rejects_no_token_and_mails_nobody(
    connection: Connection, sandbox: Sandbox, situation: str
) -> None:
    said, code = ON_THE_WAY[situation]
    sandbox.behaviour.add("status", path="connectionData", **said)
    look(connection)
    assert (connection.health, connection.problem) == ("healthy", "")
    for _ in range(2):
        RateLimitPause.objects.all().delete()
        look(connection)
    assert (connection.health, connection.problem) == ("unreachable", code)
    assert not Mail.objects.exists()


def test_a_host_that_answered_in_the_name_of_azure_devops_is_named(
    connection: Connection, sandbox: Sandbox, pages: Client
) -> None:
    said, _ = ON_THE_WAY["redirect"]
    sandbox.behaviour.add("status", path="connectionData", **said)
    for _count in range(3):
        look(connection)
    assert connection.problem_host == "blocked.example.com"
    page = pages.get(connection.get_absolute_url()).content.decode()
    assert "Redirected to blocked.example.com" in page
    assert Event.objects.latest("pk").detail["host"] == "blocked.example.com"
    history = pages.get(reverse("connections:history", args=[connection.pk])).content.decode()
    assert "Redirected to blocked.example.com" in history
    sandbox.behaviour.clear()
    look(connection)
    assert (connection.problem, connection.problem_host) == ("", "")


def test_a_wait_is_kept_for_the_next_check_and_for_the_same_persons_others(
    connection: Connection, connected: Callable[..., Connection], sandbox: Sandbox
) -> None:
    other = connected(name="Another one")
    soon = datetime.now(UTC) + timedelta(minutes=1)
    Connection.objects.filter(pk=other.pk).update(next_check_at=soon)
    said = {"status": 401, "headers": JSON | {"Retry-After": "3600"}, "body": REFUSED}
    sandbox.behaviour.add("status", path="connectionData", **said)
    look(connection)
    other.refresh_from_db()
    in_an_hour = datetime.now(UTC) + timedelta(minutes=59)
    assert connection.next_check_at > in_an_hour
    assert other.next_check_at > in_an_hour


def test_maintenance_keeps_its_wait_and_pauses_no_other_connection(
    connection: Connection, connected: Callable[..., Connection], sandbox: Sandbox
) -> None:
    other = connected(name="Another one")
    soon = datetime.now(UTC) + timedelta(minutes=1)
    Connection.objects.filter(pk=other.pk).update(next_check_at=soon)
    sandbox.behaviour.add("status", path="connectionData", status=503, headers={"Retry-After": "3600"})
    look(connection)
    other.refresh_from_db()
    assert connection.next_check_at > datetime.now(UTC) + timedelta(minutes=59)
    assert other.next_check_at == soon


@pytest.mark.parametrize("status", [401, 403])
def test_an_owner_who_never_signed_in_is_asked_to_and_the_token_is_not_blamed(
    connection: Connection, sandbox: Sandbox, status: int
) -> None:
    sandbox.behaviour.add("status", path="connectionData", status=status, headers=JSON, body=UNKNOWN_PERSON)
    look(connection)
    assert (connection.health, connection.problem) == ("rejected", "interactive_sign_in_needed")
    assert not Mail.objects.exists()
    look(connection)
    mail = Mail.objects.get().text
    assert "The token is valid" in mail
    assert "Sign in to the organization once with a browser" in mail


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (ON_THE_WAY["throttled 401"][0], "Wait 37 seconds and test again."),
        (ON_THE_WAY["maintenance"][0], "Wait 37 seconds and test again."),
        (ON_THE_WAY["redirect"][0], "Redirected to blocked.example.com"),
        (ON_THE_WAY["block page"][0], "Instead of an answer from 127.0.0.1, we got a web page"),
        (ON_THE_WAY["empty 403"][0], "between this product and 127.0.0.1 blocked the call"),
        (
            {"status": 404, "headers": JSON, "body": '{"typeKey": "HostDoesNotExistException"}'},
            "has no organization “acme”",
        ),
    ],
)
def test_the_page_says_what_is_known(
    connection: Connection, sandbox: Sandbox, pages: Client, said: dict[str, Any], words: str
) -> None:
    sandbox.behaviour.add("status", path="connectionData", **said)
    page = pages.post(reverse("connections:test", args=[connection.pk]), follow=True).content.decode()
    assert words in page


def test_classic_releases_that_have_no_page_are_probably_switched_off(connection: Connection, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("status", path="_apis/release", status=404, headers=HTML, body="<html>Page not found.</html>")
    look(connection)
    doubts = set(connection.capabilities.filter(capability__startswith="release").values_list("doubt", flat=True))
    assert doubts == {"releases_probably_disabled"}
    assert connection.health == "healthy"


@pytest.mark.django_db(transaction=True)
def test_two_throttled_audits_of_one_person_do_not_wait_for_each_other(
    connected: Callable[..., Connection], sandbox: Sandbox
) -> None:
    connections = [connected("first"), connected("second")]
    Connection.objects.update(next_check_at=datetime.now(UTC))
    sandbox.behaviour.add("status", path="connectionData", status=429, headers=JSON | {"Retry-After": "37"}, body="{}")
    # Both hold their own connection before either looks at the other's. SQLite lets one in after the other.
    people = 2 if database.vendor == "postgresql" else 1
    both = threading.Barrier(people)
    rest = audit_results._pause_person

    def rest_together(*arguments: Any) -> None:
        both.wait(timeout=10)
        rest(*arguments)

    def code_of(connection: Connection) -> str:
        try:
            report = audit(connection, by=SCHEDULER, now=datetime.now(UTC), interactive=False)
        finally:
            database.close()
        return report.failure.code if report.failure else ""

    with patch.object(audit_results, "_pause_person", rest_together), ThreadPoolExecutor(people) as pool:
        assert list(pool.map(code_of, connections)) == ["throttled", "throttled"]
