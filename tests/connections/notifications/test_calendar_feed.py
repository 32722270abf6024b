"""The calendar of expiry dates as RFC 5545 has it."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from icalendar import Calendar

from connections.models import Connection
from connections.notifications import calendar_feed
from connections.providers.credential import NEVER
from tests.connections.calendars import TODAY, events, expiring

NASTY = 'Söhne & Töchter; "a, b"\\n日本語プロジェクト日本語プロジェクト日本語プロジェクト'


@pytest.fixture
def olga(person: Callable[..., User]) -> User:
    return person("olga", "connections.view_connection", email="olga@example.com")


def made_of(*connections: Connection) -> bytes:
    return calendar_feed.calendar_of(connections, today=TODAY)


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


def test_what_never_expires_is_in_no_calendar(olga: User) -> None:
    connection = expiring(olga)
    connection.expires_on = NEVER
    assert made_of(connection) == made_of()
