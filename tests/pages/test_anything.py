"""Whatever is sent to whichever address: no fault of ours, and no token comes back or is kept.

`FUZZ_ROUNDS=200 make test ARGS=tests/pages/test_anything.py` looks for longer.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from unittest.mock import patch

import pytest
from django.core.cache import caches
from django.db import connection as database
from django.db import transaction
from django.http import QueryDict
from django.test import Client
from django.urls import NoReverseMatch, reverse
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from connections.models import Connection
from sandbox.server import Sandbox
from tests.everything import Lived, addresses, field_names, live
from tests.factories import make_person
from tests.leaks import of_answer, traces

ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "1"))
anything = settings(
    max_examples=ROUNDS,
    deadline=None,
    derandomize="FUZZ_ROUNDS" not in os.environ,
    suppress_health_check=list(HealthCheck),
    database=None,
    # Each round is some hundred requests: the first failure is told as it is.
    phases=[Phase.generate],
)
NAMES = sorted(field_names() - {"token"})
# What has broken forms before: control characters, look-alikes, numbers that no column holds, markup, templates.
ODD = [
    "",
    " ",
    "0",
    "-1",
    "1",
    "9" * 30,
    "1e309",
    "NaN",
    "\0",
    "a\0b",
    "\r\nSet-Cookie: x=1",
    "٣",
    "ａｃｍｅ",
    "\u202e",
]
ODD += [
    "<script>alert(1)</script>",
    "{{ 7 }}",
    "%00",
    "../../etc/passwd",
    "' OR 1=1 --",
    "x" * 5000,
    "\ud800",
    "🙂" * 300,
]
ODD += ["2026-02-30", "9999-12-31", "0001-01-01", "on", "true", "null", "[]", "main", "Viewer", "acme", "fabrikam"]
texts = st.one_of(st.sampled_from(ODD), st.text(max_size=40))
fields = st.dictionaries(st.sampled_from(NAMES), st.lists(texts, min_size=1, max_size=2), max_size=12)
pieces = st.one_of(st.sampled_from(ODD), st.text(max_size=12), st.integers().map(str))
headers = st.dictionaries(
    st.sampled_from(["HX-Request", "HX-Target", "HX-Current-URL", "X-Forwarded-For", "X-Request-ID", "User-Agent"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40) | st.just("true"),
    max_size=3,
)


class _Undo(Exception):
    """Takes back what an answer did."""


@pytest.fixture(autouse=True)
def _calm(settings: Settings) -> Iterator[None]:
    settings.TESTS_PER_PERSON = settings.TESTS_PER_ADDRESS = settings.SIGN_IN_ATTEMPTS = 0
    with patch("celery.app.task.Task.apply_async"):
        yield
    caches["azure_devops"].clear()


@pytest.fixture
def browser(person: Callable[..., Any]) -> Client:
    made = Client(raise_request_exception=False)
    made.force_login(person("root", staff=True))
    return made


@pytest.fixture
def lived(connected: Callable[..., Connection], sandbox: Sandbox) -> Lived:
    return live(connected("Fabrikam", organization="fabrikam"), sandbox, make_person("other"))


def written(data: dict[str, list[str]]) -> str:
    """As a browser would send it; what no text can hold is replaced as browsers do."""
    query = QueryDict(mutable=True)
    for name, values in data.items():
        query.setlist(name, [value.encode("utf-8", "replace").decode() for value in values])
    return query.urlencode()


def asked(browser: Client, cookies: str, method: str, address: str, body: str, more: dict[str, str]) -> Any:
    browser.cookies.load(cookies.replace("Set-Cookie: ", ""))
    answer: Any = None
    with suppress(_Undo), transaction.atomic():
        if method == "GET":
            answer = browser.get(address, QUERY_STRING=body, headers=more)
        else:
            form = "application/x-www-form-urlencoded"
            answer = browser.post(address, body, content_type=form, headers=more)
        answer.seen = of_answer(answer)
        raise _Undo
    return answer


def test_no_form_and_no_address_falls_over_what_is_sent(browser: Client, lived: Lived, token_of: Any) -> None:
    cookies, secret = browser.cookies.output(), token_of("full-again")

    @anything
    @given(st.data())
    def round_of_everything(data: Any) -> None:
        for name in addresses():
            for method in ("GET", "POST"):
                sent = data.draw(fields, label=name)
                if method == "POST" and data.draw(st.booleans()):
                    sent["token"] = [data.draw(st.sampled_from([secret, f" {secret}\n", secret[:-1], "x" * 52]))]
                answer = asked(browser, cookies, method, lived.address(name), written(sent), data.draw(headers))
                assert answer.status_code < 500, (name, method, sent)
                assert [one for one in traces(secret) if one in answer.seen] == [], (name, method, sent)

    round_of_everything()


def test_no_part_of_an_address_falls_over_what_it_holds(browser: Client, lived: Lived) -> None:
    cookies = browser.cookies.output()

    @anything
    @given(st.data())
    def round_of_everything(data: Any) -> None:
        for name in addresses():
            sample = lived.address(name)
            parts = [data.draw(pieces) if part.isdigit() or part == "nonsense" else part for part in sample.split("/")]
            address = "/".join(part.encode("utf-8", "replace").decode() for part in parts)
            answer = asked(browser, cookies, data.draw(st.sampled_from(["GET", "POST"])), address or "/", "", {})
            assert answer.status_code < 500, (name, address)

    round_of_everything()


@pytest.mark.parametrize("number", [2**31, 2**63])
def test_no_number_in_an_address_is_too_large(browser: Client, lived: Lived, number: int) -> None:
    cookies = browser.cookies.output()
    broken = []
    for name in addresses():
        arguments = [number if isinstance(one, int) else one for one in lived._arguments(name)]
        with suppress(NoReverseMatch):
            address = reverse(name, args=arguments)
            broken += [
                (address, method)
                for method in ("GET", "POST")
                if asked(browser, cookies, method, address, "confirmed=1", {}).status_code >= 500
            ]
    assert broken == []


def test_no_made_up_address_falls_over(browser: Client, lived: Lived) -> None:
    cookies = browser.cookies.output()

    @settings(parent=anything, max_examples=ROUNDS * 25)
    @given(st.lists(pieces, max_size=5), fields)
    def whatever(parts: list[str], sent: dict[str, list[str]]) -> None:
        address = "/" + "/".join(part.encode("utf-8", "replace").decode() for part in parts)
        assert asked(browser, cookies, "GET", address, written(sent), {}).status_code < 500

    whatever()


def test_a_broken_cookie_is_only_a_stranger(lived: Lived) -> None:
    stranger = Client(raise_request_exception=False)
    for value in ["x", "\0", "é" * 40, "a" * 5000, '"', "../../x"]:
        stranger.cookies["sessionid"] = value
        assert stranger.get(reverse("connections:list")).status_code == 302
    assert not database.needs_rollback
