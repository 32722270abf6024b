"""The test button in the hands of somebody who means harm: it is limited, reaches nothing else and follows nobody."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from connections.models import Connection
from history.models import Event
from sandbox.server import Sandbox
from tests.connections.providers.azure_devops.loopback import Loopback, always, answer
from throttling.models import Counter

Answer = Any
Token = Callable[[str], str]
HTMX = {"HX-Request": "true", "HX-Target": "test-result"}


def form(token: str, **more: object) -> dict[str, object]:
    usual = {"name": "Acme", "organization": "acme", "expires": "90", "token_reach": "one", "projects_mode": "all"}
    return usual | {"token": token} | more


@pytest.fixture
def two_tests(settings: Settings) -> None:
    settings.TESTS_PER_PERSON = 2


@pytest.fixture
def doors(connected: Callable[..., Connection], token_of: Token) -> dict[str, Callable[[Client], Answer]]:
    """Every button that asks Azure DevOps about a token, by its name."""
    pk, other = connected().pk, token_of("no-release")

    def to(name: str, data: dict[str, object], *args: int) -> Callable[[Client], Answer]:
        return lambda browser: browser.post(reverse(f"connections:{name}", args=args), data)

    return {
        "test": to("test-new", form(token_of("full"))),
        "connect": to("add-azure-devops", form(token_of("full"), name="Another", accept_limited="on")),
        "find": to("find-project-new", form(token_of("full"), project_name="Atlas")),
        "test stored": to("test", {}, pk),
        "test replacement": to("test-replacement", form(other), pk),
        "replace": to("update-token", form(other, accept_limited="on"), pk),
        "extend": to("extend-token", {"same-expires": "date", "same-expires_on": "2026-12-24"}, pk),
        "find in stored": to("find-project", {"project_name": "Atlas"}, pk),
        "calibrate": to("calibrate", {"token_state": "valid", "code": "none", "build": "none", "release": "none"}, pk),
    }


NAMES = ["test", "connect", "find", "test stored", "test replacement", "replace", "extend", "find in stored"]
NAMES += ["calibrate"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("two_tests")
def test_every_button_that_tests_is_limited(
    pages: Client, sandbox: Sandbox, doors: dict[str, Callable[[Client], Answer]], name: str
) -> None:
    for _ in range(2):
        assert doors["test"](pages).status_code == 200
    asked, kept = len(sandbox.requests), Connection.objects.get().token_set_at
    answered = doors[name](pages)
    page = answered.content.decode()
    assert answered.status_code == 429
    assert 'data-problem="too_many_tests"' in page
    assert "<h1>Too many tests</h1>" in page
    assert int(answered.headers["Retry-After"]) in range(140, 151)
    assert "Try again in 3 minutes." in page
    assert Connection.objects.get().token_set_at == kept
    assert len(sandbox.requests) == asked


@pytest.mark.parametrize("name", NAMES)
def test_every_button_that_tests_is_counted(
    pages: Client, doors: dict[str, Callable[[Client], Answer]], name: str
) -> None:
    doors[name](pages)
    assert Counter.objects.count() == 2


@pytest.mark.usefixtures("two_tests")
def test_a_part_of_the_page_says_when_and_keeps_what_was_typed(
    pages: Client, sandbox: Sandbox, token_of: Token
) -> None:
    for _ in range(3):
        answered = pages.post(reverse("connections:test-new"), form(token_of("full")), headers=HTMX)
    part = answered.content.decode()
    assert answered.status_code == 429
    assert part.startswith('<div id="test-result"')
    assert "Try again in 3 minutes." in part
    assert token_of("full") not in part


@pytest.mark.usefixtures("two_tests")
def test_one_person_does_not_use_up_the_tests_of_another(
    pages: Client, person: Callable[..., User], sandbox: Sandbox, token_of: Token
) -> None:
    for _ in range(3):
        mine = pages.post(reverse("connections:test-new"), form(token_of("full")))
    other = Client()
    other.force_login(person("noor", "*"))
    theirs = other.post(reverse("connections:test-new"), form(token_of("full")))
    assert (mine.status_code, theirs.status_code) == (429, 200)


def test_people_at_one_address_share_its_tests(
    pages: Client, person: Callable[..., User], sandbox: Sandbox, token_of: Token, settings: Settings
) -> None:
    settings.TESTS_PER_ADDRESS = 2
    other = Client()
    other.force_login(person("noor", "*"))
    for _ in range(2):
        pages.post(reverse("connections:test-new"), form(token_of("full")))
    here = other.post(reverse("connections:test-new"), form(token_of("full")))
    elsewhere = other.post(reverse("connections:test-new"), form(token_of("full")), REMOTE_ADDR="192.0.2.9")
    assert (here.status_code, elsewhere.status_code) == (429, 200)


def test_people_in_one_ipv6_network_share_its_tests(
    pages: Client, sandbox: Sandbox, token_of: Token, settings: Settings
) -> None:
    settings.TESTS_PER_ADDRESS = 2

    def status(address: str) -> int:
        answer = pages.post(reverse("connections:test-new"), form(token_of("full")), REMOTE_ADDR=address)
        return int(answer.status_code)

    assert [status(f"2001:db8:0:1::{number}") for number in range(3)] == [200, 200, 429]
    assert status("2001:db8:0:2::1") == 200


@pytest.mark.usefixtures("two_tests")
def test_tests_come_back_with_time(pages: Client, sandbox: Sandbox, token_of: Token) -> None:
    for _ in range(3):
        pages.post(reverse("connections:test-new"), form(token_of("full")))
    for counter in Counter.objects.all():
        Counter.objects.filter(pk=counter.pk).update(due_at=counter.due_at - timedelta(seconds=150))
    assert pages.post(reverse("connections:test-new"), form(token_of("full"))).status_code == 200


@pytest.mark.usefixtures("two_tests")
def test_whoever_goes_on_is_told_of_once_a_minute(pages: Client, sandbox: Sandbox, token_of: Token) -> None:
    for _ in range(6):
        pages.post(reverse("connections:test-new"), form(token_of("full")))
    event = Event.objects.get()
    assert (event.kind, event.actor_name, event.subject_kind) == ("connection.tests_refused", "maya", "person")
    assert event.at <= timezone.now()


@pytest.mark.usefixtures("two_tests")
def test_a_result_in_hand_is_no_further_test(pages: Client, sandbox: Sandbox, token_of: Token) -> None:
    for _ in range(2):
        page = pages.post(reverse("connections:test-new"), form(token_of("full"))).content.decode()
    verification_key = page.split('name="verification_key" value="')[1].split('"')[0]
    pages.post(reverse("connections:add-azure-devops"), form(token_of("full"), verification_key=verification_key))
    assert Connection.objects.exists()


CLIMBING = ["acme/../x", "..", "%2e%2e", "acme%2f..%2fx", "x@evil.example.com", "acme\r\nHost: evil", "ac\0me", "аcme"]
CLIMBING += ["acme\\x", "//evil.example.com", "https://evil.example.com/acme", "http://127.0.0.1:6379/acme", "acme?x"]


@pytest.mark.parametrize("name", CLIMBING)
@pytest.mark.parametrize("page", ["test-new", "add-azure-devops", "find-project-new"])
def test_an_organization_that_climbs_out_of_its_place_is_refused_beside_the_field(
    pages: Client, sandbox: Sandbox, token_of: Token, name: str, page: str
) -> None:
    data = form(token_of("full"), organization=name, project_name="Atlas")
    shown = pages.post(reverse(f"connections:{page}"), data).content.decode()
    errors = shown.split('id="id_organization_errors"')[1].split("</div>")[0]
    assert "<li" in errors
    assert sandbox.requests == []


@pytest.mark.parametrize(
    "name", ["../x", "..", "%2e%2e", "a/b", "a\\b", "a\r\nHost: evil", "a\0b", "@evil.example.com"]
)
def test_a_project_that_climbs_out_of_its_place_reaches_no_other_address(
    pages: Client, sandbox: Sandbox, token_of: Token, name: str
) -> None:
    answered = pages.post(reverse("connections:find-project-new"), form(token_of("full"), project_name=name))
    assert answered.status_code == 200
    assert {one.path.split("/")[1] for one in sandbox.requests} <= {"acme"}
    assert not any(".." in one.path for one in sandbox.requests)


@pytest.mark.parametrize("server", ["https://evil.example.com", "Evil", "http://127.0.0.1:6379", "Sandbox\0"])
def test_only_the_operators_servers_can_be_chosen(
    pages: Client, sandbox: Sandbox, token_of: Token, settings: Settings, server: str
) -> None:
    settings.AZURE_DEVOPS_SERVERS = f"Sandbox={sandbox.url} kind=sandbox,Other=https://devops.example.com"
    shown = pages.post(reverse("connections:test-new"), form(token_of("full"), server=server)).content.decode()
    assert "<li" in shown.split('id="id_server_errors"')[1].split("</div>")[0]
    assert sandbox.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_server_that_leads_elsewhere_is_not_followed(
    pages: Client, settings: Settings, status: int, token_of: Token
) -> None:
    with Loopback() as elsewhere:
        leading_there = answer(status, b"", ("Location", f"{elsewhere.url}/acme/_apis/connectionData"))
        with Loopback(always(leading_there)) as here:
            settings.AZURE_DEVOPS_SERVERS = f"Sandbox={here.url} kind=sandbox"
            shown = pages.post(reverse("connections:test-new"), form(token_of("full"))).content.decode()
    assert "Redirected to 127.0.0.1" in shown
    assert here.seen
    assert elsewhere.connections == 0


def test_the_place_of_a_saved_connection_cannot_be_changed(
    pages: Client, connected: Callable[..., Connection], sandbox: Sandbox, token_of: Token, settings: Settings
) -> None:
    settings.AZURE_DEVOPS_SERVERS = f"Sandbox={sandbox.url} kind=sandbox,Other=https://devops.example.com"
    connection = connected()
    elsewhere = {"server": "Other", "organization": "globex", "organization_id": "x", "accept_limited": "on"}
    pages.post(reverse("connections:edit", args=[connection.pk]), form(token_of("full"), name="Renamed") | elsewhere)
    pages.post(reverse("connections:update-token", args=[connection.pk]), form(token_of("no-build")) | elsewhere)
    pages.post(reverse("connections:test", args=[connection.pk]), elsewhere)
    after = Connection.objects.get()
    assert (after.name, after.server, after.organization) == ("Renamed", "Sandbox", "acme")
    assert after.token_set_at > connection.token_set_at
    assert {one.path.split("/")[1] for one in sandbox.requests} == {"acme"}
