"""The page on which an organization is connected, as a browser without JavaScript meets it."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from connections.actions import verify_credential
from connections.actions.verify_credential import usable_or_new_result
from connections.models import Connection, ProbeResult, StoredCredential
from history.models import Event
from sandbox.server import Sandbox
from tests.browser import drawn_now
from tests.connections.commands import ENTRA_TOKEN
from tests.factories import ConnectionFactory

Token = Callable[[str], str]
FORM = {"name": "Acme main", "organization": "acme", "expires": "90", "token_reach": "one", "projects_mode": "all"}


def form(token: str, /, **more: object) -> dict[str, object]:
    return FORM | {"token": token} | more


def post(pages: Client, name: str, data: Mapping[str, object], *args: object) -> str:
    return pages.post(reverse(f"connections:{name}", args=args), data).content.decode()


def test_a_test_shows_whose_token_it_is_and_never_the_token(pages: Client, sandbox: Sandbox, token_of: Token) -> None:
    page = post(pages, "test-new", form(token_of("full")))
    assert "Connection successful" in page
    assert "Maya Sample" in page
    assert "137 projects visible" in page
    assert token_of("full") not in page
    assert "Paste the token again" in page


def test_a_test_stores_nothing_but_its_result(pages: Client, sandbox: Sandbox, token_of: Token) -> None:
    post(pages, "test-new", form(token_of("full")))
    assert (Connection.objects.count(), StoredCredential.objects.count(), ProbeResult.objects.count()) == (0, 0, 1)


def test_connect_stores_and_leads_to_the_connection(pages: Client, sandbox: Sandbox, token_of: Token) -> None:
    answer = pages.post(reverse("connections:add-azure-devops"), form(token_of("full")), follow=True)
    connection = Connection.objects.get()
    assert answer.redirect_chain == [(connection.get_absolute_url(), 302)]
    page = answer.content.decode()
    assert "Acme main is now connected to acme" in page
    assert page.count("Granted</span>") == 8
    assert Event.objects.get().kind == "connection.connected"


@pytest.mark.parametrize(
    ("token", "organization", "title"),
    [
        ("full", "nowhere", "Organization not found"),
        ("expired", "acme", "Token has expired"),
        ("revoked", "acme", "Token not accepted"),
        ("not-a-member", "acme", "owner is not a member"),
        ("full", "stopped", "Organization is disabled"),
        ("full", "fenced", "Blocked by conditional access"),
        ("global", "strict", "Tokens for all organizations are not allowed"),
        ("full", "throttled", "Azure DevOps asks us to wait"),
        ("full", "down", "Azure DevOps reported an internal error"),
        ("full", "signin", "Azure DevOps asks for a sign-in"),
    ],
)
def test_each_trouble_has_its_own_title_and_connects_nothing(
    pages: Client, sandbox: Sandbox, token_of: Token, token: str, organization: str, title: str
) -> None:
    data = form(token_of(token), organization=organization, accept_limited="on")
    tested, connected = post(pages, "test-new", data), post(pages, "add-azure-devops", data)
    for page in (tested, connected):
        assert title.replace("'", "&#x27;") in page
        # Azure DevOps' own code; a random form key may well contain its first letters.
        assert not re.search(r"TF4\d{5}", page)
    assert not Connection.objects.exists()


def test_a_limited_token_says_what_will_not_work_and_wants_the_box_ticked(
    pages: Client, sandbox: Sandbox, token_of: Token
) -> None:
    page = post(pages, "add-azure-devops", form(token_of("no-build")))
    assert "Tick the box to use it as Limited" in page
    assert "You cannot run or cancel pipelines here." in page
    pages.post(reverse("connections:add-azure-devops"), form(token_of("no-build"), accept_limited="on"))
    assert Connection.objects.get().health == "limited"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "Enter a name."),
        ("name", "x" * 65, "A name has at most 64 characters."),
        ("organization", "", "Enter the name of your organization"),
        ("organization", "acme/../other", "leads out of the organization"),
        ("organization", "https://evil.example.com/acme", "belongs to a server that is not configured here"),
        ("organization", "аcme", "not a valid organization name"),
        ("token", "", "Paste the personal access token."),
        ("token", "abc def", "The token contains white space."),
        ("token", "é" * 60, "an invalid character"),
        ("token", ENTRA_TOKEN, "a Microsoft Entra access token"),
        ("expires", "", "Choose when it expires"),
        ("expires", "date", "Enter the date on which it expires."),
    ],
)
def test_bad_input_gets_a_message_and_only_the_token_is_lost(
    pages: Client, sandbox: Sandbox, token_of: Token, field: str, value: str, words: str
) -> None:
    page = post(pages, "add-azure-devops", form(token_of("full"), **{field: value}))
    assert words in page
    if field != "name":
        assert 'value="Acme main"' in page
    assert not Connection.objects.exists()
    assert sandbox.requests == []


@pytest.mark.parametrize("field", ["name", "organization", "token"])
def test_ten_megabytes_get_a_message_beside_the_field(
    pages: Client, sandbox: Sandbox, token_of: Token, field: str
) -> None:
    answer = pages.post(reverse("connections:add-azure-devops"), form(token_of("full"), **{field: "x" * 10_000_000}))
    assert answer.status_code == 200
    assert len(answer.content) < 100_000
    assert 'class="errorlist"' in answer.content.decode()


def test_markup_is_shown_as_text(pages: Client, sandbox: Sandbox, token_of: Token) -> None:
    pages.post(reverse("connections:add-azure-devops"), form(token_of("full"), name="<script>alert(1)</script>"))
    page = pages.get(reverse("connections:list")).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_chosen_projects_are_kept_and_forged_ones_refused(pages: Client, sandbox: Sandbox, token_of: Token) -> None:
    project = sandbox.state.organizations["acme"].projects[3]
    hidden = sandbox.state.organizations["acme"].projects[-1]
    data = form(token_of("full"), projects_mode="some")
    assert "cannot see one of the chosen projects" in post(pages, "add-azure-devops", data | {"projects": [hidden.id]})
    pages.post(reverse("connections:add-azure-devops"), data | {"projects": [project.id]})
    assert [one.name for one in Connection.objects.get().chosen_projects.all()] == [project.name]


def test_a_missing_project_is_explained(pages: Client, sandbox: Sandbox, token_of: Token) -> None:
    page = post(pages, "find-project-new", form(token_of("full"), project_name="Old Shop"))
    assert "The project is being deleted" in page


def test_of_two_people_who_connect_under_one_name_at_once_the_second_gets_a_message(
    pages: Client, sandbox: Sandbox, token_of: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*args: Any, **kwargs: Any) -> verify_credential.VerificationResult:
        # Between the look at the name and the write, somebody else takes it.
        ConnectionFactory(name="ACME MAIN")
        return usable_or_new_result(*args, **kwargs)

    monkeypatch.setattr("connections.actions.connect.usable_or_new_result", meanwhile)
    page = post(pages, "add-azure-devops", form(token_of("full")))
    assert "Another connection already has this name. Choose another name." in page
    assert [one.name for one in Connection.objects.all()] == ["ACME MAIN"]
    assert not StoredCredential.objects.exists()
    assert not Event.objects.exists()


def test_each_step_that_was_taken_shows_how_long_it_took(pages: Client, sandbox: Sandbox, token_of: Token) -> None:
    page = post(pages, "test-new", form(token_of("full")))
    timed = [part.partition('"')[0] for part in page.split('data-step="') if " s</span></span>" in part]
    assert timed == ["token", "projects", "scopes"]


def test_where_the_sandbox_runs_the_form_says_how_to_try_it(pages: Client, sandbox: Sandbox) -> None:
    assert "Just trying it out?" in pages.get(reverse("connections:add-azure-devops")).content.decode()


def test_without_a_sandbox_nobody_is_sent_there(pages: Client, settings: Settings) -> None:
    settings.AZURE_DEVOPS_SERVERS = "Azure DevOps Services=https://dev.azure.com"
    page = pages.get(reverse("connections:add-azure-devops")).content.decode()
    assert "Just trying it out?" not in page
    assert 'data-tokens-link href="https://dev.azure.com"' in page


def test_scopes_of_a_refused_token_are_shown_as_what_it_could_do(
    pages: Client, connected: Callable[..., Connection]
) -> None:
    connection = connected()
    words = "This is what it could do when it last worked."
    assert words not in pages.get(connection.get_absolute_url()).text
    Connection.objects.update(health="rejected", problem="token_expired")
    assert words in pages.get(connection.get_absolute_url()).text


HTMX = {"HX-Request": "true", "HX-Target": "test-result"}


def sent_by_htmx(pages: Client, name: str, data: Mapping[str, object], *args: object) -> Any:
    return pages.post(reverse(f"connections:{name}", args=args), data, headers=HTMX)


@pytest.mark.parametrize("wrong", [{"name": ""}, {"expires": ""}, {"expires": "date"}, {"organization": "a/../b"}])
def test_of_a_mistake_only_the_messages_are_swapped(
    pages: Client, sandbox: Sandbox, token_of: Token, wrong: dict[str, str]
) -> None:
    answer = sent_by_htmx(pages, "add-azure-devops", form(token_of("full"), **wrong))
    assert answer.headers["HX-Reswap"] == "none"
    assert token_of("full") not in answer.text
    assert not Connection.objects.exists()


def test_after_the_form_was_accepted_htmx_gets_the_address_of_the_connection(
    pages: Client, sandbox: Sandbox, token_of: Token
) -> None:
    answer = sent_by_htmx(pages, "add-azure-devops", form(token_of("full")))
    assert answer.headers["HX-Redirect"] == Connection.objects.get().get_absolute_url()


def test_a_test_that_connecting_began_is_shown(pages: Client, sandbox: Sandbox, token_of: Token) -> None:
    answer = sent_by_htmx(pages, "add-azure-devops", form(token_of("no-build")))
    assert "HX-Reswap" not in answer.headers
    assert "permissions are missing" in answer.text


def test_the_result_repeats_the_expiry_date(pages: Client, sandbox: Sandbox, token_of: Token) -> None:
    day = timezone.localdate() + timedelta(days=90)
    assert f"Expires on {day:%-d %b %Y}, in 90 days." in post(pages, "test-new", form(token_of("full")))
    assert "Expiry date unknown." in post(pages, "test-new", form(token_of("full"), expires="unknown"))
    without = {name: value for name, value in form(token_of("full")).items() if name != "expires"}
    assert "Choose when it expires." in post(pages, "test-new", without)


def test_the_note_to_paste_again_appears_only_where_a_token_was_lost(pages: Client, token_of: Token) -> None:
    assert "Paste the token again" in post(pages, "add-azure-devops", form(token_of("full"), name=""))
    assert "Paste the token again" not in post(pages, "add-azure-devops", form("", name=""))


def test_an_update_that_another_one_overtook_keeps_the_token_in_its_field(
    pages: Client, connected: Callable[..., Connection], token_of: Token
) -> None:
    connection = connected()
    outdated = {"version": drawn_now(connection)}
    pages.post(
        reverse("connections:update-token", args=[connection.pk]),
        {"token": token_of("full-colleague"), "expires": "30", "token_reach": "one"},
    )
    data = {"token": token_of("full-again"), "expires": "30", "token_reach": "one"} | outdated
    answer = sent_by_htmx(pages, "update-token", data, connection.pk)
    assert answer.headers["HX-Retarget"] == answer.headers["HX-Reselect"] == "#main"
    assert "data-conflict" in answer.text
    assert 'hx-preserve="true"' in answer.text
    assert token_of("full-again") not in answer.text
