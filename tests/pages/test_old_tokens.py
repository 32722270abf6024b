"""Nobody is told to revoke a token that another connection still uses, and whose it is stands beside it."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from connections.actions.enforce_policy import set_token_policy
from connections.domain.token_policy import Rule, TokenPolicy
from connections.models import Connection, StoredCredential
from connections.old_tokens import replaced_tokens, shared_with
from history.record import Actor

Connected = Callable[..., Connection]
Token = Callable[[str], str]


def updated(pages: Client, connection: Connection, token: str) -> str:
    fields = {"token": token, "expires": "30", "token_reach": "one"}
    address = reverse("connections:update-token", args=[connection.pk])
    return str(pages.post(address, fields, follow=True).content.decode())


def test_an_update_says_who_still_uses_the_old_token_until_nobody_does(
    pages: Client, connected: Connected, token_of: Token
) -> None:
    one, two = connected("One"), connected("Two")
    page = updated(pages, one, token_of("full-again"))
    assert "Don't revoke the old token yet" in page
    assert f'href="{two.get_absolute_url()}">Two</a>' in page
    assert "Maya Sample" in page
    assert "Open my tokens" not in page
    updated(pages, two, token_of("full-again"))
    page = pages.get(reverse("connections:token-updated", args=[one.pk])).content.decode()
    assert "Now revoke the old token" in page


def test_the_offer_leads_through_those_that_still_use_it(pages: Client, connected: Connected, token_of: Token) -> None:
    one, two, three = connected("A"), connected("B"), connected("C")
    page = updated(pages, one, token_of("full-again"))
    assert f"steps={two.pk}.{three.pk}" in page
    offer = re.search(r'href="([^"]+/walk/[^"]+)"', page)
    assert offer is not None
    assert "1 of 1: 2 connections" in pages.get(offer[1].replace("&amp;", "&")).content.decode()


def test_the_offer_keeps_to_the_token_policy(pages: Client, connected: Connected, token_of: Token) -> None:
    one, two, three = connected("A"), connected("B"), connected("C")
    set_token_policy(TokenPolicy(reuse=Rule.REFUSE), by=Actor("ann"), now=timezone.now())
    assert f"steps={two.pk},{three.pk}" in updated(pages, one, token_of("full-again"))


def test_a_disabled_connection_still_uses_its_token(pages: Client, connected: Connected, token_of: Token) -> None:
    one, two = connected("One"), connected("Two")
    Connection.objects.filter(pk=two.pk).update(disabled=True)
    page = updated(pages, one, token_of("full-again"))
    assert "Two</a> (disabled)" in page
    assert "Update it too" not in page


def test_the_old_tokens_person_is_named_and_not_the_new_ones(
    pages: Client, connected: Connected, token_of: Token
) -> None:
    page = updated(pages, connected("One"), token_of("full-colleague"))
    assert "It belongs to <strong>Maya Sample</strong>" in page


def test_a_disconnect_says_it_before_and_after(pages: Client, connected: Connected) -> None:
    one, _ = connected("One"), connected("Two")
    address = reverse("connections:disconnect", args=[one.pk])
    assert "Don't revoke it yet. It is also used by" in pages.get(address).content.decode()
    page = pages.post(address, {"confirm_name": "One"}).content.decode()
    assert "Don't revoke the old token yet" in page
    assert ">Two</a>" in page


def test_a_round_says_it_at_its_end(pages: Client, connected: Connected, token_of: Token) -> None:
    one, _ = connected("One"), connected("Two")
    address = f"{reverse('connections:rotation-step')}?within=30&since=0&at=1&steps={one.pk}"
    fields = {"token": token_of("full-again"), "expires": "30", "token_reach": "one"}
    page = pages.post(address, fields, follow=True).content.decode()
    assert "Don't revoke the old token yet" in page
    assert ">Two</a>" in page


def test_many_old_tokens_cost_no_more_queries_than_one(
    connected: Connected, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    many = [connected(f"C{number}") for number in range(4)]
    for connection in many:
        StoredCredential.objects.filter(connection=connection).update(replaced_fingerprint=f"before {connection.pk}")
    with django_assert_num_queries(2):
        replaced_tokens(many[:1])
    with django_assert_num_queries(2):
        replaced_tokens(many)


def test_the_same_token_elsewhere_is_named_for_reminders(connected: Connected) -> None:
    one, _, other = connected("One"), connected("Two"), connected("Other", token="full-again")
    assert shared_with([one, other]) == {one.pk: ["Two"], other.pk: []}


@pytest.mark.parametrize("count", [0, 1])
def test_a_token_that_was_never_replaced_is_no_old_one(connected: Connected, count: int) -> None:
    assert replaced_tokens([connected("One")][:count]) == []
