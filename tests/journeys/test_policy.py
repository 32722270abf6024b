"""The strict policy holds in a real browser: our pages and Django's admin, with not one complaint and no other host."""

from collections.abc import Callable
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect

from connections.models import Connection
from history.models import Event
from people.models import Session

OURS = ["connections:list", "connections:add-azure-devops", "connections:guide", "history:all", "people:list"]
OURS += ["people:account", "people:add", "connections:outbox", "connections:audits", "delivery:repositories"]
OURS += ["delivery:builds", "delivery:releases", "api:tokens", "api:all-tokens", "api:reference"]
ADMIN = ["index", "connections_connection_changelist", "history_event_changelist", "delivery_repository_changelist"]
ADMIN += ["auth_user_changelist", "auth_user_add", "auth_group_changelist", "auth_group_add"]


@pytest.fixture
def root(maintainer: User) -> User:
    """The maintainer as a superuser, who sees everything."""
    User.objects.filter(pk=maintainer.pk).update(is_superuser=True, is_staff=True)
    return maintainer


@pytest.fixture
def hosts(context: BrowserContext) -> set[str]:
    """Every host that the browser asks for anything."""
    found: set[str] = set()
    context.on("request", lambda request: found.add(urlsplit(request.url).netloc))
    return found


def test_no_page_of_ours_breaks_the_policy_or_asks_another_host(
    page: Page, root: User, hosts: set[str], connected: Callable[..., Connection], site: str
) -> None:
    connection = connected()
    for name in OURS:
        page.goto(reverse(name))
    page.goto(connection.get_absolute_url())
    page.get_by_role("button", name="Test Connection").click()
    expect(page.get_by_role("heading", name="Connection successful")).to_be_visible()
    assert hosts == {urlsplit(site).netloc}


def test_no_page_of_djangos_admin_breaks_the_policy_or_asks_another_host(
    page: Page, root: User, hosts: set[str], connected: Callable[..., Connection], site: str
) -> None:
    connection, event = connected(), Event.objects.first()
    assert event is not None
    addresses = [reverse(f"admin:{name}") for name in ADMIN]
    addresses += [reverse("admin:connections_connection_change", args=[connection.pk])]
    addresses += [reverse("admin:history_event_change", args=[event.pk])]
    for verb in ("change", "history", "delete"):
        addresses.append(reverse(f"admin:auth_user_{verb}", args=[root.pk]))
    addresses.append(reverse("admin:auth_user_password_change", args=[root.pk]))
    for address in addresses:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        assert "unsafe" not in (answer.header_value("content-security-policy") or "unsafe")
    assert hosts == {urlsplit(site).netloc}


def test_the_admins_own_widgets_work_under_the_policy(page: Page, root: User) -> None:
    page.goto(reverse("admin:auth_group_add"))
    page.get_by_label("Filter").first.fill("test a connection")
    page.locator("#id_permissions_from option", has_text="Can test a connection").dblclick()
    expect(page.locator("#id_permissions_to option")).to_have_count(1)


def test_an_error_of_a_part_is_shown_in_the_page_with_its_request_id(
    context: BrowserContext, connected: Callable[..., Connection]
) -> None:
    connection = connected()
    page = context.new_page()
    page.goto(connection.get_absolute_url())
    with patch("connections.views.connection_detail.audit", side_effect=RuntimeError("broken")):
        page.get_by_role("button", name="Test Connection").click()
        expect(page.get_by_role("heading", name="Something went wrong")).to_be_visible()
    expect(page.get_by_text("Request ID:")).to_be_visible()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()


def test_what_was_typed_survives_an_error_of_the_test(
    context: BrowserContext, site: str, token_of: Callable[[str], str]
) -> None:
    page = context.new_page()
    page.goto(reverse("connections:add-azure-devops"))
    page.get_by_label("Organization Name").fill("acme")
    page.get_by_label("Personal Access Token").fill(token_of("full"))
    page.locator("#connect-form").get_by_label("90 days").check()
    with patch("connections.views.add_connection.verify_new", side_effect=RuntimeError("broken")):
        page.get_by_role("button", name="Test Connection").click()
        expect(page.get_by_role("heading", name="Something went wrong")).to_be_focused()
    expect(page.get_by_label("Personal Access Token")).to_have_value(token_of("full"))
    page.get_by_role("button", name="Test Connection").click()
    expect(page.get_by_role("heading", name="Connection successful")).to_be_visible()


def test_a_test_after_the_session_ended_leads_to_the_sign_in_and_back(
    page: Page, connected: Callable[..., Connection]
) -> None:
    connection = connected()
    page.goto(connection.get_absolute_url())
    Session.objects.all().delete()
    page.get_by_role("button", name="Test Connection").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_text("Your session ended before you sent the form")).to_be_visible()
    assert page.url.endswith(f"/sign-in/?next=%2Fcode-repositories%2F{connection.pk}%2F&ended=lost")
