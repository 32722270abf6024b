"""`manage.py connections`: every verb, its JSON and its exit codes; a token only ever comes in."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from connections.actions.enforce_policy import set_token_policy
from connections.domain.token_policy import Rule, TokenPolicy
from connections.models import Connection, Mail, StoredCredential
from connections.notifications import outbox
from history.models import Event
from history.record import Actor
from sandbox.server import Sandbox
from tests.connections import mailserver
from tests.connections.commands import ENTRA_TOKEN, Connected, Ran, Token, TypeIn, in_days, line
from tests.factories import ConnectionFactory


@pytest.mark.django_db
def test_list_says_so_when_there_is_nothing() -> None:
    assert Ran("list").out == "No connections.\n"


@pytest.mark.django_db
def test_list_names_every_connection_with_health_and_end() -> None:
    ConnectionFactory.create(name="Acme main", expires_on=date(2026, 12, 31))
    ConnectionFactory.create(name="Resting", disabled=True)
    assert "healthy      2026-12-31   acme                 Acme main" in Ran("list").out
    rows = Ran("list", "--json").json
    assert [(one["name"], one["health"], one["expires_on"]) for one in rows] == [
        ("Acme main", "healthy", "2026-12-31"),
        ("Resting", "disabled", None),
    ]


@pytest.mark.parametrize(
    ("token", "code", "words"),
    [("full", 0, "Granted"), ("no-build", 3, "Missing"), ("no-projects", 4, "Unknown")],
)
def test_test_says_what_the_token_can_do(connected: Connected, token: str, code: int, words: str) -> None:
    connected(token=token)
    ran = Ran("test", "acme MAIN")
    assert (ran.code, words in ran.out) == (code, True)
    assert Ran("test", "Acme main", "--json").json["capabilities"]["code_read"]
    assert Event.objects.filter(kind="connection.tested", actor_name="command line").count() == 2


def test_test_tells_a_refusal_from_an_outage(connected: Connected, sandbox: Sandbox) -> None:
    connected()
    sandbox.behaviour.add("status", status=503)
    assert Ran("test", "Acme main").code == 4
    sandbox.behaviour.clear()
    token = sandbox.state.token_named("full")
    assert token is not None
    token.state = "expired"
    ran = Ran("test", "Acme main", "--json")
    assert (ran.code, ran.json["problem"]) == (1, "token_expired")
    assert "Token has expired" in Ran("test", "Acme main").out


@pytest.mark.django_db
def test_an_unknown_name_is_said() -> None:
    ran = Ran("test", "Nothing")
    assert (ran.code, ran.err) == (1, "There is no connection named Nothing.")


def test_add_connects_with_the_token_of_standard_input(
    maintainer: User, sandbox: Sandbox, token_of: Token, type_in: TypeIn
) -> None:
    type_in(token_of("full") + "\n")
    ran = Ran("add", "Acme main", "https://dev.azure.com/ACME/", "--owner", "maya", "--expires-on", in_days(30))
    assert (ran.code, ran.out) == (0, "Connected Acme main to acme.\n")
    connection = Connection.objects.get()
    assert connection.owner == maintainer
    assert str(connection.expires_on) == in_days(30)
    assert connection.stored_credential.reveal().reveal() == token_of("full")


@pytest.mark.parametrize(
    ("token", "organization", "code", "problem"),
    [
        ("revoked", "acme", 1, "token_refused"),
        ("full", "nowhere", 1, "organization_not_found"),
        ("full", "a b", 1, "not_an_organization"),
        ("no-build", "acme", 1, "limited_not_accepted"),
    ],
)
def test_add_says_why_not(
    maintainer: User,
    sandbox: Sandbox,
    token_of: Token,
    type_in: TypeIn,
    token: str,
    organization: str,
    code: int,
    problem: str,
) -> None:
    type_in(token_of(token))
    ran = Ran("add", "Acme main", organization, "--owner", "maya", "--one-organization", "--json")
    assert (ran.code, ran.json["problem"]) == (code, problem)
    assert not Connection.objects.exists()


def test_add_takes_a_limited_token_knowingly(
    maintainer: User, sandbox: Sandbox, token_of: Token, type_in: TypeIn
) -> None:
    type_in(token_of("no-build"))
    assert Ran("add", "Acme main", "acme", "--owner", "maya", "--accept-limited").code == 3
    assert Connection.objects.get().health == "limited"


def test_add_refuses_what_is_no_token_without_repeating_it(maintainer: User, sandbox: Sandbox, type_in: TypeIn) -> None:
    type_in("two words")
    ran = Ran("add", "Acme main", "acme", "--owner", "maya")
    assert (ran.code, ran.err) == (1, "The token contains white space. Copy it in one piece.\n")


@pytest.mark.parametrize("verb", ["add", "update-token"])
def test_an_access_token_of_entra_is_explained(
    connected: Connected, sandbox: Sandbox, type_in: TypeIn, verb: str
) -> None:
    connected()
    sandbox.requests.clear()
    type_in(f"{ENTRA_TOKEN}\n")
    words = ["Another", "acme"] if verb == "add" else ["Acme main"]
    ran = Ran(verb, *words, "--owner", "maya", "--json")
    assert (ran.code, ran.json["problem"]) == (1, "entra_access_token")
    assert "valid for about an hour" in ran.json["message"]
    assert ENTRA_TOKEN[:40] not in ran.out + ran.err
    assert sandbox.requests == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--owner", "nobody"], "There is no active user named nobody."),
        (["--owner", "maya", "--server", "Other"], "There is no server named Other. Known servers: Sandbox."),
        (["--owner", "maya", "--expires-on", "31.12.2026"], "enter a date as YYYY-MM-DD"),
    ],
)
def test_wrong_usage_is_exit_code_two(
    maintainer: User, sandbox: Sandbox, token_of: Token, type_in: TypeIn, words: list[str], said: str
) -> None:
    type_in(token_of("full"))
    ran = Ran("add", "Acme main", "acme", *words)
    # Django raises what argparse says when a command is called from Python; the shell sees 2 all the same.
    assert (ran.code in (1, 2), said in ran.err) == (True, True)


def test_update_token_compares_and_swaps(connected: Connected, token_of: Token, type_in: TypeIn) -> None:
    connected()
    type_in(token_of("full-colleague"))
    ran = Ran("update-token", "Acme main", "--owner", "maya", "--expires-on", in_days(60), "--json")
    assert ran.code == 0
    assert (ran.json["same_person"], ran.json["lost"], ran.json["expires_on"]) == (False, [], in_days(60))
    assert StoredCredential.objects.get().reveal().reveal() == token_of("full-colleague")


def test_update_token_says_what_was_lost(connected: Connected, token_of: Token, type_in: TypeIn) -> None:
    connected()
    type_in(token_of("no-build"))
    ran = Ran("update-token", "Acme main", "--owner", "maya", "--accept-limited")
    assert ran.code == 3
    assert "Lost: build_execute, build_read." in ran.out


def test_update_token_leaves_the_old_one_when_refused(connected: Connected, token_of: Token, type_in: TypeIn) -> None:
    connected()
    type_in(token_of("expired"))
    ran = Ran("update-token", "Acme main", "--owner", "maya")
    assert (ran.code, ran.err.startswith("Token has expired.")) == (1, True)
    assert StoredCredential.objects.get().reveal().reveal() == token_of("full")


def test_the_token_policy_applies_on_the_command_line(
    connected: Connected, sandbox: Sandbox, token_of: Token, type_in: TypeIn
) -> None:
    connected()
    type_in(token_of("full"))
    ran = Ran("add", "Second", "acme", "--owner", "maya", "--json", "--expires-on", in_days(300))
    assert ran.json["warnings"] == [
        "Token lifetime exceeds the token policy.",
        "This token is already in use.",
    ]
    set_token_policy(
        TokenPolicy(90, Rule.REFUSE, Rule.WARN, Rule.ALLOW), by=Actor("ann"), now=datetime(2026, 11, 24, tzinfo=UTC)
    )
    type_in(token_of("full-again"))
    ran = Ran("update-token", "Acme main", "--owner", "maya", "--expires-on", in_days(91), "--json")
    assert (ran.code, ran.json["problem"]) == (1, "life_too_long")


@pytest.fixture
def ending(person: Callable[..., User]) -> Connection:
    owner = person("olga", email="olga@example.com")
    return ConnectionFactory.create(
        name="Acme main", owner=owner, expires_on=in_days(7), token_set_at=timezone.now() - timedelta(days=60)
    )


def test_remind_writes_what_is_due_and_says_to_whom(ending: Connection) -> None:
    dry = Ran("remind", "--dry-run")
    assert (dry.code, dry.out) == (0, "Acme main: 7 days left, to olga@example.com\n1 due. Nothing was written.\n")
    assert not Mail.objects.exists()
    ran = Ran("remind", "--json")
    assert (ran.code, ran.json["mails_written"], ran.json["due"][0]["to"]) == (0, 1, ["olga@example.com"])
    assert Ran("remind", "--json").json["due"] == []


def test_remind_ends_with_one_when_nobody_can_be_told(ending: Connection) -> None:
    User.objects.update(email="")
    ran = Ran("remind")
    assert (ran.code, "to no recipient" in ran.out) == (1, True)


def test_remind_sends_on_demand(ending: Connection, settings: Settings) -> None:
    with mailserver.running() as (inbox, port):
        mailserver.use(settings, port)
        ran = Ran("remind", "--send", "--json")
    assert (ran.code, ran.json["mails_sent"], inbox.recipients) == (0, 1, ["olga@example.com"])


def test_remind_says_when_mail_does_not_go_out(ending: Connection, settings: Settings) -> None:
    mailserver.use(settings, mailserver.free_port())
    ran = Ran("remind", "--send", "--json")
    assert (ran.code, ran.json["mails_failing"]) == (1, 1)


def test_remind_counts_no_mail_that_failed_for_good_earlier(ending: Connection, settings: Settings) -> None:
    mail = outbox.send_test("gone@example.com", now=timezone.now())
    failed = {"last_error": "550 unknown", "given_up_at": timezone.now() - timedelta(days=1)}
    Mail.objects.filter(pk=mail.pk).update(**failed)
    with mailserver.running() as (_, port):
        mailserver.use(settings, port)
        ran = Ran("remind", "--send", "--json")
    assert (ran.code, ran.json["mails_sent"], ran.json["mails_failing"]) == (0, 1, 0)


def test_events_are_told_newest_first_and_filtered(connected: Connected) -> None:
    connected("One")
    connected("Two")
    Ran("test", "One")
    kinds = [one["kind"] for one in Ran("events", "--json").lines]
    assert kinds == ["connection.tested", "connection.connected", "connection.connected"]
    assert [one["name"] for one in Ran("events", "Two", "--json").lines] == ["Two"]
    assert len(Ran("events", "--kind", "connection.tested", "--json").lines) == 1
    assert len(Ran("events", "--person", "command line", "--json").lines) == 1
    assert len(Ran("events", "--limit", "2", "--json").lines) == 2
    assert Ran("events", "--until", "2020-01-01").out == ""
    assert len(Ran("events", "--since", in_days(0), "--until", in_days(0), "--json").lines) == 3


def test_events_in_words(connected: Connected) -> None:
    connected()
    (told,) = Ran("events").out.splitlines()
    assert "maya" in told
    assert "Connected" in told
    assert "Acme main" in told
    assert Ran("events", "Nothing").code == 1


def test_no_verb_prints_a_token(connected: Connected, token_of: Token, type_in: TypeIn) -> None:
    connected()
    printed = []
    for token in ("full-again", "expired", "revoked"):
        for words in (["rotate", "--read", "--owner", "maya"], ["rotate", "--read", "--owner", "maya", "--json"]):
            type_in(line(connection="Acme main", token=token_of(token)) + token_of(token))
            ran = Ran(*words)
            printed.append(ran.out + ran.err)
        type_in(token_of(token))
        ran = Ran("update-token", "Acme main", "--owner", "maya", "--json")
        printed.append(ran.out + ran.err)
    assert not any(token_of(token) in text for token in ("full-again", "expired", "revoked") for text in printed)
