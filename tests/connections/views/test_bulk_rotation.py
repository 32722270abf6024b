"""The pages of a bulk rotation."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from connections.actions.enforce_policy import set_token_policy
from connections.domain.token_policy import Rule, TokenPolicy
from connections.models import Connection, StoredCredential
from history.record import Actor
from sandbox.server import Sandbox
from tests.factories import ConnectionFactory, StoredCredentialFactory

ANN = Actor("ann")
BEFORE_GLOBAL_TOKENS_END = datetime(2026, 11, 30, tzinfo=UTC)
Connected = Callable[..., Connection]
Token = Callable[[str], str]


def in_days(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


def token_in(connection: Connection) -> str:
    return StoredCredential.objects.get(connection=connection).reveal().reveal()


def expiring(name: str, days: int, **fields: object) -> Connection:
    connection = ConnectionFactory.create(name=name, expires_on=in_days(days), **fields)
    StoredCredentialFactory.create(connection=connection, secret=f"{name:a<52}".replace(" ", "a"))
    return connection


def plan(pages: Client, **asked: int | list[int]) -> str:
    """Where the plan leads."""
    return pages.get(reverse("connections:plan-rotation"), asked).headers["Location"]


def steps_of(address: str) -> str:
    found = re.search(r"steps=([\d.,]*)", address)
    assert found is not None
    return found[1]


def test_the_page_lists_what_expires_within_the_days_of_the_url(pages: Client, sandbox: Sandbox) -> None:
    for name, days in (("Gone", -3), ("Soon", 5), ("Later", 40)):
        expiring(name, days)
    expiring("Resting", 5, disabled=True)
    page = pages.get(reverse("connections:rotation")).content.decode()
    assert [name in page for name in ("Gone", "Soon", "Later", "Resting")] == [True, True, False, False]
    assert "Later" in pages.get(reverse("connections:rotation"), {"within": 60}).content.decode()
    assert (
        "Nothing expires within 0 days"
        not in pages.get(reverse("connections:rotation"), {"within": "soon"}).content.decode()
    )


def test_the_page_costs_the_same_for_one_and_for_many(
    pages: Client, sandbox: Sandbox, django_assert_max_num_queries: Callable[..., object]
) -> None:
    for number in range(30):
        expiring(f"C{number}", 5, organization=f"o{number % 3}")
    with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
        pages.get(reverse("connections:rotation"))


def test_what_is_chosen_becomes_steps_soonest_first(pages: Client, sandbox: Sandbox) -> None:
    late, soon, other = expiring("Late", 9), expiring("Soon", 2), expiring("Other", 5, identity_id="noor")
    everything = [late.pk, soon.pk, other.pk]
    address = plan(pages, within=30, connection=everything)
    assert steps_of(address) == f"{soon.pk},{other.pk},{late.pk}"
    assert "at=1" in address
    together = plan(pages, within=30, connection=everything, together=[soon.pk])
    assert steps_of(together) == f"{soon.pk}.{late.pk},{other.pk}"
    assert steps_of(plan(pages, within=30, connection=[late.pk])) == f"{late.pk}"


def test_connections_that_share_a_token_are_offered_together(
    pages: Client, sandbox: Sandbox, connected: Connected
) -> None:
    one, two = connected("One"), connected("Two")
    three = connected("Three", organization="fabrikam")
    Connection.objects.update(expires_on=in_days(5))
    page = pages.get(reverse("connections:rotation")).content.decode()
    assert "which share one at the moment" in page
    assert "They are in different organizations" in page
    chosen = [one.pk, two.pk, three.pk]
    shared = min(chosen, key=lambda pk: Connection.objects.get(pk=pk).name.lower())
    assert steps_of(plan(pages, connection=chosen, shared=[shared])).count(".") == 2


def test_a_shared_token_joins_only_those_who_share_it(pages: Client, connected: Connected) -> None:
    one, two, other = connected("A"), connected("B"), connected("C", token="full-again")
    Connection.objects.update(expires_on=in_days(5))
    chosen = [one.pk, two.pk, other.pk]
    assert steps_of(plan(pages, connection=chosen, shared=[one.pk])) == f"{one.pk}.{two.pk},{other.pk}"


def test_the_token_policy_offers_nothing_together(pages: Client, sandbox: Sandbox, connected: Connected) -> None:
    one, two = connected("One"), connected("Two")
    Connection.objects.update(expires_on=in_days(5))
    set_token_policy(TokenPolicy(reuse=Rule.REFUSE), by=ANN, now=timezone.now())
    page = pages.get(reverse("connections:rotation")).content.decode()
    assert "One new token" not in page
    assert steps_of(plan(pages, connection=[one.pk, two.pk], together=[one.pk], shared=[one.pk])).count(".") == 0


def test_nothing_chosen_is_said(pages: Client, sandbox: Sandbox) -> None:
    page = pages.get(reverse("connections:plan-rotation"), {"within": 7}, follow=True).content.decode()
    assert "Choose at least one connection." in page


FORM = {"expires": "60", "token_reach": "one"}


@pytest.fixture
def three(connected: Connected) -> list[Connection]:
    found = [connected("One"), connected("Two"), connected("Three", token="full-colleague")]
    for days, connection in enumerate(found, start=1):
        Connection.objects.filter(pk=connection.pk).update(expires_on=in_days(days))
    return found


def test_a_round_goes_step_by_step_to_its_end(pages: Client, three: list[Connection], token_of: Token) -> None:
    one, two, last = three
    address = plan(pages, connection=[one.pk, two.pk, last.pk], shared=[one.pk])
    page = pages.get(address).content.decode()
    assert "1 of 2: 2 connections" in page
    answer = pages.post(address, FORM | {"token": token_of("full-again")}, follow=True)
    page = answer.content.decode()
    assert "One, Two now use the new token." in page
    assert "2 of 2: Three" in page
    skip = re.search(r'href="([^"]+at=3[^"]*)">Skip', page)
    assert skip is not None
    end = pages.get(skip[1].replace("&amp;", "&")).content.decode()
    assert "2 of 3 updated" in end
    assert "Now revoke the old token<" in end
    assert end.count("Updated</span>") == 2
    assert end.count("Skipped</span>") == 1
    assert f"steps={last.pk}" in end


def test_a_step_and_the_end_show_what_uses_each_token(pages: Client, three: list[Connection], token_of: Token) -> None:
    one, two, _ = three
    one.consumers.create(name="Nightly", url="https://x.example.com/")
    two.consumers.create(name="Shop")
    address = plan(pages, connection=[one.pk, two.pk], shared=[one.pk])
    page = pages.get(address).content.decode()
    assert 'href="https://x.example.com/"' in page
    assert "Used by Shop" in page
    end = pages.post(address, FORM | {"token": token_of("full-again")}, follow=True).content.decode()
    assert "Update every copy of the old tokens" in end
    assert "Used by Shop" in end


def test_a_failure_shows_the_result_of_each_and_offers_the_rest(
    pages: Client, connected: Connected, token_of: Token
) -> None:
    here, elsewhere = connected("Here"), connected("Elsewhere", organization="fabrikam")
    Connection.objects.update(expires_on=in_days(3))
    address = plan(pages, connection=[here.pk, elsewhere.pk], shared=[here.pk, elsewhere.pk])
    page = pages.post(address, FORM | {"token": token_of("full-again")}).content.decode()
    assert "Here now uses the new token." in page
    assert 'data-result="token_refused"' in page
    assert "2 of 2: Elsewhere" in page
    assert token_of("full-again") not in page
    assert token_in(here) == token_of("full-again")
    assert token_in(elsewhere) == token_of("full")


def test_a_test_compares_for_each_connection_and_swaps_nothing(
    pages: Client, three: list[Connection], token_of: Token
) -> None:
    address = plan(pages, connection=[one.pk for one in three], shared=[three[0].pk])
    test_address = address.replace("/walk/", "/walk/test/")
    page = pages.post(test_address, {"token": token_of("full-colleague")}).content.decode()
    assert page.count("Maya Sample → Noor Sample") == 2
    assert "Connection successful" in page
    assert token_of("full-colleague") not in page
    assert token_in(three[0]) == token_of("full")


def test_a_limited_token_wants_the_box_ticked(pages: Client, three: list[Connection], token_of: Token) -> None:
    address = plan(pages, connection=[three[0].pk])
    page = pages.post(address, FORM | {"token": token_of("no-build")}).content.decode()
    assert 'data-result="limited_not_accepted"' in page
    pages.post(address, FORM | {"token": token_of("no-build"), "accept_limited": "on"})
    assert Connection.objects.get(name="One").health == "limited"


def key_on(page: str) -> str:
    return page.partition('name="verification_key" value="')[2].partition('"')[0]


def test_a_result_stays_after_a_mistake_elsewhere_on_the_page(
    pages: Client, three: list[Connection], token_of: Token, sandbox: Sandbox
) -> None:
    address = plan(pages, connection=[three[0].pk])
    tested = pages.post(address.replace("/walk/", "/walk/test/"), {"token": token_of("no-build")}).content.decode()
    sandbox.requests.clear()
    given = {"token": token_of("no-build"), "verification_key": key_on(tested)}
    page = pages.post(address, given).content.decode()
    assert "Choose when it expires." in page
    assert 'data-outcome="limited"' in page
    assert key_on(page) == key_on(tested) != ""
    assert sandbox.requests == []


def test_the_result_of_a_limited_token_is_shown_and_asked_for_once(
    pages: Client, three: list[Connection], token_of: Token, sandbox: Sandbox
) -> None:
    one, two, _ = three
    address = plan(pages, connection=[one.pk, two.pk], shared=[one.pk])
    page = pages.post(address, FORM | {"token": token_of("no-build")}).content.decode()
    assert page.count('data-outcome="limited"') == 1
    assert 'name="accept_limited"' in page
    sandbox.requests.clear()
    accepted = {"token": token_of("no-build"), "accept_limited": "on", "verification_key": key_on(page)}
    pages.post(address, FORM | accepted)
    assert sandbox.requests == []
    assert [Connection.objects.get(pk=each.pk).health for each in (one, two)] == ["limited", "limited"]


def test_bad_input_stays_on_the_step(pages: Client, three: list[Connection]) -> None:
    address = plan(pages, connection=[three[0].pk])
    page = pages.post(address, FORM | {"token": ""}).content.decode()
    assert "Paste the personal access token." in page
    assert "1 of 1: One" in page


def test_a_connection_that_went_meanwhile_is_passed_over(pages: Client, three: list[Connection]) -> None:
    address = plan(pages, connection=[three[0].pk, three[1].pk])
    Connection.objects.filter(pk=three[0].pk).update(disabled=True)
    assert "have since been disconnected or disabled" in pages.get(address).content.decode()


def test_an_address_that_was_tampered_with_is_an_empty_round(pages: Client, sandbox: Sandbox) -> None:
    page = pages.get(reverse("connections:rotation-step"), {"steps": "x", "at": "-1", "since": "y"}).content.decode()
    assert "All connections of this rotation were disconnected or disabled." in page
    assert pages.post(reverse("connections:verify-step"), {"token": "x"}).status_code == 200


def test_the_update_page_shows_what_to_accept_when_a_scope_is_missing(
    pages: Client, connected: Connected, token_of: Token
) -> None:
    address = reverse("connections:update-token", args=[connected().pk])
    page = pages.post(address, FORM | {"token": token_of("no-build")}).content.decode()
    assert "Tick the box to use it as Limited" in page
    assert 'name="accept_limited"' in page


def test_on_a_server_nobody_is_asked_for_which_organizations_the_token_is(
    pages: Client, settings: Settings, token_of: Token
) -> None:
    settings.AZURE_DEVOPS_SERVERS = "Services=https://dev.azure.com,Own=http://127.0.0.1:9/tfs"
    own, other = expiring("Own", 3, server="Own"), expiring("Services", 4, server="Services")
    address = plan(pages, connection=[own.pk])
    assert 'name="token_reach"' not in pages.get(address).content.decode()
    given = {"token": token_of("full"), "expires": "60"}
    for answer in (pages.post(address, given), pages.post(address.replace("/walk/", "/walk/test/"), given)):
        page = answer.content.decode()
        assert 'name="token_reach"' not in page
        assert "Choose which organizations" not in page
    assert 'name="token_reach"' in pages.get(plan(pages, connection=[other.pk])).content.decode()
