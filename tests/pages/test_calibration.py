"""Calibration in the browser: asked for each time, shown whole, downloaded by a post of its own, kept nowhere."""

import html
import json
import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from connections.models import Connection
from history.models import Event
from people.models import Session
from sandbox.server import Sandbox
from tests.factories import make_person
from tests.leaks import everything_stored

Connected = Callable[..., Connection]
FORM = {"token_state": "valid", "code": "manage", "build": "execute", "release": "manage"}


@pytest.fixture
def root(person: Callable[..., User], client: Client) -> Client:
    """An administrator's browser."""
    client.force_login(person("root", staff=True))
    return client


@pytest.fixture
def connection(connected: Connected) -> Connection:
    return connected()


def address(connection: Connection) -> str:
    return reverse("connections:calibrate", args=[connection.pk])


def text_of(answer: object) -> str:
    return str(answer.content.decode())  # type: ignore[attr-defined]  # an answer of the test client


def signed_in(page: str) -> str:
    found = re.search(r'name="file" value="([^"]+)"', page)
    assert found is not None
    return html.unescape(found[1])


def shown_in(page: str) -> str:
    found = re.search(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


def test_the_page_asks_first_and_says_what_is_sent(root: Client, connection: Connection, sandbox: Sandbox) -> None:
    asked = len(sandbox.requests)
    page = text_of(root.get(address(connection)))
    assert "18 requests to acme" in page
    assert "POST {project}/_apis/git/repositories/{no_such_id}/pushes" in page
    assert len(sandbox.requests) == asked
    assert not Event.objects.filter(kind="connection.calibrated").exists()


def test_what_the_last_check_found_is_suggested(root: Client, connected: Connected) -> None:
    page = text_of(root.get(address(connected("Part", token="no-build"))))
    chosen = re.findall(r'<option value="(\w+)" selected', page)
    assert chosen == ["manage", "none", "manage"]


def test_the_button_is_for_those_who_may(connection: Connection, root: Client, client: Client) -> None:
    assert address(connection) in text_of(root.get(connection.get_absolute_url()))
    client.force_login(make_person("vera", "connections.view_connection", "connections.change_connection"))
    assert address(connection) not in text_of(client.get(connection.get_absolute_url()))


def test_the_whole_file_is_shown_and_then_downloaded(root: Client, connection: Connection) -> None:
    page = text_of(root.post(address(connection), FORM))
    assert "All responses were as expected" in page
    answer = root.post(reverse("connections:calibration-file", args=[connection.pk]), {"file": signed_in(page)})
    assert text_of(answer) == shown_in(page)
    assert json.loads(text_of(answer))["counts"]["as_expected"] == 18
    assert answer.headers["Content-Type"] == "application/json"
    name = f"calibration-{timezone.localdate()}.json"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert "no-store" in answer.headers["Cache-Control"]


def test_nothing_of_the_result_is_kept(root: Client, connection: Connection) -> None:
    sessions = [one.get_decoded() for one in Session.objects.all()]
    page = text_of(root.post(address(connection), FORM))
    assert b"as_expected" not in everything_stored()
    assert signed_in(page)[:40].encode() not in everything_stored()
    assert [one.get_decoded() for one in Session.objects.all()] == sessions
    assert set(root.cookies) == {"sessionid", "csrftoken"}
    assert "as_expected" not in root.cookies.output()


def test_differences_are_named_in_the_table(root: Client, connection: Connection) -> None:
    page = text_of(root.post(address(connection), FORM | {"code": "none"}))
    assert "4 unexpected responses" in page
    assert "what it is taken for" in page
    # What is unexpected comes first.
    assert page.index("Probe of Code: Read</th>") < page.index("Whose token it is</th>")
    assert "The token is valid and lacks the scope" in page


def test_what_was_not_asked_says_why(root: Client, connection: Connection, settings: Settings) -> None:
    settings.AZURE_DEVOPS_WRITE_PROBES = False
    assert "not sent, AZURE_DEVOPS_WRITE_PROBES is off" in text_of(root.get(address(connection)))
    page = text_of(root.post(address(connection), FORM))
    assert page.count("Not tested") == 5


@pytest.mark.parametrize("wrong", [{"code": "all_of_it"}, {"token_state": "<b>"}, {"build": ""}])
def test_a_choice_that_is_none_is_not_repeated_and_nothing_is_asked(
    root: Client, connection: Connection, sandbox: Sandbox, wrong: dict[str, str]
) -> None:
    asked = len(sandbox.requests)
    page = text_of(root.post(address(connection), FORM | wrong))
    assert "Choose one of the options." in page
    assert "all_of_it" not in page
    assert "<b>" not in page
    assert len(sandbox.requests) == asked


def test_a_server_that_is_gone_is_said_in_the_form(root: Client, connection: Connection) -> None:
    Connection.objects.update(server="Gone")
    page = text_of(root.post(address(connection), FORM))
    assert "Server no longer configured" in page


FORGERIES: dict[str, Callable[[str], str]] = {
    "nothing": lambda _signed: "",
    "words": lambda _signed: "attachment",
    "changed": lambda signed: "x" + signed,
    "cut": lambda signed: signed[:-3],
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_only_what_was_shown_is_handed_out(root: Client, connection: Connection, forgery: str) -> None:
    signed = signed_in(text_of(root.post(address(connection), FORM)))
    answer = root.post(
        reverse("connections:calibration-file", args=[connection.pk]), {"file": FORGERIES[forgery](signed)}, follow=True
    )
    assert answer.redirect_chain == [(address(connection), 302)]
    assert "Run the calibration again" in text_of(answer)


def test_another_person_or_connection_does_not_get_it(
    root: Client, connected: Connected, connection: Connection, client: Client
) -> None:
    signed = signed_in(text_of(root.post(address(connection), FORM)))
    other = connected("Other")
    elsewhere = root.post(reverse("connections:calibration-file", args=[other.pk]), {"file": signed})
    client.force_login(make_person("ruth", staff=True))
    by_another = client.post(reverse("connections:calibration-file", args=[connection.pk]), {"file": signed})
    assert (elsewhere.status_code, by_another.status_code) == (302, 302)


def test_too_many_are_refused(root: Client, connection: Connection, settings: Settings) -> None:
    settings.TESTS_PER_PERSON = 1
    assert root.post(address(connection), FORM).status_code == 200
    assert root.post(address(connection), FORM).status_code == 429
