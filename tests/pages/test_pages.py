"""Every page as a browser without JavaScript meets it."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from connections import clients
from connections.domain.verification import Report
from connections.models import Connection, StoredCredential
from history.models import Event
from sandbox.server import Sandbox

Token = Callable[[str], str]
FORM = {"name": "Acme main", "organization": "acme", "expires": "90", "token_reach": "one", "projects_mode": "all"}


def form(token: str, /, **more: object) -> dict[str, object]:
    return FORM | {"token": token} | more


def post(pages: Client, name: str, data: Mapping[str, object], *args: object) -> str:
    return pages.post(reverse(f"connections:{name}", args=args), data).content.decode()


def test_the_empty_list_explains_and_offers_to_add(pages: Client, sandbox: Sandbox) -> None:
    page = pages.get("/", follow=True).content.decode()
    assert "No repositories yet" in page
    assert reverse("connections:add") in page


def test_the_provider_picker_leads_to_azure_devops(pages: Client, sandbox: Sandbox) -> None:
    assert "Personal access token, about two minutes" in pages.get(reverse("connections:add")).content.decode()
    answer = pages.get(reverse("connections:add"), {"provider": "azure-devops"})
    assert answer.headers["Location"] == reverse("connections:add-azure-devops")


def test_the_stored_token_is_tested_without_retyping(
    pages: Client, connected: Callable[..., Connection], token_of: Token
) -> None:
    connection = connected()
    page = post(pages, "test", {}, connection.pk)
    assert "Connection successful" in page
    assert token_of("full") not in page
    assert Event.objects.filter(kind="connection.tested").count() == 1


def test_update_token_compares_swaps_and_says_to_revoke(
    pages: Client, sandbox: Sandbox, connected: Callable[..., Connection], token_of: Token
) -> None:
    connection = connected()
    data = {"token": token_of("full-colleague"), "expires": "30", "token_reach": "one"}
    tested = post(pages, "test-replacement", data, connection.pk)
    assert "Maya Sample → Noor Sample" in tested
    answer = pages.post(reverse("connections:update-token", args=[connection.pk]), data, follow=True)
    assert "Now revoke the old token" in answer.content.decode()
    assert StoredCredential.objects.get().reveal().reveal() == token_of("full-colleague")


def test_a_refused_new_token_leaves_the_old_one(
    pages: Client, connected: Callable[..., Connection], token_of: Token
) -> None:
    connection = connected()
    data = {"token": token_of("expired"), "expires": "30", "token_reach": "one"}
    assert "Token has expired" in post(pages, "update-token", data, connection.pk)
    assert StoredCredential.objects.get().reveal().reveal() == token_of("full")


def test_the_token_in_use_is_not_taken_for_a_new_one(
    pages: Client, connected: Callable[..., Connection], token_of: Token
) -> None:
    connection = connected()
    data = {"token": token_of("full"), "expires": "30", "token_reach": "one"}
    assert "This token is already in use" in post(pages, "update-token", data, connection.pk)
    assert not Event.objects.filter(kind="connection.rotated").exists()


def test_extending_the_same_token_records_the_new_date(pages: Client, connected: Callable[..., Connection]) -> None:
    connection = connected()
    pages.post(reverse("connections:extend-token", args=[connection.pk]), {"same-expires": "60"})
    connection.refresh_from_db()
    assert connection.expires_on is not None
    assert Event.objects.filter(kind="connection.extended").exists()


def test_editing_renames_and_lists_the_projects(pages: Client, connected: Callable[..., Connection]) -> None:
    connection = connected()
    address = reverse("connections:edit", args=[connection.pk])
    assert "Payments API" in pages.get(address).content.decode()
    pages.post(address, {"name": "Acme two", "expires": "unknown", "token_reach": "all", "projects_mode": "all"})
    assert Connection.objects.get().name == "Acme two"


def test_what_is_not_recorded_of_a_token_is_shown_listed_and_answered(
    pages: Client, connected: Callable[..., Connection]
) -> None:
    connection = connected()
    listed = reverse("connections:list") + "?status=reach_unknown"
    assert listed not in pages.get(reverse("connections:list")).content.decode()
    Connection.objects.update(token_reach="unknown")
    answer = reverse("connections:edit", args=[connection.pk])
    assert f'href="{answer}#id_token_reach"' in pages.get(connection.get_absolute_url()).content.decode()
    assert f'href="{listed}">1 token</a>' in pages.get(reverse("connections:list")).content.decode()
    assert "Acme main" in pages.get(listed).content.decode()
    assert 'id="id_token_reach"' in pages.get(answer).content.decode()
    pages.post(answer, {"name": "Acme main", "expires": "unknown", "token_reach": "one", "projects_mode": "all"})
    assert "No matching connections" in pages.get(listed).content.decode()
    assert "#id_token_reach" not in pages.get(connection.get_absolute_url()).content.decode()


def test_disconnect_wants_the_name_and_keeps_the_history(pages: Client, connected: Callable[..., Connection]) -> None:
    connection = connected()
    assert "not the connection" in post(pages, "disconnect", {"confirm_name": "other"}, connection.pk)
    assert "revoke the old token" in post(pages, "disconnect", {"confirm_name": "Acme main"}, connection.pk)
    assert not Connection.objects.exists()
    assert not StoredCredential.objects.exists()
    assert Event.objects.filter(kind="connection.disconnected").exists()


def test_disabling_and_enabling(pages: Client, connected: Callable[..., Connection]) -> None:
    connection = connected()
    pages.post(reverse("connections:disable", args=[connection.pk]))
    assert "Disabled" in pages.get(connection.get_absolute_url()).content.decode()
    pages.post(reverse("connections:enable", args=[connection.pk]))
    assert not Connection.objects.get().disabled


def test_the_history_page_names_every_act(pages: Client, connected: Callable[..., Connection]) -> None:
    connection = connected()
    post(pages, "test", {}, connection.pk)
    page = pages.get(reverse("connections:history", args=[connection.pk])).content.decode()
    assert "Connected" in page
    assert "Tested" in page


def test_the_guide_names_scopes_practices_and_troubles(pages: Client, sandbox: Sandbox) -> None:
    page = pages.get(reverse("connections:guide")).content.decode()
    for words in (
        "Read, write, &amp; manage",
        "Build → Read &amp; execute",
        "Show all scopes",
        "My organization does not let me create this token",
        "Never reuse a token",
        "Token has expired",
        "learn.microsoft.com",
    ):
        assert words in page


def test_an_unreadable_token_spoils_one_page_and_not_the_list(
    pages: Client, connected: Callable[..., Connection], settings: object
) -> None:
    connection = connected()
    settings.FIELD_ENCRYPTION_KEYS = ["bmV3LWtleS1uZXcta2V5LW5ldy1rZXktbmV3LWtleS0wMDE="]  # type: ignore[attr-defined]
    assert pages.get(reverse("connections:list")).status_code == 200
    assert "Stored token cannot be read" in post(pages, "test", {}, connection.pk)


@pytest.mark.parametrize(
    ("name", "permission"),
    [
        ("list", "view_connection"),
        ("add", "add_connection"),
        ("add-azure-devops", "add_connection"),
        ("detail", "view_connection"),
        ("update-token", "rotate_connection"),
        ("edit", "change_connection"),
        ("disconnect", "delete_connection"),
        ("history", "view_connection"),
    ],
)
def test_each_page_wants_its_own_permission(
    client: Client,
    person: Callable[..., User],
    connected: Callable[..., Connection],
    name: str,
    permission: str,
) -> None:
    connection = connected()
    arguments = [] if name.startswith(("list", "add")) else [connection.pk]
    address = reverse(f"connections:{name}", args=arguments)
    client.force_login(person("nobody"))
    assert client.get(address).status_code == 403
    client.force_login(person("somebody", f"connections.{permission}", "history.view_event"))
    assert client.get(address).status_code == 200


def test_a_stranger_is_sent_to_the_sign_in(client: Client, db: None) -> None:
    answer = client.get(reverse("connections:list"))
    assert answer.headers["Location"].startswith(reverse("login"))


def test_every_page_has_a_strict_policy(pages: Client, sandbox: Sandbox) -> None:
    answer = pages.get(reverse("connections:add-azure-devops"))
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "style=" not in answer.content.decode()


def test_what_a_person_may_not_do_is_said_once_with_whom_to_ask(
    pages: Client, sandbox: Sandbox, token_of: Token
) -> None:
    page = post(pages, "test-new", form(token_of("no-rights"), organization="guarded"))
    assert page.count("Missing permissions") == 1
    assert "but Gale Sample lacks the permissions in Main. A project administrator" in page


@pytest.mark.parametrize(("days", "named"), [(1, False), (0, True)])
def test_the_guide_names_the_end_of_global_tokens_from_its_day_on(
    pages: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch, days: int, named: bool
) -> None:
    monkeypatch.setattr("connections.domain.expiry.GLOBAL_TOKENS_END", timezone.localdate() + timedelta(days=days))
    page = pages.get(reverse("connections:guide")).content.decode()
    assert ("Tokens for all organizations no longer work" in page) is named
    settings.AZURE_DEVOPS_SERVERS = "Own=https://devops.example.com/tfs"
    page = pages.get(reverse("connections:guide")).content.decode()
    assert "Tokens for all organizations no longer work" not in page


def test_the_guide_names_each_servers_page_of_tokens(pages: Client, settings: Settings) -> None:
    settings.AZURE_DEVOPS_SERVERS = "Cloud=https://dev.azure.com, Own=https://devops.example.com/tfs"
    page = pages.get(reverse("connections:guide")).content.decode()
    assert "Cloud: <code>https://dev.azure.com/your-organization/_usersSettings/tokens</code>" in page
    assert "Own: <code>https://devops.example.com/tfs/your-collection/_usersSettings/tokens</code>" in page


@pytest.mark.parametrize(("address", "form"), [("test", {}), ("extend-token", {"same-expires": "30"})])
def test_what_is_disconnected_while_it_is_asked_is_not_found(
    pages: Client, connected: Callable[..., Connection], address: str, form: dict[str, str]
) -> None:
    connection = connected()
    check = clients.check_concurrently

    def disconnected_meanwhile(*where: Any) -> Report:
        found = check(*where)
        Connection.objects.all().delete()
        return found

    with patch.object(clients, "check_concurrently", disconnected_meanwhile):
        answer = pages.post(reverse(f"connections:{address}", args=[connection.pk]), form)
    assert answer.status_code == 404


def test_pages_say_in_which_time_zone_their_times_are(pages: Client, settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    for address in ("/code-repositories/audits/", "/account/", "/nowhere/"):
        assert "Time zone: Europe/Berlin</footer>" in pages.get(address).text
    pages.logout()
    assert "Time zone" not in pages.get("/sign-in/").text
