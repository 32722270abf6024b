"""Signing in: throttled, the same words for everybody, a new session each time, and every act an event."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from history.models import Event
from people.models import Session
from people.sessions import SEEN_AT, SIGNED_IN_AT, device_of
from people.tasks import forget_ended_sessions
from tests.factories import ConnectionFactory
from tests.people.conftest import BROWSER, PASSWORD, sign_in, with_role
from throttling.models import Counter

WRONG = "Incorrect username or password. Both are case-sensitive."
TOO_MANY = "Too many attempts to sign in. Try again in"
Answer = Any


def said(answer: Answer) -> str:
    return str(answer.content.decode())


def kinds() -> list[str]:
    return [event.kind for event in Event.objects.order_by("pk")]


def go(client: Client) -> Answer:
    return client.get(reverse("people:account"))


def test_the_right_password_leads_to_the_list_and_is_an_event(client: Client, ann: User) -> None:
    answer: Answer = sign_in(client, "ann")
    assert answer.headers["Location"] == reverse("connections:list")
    event = Event.objects.get()
    assert (event.kind, event.actor_name, event.address) == ("person.signed_in", "ann", "192.0.2.7")
    assert event.detail == {"device": "Chrome on Linux"}


def test_a_wrong_password_is_refused_and_is_an_event_about_the_person(client: Client, ann: User) -> None:
    answer: Answer = sign_in(client, "ann", "wrong")
    assert WRONG in said(answer)
    event = Event.objects.get()
    assert (event.kind, event.actor_name, event.subject_id) == ("person.sign_in_refused", "anonymous", ann.pk)
    assert (event.address, event.detail) == ("192.0.2.7", {"reason": "password"})


def test_a_name_that_nobody_has_gets_the_same_words_and_is_not_kept(client: Client, ann: User) -> None:
    answer: Answer = sign_in(client, "my-secret-password", "x")
    assert WRONG in said(answer)
    event = Event.objects.get()
    assert (event.subject_id, event.subject_name) == (0, "unknown username")
    assert "my-secret-password" not in repr(vars(event))


def test_somebody_inactive_gets_the_same_words(client: Client, ann: User) -> None:
    User.objects.filter(pk=ann.pk).update(is_active=False)
    answer: Answer = sign_in(client, "ann")
    assert WRONG in said(answer)
    assert Event.objects.get().detail == {"reason": "inactive"}


@pytest.fixture
def three_attempts(settings: Settings) -> Iterator[None]:
    """The allowance, and a clock that stands: on a slow machine attempts would come back meanwhile."""
    settings.SIGN_IN_ATTEMPTS = 3
    with time_machine.travel(timezone.now(), tick=False):
        yield


@pytest.mark.parametrize("name", ["ann", "nobody-has-this-name"])
@pytest.mark.usefixtures("three_attempts")
def test_after_too_many_attempts_one_must_wait_whether_the_name_exists_or_not(
    client: Client, ann: User, name: str
) -> None:
    for _ in range(3):
        sign_in(client, name, "wrong")
    answer: Answer = sign_in(client, name)
    assert answer.status_code == 429
    assert f"{TOO_MANY} 5 minutes." in said(answer)
    assert 290 < int(answer.headers["Retry-After"]) <= 300


@pytest.mark.usefixtures("three_attempts")
def test_capitals_and_space_around_a_name_are_not_another_name(client: Client, ann: User) -> None:
    for name in ("ann", "ANN", " Ann "):
        sign_in(client, name, "wrong")
    assert TOO_MANY in said(sign_in(client, "ann"))


@pytest.mark.usefixtures("three_attempts")
def test_guessing_from_one_address_shuts_nobody_out_elsewhere(client: Client, ann: User) -> None:
    for _ in range(20):
        sign_in(client, "ann", "wrong", address="203.0.113.9")
    answer: Answer = sign_in(client, "ann", address="192.0.2.7")
    assert answer.status_code == 302


@pytest.mark.usefixtures("three_attempts")
def test_guessing_one_name_from_many_addresses_is_stopped(client: Client, ann: User) -> None:
    for number in range(12):
        sign_in(client, "ann", "wrong", address=f"203.0.113.{number}")
    assert TOO_MANY in said(sign_in(client, "ann", "wrong", address="203.0.113.99"))


@pytest.mark.usefixtures("three_attempts")
def test_guessing_many_names_from_one_address_is_stopped(client: Client, ann: User) -> None:
    for number in range(30):
        sign_in(client, f"name{number}", "wrong")
    assert TOO_MANY in said(sign_in(client, "another", "wrong"))
    assert TOO_MANY not in said(sign_in(client, "another", "wrong", address="192.0.2.8"))


@pytest.mark.usefixtures("three_attempts")
def test_ipv6_addresses_of_one_network_share_the_attempts_at_a_name(client: Client, ann: User) -> None:
    for number in range(3):
        sign_in(client, "ann", "wrong", address=f"2001:db8:0:1::{number}")
    assert TOO_MANY in said(sign_in(client, "ann", address="2001:db8:0:1:ffff:ffff:ffff:ffff"))
    assert sign_in(client, "ann", address="2001:db8:0:2::1").status_code == 302


@pytest.mark.usefixtures("three_attempts")
def test_ipv6_addresses_of_one_network_share_the_attempts_at_all_names(client: Client, ann: User) -> None:
    for number in range(30):
        sign_in(client, f"name{number}", "wrong", address=f"2001:db8:0:1::{number:x}")
    assert TOO_MANY in said(sign_in(client, "another", "wrong", address="2001:db8:0:1:9::9"))
    assert TOO_MANY not in said(sign_in(client, "another", "wrong", address="2001:db8:0:2::9"))


@pytest.mark.usefixtures("three_attempts")
def test_one_notice_a_minute_is_enough_for_a_whole_ipv6_network(client: Client, ann: User) -> None:
    for number in range(10):
        sign_in(client, "ann", "wrong", address=f"2001:db8:0:1::{number}")
    events = list(Event.objects.order_by("pk"))
    assert [event.detail["reason"] for event in events] == ["password"] * 3 + ["throttled"]
    assert events[-1].address == "2001:db8:0:1::3"


@pytest.mark.usefixtures("three_attempts")
def test_the_right_password_brings_the_counters_to_rest(client: Client, ann: User) -> None:
    for _ in range(5):
        sign_in(client, "ann", "wrong")
        sign_in(client, "ann", "wrong")
        assert sign_in(client, "ann").status_code == 302
        client.post(reverse("logout"))


@pytest.mark.usefixtures("three_attempts")
def test_whoever_goes_on_guessing_is_told_of_once_a_minute(client: Client, ann: User) -> None:
    for _ in range(10):
        sign_in(client, "ann", "wrong")
    reasons = [event.detail["reason"] for event in Event.objects.order_by("pk")]
    assert reasons == ["password"] * 3 + ["throttled"]


@pytest.mark.usefixtures("three_attempts")
def test_the_address_behind_a_trusted_proxy_is_what_counts(client: Client, ann: User, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.1"]
    for _ in range(3):
        sign_in(client, "ann", "wrong", address="10.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.9")
    answer: Answer = sign_in(client, "ann", address="10.0.0.1", HTTP_X_FORWARDED_FOR="192.0.2.7")
    assert answer.status_code == 302


def test_no_counter_holds_what_was_typed(client: Client, ann: User) -> None:
    sign_in(client, "my-secret-password", "wrong")
    assert Counter.objects.count() == 3
    assert all(len(one.pk) == 64 for one in Counter.objects.all())


def test_a_sign_in_makes_a_new_session(client: Client, ann: User) -> None:
    session: SessionBase = client.session
    session["planted"] = "by somebody else"
    session.save()
    before = session.session_key
    sign_in(client, "ann")
    assert client.session.session_key != before
    assert not Session.objects.filter(session_key=before).exists()


def test_a_session_knows_whose_it_is_and_where(client: Client, ann: User) -> None:
    sign_in(client, "ann")
    row = Session.objects.get()
    assert (row.user_id, row.address, row.device) == (ann.pk, "192.0.2.7", "Chrome on Linux")
    assert row.signed_in_at is not None
    page = said(go(client))
    for words in ("Chrome on Linux", "192.0.2.7", "This browser", "after 60 minutes of inactivity", "12 hours"):
        assert words in page


def test_signing_out_is_an_event_and_ends_the_session(client: Client, ann: User) -> None:
    sign_in(client, "ann")
    client.post(reverse("logout"))
    assert kinds() == ["person.signed_in", "person.signed_out"]
    assert not Session.objects.filter(user_id=ann.pk).exists()


def age(client: Client, key: str, by: timedelta) -> None:
    session = client.session
    session[key] = (timezone.now() - by).timestamp()
    session.save()


def test_a_session_that_is_not_used_ends_and_says_why(client: Client, ann: User) -> None:
    sign_in(client, "ann")
    age(client, SEEN_AT, timedelta(minutes=61))
    answer = client.get(reverse("people:account"), follow=True)
    assert answer.redirect_chain[0][0].startswith(reverse("login"))
    assert "you were inactive for a while" in said(answer)
    assert kinds() == ["person.signed_in", "person.session_ended"]
    assert go(client).status_code == 302


def test_use_keeps_a_session_alive_but_not_for_ever(client: Client, ann: User) -> None:
    sign_in(client, "ann")
    age(client, SEEN_AT, timedelta(minutes=59))
    assert go(client).status_code == 200
    assert timezone.now().timestamp() - client.session[SEEN_AT] < 60
    age(client, SIGNED_IN_AT, timedelta(hours=12, minutes=1))
    assert "your session reached its maximum length" in said(client.get(reverse("people:account"), follow=True))


def test_a_session_from_a_time_when_the_clock_was_ahead_ends_as_any_other(client: Client, ann: User) -> None:
    sign_in(client, "ann")
    for key in (SIGNED_IN_AT, SEEN_AT):
        age(client, key, timedelta(days=-30))
    assert go(client).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=59)):
        assert go(client).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=121)):
        assert "you were inactive for a while" in said(client.get(reverse("people:account"), follow=True))


def test_a_page_that_asks_by_itself_does_not_keep_a_session_alive(client: Client, ann: User) -> None:
    sign_in(client, "ann")
    age(client, SEEN_AT, timedelta(minutes=59))
    before = client.session[SEEN_AT]
    client.get(reverse("people:account"), headers={"HX-Request": "true"})
    assert client.session[SEEN_AT] == before


def test_whoever_searches_a_list_is_not_inactive(client: Client, person: Callable[..., User]) -> None:
    client.force_login(person("maya", "*"))
    ConnectionFactory()
    page = reverse("connections:list")
    (form,) = re.findall('<form class="filters" id="([^"]+)"', client.get(page).content.decode())
    age(client, SEEN_AT, timedelta(minutes=59))
    client.get(page, {"q": "acme"}, headers={"HX-Request": "true", "HX-Trigger": form})
    assert timezone.now().timestamp() - client.session[SEEN_AT] < 60


def test_without_an_idle_limit_only_age_ends_a_session(client: Client, ann: User, settings: Settings) -> None:
    settings.SESSION_IDLE_MINUTES = 0
    sign_in(client, "ann")
    age(client, SEEN_AT, timedelta(hours=11))
    assert go(client).status_code == 200


def test_one_signs_out_everywhere_else(client: Client, ann: User) -> None:
    elsewhere, other = Client(), Client()
    for browser in (client, elsewhere, other):
        sign_in(browser, "ann")
    answer = client.post(reverse("people:sign-out-elsewhere"), follow=True)
    assert "Signed out in 2 other browsers." in said(answer)
    assert [go(browser).status_code for browser in (client, elsewhere, other)] == [200, 302, 302]
    assert kinds()[-1] == "person.sessions_ended"


def test_a_new_password_ends_other_sessions_and_is_an_event(client: Client, ann: User) -> None:
    elsewhere = Client()
    for browser in (client, elsewhere):
        sign_in(browser, "ann")
    new = "another-long-enough-password-5"
    data = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    client.post(reverse("password_change"), data, REMOTE_ADDR="192.0.2.7")
    assert (go(client).status_code, go(elsewhere).status_code) == (200, 302)
    event = Event.objects.get(kind="person.password_changed")
    assert (event.actor_name, event.address, event.subject_id) == ("ann", "192.0.2.7", ann.pk)
    assert new not in repr(vars(event))


def test_the_password_in_use_is_tried_only_as_often_as_at_the_sign_in(
    client: Client, ann: User, settings: Settings
) -> None:
    settings.SIGN_IN_ATTEMPTS = 3
    sign_in(client, "ann")
    new = "another-long-enough-password-5"
    data = {"old_password": "wrong", "new_password1": new, "new_password2": new}
    for _ in range(3):
        assert "Too many" not in said(client.post(reverse("password_change"), data))
    for old_password in ("wrong", PASSWORD):
        refused = client.post(reverse("password_change"), data | {"old_password": old_password})
        assert "Too many attempts. Try again in" in said(refused)
    ann.refresh_from_db()
    assert ann.check_password(PASSWORD)
    assert [event.detail for event in Event.objects.filter(kind="person.sign_in_refused")] == [{"reason": "throttled"}]


def test_a_password_changed_in_the_terminal_is_an_event_too(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda **_: "another-long-enough-password-5")
    call_command("changepassword", "ann")
    event = Event.objects.get()
    assert (event.kind, event.actor_name) == ("person.password_changed", "command line")


@pytest.mark.parametrize("weak", ["short", "password", "12345678901", "ann@example.com"])
def test_a_weak_password_is_refused(client: Client, ann: User, weak: str) -> None:
    sign_in(client, "ann")
    client.post(reverse("password_change"), {"old_password": PASSWORD, "new_password1": weak, "new_password2": weak})
    ann.refresh_from_db()
    assert ann.check_password(PASSWORD)


def test_an_upgrade_of_the_hash_is_no_change_of_the_password(client: Client, ann: User, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher", *settings.PASSWORD_HASHERS]
    sign_in(client, "ann")
    assert kinds() == ["person.signed_in"]


def test_ended_sessions_are_removed(client: Client, ann: User) -> None:
    sign_in(client, "ann")
    forget_ended_sessions()
    assert Session.objects.count() == 1
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    forget_ended_sessions()
    assert not Session.objects.exists()


def test_djangos_own_admin_has_no_sign_in_of_its_own(client: Client, ann: User) -> None:
    answer = client.get(reverse("admin:index"), follow=True)
    assert answer.redirect_chain[-1][0] == f"{reverse('login')}?next={reverse('admin:index')}"
    sign_in(client, "ann")
    assert client.get(reverse("admin:index"), follow=True).status_code == 403


def test_a_stranger_is_led_back_to_the_page_but_never_to_another_site(client: Client, ann: User) -> None:
    data = {"username": "ann", "password": PASSWORD}
    there = client.post(f"{reverse('login')}?next=/people/", data).headers["Location"]
    client.logout()
    elsewhere = client.post(f"{reverse('login')}?next=https://evil.example.com/", data).headers["Location"]
    assert (there, elsewhere) == ("/people/", reverse("connections:list"))


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (BROWSER, "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/150 Safari/537.36 Edg/150.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18 Safari/605.1.15", "Safari on macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Android 15; Mobile; rv:140.0) Firefox/140.0", "Firefox on Android"),
        ("curl/8", "Unknown device"),
        ("<script>" * 100, "Unknown device"),
    ],
)
def test_a_device_is_named_in_words(agent: str, device: str) -> None:
    assert device_of(agent) == device


def test_people_of_every_role_sign_in(client: Client, db: None) -> None:
    for role in ("", "Viewer", "Operator", "Maintainer", "Administrator"):
        with_role(f"one{role}", role)
        assert sign_in(client, f"one{role}").status_code == 302
        client.post(reverse("logout"))


def test_the_history_page_words_all_of_it(client: Client, ann: User, person: Callable[..., User]) -> None:
    sign_in(client, "ann", "wrong")
    sign_in(client, "ann")
    client.post(reverse("logout"))
    client.force_login(person("auditor", "history.view_all_events"))
    page = said(client.get(reverse("history:all")))
    for words in (
        "Signed in",
        "Signed out",
        "Sign-in refused",
        "Incorrect username or password",
        "192.0.2.7",
    ):
        assert words in page


def test_a_limit_that_was_turned_off_after_failures_keeps_no_one_out(
    client: Client, ann: User, settings: Settings
) -> None:
    sign_in(client, "ann", "wrong")
    settings.SIGN_IN_ATTEMPTS = 0
    assert sign_in(client, "ann").headers["Location"] == reverse("connections:list")
