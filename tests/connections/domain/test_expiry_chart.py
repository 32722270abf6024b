"""The timeline of expiry dates: its geometry, what the page says of it, and what it costs."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from connections import reads
from connections.domain.expiry_chart import DAYS, HEIGHT, WIDTH, Timeline, timeline
from tests.factories import ConnectionFactory

TODAY = date(2026, 3, 1)


def drawn(*lefts: int, ended: int = 0) -> Timeline:
    """A timeline with one token for each of `lefts`, in days from today."""
    days = [TODAY + timedelta(days=left) for left in lefts]
    return timeline([(day, days.count(day), ()) for day in sorted(set(days))], ended=ended, today=TODAY)


def test_only_the_next_ninety_days_are_drawn() -> None:
    found = drawn(-1, 0, DAYS, DAYS + 1)
    assert [bar.day.left for bar in found.bars] == [0, DAYS]
    assert found.total == 2


def test_a_day_of_one_token_stays_visible_beside_a_day_of_a_thousand() -> None:
    few, many = timeline([(TODAY, 1, ()), (TODAY + timedelta(days=1), 1000, ())], ended=0, today=TODAY).bars
    assert 0 < few.height < many.height == many.height + many.y


@pytest.mark.parametrize(("left", "tone"), [(0, "bad"), (7, "bad"), (8, "warn"), (30, "warn"), (31, "quiet")])
def test_colour_follows_how_soon_it_is(left: int, tone: str) -> None:
    (bar,) = drawn(left).bars
    assert bar.day.tone == tone


@pytest.mark.django_db
@pytest.mark.parametrize(("names", "named", "more"), [("A", ("A",), 0), ("BA", ("A", "B"), 0), ("CABD", ("A", "D"), 2)])
def test_a_day_names_two_and_counts_the_rest(names: str, named: tuple[str, ...], more: int) -> None:
    for name in names:
        ConnectionFactory(name=name, expires_on=TODAY)
    (bar,) = reads.expiry_timeline(today=TODAY).bars
    assert (bar.day.names, bar.day.more) == (named, more)


@given(counts=st.dictionaries(st.integers(-200, 200), st.integers(1, 10**6)))
def test_whatever_the_counts_every_bar_stands_inside_the_drawing_and_none_covers_another(
    counts: dict[int, int],
) -> None:
    days = [(TODAY + timedelta(days=left), count, ()) for left, count in counts.items()]
    found = timeline(days, ended=0, today=TODAY)
    places = [(bar.x, bar.x + bar.width) for bar in found.bars]
    assert all(0 <= left < right <= WIDTH for left, right in places)
    assert all(one[1] <= next_one[0] for one, next_one in pairwise(places))
    assert all(bar.y >= 0 and bar.height > 0 and bar.y + bar.height <= HEIGHT for bar in found.bars)


@pytest.mark.django_db
def test_disabled_connections_and_those_without_a_date_are_no_news(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for state in ({"disabled": True}, {"expires_on": None}, {"expires_on": TODAY - timedelta(days=2)}, {}):
        ConnectionFactory(**{"expires_on": TODAY + timedelta(days=4), **state})
    with django_assert_num_queries(1):
        found = reads.expiry_timeline(today=TODAY)
    assert (found.total, found.ended) == (1, 1)


@pytest.mark.django_db
def test_a_bar_leads_to_the_connections_of_its_day(pages: Client) -> None:
    soon = timezone.localdate() + timedelta(days=4)
    ConnectionFactory(name="Ends in four days", expires_on=soon)
    ConnectionFactory(name="Ends in forty days", expires_on=soon + timedelta(days=36))
    assert f'href="?on={soon}"' in pages.get("/code-repositories/").text
    page = pages.get("/code-repositories/", {"on": str(soon)})
    assert [row.name for row in page.context["page"]] == ["Ends in four days"]
    assert "show all days" in page.text


@pytest.mark.django_db
@pytest.mark.parametrize("day", ["never", "2026-02-31", "0", "9999999999-01-01", "<b>"])
def test_a_day_that_cannot_be_read_filters_nothing(pages: Client, day: str) -> None:
    ConnectionFactory(name="Here")
    page = pages.get("/code-repositories/", {"on": day})
    assert [row.name for row in page.context["page"]] == ["Here"]
    assert "show all days" not in page.text
