"""The calendar of expiry dates: RFC 5545, and an address that is a secret."""

import hashlib
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from icalendar import Calendar
from pytest_django import DjangoAssertNumQueries

from connections.actions.calendar_feeds import fetch, make_address
from connections.models import CalendarEntry, CalendarFeed, Connection, MutedReminders
from connections.notifications import calendar_feed, calendar_revisions
from connections.notifications.calendar_feed import Entry
from core.redaction import clean
from history.models import Event
from history.record import Actor
from tests.factories import ConnectionFactory

TODAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NASTY = 'Söhne & Töchter; "a, b"\\n日本語プロジェクト日本語プロジェクト日本語プロジェクト'
pytestmark = pytest.mark.django_db


@pytest.fixture
def olga(person: Callable[..., User]) -> User:
    return person("olga", "connections.view_connection", email="olga@example.com")


def expiring(owner: User, left: int | None = 7, **fields: object) -> Connection:
    expires_on = None if left is None else TODAY + timedelta(days=left)
    return ConnectionFactory.create(owner=owner, expires_on=expires_on, **fields)


def made_of(*connections: Connection) -> bytes:
    return calendar_feed.calendar_of(connections, today=TODAY)


def events(content: bytes) -> list[Any]:
    """All but the one that stands for none."""
    found = Calendar.from_ical(content).walk("VEVENT")
    return [event for event in found if not str(event["uid"]).startswith("no-dates@")]


def test_the_file_is_a_calendar_of_all_day_events(olga: User) -> None:
    connection = expiring(olga, name="Acme main")
    calendar = Calendar.from_ical(made_of(connection))
    assert (calendar["version"], calendar["method"]) == ("2.0", "PUBLISH")
    (event,) = calendar.walk("VEVENT")
    assert event.decoded("dtstart") == date(2026, 12, 1)
    assert event.decoded("dtend") == date(2026, 12, 2)
    assert event["dtstart"].params["VALUE"] == "DATE"
    assert str(event["summary"]) == "Azure DevOps token of “Acme main” expires"
    assert str(event["transp"]) == "TRANSPARENT"
    assert str(event["url"]).endswith(reverse("connections:update-token", args=[connection.pk]))


def test_it_reminds_a_week_and_a_day_before_in_the_morning(olga: User) -> None:
    (event,) = events(made_of(expiring(olga)))
    alarms = event.walk("VALARM")
    assert [one.decoded("trigger") for one in alarms] == [timedelta(days=-7, hours=9), timedelta(days=-1, hours=9)]
    assert {str(one["action"]) for one in alarms} == {"DISPLAY"}
    assert all(str(one["description"]) for one in alarms)


def test_lines_are_folded_escaped_and_ended_as_the_rfc_says(olga: User) -> None:
    content = made_of(expiring(olga, name=NASTY))
    assert content.endswith(b"END:VCALENDAR\r\n")
    lines = content.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    assert all(line.decode("utf-8") is not None for line in lines)
    unfolded = content.replace(b"\r\n ", b"").decode()
    assert 'Töchter\\; "a\\, b"\\\\n日本語' in unfolded
    (event,) = events(content)
    assert NASTY in str(event["summary"])


def test_an_event_keeps_its_id_when_the_date_moves(olga: User) -> None:
    connection = expiring(olga)
    (before,) = events(made_of(connection))
    connection.expires_on = date(2027, 2, 20)
    (after,) = events(made_of(connection))
    assert before["uid"] == after["uid"]
    assert after.decoded("dtstart") == date(2027, 2, 20)


def test_every_event_has_an_id_of_its_own(olga: User) -> None:
    found = events(made_of(expiring(olga, token_reach="all"), expiring(olga, token_reach="all")))
    assert len({str(one["uid"]) for one in found}) == len(found) == 4


def test_a_token_for_all_organizations_ends_on_the_first_of_december_too(olga: User) -> None:
    connection = expiring(olga, 200, token_reach="all")
    assert [one.decoded("dtstart") for one in events(made_of(connection))] == [date(2027, 6, 12), date(2026, 12, 1)]
    later = calendar_feed.calendar_of([connection], today=date(2026, 12, 2))
    assert len(events(later)) == 1


def test_what_to_do_fits_whether_the_token_still_lives(olga: User) -> None:
    (alive,) = events(made_of(expiring(olga)))
    assert "Extend or replace the token before this day" in str(alive["description"])
    (ended,) = events(made_of(expiring(olga, -2)))
    (_, for_all) = events(made_of(expiring(olga, 200, token_reach="all")))
    for event in (ended, for_all):
        assert "Create a new" in str(event["description"])
        assert "Extend" not in str(event["description"])


