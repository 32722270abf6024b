"""The list of connections: what each row shows, and the chart above them."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import escape

import pytest
from django.contrib.auth.models import User
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections import list_pages
from connections.models import Connection
from connections.views import list_parts
from core import widgets
from tests.factories import ConnectionFactory, make_entry, make_person

pytestmark = pytest.mark.django_db
HOSTILE = """<img src=x onerror="alert('1')">&{0}"""


@pytest.fixture
def pages(client: Client) -> Client:
    client.force_login(make_person("olga", "connections.view_connection", "connections.rotate_connection"))
    return client


def shown(pages: Client) -> str:
    return pages.get("/code-repositories/").content.decode()


def test_what_people_and_azure_devops_wrote_is_shown_and_never_obeyed(pages: Client) -> None:
    owner = User.objects.create(username="owner", first_name=HOSTILE)
    ConnectionFactory(name=HOSTILE, organization=HOSTILE, owner=owner)
    page = shown(pages)
    assert HOSTILE not in page
    assert page.count(escape(HOSTILE)) >= 3


def test_a_row_leads_to_its_connection_and_to_its_token(pages: Client) -> None:
    one = ConnectionFactory.create(name="Payments")
    page = shown(pages)
    assert f'<a href="{one.get_absolute_url()}">Payments</a>' in page
    assert f'href="{reverse("connections:update-token", args=[one.pk])}"' in page


def test_the_box_of_a_row_stands_for_its_connection(pages: Client) -> None:
    one = ConnectionFactory.create()
    assert f'<input type="checkbox" name="connection" value="{one.pk}"' in shown(pages)


def test_who_may_not_rotate_is_not_offered_it(client: Client) -> None:
    client.force_login(make_person("eve", "connections.view_connection"))
    one = ConnectionFactory.create()
    assert reverse("connections:update-token", args=[one.pk]) not in shown(client)


def test_a_row_says_when_it_was_checked_in_the_time_of_the_site(pages: Client) -> None:
    at = timezone.now() - timedelta(hours=2)
    ConnectionFactory(checked_at=at)
    page = shown(pages)
    assert f'datetime="{timezone.localtime(at).isoformat()}"' in page
    assert "2\xa0hours ago" in page


def test_what_is_not_known_is_said(pages: Client) -> None:
    ConnectionFactory(checked_at=None, expires_on=None)
    page = shown(pages)
    assert '<span class="muted">never</span>' in page
    assert '<span class="text-tone tone-info">not recorded, add a date</span>' in page


def test_two_truths_have_two_chips(pages: Client) -> None:
    tomorrow = timezone.localdate() + timedelta(days=1)
    ConnectionFactory(name="Both", health="limited", expires_on=tomorrow)
    page = shown(pages)
    assert [label for label in ("Limited", "Expires tomorrow") if f"</svg> {label}</span>" in page] == [
        "Limited",
        "Expires tomorrow",
    ]
    assert '<span class="small text-tone tone-bad">tomorrow</span>' in page


def test_the_default_connection_and_an_owner_who_left_are_marked(pages: Client) -> None:
    owner = User.objects.create(username="gone", is_active=False)
    ConnectionFactory(owner=owner, is_default=True)
    page = shown(pages)
    assert " default connection</span>" in page
    assert "no longer active" in page


def test_projects_are_counted(pages: Client) -> None:
    two = ConnectionFactory.create(all_projects=False)
    for number in range(2):
        two.chosen_projects.create(project_id=f"22222222-2222-4222-8222-{number:012}", name=f"P{number}")
    ConnectionFactory(all_projects=True)
    page = shown(pages)
    assert '<span class="small">2 projects</span>' in page
    assert '<span class="small">All projects</span>' in page


CHANGES: dict[str, tuple[dict[str, object], str]] = {
    "name": ({"name": "Renamed"}, ">Renamed</a>"),
    "organization": ({"organization": "elsewhere"}, "<span>elsewhere<"),
    "health": ({"health": "rejected"}, "</svg> Rejected</span>"),
    "disabled": ({"disabled": True}, "</svg> Disabled</span>"),
    "default": ({"is_default": True}, " default connection</span>"),
    "expiry": ({"expires_on": None}, "not recorded, add a date"),
    "check": ({"checked_at": None}, '<span class="muted">never</span>'),
}


@pytest.mark.parametrize(("change", "says"), CHANGES.values(), ids=CHANGES)
def test_a_row_that_was_shown_before_shows_what_has_changed(
    pages: Client, change: dict[str, object], says: str
) -> None:
    ConnectionFactory(name="Shop", checked_at=timezone.now(), expires_on=timezone.localdate() + timedelta(days=200))
    assert says not in shown(pages)
    Connection.objects.update(**change)
    assert says in shown(pages)


def test_a_row_that_was_shown_before_shows_another_name_of_its_owner(pages: Client) -> None:
    owner = make_person("noor", first_name="Noor")
    ConnectionFactory(owner=owner)
    assert ">Noor" in shown(pages)
    User.objects.filter(pk=owner.pk).update(first_name="Nora")
    assert ">Nora" in shown(pages)


def test_a_row_shows_each_person_what_they_may_do(pages: Client, client: Client) -> None:
    one = ConnectionFactory.create()
    update = reverse("connections:update-token", args=[one.pk])
    assert update in shown(pages)
    client.force_login(make_person("eve", "connections.view_connection"))
    assert update not in shown(client)
    client.force_login(make_person("ann", "connections.view_connection", "connections.audit_connection"))
    assert f'name="connection" value="{one.pk}"' in shown(client)


@pytest.mark.parametrize("seconds", [0, 1, 59, 60, 61, 119, 3_599, 3_600, 7_300, 86_399, 86_400, 200_000, -30, -7_000])
def test_how_long_ago_a_check_was_is_said_as_django_says_it(pages: Client, seconds: int) -> None:
    at = timezone.now() - timedelta(seconds=seconds + 0.5)
    ConnectionFactory(checked_at=at)
    before, page, after = naturaltime(at), shown(pages), naturaltime(at)
    assert any(f">{words}</time>" in page for words in (before, after))


def test_rows_stand_in_the_order_that_was_asked_for(pages: Client) -> None:
    today = timezone.localdate()
    for name, days in (("b", 1), ("a", 3), ("C", 2)):
        ConnectionFactory(name=name, expires_on=today + timedelta(days=days))
    ConnectionFactory(name="d", expires_on=None)
    by_expiry = pages.get("/code-repositories/", {"sort": "expiry"}).context["page"]
    by_name = pages.get("/code-repositories/", {"sort": "name"}).context["page"]
    assert [one.name for one in by_expiry] == ["b", "C", "a", "d"]
    assert [one.name for one in by_name] == ["a", "b", "C", "d"]
    assert Connection.objects.count() == 4


def test_counts_above_the_list_filter_it_and_lift_the_filter(pages: Client) -> None:
    today = timezone.localdate()
    ConnectionFactory(name="Over", expires_on=today - timedelta(days=2))
    ConnectionFactory(name="Near", expires_on=today + timedelta(days=3))
    ConnectionFactory(name="Far", expires_on=today + timedelta(days=300))
    strip = shown(pages).partition('id="strip"')[2].partition("</nav>")[0]
    assert re.findall(r"<strong>(\d)</strong> ([a-z ]+)", strip) == [
        ("1", "expired"),
        ("1", "this week"),
        ("0", "rejected"),
        ("0", "limited"),
        ("0", "no date"),
    ]
    assert re.findall(r'href="/code-repositories/(.*?)"', strip) == ["?status=expired", "?status=week"]
    answer = pages.get("/code-repositories/?status=week&sort=name")
    page = answer.content.decode()
    assert [row.name for row in answer.context["page"]] == ["Near"]
    assert '<a href="/code-repositories/?sort=name" aria-current="true">' in page
    assert "1 of 3 connections" in page


def heads(pages: Client, **query: str) -> dict[str, tuple[str, str]]:
    page = pages.get("/code-repositories/", query).content.decode()
    found = re.findall(r'<th scope="col"( aria-sort="\w+")?><a class="sort" href="(.*?)">(.*?) <svg', page)
    return {label: (direction.strip(), href.partition("?")[2]) for direction, href, label in found}


def test_a_head_sorts_by_its_column_and_then_the_other_way_round(pages: Client) -> None:
    ConnectionFactory(name="a")
    first = heads(pages, q="a")
    assert (first["Status"][0], first["Name"][0]) == ('aria-sort="descending"', "")
    assert first["Expires"] == ("", "q=a&amp;sort=expiry")
    again = heads(pages, sort="expiry")
    assert again["Expires"] == ('aria-sort="ascending"', "sort=-expiry")
    assert again["Status"] == ("", "")


LISTS = {"/code-repositories/": ConnectionFactory, "/code-repositories/register/": make_entry}


@pytest.fixture
def lists(client: Client) -> Client:
    client.force_login(make_person("vera", "connections.view_connection", "connections.view_registerentry"))
    return client


@pytest.mark.parametrize(("page", "make"), LISTS.items(), ids=LISTS)
def test_a_search_while_typing_gets_the_rows_and_the_counts_alone(
    lists: Client, page: str, make: Callable[..., object]
) -> None:
    for name in ("Shop", "Ledger"):
        make(name=name)
    whole = lists.get(page, {"q": "shop"}).content.decode()
    typing = {"HX-Request": "true", "HX-Target": "listing"}
    part = lists.get(page, {"q": "shop"}, headers=typing).content.decode()
    assert (part.count('id="listing"'), part.count('id="strip"'), part.count("<html")) == (1, 1, 0)
    assert ("Shop</a>" in part, "Ledger</a>" in part, '<form class="filters"' in part) == (True, False, False)
    rows = whole.partition('<div id="listing">')[2].partition("</main>")[0].strip()
    assert without_token(part.partition('<div id="listing">')[2].strip()) == without_token(rows)


@pytest.mark.parametrize(("page", "make"), LISTS.items(), ids=LISTS)
def test_of_what_people_type_nothing_is_kept(lists: Client, page: str, make: Callable[..., object]) -> None:
    make(name="{0}&second")
    make(name="first")
    kept = (list_parts._rendered, list_pages._found_sql, widgets._empty_input, widgets._select)
    lists.get(page, {"q": "first", "unknown": "first"})
    before = [cache.cache_info().currsize for cache in kept]
    shown = lists.get(page, {"q": "{0}&second", "unknown": "second", "status": "second"}).content.decode()
    assert [cache.cache_info().currsize for cache in kept] == before
    assert "q=%7B0%7D%26second&amp;unknown=second" in shown


def without_token(page: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)
