"""What commands print and how they end says the same as the page: refused, limited, or could not be told, and why."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from connections.cli.common import refusal_exit_code
from connections.models import AuditedConnection, Connection
from connections.providers.azure_devops import errors
from sandbox.server import Sandbox
from tests.connections.commands import Connected, Ran, Token, TypeIn, in_days, line

HTML = {"Content-Type": "text/html"}
JSON = {"Content-Type": "application/json"}
# Situation: the answer to connectionData, and the problem code.
NOT_TOLD: dict[str, tuple[dict[str, Any], str]] = {
    "proxy wants a password": ({"status": 407}, "proxy_refused"),
    "page that is not there": ({"status": 404, "headers": HTML, "body": "<html>Not here</html>"}, "unexpected_answer"),
    "null": ({"status": 200, "headers": JSON, "body": "null"}, "unexpected_answer"),
    "no user": ({"status": 200, "headers": JSON, "body": "{}"}, "unexpected_answer"),
    "bad request": ({"status": 400, "headers": JSON, "body": "{}"}, "rejected"),
    "throttled": ({"status": 401, "headers": {"Retry-After": "37"}}, "throttled"),
    "redirect": ({"status": 302, "headers": {"Location": "https://blocked.example.com/"}}, "redirected"),
    "gateway": ({"status": 403}, "gateway_refused"),
}


def answer(sandbox: Sandbox, situation: str) -> str:
    """Let connectionData answer like this; the problem code."""
    said, code = NOT_TOLD[situation]
    sandbox.behaviour.add("status", path="connectionData", **said)
    return code


@pytest.mark.parametrize("situation", NOT_TOLD)
def test_a_test_that_told_nothing_ends_as_unknown_where_the_page_says_could_not_be_tested(
    connected: Connected, sandbox: Sandbox, pages: Client, situation: str
) -> None:
    connection = connected()
    code = answer(sandbox, situation)
    ran = Ran("test", "Acme main", "--json")
    assert (ran.code, ran.json["problem"]) == (4, code)
    page = pages.post(reverse("connections:test", args=[connection.pk]), follow=True).content.decode()
    assert "The token could not be tested." in page


def test_an_oversized_answer_ends_as_unknown(connected: Connected, sandbox: Sandbox) -> None:
    connected()
    sandbox.behaviour.add("oversized", path="connectionData")
    ran = Ran("test", "Acme main", "--json")
    assert (ran.code, ran.json["problem"]) == (4, "answer_too_large")


@pytest.mark.parametrize("state", ["revoked", "expired"])
def test_a_refusal_ends_as_refused_where_the_page_says_cannot_be_connected(
    connected: Connected, sandbox: Sandbox, pages: Client, state: str
) -> None:
    connection = connected()
    token = sandbox.state.token_named("full")
    assert token is not None
    token.state = state
    assert Ran("test", "Acme main").code == 1
    page = pages.post(reverse("connections:test", args=[connection.pk]), follow=True).content.decode()
    assert "This token can&#x27;t be connected." in page


def test_the_reason_and_what_is_known_of_it_are_printed(connected: Connected, sandbox: Sandbox) -> None:
    connected()
    answer(sandbox, "redirect")
    assert "Redirected to blocked.example.com." in Ran("test", "Acme main").out
    value = Ran("test", "Acme main", "--json").json
    assert value["host"] == "blocked.example.com"
    assert value["reason"].startswith("Redirected to blocked.example.com.")
    sandbox.behaviour.clear()
    answer(sandbox, "throttled")
    value = Ran("test", "Acme main", "--json").json
    assert value["retry_after"] == 37
    assert "Wait 37 seconds" in value["reason"]


def test_an_activity_id_is_printed_where_there_is_one(connected: Connected, sandbox: Sandbox) -> None:
    connected()
    answer(sandbox, "gateway")
    assert "activity id" not in Ran("test", "Acme main").out
    sandbox.behaviour.clear()
    named = {"ActivityId": "5f1c2d3e-0000-4000-8000-000000000000"}
    sandbox.behaviour.add("status", path="connectionData", status=500, headers=named)
    assert f"activity id for support: {named['ActivityId']}" in Ran("test", "Acme main").out


def test_each_scope_that_could_not_be_told_has_its_reason(connected: Connected, sandbox: Sandbox) -> None:
    connected()
    sandbox.behaviour.add("status", path="build/definitions", status=500)
    ran = Ran("test", "Acme main", "--json")
    (scope,) = (scope for scope in ran.json["scopes"] if scope["capability"] == "build_read")
    assert (ran.code, scope["verdict"], scope["reason"]) == (4, "unknown", "server_error")
    assert "Azure DevOps reported an internal error" in Ran("test", "Acme main").out


@pytest.mark.parametrize("names", [("Acme main",), ()])
@pytest.mark.parametrize("situation", ["gateway", "redirect", "proxy wants a password"])
def test_an_audit_that_just_got_no_answer_does_not_say_that_all_is_well(
    connected: Connected, sandbox: Sandbox, names: tuple[str, ...], situation: str
) -> None:
    connected()
    code = answer(sandbox, situation)
    ran = Ran("audit", *names, "--json")
    (row,) = ran.json["connections"]
    assert (ran.code, row["state"], row["health"], row["latest_problem"]) == (4, "unknown", "healthy", code)
    printed = Ran("audit", *names).out
    assert "unknown" in printed
    assert "1 with problems" in printed


def test_an_audit_by_hand_shows_what_it_met_although_one_outage_changes_no_health(
    connected: Connected, sandbox: Sandbox, pages: Client
) -> None:
    connected()
    answer(sandbox, "redirect")
    Ran("audit")
    row = AuditedConnection.objects.get()
    assert (row.health, row.problem) == ("healthy", "redirected")
    page = pages.get(reverse("connections:audit-run", args=[row.run_id])).content.decode()
    assert "Redirected to another address" in page


def test_what_is_stored_is_not_changed_by_asking_nobody(connected: Connected, sandbox: Sandbox) -> None:
    connected()
    answer(sandbox, "gateway")
    Ran("audit")
    ran = Ran("audit", "--stored", "--json")
    assert (ran.code, ran.json["connections"][0]["latest_problem"]) == (0, "")


def test_a_rejected_connection_stays_the_worst_while_nobody_answers(connected: Connected, sandbox: Sandbox) -> None:
    connected()
    Connection.objects.update(health="rejected", problem="token_refused", health_since=datetime.now(UTC))
    answer(sandbox, "gateway")
    assert Ran("audit").code == 1


@pytest.mark.parametrize("situation", ["gateway", "redirect", "null"])
def test_adding_and_updating_end_as_unknown_when_nobody_answered(
    connected: Connected, sandbox: Sandbox, token_of: Token, type_in: TypeIn, situation: str
) -> None:
    connected()
    code = answer(sandbox, situation)
    type_in(token_of("full-again"))
    ran = Ran("add", "Another", "acme", "--owner", "maya", "--json")
    assert (ran.code, ran.json["problem"]) == (4, code)
    type_in(token_of("full-again"))
    ran = Ran("update-token", "Acme main", "--owner", "maya", "--json")
    assert (ran.code, ran.json["problem"]) == (4, code)
    type_in(line(connection="Acme main", token=token_of("full-again"), expires_on=in_days(60)))
    ran = Ran("rotate", "--read", "--owner", "maya", "--json")
    assert (ran.code, ran.lines[0]["problem"]) == (4, code)


@pytest.mark.parametrize("code", sorted(errors.NO_ANSWER_CODES))
def test_every_problem_on_the_way_ends_as_unknown(code: str) -> None:
    assert refusal_exit_code(code) == 4


def test_a_day_without_an_answer_is_stale(connected: Connected) -> None:
    connected()
    Connection.objects.update(checked_at=datetime.now(UTC) - timedelta(days=2))
    ran = Ran("audit", "--stored", "--json")
    assert (ran.code, ran.json["connections"][0]["state"]) == (4, "stale")


def test_json_is_one_value_whatever_happens(connected: Connected, sandbox: Sandbox) -> None:
    connected()
    for situation in NOT_TOLD:
        answer(sandbox, situation)
        assert json.loads(Ran("audit", "--json").out)["exit_code"] == 4
        sandbox.behaviour.clear()
