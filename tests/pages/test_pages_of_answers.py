"""A page that only answers a form: what is on it works there, and whoever signs in again gets to the form itself."""

import re
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import NoReverseMatch, reverse

from connections.models import Connection
from orchestrator import form_pages
from tests.everything import addresses
from tests.factories import make_leak

NO_KEY = {"key": "of no token"}
# Addresses that show no page in response to a form either: they lead on, or send a file.
LEAD_ON = {
    "connections:audit-chosen",
    "connections:calibration-file",
    "connections:cancel-audits",
    "connections:connection-channels",
    "connections:discard-register-import",
    "connections:entry-channels",
    "connections:mail-again",
    "connections:own-channels",
    "connections:remind-me-again",
    "connections:reopen-register-entry",
    "connections:resume-reminders",
    "connections:revoke-calendar",
    "connections:revoke-leak",
    "connections:start-audits",
    "connections:start-register-import",
    "connections:test-channel",
    "connections:test-mail",
    "connections:update-chosen",
    "delivery:refresh",
    "people:sign-out",
    "people:sign-out-elsewhere",
    "people:standing",
}


def test_after_looking_for_a_project_without_javascript_the_edit_form_still_saves(
    pages: Client, connected: Callable[..., Connection]
) -> None:
    connection = connected()
    typed = {"name": "Renamed", "expires": "unknown", "projects_mode": "all", "token_reach": "one"}
    page = pages.post(reverse("connections:find-project", args=[connection.pk]), typed | {"project_name": "nowhere"})
    form = page.text.split('<form method="post" class="card"')[1]
    action = re.match(r'[^>]* action="([^"]*)"', form)
    version = re.search(r'name="version" value="([^"]*)"', form)
    assert action is not None
    assert version is not None
    pages.post(action[1], typed | {"version": version[1]})
    connection.refresh_from_db()
    assert connection.name == "Renamed"


def test_after_a_refused_declaration_the_list_of_leaked_tokens_is_searched(
    pages: Client, connected: Callable[..., Connection]
) -> None:
    make_leak(connected())
    page = pages.post(reverse("connections:declare-leak"), NO_KEY).text
    form = re.search(r'<form[^>]*method="get"[^>]*aria-label="Leaked tokens"[^>]*>', page)
    assert form is not None
    assert f'action="{reverse("connections:check-leak")}"' in form[0]


def address_of(name: str) -> str:
    """An address with as many numbers as it needs."""
    for count in range(4):
        with suppress(NoReverseMatch):
            return reverse(name, args=[1] * count)
    raise AssertionError(name)


@pytest.mark.parametrize("name", sorted(form_pages._PAGES))
def test_whoever_signs_in_again_gets_to_a_page_that_can_be_opened(client: Client, maintainer: User, name: str) -> None:
    shown_at = address_of(name)
    answer = client.post("/account/address/", {}, headers={"Referer": f"http://testserver{shown_at}"})
    (page,) = parse_qs(urlsplit(answer.headers["Location"]).query)["next"]
    User.objects.filter(pk=maintainer.pk).update(is_superuser=True)
    client.force_login(maintainer)
    assert client.get(shown_at).status_code == 405
    assert client.get(page).status_code != 405


def test_every_address_that_cannot_be_opened_leads_on_or_has_a_page_with_its_form(
    client: Client, maintainer: User
) -> None:
    User.objects.filter(pk=maintainer.pk).update(is_superuser=True)
    client.force_login(maintainer)
    ours = [name for name in addresses() if name.partition(":")[0] in ("connections", "delivery", "people")]
    assert ours
    closed = {name for name in ours if client.get(address_of(name)).status_code == 405}
    assert closed - LEAD_ON == set(form_pages._PAGES)
