"""`connections audit` for monitors, and `connections rotate` for many tokens at once."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from connections.actions.audit import audit
from connections.domain.verification import Report
from connections.models import AuditRun, Connection, StoredCredential
from sandbox.server import Sandbox
from tests.connections.commands import ENTRA_TOKEN, Connected, Ran, Token, TypeIn, in_days, line
from tests.factories import ConnectionFactory


@pytest.mark.parametrize(
    ("fields", "code", "state"),
    [
        ({"health": "healthy"}, 0, "healthy"),
        ({"health": "limited"}, 3, "limited"),
        ({"health": "rejected", "problem": "token_refused"}, 1, "rejected"),
        ({"health": "unreachable", "problem": "timed_out"}, 4, "unreachable"),
        ({"health": "healthy", "expires_on": 3}, 3, "soon"),
        ({"health": "healthy", "expires_on": 8}, 0, "healthy"),
        ({"health": "healthy", "expires_on": -1}, 1, "expired"),
        ({"health": "healthy", "checked_at": -2}, 4, "stale"),
    ],
)
@pytest.mark.django_db
def test_a_monitor_learns_how_things_stand_from_the_exit_code(fields: dict[str, Any], code: int, state: str) -> None:
    if "expires_on" in fields:
        fields = fields | {"expires_on": timezone.localdate() + timedelta(days=fields["expires_on"])}
    checked_at = timezone.now() + timedelta(days=fields.get("checked_at", 0))
    ConnectionFactory.create(**(fields | {"checked_at": checked_at}))
    ran = Ran("audit", "--stored", "--json")
    assert (ran.code, ran.json["exit_code"]) == (code, code)
    assert ran.json["connections"][0]["state"] == state


@pytest.mark.django_db
def test_the_worst_decides_and_what_rests_does_not_count() -> None:
    ConnectionFactory.create(health="limited", checked_at=timezone.now())
    ConnectionFactory.create(health="unreachable", checked_at=timezone.now())
    ConnectionFactory.create(health="rejected", disabled=True)
    assert Ran("audit", "--stored").code == 4
    ConnectionFactory.create(health="rejected", checked_at=timezone.now())
    assert Ran("audit", "--stored").code == 1


@pytest.mark.django_db
def test_nothing_to_audit_is_well() -> None:
    ran = Ran("audit")
    assert (ran.code, ran.out) == (0, "0 audited, 0 with problems.\n")


def test_audit_asks_azure_devops_and_is_listed_as_a_run(connected: Connected, sandbox: Sandbox) -> None:
    connected("One")
    connected("Two", token="no-build")
    sandbox.requests.clear()
    ran = Ran("audit")
    assert (ran.code, "2 audited, 1 with problems." in ran.out) == (3, True)
    assert sandbox.requests
    run = AuditRun.objects.get()
    assert (run.started_by, run.by_hand, run.finished_at is not None) == ("command line", True, True)


@pytest.mark.parametrize("names", [(), ("One", "Two")])
def test_an_audit_that_fails_here_stops_no_other(
    connected: Connected, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    broken = connected("One")
    connected("Two", token="full-again")
    Connection.objects.update(checked_at=None)

    def failing(connection: Connection, **options: Any) -> Report:
        if connection.pk == broken.pk:
            raise ValueError("a mistake of ours")
        return audit(connection, **options)

    monkeypatch.setattr("connections.actions.audit_all.audit", failing)
    ran = Ran("audit", *names, "--json")
    assert [row["latest_problem"] for row in ran.json["connections"]] == ["failed_here", ""]
    assert (ran.code, Connection.objects.get(name="Two").checked_at is not None) == (4, True)
    assert not AuditRun.objects.filter(finished_at=None).exists()


def test_audit_of_one_connection_finds_an_expired_token(connected: Connected, sandbox: Sandbox) -> None:
    connected()
    connected("Other", token="full-again")
    token = sandbox.state.token_named("full")
    assert token is not None
    token.state = "expired"
    ran = Ran("audit", "Acme main", "--json")
    assert (ran.code, len(ran.json["connections"]), ran.json["connections"][0]["problem"]) == (1, 1, "token_expired")
    assert Ran("audit", "Other").code == 0
    assert not AuditRun.objects.exists()


def test_asking_nobody_asks_nobody(connected: Connected, sandbox: Sandbox) -> None:
    connected()
    sandbox.requests.clear()
    assert Ran("audit", "--stored").code == 0
    assert sandbox.requests == []


@pytest.mark.django_db
def test_rotate_lists_what_expires_soon_and_who_shares_a_token(connected: Connected) -> None:
    for name, days in (("One", 5), ("Two", 5), ("Later", 60)):
        connected(name)
        Connection.objects.filter(name=name).update(expires_on=in_days(days))
    StoredCredential.objects.filter(connection__name="Two").update(fingerprint="another")
    rows = Ran("rotate", "--within", "30", "--json").json
    assert [(one["name"], one["shares_token"], one["token_of"]) for one in rows] == [
        ("One", True, "Maya Sample"),
        ("Two", False, "Maya Sample"),
    ]
    assert "One  (shares its credential)" in Ran("rotate").out
    assert Ran("rotate", "--within", "3").out == "No credential expires within 3 days.\n"


def test_rotate_reads_new_tokens_and_reports_each_connection(
    connected: Connected, token_of: Token, type_in: TypeIn
) -> None:
    one, two, three = connected("One"), connected("Two"), connected("Three", token="full-colleague")
    type_in(
        line(connections=["One", two.pk], token=token_of("full-again"), expires_on=in_days(60))
        + "\n"
        + line(connection="Three", token=token_of("expired"))
    )
    ran = Ran("rotate", "--read", "--owner", "maya", "--json")
    told = [(entry["name"], entry["result"], entry.get("problem")) for entry in ran.lines]
    assert told == [("One", "updated", None), ("Two", "updated", None), ("Three", "refused", "token_expired")]
    assert ran.code == 1
    assert ran.lines[1]["warnings"] == ["This token is already in use."]
    for connection, token in ((one, "full-again"), (two, "full-again"), (three, "full-colleague")):
        assert StoredCredential.objects.get(connection=connection).reveal().reveal() == token_of(token)
    assert str(Connection.objects.get(pk=one.pk).expires_on) == in_days(60)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no json", "not valid JSON"),
        pytest.param("[" * 9000, "not valid JSON", id="nested"),
        ('{"token": 7}', 'not a JSON object with a "token"'),
        ('{"token": "x"}', "has neither"),
        ('{"token": "x", "connections": []}', "has neither"),
        ('{"token": "x", "connection": "Nothing"}', "There is no connection named Nothing."),
        ('{"token": "x", "connection": 999}', "There is no connection named 999."),
        ('{"token": "two words", "connection": "Acme main"}', "contains white space"),
        (json.dumps({"token": ENTRA_TOKEN, "connection": "Acme main"}), "valid for about an hour"),
        ('{"token": "x", "connection": "Acme main", "expires_on": "soon"}', "Enter the date as"),
        ('{"token": "' + "x" * 20_000 + '"}', "too long"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_and_the_rest_goes_on(
    connected: Connected, token_of: Token, type_in: TypeIn, text: str, said: str
) -> None:
    connected()
    type_in(text + "\n" + line(connection="Acme main", token=token_of("full-again")))
    ran = Ran("rotate", "--read", "--owner", "maya", "--json")
    assert ran.code == 1
    assert said in ran.lines[0]["message"]
    assert ENTRA_TOKEN[:40] not in ran.out
    assert ran.lines[1]["result"] == "updated"


def test_rotate_in_words(connected: Connected, token_of: Token, type_in: TypeIn) -> None:
    connected()
    type_in(line(connection="Acme main", token=token_of("full-colleague")) + "{}\n")
    out = Ran("rotate", "--read", "--owner", "maya").out.splitlines()
    assert out[0] == "Acme main: updated. It belongs to a different person than the old token."
    assert out[1].startswith("Line 2: ")


@pytest.mark.django_db
def test_rotate_wants_an_owner_and_lines(maintainer: User, type_in: TypeIn) -> None:
    type_in("\n")
    assert Ran("rotate", "--read").code == 2
    ran = Ran("rotate", "--read", "--owner", "maya")
    assert (ran.code, ran.err) == (2, "Standard input is empty.")


def test_commands_say_not_to_revoke_a_token_that_others_still_use(
    connected: Connected, token_of: Token, type_in: TypeIn
) -> None:
    connected("One"), connected("Two")
    type_in(token_of("full-again"))
    told = Ran("update-token", "One", "--owner", "maya", "--json").json["old_token"]
    assert (told["person"], [other["name"] for other in told["still_used_by"]]) == ("Maya Sample", ["Two"])
    type_in(line(connection="Two", token=token_of("full-again")))
    out = Ran("rotate", "--read", "--owner", "maya").out
    assert "Revoke the old token of Maya Sample" in out


def test_a_rotation_says_at_its_end_which_old_tokens_are_still_in_use(
    connected: Connected, token_of: Token, type_in: TypeIn
) -> None:
    connected("One"), connected("Two"), connected("Three")
    type_in(line(connections=["One", "Two"], token=token_of("full-again")))
    out = Ran("rotate", "--read", "--owner", "maya").out
    assert out.count("Do not revoke the old token of Maya Sample") == 1
    assert "still used by Three." in out
