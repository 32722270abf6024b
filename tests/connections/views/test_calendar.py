"""The page of the calendar, and the file at its secret address."""

import logging
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from connections.actions.calendar_feeds import make_address
from connections.models import CalendarFeed, Connection, MutedReminders
from core.redaction import clean
from history.models import Event
from history.record import Actor
from tests.connections.calendars import NOON, events, expiring


@pytest.fixture
def olga(person: Callable[..., User]) -> User:
    return person("olga", "connections.view_connection", email="olga@example.com")


def feed_address(secret: str) -> str:
    return reverse("connections:calendar-feed", args=[secret])


@pytest.fixture
def secret(olga: User) -> str:
    return make_address(olga, by=Actor("olga", olga.pk), now=NOON)


def summaries(client: Client, secret: str) -> list[str]:
    return [str(one["summary"]) for one in events(client.get(feed_address(secret)).content)]


def test_a_person_gets_their_own_and_an_administrator_gets_all(
    client: Client, olga: User, secret: str, person: Callable[..., User]
) -> None:
    expiring(olga, name="Hers")
    expiring(person("ben"), name="His")
    expiring(olga, name="Resting", disabled=True)
    assert summaries(client, secret) == ["Azure DevOps token of “Hers” expires"]
    root = person("root", staff=True)
    for_all = make_address(root, by=Actor("root"), now=NOON)
    assert len(summaries(client, for_all)) == 2


def test_the_answer_is_a_calendar_that_no_proxy_keeps(client: Client, secret: str) -> None:
    answer = client.get(feed_address(secret))
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "sessionid" not in answer.cookies
    assert client.head(feed_address(secret)).status_code == 200
    assert client.post(feed_address(secret)).status_code == 405


def test_what_did_not_change_is_not_sent_again(client: Client, olga: User, secret: str) -> None:
    connection = expiring(olga)
    first = client.get(feed_address(secret))
    again = client.get(feed_address(secret), headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    by_time = client.get(feed_address(secret), headers={"If-Modified-Since": first.headers["Last-Modified"]})
    assert by_time.status_code == 304
    Connection.objects.filter(pk=connection.pk).update(expires_on=date(2027, 3, 1))
    changed = client.get(feed_address(secret), headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_nobody_gets_anything_at_a_wrong_address(client: Client, secret: str) -> None:
    assert client.get(feed_address("x" * 43)).status_code == 404
    assert client.get(feed_address(secret[:-1])).status_code == 404


@pytest.mark.parametrize("change", ["inactive", "without the permission", "deleted"])
def test_whoever_may_not_look_gets_nothing_any_more(client: Client, olga: User, secret: str, change: str) -> None:
    if change == "inactive":
        User.objects.filter(pk=olga.pk).update(is_active=False)
    elif change == "deleted":
        olga.delete()
    else:
        olga.user_permissions.clear()
    assert client.get(feed_address(secret)).status_code == 404


@pytest.fixture
def hers(client: Client, olga: User) -> Client:
    client.force_login(olga)
    return client


def test_the_page_shows_the_address_once(hers: Client) -> None:
    assert "Create an address" in hers.get(reverse("connections:calendar")).content.decode()
    page = hers.post(reverse("connections:make-calendar")).content.decode()
    secret = page.partition(f"{settings.SITE_URL}/calendar/")[2].partition(".ics")[0]
    assert len(secret) == 43
    assert hers.get(feed_address(secret)).status_code == 200
    assert secret not in hers.get(reverse("connections:calendar")).content.decode()


def test_the_address_is_on_the_site_whatever_host_the_request_names(hers: Client, settings: Settings) -> None:
    settings.SITE_URL, settings.ALLOWED_HOSTS = "https://orchestrator.example.com", ["*"]
    page = hers.post(reverse("connections:make-calendar"), headers={"host": "web-7.internal"}).content.decode()
    assert "https://orchestrator.example.com/calendar/" in page
    assert "web-7.internal" not in page


def test_a_new_address_ends_the_old_one_and_revoking_ends_it_all(hers: Client, secret: str) -> None:
    hers.post(reverse("connections:make-calendar"))
    assert hers.get(feed_address(secret)).status_code == 404
    hers.post(reverse("connections:revoke-calendar"))
    hers.post(reverse("connections:revoke-calendar"))
    assert not CalendarFeed.objects.exists()
    kinds = list(Event.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["calendar.made", "calendar.renewed", "calendar.revoked"]


def test_the_secret_is_in_no_log(client: Client, secret: str, tmp_path: Path, olga: User) -> None:
    from core.logs import Formatter, RedactionFilter

    handler = logging.FileHandler(tmp_path / "log")
    handler.addFilter(RedactionFilter())
    handler.setFormatter(Formatter(as_json=False))
    logging.getLogger().addHandler(handler)
    try:
        User.objects.filter(pk=olga.pk).update(is_active=False)
        client.get(feed_address(secret))
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    told = (tmp_path / "log").read_text()
    assert "GET calendar/<str:secret>.ics" in told
    assert secret not in told


@pytest.mark.parametrize(
    ("line", "cleaned"),
    [
        ('"GET /calendar/Abc-_9.ics HTTP/1.1" 200', '"GET /calendar/[redacted] HTTP/1.1" 200'),
        ("https://site/reminders/stop/WzEs:1x:y-z/", "https://site/reminders/stop/[redacted]/"),
        ("/code-repositories/calendar/ is a page", "/code-repositories/calendar/ is a page"),
    ],
)
def test_secret_addresses_are_redacted(line: str, cleaned: str) -> None:
    assert clean(line) == cleaned


def test_the_page_begins_stopped_reminders_again(hers: Client, olga: User) -> None:
    mine = MutedReminders.objects.create(connection=None, address="OLGA@example.com")
    others = MutedReminders.objects.create(connection=expiring(olga), address="ben@example.com")
    assert "about every connection" in hers.get(reverse("connections:calendar")).content.decode()
    hers.post(reverse("connections:remind-me-again", args=[mine.pk]))
    assert hers.post(reverse("connections:remind-me-again", args=[others.pk])).status_code == 404
    assert list(MutedReminders.objects.all()) == [others]


def test_the_page_wants_the_permission_to_look(client: Client, person: Callable[..., User]) -> None:
    client.force_login(person("nobody"))
    assert client.get(reverse("connections:calendar")).status_code == 403
    assert client.post(reverse("connections:make-calendar")).status_code == 403
