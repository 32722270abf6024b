"""The top of a connection's page: status with its reason, days left, whose token it is, one action that fits."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from connections.models import CapabilityState, Connection
from tests.factories import ConnectionFactory

Connected = Callable[..., Connection]
DEFAULTS = {"health": "healthy", "disabled": False, "problem": "", "days": 60}


def primary(page: str) -> list[str]:
    """The primary actions of a page."""
    return re.findall(r'data-primary="(\w+)"', page)


@pytest.mark.parametrize(
    ("state", "action"),
    [
        ({}, "test"),
        ({"health": "not_checked"}, "test"),
        ({"health": "unreachable", "problem": "host_unknown"}, "test"),
        ({"health": "rejected", "problem": "token_refused"}, "update"),
        ({"days": 12}, "update"),
        ({"days": -1}, "update"),
        ({"days": None}, "date"),
        ({"disabled": True, "health": "rejected"}, "enable"),
        ({"health": "limited"}, "test"),
    ],
)
def test_each_state_has_one_primary_action(pages: Client, state: dict[str, object], action: str) -> None:
    given = DEFAULTS | state
    days = given.pop("days")
    expires_on = None if days is None else timezone.localdate() + timedelta(days=int(str(days)))
    connection = ConnectionFactory.create(name="Acme main", expires_on=expires_on, **given)
    page = pages.get(connection.get_absolute_url()).text
    assert primary(page) == [action]
    assert page.count('class="primary"') + page.count('class="button primary"') == 1


def test_a_limited_connection_says_once_what_to_tick(pages: Client, connected: Connected) -> None:
    page = pages.get(connected(token="no-build").get_absolute_url()).text
    assert primary(page) == ["tick"]
    assert page.count("Edit the token in Azure DevOps, tick <strong>Build: Read &amp; execute</strong>") == 1
    assert "Not available: Build read and Build execute." in page


@pytest.mark.parametrize(
    ("days", "words", "tone"),
    [
        (31, "31 days left", "quiet"),
        (30, "30 days left", "warn"),
        (8, "8 days left", "warn"),
        (7, "7 days left", "bad"),
        (1, "Expires tomorrow", "bad"),
        (0, "Expires today", "bad"),
        (-1, "Expired yesterday", "bad"),
        (-5, "Expired 5 days ago", "bad"),
    ],
)
def test_the_days_left_are_words_a_tone_and_a_bar(pages: Client, days: int, words: str, tone: str) -> None:
    now = timezone.now()
    expires_on = timezone.localdate(now) + timedelta(days=days)
    connection = ConnectionFactory.create(expires_on=expires_on, token_set_at=now - timedelta(days=10))
    page = pages.get(connection.get_absolute_url()).text
    assert f'<div class="days-left tone-{tone}">' in page
    assert words in page
    total = max(10 + days, 1)
    assert f'<progress max="{total}" value="{min(10, total)}"' in page


def test_other_connections_that_use_the_token_are_named(pages: Client, connected: Connected) -> None:
    first = connected("First")
    assert "No other connection uses this token." in pages.get(first.get_absolute_url()).text
    second = connected("Second")
    page = pages.get(first.get_absolute_url()).text
    assert f'Also used by <a href="{second.get_absolute_url()}">Second</a>.' in page


def test_scopes_are_a_matrix_with_one_time_of_verification(pages: Client, connected: Connected) -> None:
    connection = connected()
    page = pages.get(connection.get_absolute_url()).text
    assert page.count("data-scope=") == page.count("Granted</span>") == 8
    assert "Build has no such level" in page
    assert (page.count("Verified <time"), page.count("Last verified")) == (1, 0)


def test_a_scope_that_was_verified_earlier_says_so_in_its_details(pages: Client, connected: Connected) -> None:
    connection = connected()
    earlier = timezone.now() - timedelta(days=3)
    CapabilityState.objects.filter(connection=connection, capability="code_manage").update(verified_at=earlier)
    page = pages.get(connection.get_absolute_url()).text
    assert (page.count("Verified <time"), page.count("Last verified")) == (1, 1)


def test_who_may_not_act_is_offered_nothing(client: Client, person: Callable[..., User]) -> None:
    connection = ConnectionFactory.create(health="rejected", problem="token_refused")
    client.force_login(person("viewer", "connections.view_connection"))
    assert primary(client.get(connection.get_absolute_url()).text) == []
