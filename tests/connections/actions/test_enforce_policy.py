"""Token policy: what violates it, and that no page or command lets a violating token through."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections import clients
from connections.actions import enforce_policy
from connections.actions.connect import ConnectRequest, connect
from connections.actions.edit import Changes, edit
from connections.actions.enforce_policy import set_token_policy
from connections.actions.refusals import CannotConnect, CannotEdit, CannotRotate, Refused
from connections.actions.rotate import Replacement, extend, rotate
from connections.actions.verify_credential import Credentials
from connections.domain import token_policy
from connections.domain.problems import catalogue
from connections.domain.token_policy import Rule, TokenPolicy, Violation
from connections.domain.verification import Report
from connections.models import Connection, StoredTokenPolicy
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.identifiers import parse_organization
from history.models import Event
from history.record import Actor
from sandbox.server import Sandbox

ANN = Actor("ann")
TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
Token = Callable[[str], str]
Connected = Callable[..., Connection]
STRICT = TokenPolicy(60, Rule.REFUSE, Rule.REFUSE, Rule.REFUSE)


def breaches(rule: Rule, *, left: int | None = 30, reused: bool = False) -> list[tuple[str, Rule]]:
    expires_on = None if left is None else TODAY + timedelta(days=left)
    found = token_policy.violations(
        TokenPolicy(90, rule, rule, rule), born_on=TODAY, expires_on=expires_on, reused=reused
    )
    return [(one.code, one.rule) for one in found]


@pytest.mark.parametrize("rule", [Rule.WARN, Rule.REFUSE])
def test_each_rule_is_broken_by_its_own_fault(rule: Rule) -> None:
    assert breaches(rule) == []
    assert breaches(rule, left=90) == []
    assert breaches(rule, left=91) == [("life_too_long", rule)]
    assert breaches(rule, reused=True) == [("token_reused", rule)]
    assert breaches(rule, left=None) == [("date_missing", rule)]
    assert breaches(rule, left=None, reused=True) == [("token_reused", rule), ("date_missing", rule)]


def test_what_is_allowed_breaks_nothing() -> None:
    assert breaches(Rule.ALLOW, left=365, reused=True) == []


def test_the_usual_rules_are_those_of_the_guide() -> None:
    assert TokenPolicy() == TokenPolicy(90, Rule.WARN, Rule.WARN, Rule.ALLOW)


def test_only_a_refusal_stops() -> None:
    warned = [Violation("life_too_long", Rule.WARN, "expires_on")]
    assert enforce_policy.enforce(warned, CannotConnect) == warned
    with pytest.raises(CannotConnect) as refused:
        enforce_policy.enforce([*warned, Violation("date_missing", Rule.REFUSE, "expires")], CannotConnect)
    assert (refused.value.code, refused.value.field) == ("date_missing", "expires")


@pytest.mark.django_db
def test_setting_them_is_recorded_once_with_what_changed() -> None:
    assert set_token_policy(STRICT, by=ANN, now=NOW)
    assert not set_token_policy(STRICT, by=ANN, now=NOW)
    assert StoredTokenPolicy.now() == STRICT
    event = Event.objects.get()
    assert (event.kind, event.actor_name) == ("guardrails.changed", "ann")
    assert event.detail["longest_life_days"] == {"before": 90, "after": 60}


@pytest.fixture
def strict(db: None) -> None:
    set_token_policy(STRICT, by=ANN, now=NOW)


def in_days(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


def try_to_connect(owner: User, secret: str, expires_on: date | None) -> Connection:
    credentials = Credentials(
        clients.servers()[0], parse_organization("acme", clients.servers()[0]), PersonalAccessToken(secret)
    )
    wishes = ConnectRequest(name="Second", expires_on=expires_on)
    return connect(credentials, wishes, owner=owner, by=ANN, now=timezone.now())


def code_of(act: Callable[[], object], kind: type[Refused]) -> str:
    with pytest.raises(kind) as refused:
        act()
    return refused.value.code


@pytest.mark.parametrize(
    ("token", "days", "code"),
    [("full-again", 61, "life_too_long"), ("full", 30, "token_reused"), ("full-again", None, "date_missing")],
)
def test_connecting_is_refused_before_azure_devops_is_asked(
    connected: Connected, maintainer: User, sandbox: Sandbox, token_of: Token, token: str, days: int | None, code: str
) -> None:
    connected()
    set_token_policy(STRICT, by=ANN, now=NOW)
    sandbox.requests.clear()
    expires_on = None if days is None else in_days(days)
    assert code_of(lambda: try_to_connect(maintainer, token_of(token), expires_on), CannotConnect) == code
    assert sandbox.requests == []
    assert Connection.objects.count() == 1


def test_what_keeps_to_the_rules_is_connected(
    strict: None, maintainer: User, sandbox: Sandbox, token_of: Token
) -> None:
    assert try_to_connect(maintainer, token_of("full"), in_days(60)).pk


@pytest.mark.parametrize(
    ("token", "days", "code"),
    [
        ("full-again", 61, "life_too_long"),
        ("full-colleague", 30, "token_reused"),
        ("full-again", None, "date_missing"),
    ],
)
def test_updating_a_token_is_refused_and_leaves_the_old_one(
    connected: Connected, maintainer: User, token_of: Token, token: str, days: int | None, code: str
) -> None:
    connection = connected()
    connected("Other", token="full-colleague")
    set_token_policy(STRICT, by=ANN, now=NOW)
    new = Replacement(PersonalAccessToken(token_of(token)), None if days is None else in_days(days), "one")
    swap = partial(rotate, connection, new, person=maintainer, by=ANN, now=timezone.now())
    assert code_of(swap, CannotRotate) == code
    assert connection.stored_credential.reveal().reveal() == token_of("full")


def test_a_token_that_another_connection_gets_during_its_test_is_reused(
    connected: Connected, maintainer: User, token_of: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other = connected("First"), connected("Other", token="full-colleague")
    set_token_policy(STRICT, by=ANN, now=NOW)
    new = Replacement(PersonalAccessToken(token_of("full-again")), in_days(30), "one")
    check = clients.check_concurrently

    def meanwhile(*args: Any) -> Report:
        monkeypatch.setattr(clients, "check_concurrently", check)
        report = check(*args)
        rotate(other, new, person=maintainer, by=ANN, now=timezone.now())
        return report

    monkeypatch.setattr(clients, "check_concurrently", meanwhile)
    swap = partial(rotate, first, new, person=maintainer, by=ANN, now=timezone.now())
    assert code_of(swap, CannotRotate) == "token_reused"
    assert first.stored_credential.reveal().reveal() == token_of("full")
    new = replace(new, token=PersonalAccessToken(token_of("full-colleague")))
    monkeypatch.setattr(clients, "check_concurrently", meanwhile)
    connecting = partial(try_to_connect, maintainer, token_of("full-colleague"), in_days(30))
    assert code_of(connecting, CannotConnect) == "token_reused"
    assert Connection.objects.count() == 2


@pytest.mark.parametrize(("days", "code"), [(61, "life_too_long"), (None, "date_missing")])
def test_extending_is_refused_without_a_check(
    connected: Connected, sandbox: Sandbox, days: int | None, code: str
) -> None:
    connection = connected()
    set_token_policy(STRICT, by=ANN, now=NOW)
    sandbox.requests.clear()
    expires_on = None if days is None else in_days(days)
    assert code_of(lambda: extend(connection, expires_on=expires_on, by=ANN, now=timezone.now()), CannotRotate) == code
    assert sandbox.requests == []


def changes(connection: Connection, expires_on: date | None, name: str = "") -> Changes:
    return Changes(name=name or connection.name, expires_on=expires_on, token_reach="one", projects=None)


@pytest.mark.parametrize(("days", "code"), [(61, "life_too_long"), (None, "date_missing")])
def test_editing_the_date_is_refused(connected: Connected, days: int | None, code: str) -> None:
    connection = connected()
    Connection.objects.update(expires_on=in_days(30))
    connection.refresh_from_db()
    set_token_policy(STRICT, by=ANN, now=NOW)
    wished = changes(connection, None if days is None else in_days(days))
    assert code_of(lambda: edit(connection, wished, by=ANN, now=timezone.now()), CannotEdit) == code


def test_what_was_recorded_before_the_rules_may_stay(connected: Connected) -> None:
    connection = connected()
    set_token_policy(STRICT, by=ANN, now=NOW)
    assert edit(connection, changes(connection, None, "Renamed"), by=ANN, now=timezone.now()) == ["name"]


FORM = {"name": "Second", "organization": "acme", "token_reach": "one", "projects_mode": "all"}


def test_the_form_says_the_rules_before_a_token_is_made(strict: None, pages: Client, sandbox: Sandbox) -> None:
    page = pages.get(reverse("connections:add-azure-devops")).content.decode()
    assert "A token may be valid for <strong>60 days</strong> at most." in page
    assert "A token that another connection uses is refused." in page
    assert "The <strong>expiry date</strong> is required." in page
    assert "90 days:" not in page
    assert 'name="expires" value="unknown"' not in page


def test_the_update_form_says_them_too(pages: Client, connected: Connected) -> None:
    page = pages.get(reverse("connections:update-token", args=[connected().pk])).content.decode()
    assert "Choose a lifetime of <strong>90 days or less</strong>." in page


def test_a_forged_choice_is_refused_beside_the_field(
    strict: None, pages: Client, sandbox: Sandbox, token_of: Token
) -> None:
    far = in_days(200).isoformat()
    data = FORM | {"token": token_of("full"), "expires": "date", "expires_on": far}
    page = pages.post(reverse("connections:add-azure-devops"), data).content.decode()
    assert catalogue.problem("life_too_long").title in page
    assert not Connection.objects.exists()


def test_a_warning_is_shown_and_lets_pass(pages: Client, connected: Connected, token_of: Token) -> None:
    connected()
    far = in_days(200).isoformat()
    data = FORM | {"token": token_of("full"), "expires": "date", "expires_on": far}
    page = pages.post(reverse("connections:add-azure-devops"), data, follow=True).content.decode()
    assert catalogue.problem("life_too_long").title in page
    assert catalogue.problem("token_reused").title in page
    assert Connection.objects.count() == 2


def test_the_page_shows_changes_and_counts_what_breaks_them(pages: Client, connected: Connected) -> None:
    connected("One")
    connected("Two")
    data = {"longest_life_days": "30", "longest_life": "refuse", "reuse": "allow", "missing_date": "warn"}
    page = pages.post(reverse("connections:change-token-policy"), data, follow=True).content.decode()
    assert "Policy saved." in page
    assert StoredTokenPolicy.now() == TokenPolicy(30, Rule.REFUSE, Rule.ALLOW, Rule.WARN)
    assert "2 connections currently share a token." in page
    assert "2 connections currently have no expiry date." in page
    assert "Longest lifetime in days: 90 → 30" in page


def test_nonsense_is_refused_beside_the_field(pages: Client) -> None:
    data = {"longest_life_days": "0", "longest_life": "perhaps", "reuse": "allow", "missing_date": "warn"}
    page = pages.post(reverse("connections:change-token-policy"), data).content.decode()
    assert page.count('class="errorlist"') == 2
    assert StoredTokenPolicy.now() == TokenPolicy()


def test_seeing_and_setting_are_two_permissions(client: Client, person: Callable[..., User]) -> None:
    client.force_login(person("ann", "connections.view_guardrails"))
    assert "Current rules" in client.get(reverse("connections:token-policy")).content.decode()
    assert client.post(reverse("connections:change-token-policy")).status_code == 403
    client.force_login(person("ben"))
    assert client.get(reverse("connections:token-policy")).status_code == 403
