"""A browser in which a person has signed in before has attempts of its own, so that strangers cannot shut them out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import signing
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from people.known_browsers import KEPT, cookie_name
from tests.people.conftest import PASSWORD, sign_in, with_role

PROXY = "10.0.0.5"


@pytest.fixture(autouse=True)
def three_attempts(settings: Settings) -> None:
    settings.SIGN_IN_ATTEMPTS = 3


def signed_in(client: Client, name: str, password: str = PASSWORD, **more: Any) -> bool:
    return int(sign_in(client, name, password, **more).status_code) == 302


@pytest.fixture
def known(admin: User) -> Client:
    """A browser in which the administrator has signed in and out."""
    browser = Client()
    assert signed_in(browser, "adam", address=PROXY)
    browser.post(reverse("logout"))
    return browser


def attack(name: str = "", *, address: str = PROXY, times: int = 30) -> None:
    """Anonymous wrong attempts, at one name or at many."""
    for number in range(times):
        sign_in(Client(), name or f"name{number}", "wrong", address=address)


def test_strangers_behind_the_same_proxy_do_not_shut_the_administrator_out(known: Client) -> None:
    attack()
    attack("adam", times=3)
    assert signed_in(known, "adam", address=PROXY)
    assert not signed_in(Client(), "adam", address=PROXY)


def test_strangers_at_many_addresses_do_not_shut_the_administrator_out(known: Client) -> None:
    for number in range(12):
        attack("adam", address=f"203.0.113.{number}", times=1)
    assert signed_in(known, "adam", address="192.0.2.7")
    assert not signed_in(Client(), "adam", address="192.0.2.7")


def test_a_known_browser_may_guess_no_more_than_another(known: Client) -> None:
    for _ in range(3):
        assert not signed_in(known, "adam", "wrong")
    assert sign_in(known, "adam").status_code == 429


def test_what_is_guessed_in_a_known_browser_shuts_nobody_else_out(known: Client) -> None:
    for number in range(30):
        signed_in(known, "adam", "wrong", address=f"203.0.113.{number}")
    assert signed_in(Client(), "adam", address="203.0.113.1")


def test_the_right_password_gives_a_known_browser_its_attempts_back(known: Client) -> None:
    for _ in range(3):
        assert [signed_in(known, "adam", "wrong") for _ in range(2)] == [False, False]
        assert signed_in(known, "adam")
        known.post(reverse("logout"))


def test_it_is_known_for_one_person_alone(known: Client) -> None:
    with_role("bob", "Viewer")
    attack("bob", times=3)
    assert not signed_in(known, "bob", address=PROXY)


def test_it_is_known_under_however_the_name_is_typed(known: Client) -> None:
    attack("adam", times=3)
    assert signed_in(known, " adam ", address=PROXY)


def test_a_new_password_makes_every_browser_unknown(known: Client, admin: User) -> None:
    admin.set_password("another-long-password-4-tests")
    admin.save()
    attack("adam", times=3)
    assert not signed_in(known, "adam", "another-long-password-4-tests", address=PROXY)


def test_it_is_known_for_half_a_year(known: Client) -> None:
    with time_machine.travel(datetime.now(UTC) + KEPT + timedelta(hours=1), tick=False):
        attack("adam", times=3)
        assert not signed_in(known, "adam", address=PROXY)


@pytest.mark.parametrize(
    "value",
    ["x", "a:b:c", signing.dumps([1, "browser", "mark"], salt="another")],
    # A signature names the second in which it was made; every process must collect the same names.
    ids=["one word", "three words", "signed with another salt"],
)
def test_a_cookie_that_was_made_up_is_passed_over(admin: User, value: str) -> None:
    browser = Client()
    browser.cookies[cookie_name()] = value
    assert signed_in(browser, "adam", address=PROXY)
    browser.post(reverse("logout"))
    browser.cookies[cookie_name()] = value
    attack("adam", times=3)
    assert not signed_in(browser, "adam", address=PROXY)


def test_a_person_who_is_gone_is_passed_over(known: Client, admin: User) -> None:
    admin.delete()
    assert sign_in(known, "adam").status_code == 200


def test_the_cookie_tells_nothing_and_only_the_right_password_sets_it(admin: User) -> None:
    browser = Client()
    sign_in(browser, "adam", "wrong")
    assert cookie_name() not in browser.cookies
    sign_in(browser, "adam")
    cookie = browser.cookies[cookie_name()]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    held = signing.loads(cookie.value, salt="people.known_browsers")
    admin.refresh_from_db()
    assert held[0] == admin.pk
    assert all(len(str(part)) in (22, 32) for part in held[1:])
    assert not {"adam", admin.email, admin.password} & {str(part) for part in held}


def test_behind_tls_the_cookie_is_of_this_host_alone(admin: User, settings: Settings) -> None:
    settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE = "__Host-sessionid", True
    browser = Client()
    sign_in(browser, "adam")
    assert browser.cookies["__Host-known_browser"]["secure"] is True