@pytest.mark.parametrize(("left", "count"), [(None, 0), (0, 1), (-90, 1), (-91, 0), (400, 1)])
def test_what_ended_long_ago_or_has_no_date_is_left_out(olga: User, left: int | None, count: int) -> None:
    assert len(events(made_of(expiring(olga, left)))) == count


def test_an_empty_calendar_holds_one_past_event_that_takes_no_time() -> None:
    """Without any event evolution-data-server removes nothing that it has."""
    (event,) = Calendar.from_ical(made_of()).walk("VEVENT")
    assert event.decoded("dtstart") < TODAY - timedelta(days=365)
    assert (str(event["transp"]), event.walk("VALARM")) == ("TRANSPARENT", [])
    assert made_of() == calendar_feed.calendar_of([], today=TODAY + timedelta(days=40))


def test_the_event_that_stands_for_none_goes_when_there_is_one(olga: User) -> None:
    assert len(Calendar.from_ical(made_of(expiring(olga))).walk("VEVENT")) == 1


@pytest.mark.parametrize("line", [b"X-PUBLISHED-TTL:PT6H", b"REFRESH-INTERVAL;VALUE=DURATION:PT6H"])
def test_how_often_to_look_again_is_a_duration(line: bytes) -> None:
    assert line in made_of().split(b"\r\n")


def test_the_last_day_that_there_is_has_no_day_after_it(olga: User) -> None:
    connection = expiring(olga)
    connection.expires_on = date.max
    (event,) = events(made_of(connection))
    assert event.decoded("dtstart") == date.max


# The address


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


def test_the_time_of_the_last_change_moves_only_with_what_it_says(olga: User, secret: str) -> None:
    expiring(olga)
    first, later = fetch(secret, now=NOON), fetch(secret, now=NOON + timedelta(days=1))
    assert first is not None
    assert later is not None
    assert (first.changed_at, later.changed_at) == (NOON, NOON)
    Connection.objects.update(name="Renamed")
    renamed = fetch(secret, now=NOON + timedelta(days=2))
    assert renamed is not None
    assert renamed.changed_at == NOON + timedelta(days=2)


REVISION = ("sequence", "dtstamp", "last-modified")


def revisions(secret: str, *, now: datetime = NOON) -> dict[str, tuple[object, ...]]:
    """Of each event at an address, by its id."""
    fetched = fetch(secret, now=now)
    assert fetched is not None
    return {str(event["uid"]): tuple(event.decoded(name) for name in REVISION) for event in events(fetched.content)}


def changes(connection: Connection) -> dict[str, Callable[[], object]]:
    """What can become another in an event, and how."""
    return {
        "date": lambda: Connection.objects.update(expires_on=date(2027, 3, 1)),
        "name": lambda: Connection.objects.update(name="Renamed"),
        "owner": lambda: User.objects.update(first_name="Olga", last_name="Example"),
        "identity": lambda: Connection.objects.update(identity_name="Maya Other"),
        "organization": lambda: Connection.objects.update(organization="fabrikam"),
        "token refused": lambda: Connection.objects.update(health="rejected", problem="token_refused"),
    }


@pytest.mark.parametrize("change", ["date", "name", "owner", "identity", "organization", "token refused"])
def test_an_event_that_changes_tells_programs_so(olga: User, secret: str, change: str) -> None:
    connection = expiring(olga)
    (before,) = revisions(secret).values()
    assert before == (0, NOON, NOON)
    changes(connection)[change]()
    later = NOON + timedelta(hours=3)
    (after,) = revisions(secret, now=later).values()
    assert after == (1, later, later)
    assert revisions(secret, now=NOON + timedelta(days=3)) == revisions(secret, now=later)


def test_a_day_that_passes_changes_only_the_event_whose_token_ends(olga: User, secret: str) -> None:
    ending, staying = expiring(olga, 1), expiring(olga, 30)
    before, after = revisions(secret), revisions(secret, now=NOON + timedelta(days=2))
    changed = {uid.split("@")[0] for uid in before if before[uid] != after[uid]}
    assert changed == {f"expiry-{ending.pk}"}
    assert len(before) == len(after) == 2
    assert staying.pk != ending.pk


