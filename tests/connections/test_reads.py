"""What the list of connections reads, in every order and filter, from rows that the database keeps ready."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import product

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from connections import reads
from connections.domain import expiry
from connections.domain.health import NEEDS_ATTENTION, Health
from connections.list_counts import list_counts
from connections.list_order import WORST
from connections.list_pages import PAGE_SIZE
from connections.models import Connection
from connections.reads import ATTENTION, OWNER_LEFT, REACH_UNKNOWN, THIS_WEEK, Filters
from tests.factories import ConnectionFactory, make_person

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 27)
DAYS = (None, -400, -1, 0, expiry.URGENT_DAYS + 1, expiry.SOON_DAYS, expiry.SOON_DAYS + 1, 400)


def shown(filters: Filters, number: int = 1) -> list[str]:
    return [row.name for row in reads.page_of_connections(filters, str(number), today=TODAY).object_list]


@pytest.fixture
def every_kind() -> list[Connection]:
    """Each health with each day, enabled and not, of an owner who is here and of one who left."""
    owners = (make_person("here"), make_person("gone", is_active=False))
    for health, left, disabled, owner in product(Health, DAYS, (False, True), owners):
        if health is not Health.DISABLED:
            ConnectionFactory(
                name=f"{health} {left} {disabled} {owner}",
                health=health,
                expires_on=None if left is None else TODAY + timedelta(days=left),
                disabled=disabled,
                owner=owner,
            )
    return list(Connection.objects.select_related("owner"))


def needs_a_person(one: Connection) -> bool:
    end = one.expires_on
    ends = end is None or end <= TODAY + timedelta(days=expiry.SOON_DAYS)
    return not one.disabled and (one.health in NEEDS_ATTENTION or ends or not one.owner.is_active)


def test_those_that_need_attention_are_listed(every_kind: list[Connection]) -> None:
    wanted = {one.name for one in every_kind if needs_a_person(one)}
    assert 0 < len(wanted) < len(every_kind)
    assert {one.name for one in reads.connections(Filters(status=ATTENTION), today=TODAY)} == wanted


def test_the_strip_counts_what_its_filters_show(
    every_kind: list[Connection], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        counts = list_counts(today=TODAY)
    chart = reads.expiry_timeline(today=TODAY)
    counted = {
        "rejected": counts.rejected,
        "limited": counts.limited,
        "not_recorded": counts.undated,
        OWNER_LEFT: counts.owner_left,
        "expired": chart.ended,
        THIS_WEEK: sum(bar.day.number for bar in chart.bars if bar.day.left <= expiry.URGENT_DAYS),
    }
    assert all(counted.values())
    for status, count in counted.items():
        assert reads.connections(Filters(status=status), today=TODAY).count() == count
    assert counts.total == len(every_kind)


def test_the_worst_come_first(every_kind: list[Connection], django_assert_num_queries: DjangoAssertNumQueries) -> None:
    groups = list_counts(today=TODAY).groups
    found = []
    for number in range(1, -(-len(every_kind) // PAGE_SIZE) + 1):
        with django_assert_num_queries(2):
            page = reads.page_of_connections(Filters(sort=WORST), str(number), today=TODAY, groups=groups)
        found += [row.pk for row in page]
    assert found == [connection.pk for connection in reads.connections(Filters(sort=WORST), today=TODAY)]
    ranks = [rank_of(Connection.objects.get(pk=pk)) for pk in found]
    assert ranks == sorted(ranks)
    assert set(ranks) == set(range(7))


def rank_of(one: Connection) -> int:
    left = None if one.expires_on is None else (one.expires_on - TODAY).days
    if one.disabled or one.health == Health.REJECTED:
        return 6 if one.disabled else 0
    if left is not None and left <= expiry.URGENT_DAYS:
        return 1
    if one.health in NEEDS_ATTENTION:
        return 2
    return 4 if left is None else 3 if left <= expiry.SOON_DAYS else 5


@pytest.mark.parametrize("key", ["name", "organization", "expiry", "checked", "owner"])
def test_a_minus_reverses_an_order(key: str) -> None:
    owners = [make_person(name) for name in ("ann", "bo", "cy")]
    for number, owner in enumerate(owners):
        ConnectionFactory(
            name=f"N{number}",
            organization=f"org{number}",
            expires_on=TODAY + timedelta(days=number),
            checked_at=timezone.now() - timedelta(hours=number),
            owner=owner,
        )
    assert shown(Filters(sort=key)) == shown(Filters(sort=f"-{key}"))[::-1] == ["N0", "N1", "N2"]


def test_with_a_status_those_that_expire_first_come_first() -> None:
    for name, days in (("A", 90), ("B", 5), ("C", None), ("D", 40)):
        end = None if days is None else TODAY + timedelta(days=days)
        ConnectionFactory(name=name, health="limited", expires_on=end)
    ConnectionFactory(name="E", health="healthy", expires_on=TODAY)
    assert shown(Filters(status="limited", sort=WORST)) == ["B", "D", "A", "C"]
    assert shown(Filters(status=ATTENTION, sort=WORST)) == ["A", "B", "C", "D", "E"]


def test_the_database_follows_every_change(every_kind: list[Connection]) -> None:
    Connection.objects.update(health=Health.HEALTHY, expires_on=TODAY + timedelta(days=300), disabled=False)
    User.objects.update(is_active=True)
    assert not reads.connections(Filters(status=ATTENTION), today=TODAY)
    Connection.objects.filter(pk=every_kind[0].pk).update(expires_on=TODAY, name="Renamed payments")
    assert reads.connections(Filters(status=ATTENTION), today=TODAY).count() == 1
    assert shown(Filters(q="renamed pay")) == ["Renamed payments"]


def test_those_whose_owner_left_are_found(every_kind: list[Connection]) -> None:
    found = reads.connections(Filters(status=OWNER_LEFT), today=TODAY)
    assert {one.owner.username for one in found} == {"gone"}
    assert found.count() == len(every_kind) / 4


def test_tokens_of_which_nobody_knows_for_which_organizations_are_counted_and_listed_alike(
    settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.AZURE_DEVOPS_SERVERS = "Services=https://dev.azure.com,Own=https://devops.example.com/tfs"
    reaches, servers = ("one", "all", "unknown"), ("Services", "Own", "Removed")
    for reach, server, disabled in product(reaches, servers, (False, True)):
        ConnectionFactory(name=f"{reach} {server} {disabled}", token_reach=reach, server=server, disabled=disabled)
    assert shown(Filters(status=REACH_UNKNOWN)) == ["unknown Services False"]
    with django_assert_num_queries(1):
        assert list_counts(today=TODAY).reach_unknown == 1


@pytest.mark.parametrize(
    ("servers", "offered"), [("Services=https://dev.azure.com", True), ("Own=https://devops.example.com/tfs", False)]
)
def test_that_filter_is_offered_where_there_is_the_service(settings: Settings, servers: str, offered: bool) -> None:
    settings.AZURE_DEVOPS_SERVERS = servers
    assert (REACH_UNKNOWN in dict(reads.status_choices())) is offered


def test_the_provider_filter_shows_the_connections_of_that_provider_alone() -> None:
    ConnectionFactory(name="Azure")
    ConnectionFactory(name="Elsewhere", provider="elsewhere")
    assert shown(Filters(provider="azure_devops")) == ["Azure"]
    assert shown(Filters(provider="elsewhere", q="else")) == ["Elsewhere"]
    assert shown(Filters()) == ["Azure", "Elsewhere"]


@pytest.fixture(params=[0, 1, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE + 7])
def some(request: pytest.FixtureRequest) -> int:
    """So many connections, some of them never checked, some without a date."""
    now = timezone.now()
    for number in range(request.param):
        ConnectionFactory(
            name=f"{'pB'[number % 2]}ayments {number:03}",
            expires_on=None if number % 5 == 0 else TODAY + timedelta(days=number % 7),
            checked_at=None if number % 4 == 0 else now - timedelta(minutes=number % 3),
        )
    return int(request.param)


def everything(filters: Filters, pages: int) -> Iterator[str]:
    for number in range(1, pages + 1):
        yield from shown(filters, number)


@pytest.mark.parametrize("q", ["", "ayments"])
@pytest.mark.parametrize("sort", ["", "expiry", "checked"])
def test_every_page_from_either_end_shows_its_part_of_the_whole_order(some: int, sort: str, q: str) -> None:
    filters = Filters(sort=sort, q=q)
    wanted = [one.name for one in reads.connections(filters, today=TODAY)]
    assert len(wanted) == some
    assert list(everything(filters, pages=-(-some // PAGE_SIZE))) == wanted


def test_orders_put_what_has_no_date_or_check_last(some: int) -> None:
    for sort, field in (("expiry", "expires_on"), ("checked", "checked_at")):
        found = [getattr(one, field) for one in reads.connections(Filters(sort=sort), today=TODAY)]
        dated = [one for one in found if one is not None]
        assert found == sorted(dated, reverse=sort == "checked") + [None] * (some - len(dated))


def test_a_page_beyond_the_end_is_the_last_one(some: int) -> None:
    for filters in (Filters(), Filters(q="ayments")):
        assert shown(filters, 999) == shown(filters, max(1, -(-some // PAGE_SIZE)))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("shop", ["Shop"]),
        ("SHOP fabrikam", ["Shop"]),
        ("fabrikam", ["Ledger", "Shop"]),
        ("maya led", ["Ledger"]),
        ("100%", ["100% Ærø"]),
        ("_", []),
        ("Ærø", ["100% Ærø"]),
        ("shop ledger", []),
        ("p f", ["Shop"]),
        ("\\", []),
    ],
)
def test_each_word_stands_in_the_name_the_organization_or_the_persons_name(asked: str, found: list[str]) -> None:
    ConnectionFactory(name="Shop", organization="fabrikam", identity_name="Noor")
    ConnectionFactory(name="Ledger", organization="fabrikam", identity_name="Maya")
    ConnectionFactory(name="100% Ærø", organization="acme", identity_name="Maya")
    assert shown(Filters(q=asked)) == found


def test_an_owner_is_named_in_full_or_as_they_sign_in() -> None:
    ConnectionFactory(name="A", owner=make_person("maya", first_name="Maya", last_name="Lindqvist"))
    ConnectionFactory(name="B", owner=make_person("noor"))
    page = reads.page_of_connections(Filters(), None, today=TODAY)
    assert [row.owner for row in page] == ["Maya Lindqvist", "noor"]
