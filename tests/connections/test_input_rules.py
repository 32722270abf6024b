"""What people may enter, through whichever way in: forms, commands and lines of JSON are held to the same rules."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from connections import input_rules
from connections.actions.disconnect import disconnect
from connections.actions.edit import Changes, edit
from connections.actions.enforce_policy import set_token_policy
from connections.actions.refusals import CannotChange, CannotDisconnect, CannotEdit, CannotRotate
from connections.actions.rotate import extend
from connections.domain import expiry
from connections.domain.token_policy import TokenPolicy
from connections.forms import EditForm
from connections.input_rules import InvalidInput
from connections.models import Connection
from connections.notifications import calendar_feed, reminders
from history.record import Actor
from sandbox.server import Sandbox
from tests.connections.commands import Connected, Ran, Token, TypeIn, line
from tests.factories import ConnectionFactory

BY = Actor("test")
WRONG_NAMES = [
    ("", "name_missing"),
    (" \t ", "name_missing"),
    ("\u3164\u3164", "name_invisible"),
    ("Acme\nmain", "name_invisible"),
    ("Acme\x1b[31m main", "name_invisible"),
    ("Acme\u202e niam", "name_invisible"),
    ("x" * 300, "name_too_long"),
    ("Shop abc8Q~" + "d" * 34, "secret_in_text"),
    ("ghp_" + "a" * 36, "secret_in_text"),
]
WRONG_DATES = [
    ("2020-01-01", "expiry_passed"),
    ("0001-01-01", "expiry_passed"),
    ("9999-12-31", "expiry_too_far"),
]


@pytest.mark.parametrize(("name", "problem"), WRONG_NAMES)
def test_a_command_connects_under_no_name_that_a_form_refuses(
    maintainer: User, sandbox: Sandbox, token_of: Token, type_in: TypeIn, name: str, problem: str
) -> None:
    type_in(token_of("full"))
    sandbox.requests.clear()
    ran = Ran("add", name, "acme", "--owner", "maya", "--json")
    assert (ran.code, ran.json["problem"]) == (1, problem)
    assert sandbox.requests == []
    assert not Connection.objects.exists()


def test_a_name_is_stored_as_a_form_stores_it(
    maintainer: User, sandbox: Sandbox, token_of: Token, type_in: TypeIn
) -> None:
    type_in(token_of("full"))
    assert Ran("add", "  Caf\u0065\u0301 \u00a0 main ", "acme", "--owner", "maya").code == 0
    assert Connection.objects.get().name == "Caf\u00e9 main"


@pytest.mark.parametrize(("day", "problem"), WRONG_DATES)
@pytest.mark.parametrize("verb", ["add", "update-token", "rotate"])
def test_a_command_takes_no_date_that_a_form_refuses(
    connected: Connected, sandbox: Sandbox, token_of: Token, type_in: TypeIn, verb: str, day: str, problem: str
) -> None:
    connection = connected()
    sandbox.requests.clear()
    words = {
        "add": ["Another", "acme", "--expires-on", day],
        "update-token": ["Acme main", "--expires-on", day],
        "rotate": ["--read"],
    }
    new = token_of("no-build")
    type_in(line(token=new, connection="Acme main", expires_on=day) if verb == "rotate" else new)
    ran = Ran(verb, *words[verb], "--owner", "maya", "--json")
    assert (ran.code, ran.json["problem"]) == (1, problem)
    assert sandbox.requests == []
    connection.refresh_from_db()
    assert connection.expires_on is None


@pytest.mark.parametrize("flag", ["all_organizations", "accept_limited"])
def test_a_text_in_a_line_is_no_yes(connected: Connected, token_of: Token, type_in: TypeIn, flag: str) -> None:
    connected()
    type_in(line(token=token_of("no-build"), connection="Acme main", **{flag: "no"}))
    ran = Ran("rotate", "--read", "--owner", "maya", "--json")
    assert (ran.code, ran.json["problem"]) == (1, "bad_line")


@pytest.mark.parametrize("named", ["a\0", "\ud800", True, 10**30, ["Acme main"], None])
def test_a_line_that_names_nothing_that_can_be_found_is_refused(
    connected: Connected, token_of: Token, type_in: TypeIn, named: object
) -> None:
    connected()
    type_in(line(token=token_of("no-build"), connections=[named]))
    ran = Ran("rotate", "--read", "--owner", "maya", "--json")
    assert (ran.code, ran.json["problem"]) == (1, "bad_line")


# More than the 254 characters of the column, of which PostgreSQL would refuse the reminders of everyone.
LONG_ADDRESS = f"a@{'.'.join(['b' * 60] * 4)}.example.com"
CHANGES = Changes("Acme main", None, "one", None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "problem", "field"),
    [
        *((replace(CHANGES, name=name), problem, "name") for name, problem in WRONG_NAMES),
        (replace(CHANGES, expires_on=date.max), "expiry_too_far", "expires_on"),
        (replace(CHANGES, expires_on=date.min), "expiry_too_old", "expires_on"),
        (replace(CHANGES, token_reach="everything"), "choice_unknown", "token_reach"),
        (replace(CHANGES, extra_recipients="a@example.com\nnobody"), "recipient_invalid", "extra_recipients"),
        (replace(CHANGES, extra_recipients="a@example.com " * 200), "recipients_too_long", "extra_recipients"),
        (replace(CHANGES, extra_recipients=LONG_ADDRESS), "recipient_invalid", "extra_recipients"),
    ],
)
def test_the_action_of_an_edit_refuses_what_its_form_refuses(changes: Changes, problem: str, field: str) -> None:
    connection = ConnectionFactory.create(name="Acme main")
    with pytest.raises(CannotEdit) as refused:
        edit(connection, changes, by=BY, now=timezone.now())
    assert (refused.value.code, refused.value.field) == (problem, field)
    assert Connection.objects.get().name == "Acme main"


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "problem"), WRONG_NAMES[2:])
def test_the_form_of_an_edit_says_it_beside_the_field_with_the_same_code(name: str, problem: str) -> None:
    form = EditForm({"name": name, "expires": "unknown", "token_reach": "one"})
    assert not form.is_valid()
    assert [error.code for error in form.errors["name"].as_data()] == [problem]


@pytest.mark.django_db
def test_extending_takes_only_the_date_of_a_new_token() -> None:
    connection = ConnectionFactory.create(expires_on=date(2027, 1, 1))
    now = datetime(2026, 12, 1, 12, tzinfo=UTC)
    for day, problem in ((date(2026, 11, 30), "expiry_passed"), (date.max, "expiry_too_far")):
        with pytest.raises(CannotRotate) as refused:
            extend(connection, expires_on=day, by=BY, now=now)
        assert refused.value.code == problem


@pytest.mark.django_db
@pytest.mark.parametrize("days", [0, 367, 10**9])
def test_a_guard_rail_is_a_number_of_days_that_a_token_can_live(days: int) -> None:
    with pytest.raises(CannotChange) as refused:
        set_token_policy(TokenPolicy(longest_life_days=days), by=BY, now=timezone.now())
    assert refused.value.code == "life_out_of_range"


def test_the_last_day_of_a_year_from_now_is_a_date_and_the_next_is_not() -> None:
    today = date(2026, 11, 24)
    assert input_rules.recorded_expiry(today + expiry.LONGEST_LIFE, today=today)
    with pytest.raises(InvalidInput):
        input_rules.recorded_expiry(today + expiry.LONGEST_LIFE + timedelta(days=1), today=today)
    # A year from the last days of the calendar is none.
    assert input_rules.recorded_expiry(date.max, today=date.max) == date.max


STORED = ["", "x" * 64, " Acme  main ", "Acme\nmain", "\x1b[2JAcme\u202e", "\u200b"]


@pytest.mark.parametrize("name", STORED)
def test_a_connection_of_any_stored_name_is_disconnected_on_its_page(
    client: Client, person: Callable[..., User], name: str
) -> None:
    owner = person("dora", "connections.view_connection", "connections.delete_connection")
    connection = ConnectionFactory.create(owner=owner, name=name)
    client.force_login(owner)
    address = reverse("connections:disconnect", args=[connection.pk])
    page = client.get(address)
    # What a browser sends of what the page says.
    typed = " ".join(page.context["name_to_type"].split())
    data = {"confirm_name": typed, "version": page.context["version"]}
    assert client.post(address, data).status_code == 200
    assert not Connection.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "typed"), [("\u200b", "connection 0"), ("\u200b", "\u200b x"), ("Acme", "Acm")])
def test_another_name_still_disconnects_nothing(name: str, typed: str) -> None:
    connection = ConnectionFactory.create(name=name)
    with pytest.raises(CannotDisconnect):
        disconnect(connection, confirmed_name=typed, by=BY, now=timezone.now())
    assert Connection.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("day", [date.max, date.max - timedelta(days=1), date.min, date(1, 2, 3)])
def test_a_date_at_an_end_of_the_calendar_that_is_stored_already_breaks_nothing(
    client: Client, maintainer: User, day: date
) -> None:
    connection = ConnectionFactory.create(name="Acme main", owner=maintainer, expires_on=day)
    now = timezone.now()
    assert calendar_feed.calendar_of([connection], today=timezone.localdate(now)).startswith(b"BEGIN:VCALENDAR")
    reminders.remind_due(now=now)
    client.force_login(maintainer)
    for name in ("detail", "edit", "update-token", "disconnect"):
        assert client.get(reverse(f"connections:{name}", args=[connection.pk])).status_code == 200
    for name in ("list", "rotation"):
        assert client.get(reverse(f"connections:{name}")).status_code == 200
    for words in (["list"], ["audit", "--stored"], ["rotate"], ["remind", "--dry-run"]):
        assert Ran(*words).code in (0, 1, 3, 4)


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_events_are_looked_for_up_to_the_ends_of_the_calendar(
    client: Client, maintainer: User, settings: Settings, day: str, zone: str
) -> None:
    settings.TIME_ZONE = zone
    connection = ConnectionFactory.create(name="Acme main", owner=maintainer)
    assert Ran("events", "--since", day, "--until", day).code == 0
    client.force_login(maintainer)
    query = {"since": day, "until": day}
    assert client.get(reverse("history:all"), query).status_code == 200
    assert client.get(reverse("connections:history", args=[connection.pk]), query).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("number", ["-1", "0", "99999999999999999999"])
def test_a_number_of_days_or_lines_may_be_any(number: str) -> None:
    for words in (["rotate", "--within"], ["audit", "--stored", "--within"], ["events", "--limit"]):
        assert Ran(*words, number).code == 0


@pytest.mark.parametrize(
    ("ends", "thresholds", "day"),
    [
        (date(2026, 12, 4), [30, 7, 1], date(2026, 11, 27)),
        (date(2026, 11, 24), [30, 7, 0], None),
        (date(2026, 11, 26), [], None),
        (date.min, [30], None),
        (date.max, [0], None),
    ],
)
def test_the_next_reminder_is_the_first_threshold_that_is_still_ahead(
    ends: date, thresholds: list[int], day: date | None
) -> None:
    assert expiry.next_reminder(ends, date(2026, 11, 24), thresholds=thresholds) == day