def test_what_changes_in_the_same_second_is_a_later_revision(client: Client, olga: User, secret: str) -> None:
    expiring(olga)
    first = fetch(secret, now=NOON)
    (before,) = revisions(secret).values()
    Connection.objects.update(name="Renamed")
    second = fetch(secret, now=NOON + timedelta(milliseconds=300))
    (after,) = revisions(secret, now=NOON + timedelta(milliseconds=400)).values()
    assert before == (0, NOON, NOON)
    assert after == (1, NOON + timedelta(seconds=1), NOON + timedelta(seconds=1))
    assert first is not None
    assert second is not None
    assert int(second.changed_at.timestamp()) > int(first.changed_at.timestamp())


def test_two_people_see_the_same_revision_of_an_event(olga: User, secret: str, person: Callable[..., User]) -> None:
    expiring(olga)
    revisions(secret)
    Connection.objects.update(name="Renamed")
    for_all = make_address(person("root", staff=True), by=Actor("root"), now=NOON)
    later = NOON + timedelta(days=1)
    assert revisions(for_all, now=later) == revisions(secret, now=later + timedelta(days=1))


def test_an_event_that_was_away_goes_on_where_it_was(olga: User, secret: str) -> None:
    expiring(olga)
    revisions(secret)
    Connection.objects.update(name="Renamed")
    before = revisions(secret, now=NOON + timedelta(days=1))
    Connection.objects.update(disabled=True)
    assert revisions(secret, now=NOON + timedelta(days=2)) == {}
    Connection.objects.update(disabled=False)
    assert revisions(secret, now=NOON + timedelta(days=3)) == before


def test_of_two_fetches_at_once_one_moves_the_revision(olga: User, secret: str) -> None:
    expiring(olga)
    revisions(secret)
    Connection.objects.update(name="Renamed")
    later = NOON + timedelta(days=1)
    store = calendar_revisions._store
    other: list[object] = []

    def overtaken(entries: list[Entry], *, now: datetime) -> None:
        with patch.object(calendar_revisions, "_store", store):
            other.append(revisions(secret, now=later))
        store(entries, now=now)

    with patch.object(calendar_revisions, "_store", overtaken):
        mine = revisions(secret, now=later + timedelta(seconds=5))
    assert [mine] == other
    assert list(mine.values()) == [(1, later, later)]


def test_a_connection_that_is_disconnected_during_a_fetch_is_no_error(olga: User, secret: str) -> None:
    expiring(olga)
    store = calendar_revisions._store

    def disconnected(entries: list[Entry], *, now: datetime) -> None:
        store(entries, now=now)
        Connection.objects.all().delete()

    with patch.object(calendar_revisions, "_store", disconnected):
        assert len(revisions(secret)) == 1
    assert revisions(secret) == {}
    assert not CalendarEntry.objects.exists()


def test_an_address_that_is_revoked_during_a_fetch_is_no_error(olga: User, secret: str) -> None:
    expiring(olga)
    store = calendar_revisions._store

    def revoked(entries: list[Entry], *, now: datetime) -> None:
        store(entries, now=now)
        CalendarFeed.objects.all().delete()

    with patch.object(calendar_revisions, "_store", revoked):
        assert len(revisions(secret)) == 1


def test_a_thousand_events_take_no_more_queries_than_one(
    olga: User, secret: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    expiring(olga)
    revisions(secret)
    with CaptureQueriesContext(database) as one:
        revisions(secret)
    ConnectionFactory.create_batch(30, owner=olga, expires_on=TODAY)
    revisions(secret)
    with django_assert_num_queries(len(one)):
        revisions(secret)


def test_fetching_is_noted_now_and_then(olga: User, secret: str) -> None:
    for minutes in (0, 10, 20, 70):
        fetch(secret, now=NOON + timedelta(minutes=minutes))
    assert CalendarFeed.objects.get().fetched_at == NOON + timedelta(minutes=70)


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
    secret = page.partition("testserver/calendar/")[2].partition(".ics")[0]
    assert len(secret) == 43
    assert hers.get(feed_address(secret)).status_code == 200
    assert secret not in hers.get(reverse("connections:calendar")).content.decode()


def test_a_new_address_ends_the_old_one_and_revoking_ends_it_all(hers: Client, secret: str) -> None:
    hers.post(reverse("connections:make-calendar"))
    assert hers.get(feed_address(secret)).status_code == 404
    hers.post(reverse("connections:revoke-calendar"))
    hers.post(reverse("connections:revoke-calendar"))
    assert not CalendarFeed.objects.exists()
    kinds = list(Event.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["calendar.made", "calendar.renewed", "calendar.revoked"]


def test_only_a_digest_is_stored_and_no_event_tells_it(secret: str) -> None:
    feed = CalendarFeed.objects.get()
    assert feed.secret_digest == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in repr(Event.objects.values_list())


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
