"""The main journeys under every role: what a role is shown it may do, and what it may do works to the end."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from itertools import pairwise
from typing import Any
from unittest.mock import patch
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import resolve, reverse

from connections.models import AuditRun, Connection
from history.models import Event
from people import roles
from people.actions import manage_people
from sandbox.server import Sandbox
from tests.everything import Lived, live
from tests.factories import make_person, quietly
from tests.test_who_may_do_what import WHO, table

ROLES = [role.name for role in roles.ROLES]
PASSWORD = "a-long-enough-password-4-roles"
LINK = re.compile(r'<a\b[^>]*\bhref="([^"]*)"')
FORM = re.compile(r"(<form\b[^>]*>)(.*?)</form>", re.DOTALL)
BUTTON = re.compile(r'<button\b[^>]*\bformaction="([^"]*)"')
CONNECT = {"name": "Acme main", "organization": "acme", "expires": "90", "token_reach": "one"}


@pytest.fixture
def lived(connected: Callable[..., Connection], sandbox: Sandbox) -> Lived:
    return live(connected("Fabrikam", organization="fabrikam"), sandbox, make_person("other"))


@pytest.fixture
def sign_in(client: Client) -> Callable[[str], Client]:
    """By the front door, as somebody whose only right is the role."""

    def as_(role: str) -> Client:
        with quietly():
            user = User.objects.create_user(f"the-{role}", password=PASSWORD)
            manage_people.assign_role(user, role)
        answer = client.post(reverse("login"), {"username": user.username, "password": PASSWORD})
        assert answer.status_code == 302
        return client

    return as_


def attribute(tag: str, name: str, default: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return unescape(found[1]) if found else default


def shown(page: str, here: str) -> tuple[set[str], set[str]]:
    """The paths of this site that a page links to, and those that its buttons post to."""
    links = {urljoin(here, unescape(found)) for found in LINK.findall(page)}
    posts = {
        urlsplit(urljoin(here, unescape(action))).path
        for tag, inside in FORM.findall(page)
        if attribute(tag, "method", "get").lower() == "post"
        for action in {attribute(tag, "action", "") or here, *BUTTON.findall(inside)}
        # Each button of the ticked rows has an address of its own.
        if action != here or "data-selection" not in tag
    }
    return {urlsplit(link)._replace(fragment="").geturl() for link in links if not urlsplit(link).netloc}, posts


def walk(browser: Client) -> tuple[dict[str, int], set[str]]:
    """Follow every link from the front page: the status of each address by its name, and what buttons post to."""
    statuses: dict[str, int] = {}
    waiting, posts = [reverse("connections:list")], set()
    while waiting:
        address = waiting.pop()
        name = resolve(urlsplit(address).path).view_name
        # One of a kind is enough, and Django's admin has a test of its own.
        if name in statuses or name.startswith("admin"):
            continue
        answer = browser.get(address)
        statuses[name] = answer.status_code
        if answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html"):
            links, buttons = shown(answer.getvalue().decode(), urlsplit(address).path)
            waiting += sorted(links - {""})
            posts |= buttons
    return statuses, posts


@pytest.mark.parametrize("role", ROLES)
def test_no_link_and_no_button_that_a_role_is_shown_refuses_it(
    sign_in: Callable[[str], Client], lived: Lived, role: str
) -> None:
    statuses, posts = walk(sign_in(role))
    assert {name: status for name, status in statuses.items() if status not in (200, 302)} == {}
    assert {"connections:detail", "delivery:repository", "delivery:pipeline", "people:account"} <= statuses.keys()
    names = {resolve(path).view_name for path in posts}
    cells = table()
    refused = {name for name in names if cells[name, "POST"][WHO.index(role)] in ("403", "405")}
    assert refused == set()


def test_each_role_is_shown_more_than_the_one_before(lived: Lived) -> None:
    found = []
    for role in ROLES:
        browser = Client()
        with quietly():
            user = User.objects.create_user(f"the-{role}")
            manage_people.assign_role(user, role)
        browser.force_login(user)
        statuses, posts = walk(browser)
        found.append({*statuses, *(resolve(path).view_name for path in posts)})
    assert all(fewer < more for fewer, more in pairwise(found))


def test_a_viewer_looks_and_is_refused_what_others_may(sign_in: Callable[[str], Client], lived: Lived) -> None:
    browser = sign_in("Viewer")
    assert "Fabrikam" in browser.get(reverse("connections:list")).content.decode()
    before = Event.objects.count()
    for name in ("connections:test", "connections:start-audits", "connections:disable", "delivery:run-pipeline"):
        assert browser.post(lived.address(name), {"confirmed": "1", "branch": "main"}).status_code == 403
    assert Event.objects.count() == before


def test_an_operator_tests_audits_and_runs(sign_in: Callable[[str], Client], lived: Lived) -> None:
    browser = sign_in("Operator")
    assert browser.post(lived.address("connections:test")).status_code == 200
    AuditRun.objects.update(finished_at=datetime.now(UTC))
    with patch("celery.app.task.Task.apply_async"):
        browser.post(lived.address("connections:start-audits"))
    assert AuditRun.objects.filter(started_by="the-Operator").exists()
    browser.post(lived.address("delivery:run-pipeline"), {"branch": "main", "confirmed": "1"})
    kinds = set(Event.objects.filter(actor_name="the-Operator").values_list("kind", flat=True))
    assert {"connection.tested", "run_pipeline.done"} <= kinds, kinds


def test_a_maintainer_connects_rotates_and_disconnects(
    db: None, sign_in: Callable[[str], Client], sandbox: Sandbox, token_of: Any
) -> None:
    browser = sign_in("Maintainer")
    browser.post(reverse("connections:add-azure-devops"), CONNECT | {"token": token_of("full")})
    made = Connection.objects.get()
    assert made.owner.username == "the-Maintainer"
    new = {"token": token_of("full-again"), "expires": "30", "token_reach": "one"}
    browser.post(reverse("connections:update-token", args=[made.pk]), new)
    assert made.stored_credential.reveal().reveal() == token_of("full-again")
    browser.post(reverse("connections:disconnect", args=[made.pk]), {"confirm_name": "Acme main"})
    assert not Connection.objects.exists()


def test_an_administrator_adds_somebody_and_hands_over(sign_in: Callable[[str], Client], lived: Lived) -> None:
    browser = sign_in("Administrator")
    browser.post(reverse("people:add"), {"username": "newcomer", "email": "n@example.com", "role": "Maintainer"})
    newcomer = User.objects.get(username="newcomer")
    assert roles.role_of(newcomer) == "Maintainer"
    owner = lived.connection.owner
    browser.post(reverse("people:hand-over", args=[owner.pk]), {"to": newcomer.pk, "connections": lived.connection.pk})
    lived.connection.refresh_from_db()
    assert lived.connection.owner == newcomer
    assert "newcomer" in browser.get(reverse("history:all")).content.decode()
