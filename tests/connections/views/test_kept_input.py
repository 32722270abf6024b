"""A session that ended while a token form was full is explained, and all but the token is back after signing in."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from connections.models import Connection
from sandbox.server import Sandbox

Token = Callable[[str], str]
FORM = {"name": "Acme & sons", "organization": "acme", "expires": "60", "token_reach": "all"}
CONNECT = "/code-repositories/add/azure-devops/"
TEST = f"{CONNECT}test/"


def ways(page: str) -> list[dict[str, str]]:
    """The headers of a request by htmx, and of one by a browser without JavaScript."""
    return [
        {"HX-Request": "true", "HX-Current-URL": f"http://testserver{page}"},
        {"Referer": f"http://testserver{page}"},
    ]


def sign_in_address(client: Client, path: str, data: dict[str, Any], headers: dict[str, str]) -> str:
    """Where a request without a session leads."""
    answer = client.post(path, data, headers=headers)
    return answer.headers.get("HX-Redirect") or answer.headers["Location"]


@pytest.mark.parametrize("way", [0, 1])
@pytest.mark.parametrize(("path", "page"), [(CONNECT, CONNECT), (TEST, CONNECT), (TEST, TEST)])
def test_everything_but_the_token_is_back_in_the_form(
    client: Client, maintainer: User, sandbox: Sandbox, token_of: Token, way: int, path: str, page: str
) -> None:
    data = FORM | {"token": token_of("full"), "projects_mode": "some", "projects": ["a-project", "another"]}
    address = sign_in_address(client, path, data, ways(page)[way])
    assert token_of("full") not in address
    explained = client.get(address).text
    assert "Your session ended before you sent the form" in explained
    assert "What you entered is still there, except the token" in explained
    client.force_login(maintainer)
    form = client.get(parse_qs(urlsplit(address).query)["next"][0]).text
    assert f'value="{escape(FORM["name"])}"' in form
    assert 'value="acme"' in form
    for chosen in ('name="expires" value="60"', 'name="token_reach" value="all"'):
        assert "checked" in form.split(chosen)[1].split(">")[0]
    assert '<input type="hidden" name="projects" value="another">' in form


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["name", "organization", "server", "expires_on", "projects"])
def test_a_token_in_another_field_is_not_kept_in_the_address(client: Client, token_of: Token, field: str) -> None:
    data = FORM | {"token": "", field: token_of("full")}
    for headers in ways(CONNECT):
        assert token_of("full") not in sign_in_address(client, CONNECT, data, headers)


@pytest.mark.django_db
def test_a_step_of_a_rotation_is_returned_to(client: Client, token_of: Token) -> None:
    page = f"{reverse('connections:rotation-step')}?within=30&at=2&steps=1,2"
    for headers in ways(page):
        address = sign_in_address(client, page, {"token": token_of("full"), "expires": "90"}, headers)
        (back,) = parse_qs(urlsplit(address).query)["next"]
        query = {"within": ["30"], "at": ["2"], "steps": ["1,2"], "expires": ["90"]}
        assert (urlsplit(back).path, parse_qs(urlsplit(back).query)) == (urlsplit(page).path, query)


def test_the_page_to_update_a_token_is_returned_to(
    client: Client, maintainer: User, connected: Callable[..., Connection], token_of: Token
) -> None:
    page = reverse("connections:update-token", args=[connected().pk])
    for headers in ways(f"{page}test/"):
        address = sign_in_address(client, page, {"token": token_of("full"), "expires": "30"}, headers)
        assert parse_qs(urlsplit(address).query)["next"] == [f"{page}?expires=30"]


@pytest.mark.django_db
def test_of_any_other_form_it_is_said_that_nothing_was_saved(client: Client) -> None:
    for headers in ways("/people/"):
        address = sign_in_address(client, "/people/add/", {}, headers)
        assert parse_qs(urlsplit(address).query) == {"next": ["/people/"], "ended": ["lost"]}
        assert "What you entered is still there" not in client.get(address).text
