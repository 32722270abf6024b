"""Which due connections a claim takes, and that it reads few of those that must wait."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import User
from django.db import connection as database
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from connections.actions import audit_claims, audit_runs
from connections.models import Connection, RateLimitPause
from tests.factories import ConnectionFactory

NOW = datetime(2026, 11, 24, 12, 7, tzinfo=UTC)
pytestmark = pytest.mark.django_db
# Minutes until it is due, person, organization, server, and whether it is audited now or disabled.
Row = tuple[int, int, int, int, str]
ROWS = st.lists(
    st.tuples(
        st.integers(-40, 3),
        st.sampled_from([0, 0, 0, 0, 1, 2, 3, 4]),
        st.sampled_from([0, 0, 0, 0, 1, 2, 3, 4]),
        st.integers(0, 1),
        st.sampled_from(["free"] * 8 + ["leased", "disabled"]),
    ),
    max_size=40,
)


@pytest.fixture
def owner() -> User:
    return User.objects.create(username="ann")


@pytest.fixture(autouse=True)
def short_reads(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that few connections are more than a claim reads at first."""
    settings.AUDITS_AT_ONCE = 4
    monkeypatch.setattr(audit_claims, "_FIRST", 8)


def make(rows: Iterable[Row], owner: User) -> list[Connection]:
    built = [_build(row, owner) for row in rows]
    return Connection.objects.bulk_create(built)


def _build(row: Row, owner: User) -> Connection:
    minutes, person, organization, server, state = row
    return ConnectionFactory.build(
        owner=owner,
        next_check_at=NOW + timedelta(minutes=minutes),
        identity_id=f"person-{person}" if person != 1 else "",
        organization=f"organization-{organization}",
        server=f"Server {server}",
        leased_until=NOW + timedelta(seconds=30) if state == "leased" else None,
        disabled=state == "disabled",
    )


def expected(rows: Sequence[Connection], leased: set[int], paused: str | None = None) -> list[int]:
    """The plain selection: all that is due, in order, one after another."""
    organizations: Counter[tuple[str, str]] = Counter()
    people: Counter[str] = Counter()
    chosen = list[int]()

    def count(row: Connection) -> None:
        organizations[row.server, row.organization] += 1
        people[row.identity_id] += 1

    for row in (row for row in rows if row.pk in leased):
        count(row)
    for row in sorted(rows, key=lambda row: (row.next_check_at, row.pk)):
        is_due = not row.disabled and row.next_check_at <= NOW and row.pk not in leased and row.identity_id != paused
        if (
            is_due
            and len(leased) + len(chosen) < configured.AUDITS_AT_ONCE
            and organizations[row.server, row.organization] < configured.AUDITS_PER_ORGANIZATION
            and people[row.identity_id] < configured.AUDITS_PER_PERSON
        ):
            count(row)
            chosen.append(row.pk)
    return chosen


def _leased(rows: Iterable[Connection]) -> set[int]:
    return {row.pk for row in rows if row.leased_until}


@pytest.mark.parametrize(("of_person", "of_organization"), [(1, 99), (2, 99), (99, 1), (99, 2), (99, 99)])
def test_a_claim_takes_what_reading_everything_in_order_would_take(
    owner: User, settings: Settings, of_person: int, of_organization: int
) -> None:
    settings.AUDITS_PER_PERSON, settings.AUDITS_PER_ORGANIZATION = of_person, of_organization

    @given(ROWS)
    def claim(given_rows: list[Row]) -> None:
        with transaction.atomic():
            rows = make(given_rows, owner)
            assert list(audit_claims.choose(NOW, None)) == expected(rows, _leased(rows))
            transaction.set_rollback(True)

    claim()


@pytest.mark.parametrize(("groups", "steps"), [(64, 500), (2, 500), (64, 3), (2, 3)])
def test_with_both_limits_and_a_pause_a_claim_keeps_them_and_leaves_no_room(
    owner: User, settings: Settings, monkeypatch: pytest.MonkeyPatch, groups: int, steps: int
) -> None:
    settings.AUDITS_AT_ONCE = 2
    monkeypatch.setattr(audit_claims, "_FIRST", 4)
    monkeypatch.setattr(audit_claims, "_GROUPS", groups)
    monkeypatch.setattr(audit_claims, "_STEPS", steps)

    @given(ROWS, st.integers(1, 2), st.integers(1, 2))
    def claim(given_rows: list[Row], of_person: int, of_organization: int) -> None:
        settings.AUDITS_PER_PERSON, settings.AUDITS_PER_ORGANIZATION = of_person, of_organization
        with transaction.atomic():
            for server in ("Server 0", "Server 1"):
                until = NOW + timedelta(minutes=1)
                RateLimitPause.objects.create(server=server, identity_id="person-2", until=until)
            rows = make(given_rows, owner)
            chosen, leased = set(audit_claims.choose(NOW, None)), _leased(rows)
            taken = [row for row in rows if row.pk in chosen | leased]
            assert not [row for row in rows if row.pk in chosen and row.identity_id == "person-2"]
            assert not expected(rows, leased | chosen, paused="person-2")
            for pk in chosen:
                # Each is one that there is room for beside the others.
                assert expected([row for row in taken if row.pk in leased | chosen], (leased | chosen) - {pk}) == [pk]
            transaction.set_rollback(True)

    claim()


@pytest.mark.parametrize("limit", ["AUDITS_PER_PERSON", "AUDITS_PER_ORGANIZATION"])
def test_the_next_people_and_organizations_come_in_the_order_of_their_times(
    owner: User, settings: Settings, limit: str
) -> None:
    settings.AUDITS_PER_PERSON = settings.AUDITS_PER_ORGANIZATION = 99
    setattr(settings, limit, 1)
    make([(-60, 0, 0, 0, "free")] * 30, owner)
    others = make([(-minutes, 9 - minutes, 9 - minutes, 0, "free") for minutes in (4, 2, 3)], owner)
    _, *claimed = audit_runs.claim_due(now=NOW)
    assert claimed == [others[0].pk, others[2].pk, others[1].pk]


class Work:
    """How much the database did for a call: instructions of SQLite, rows that PostgreSQL read of connections."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._instructions = 0
        with transaction.atomic():
            if database.vendor == "sqlite":
                database.connection.set_progress_handler(self._count, 100)
                act()
                database.connection.set_progress_handler(None, 0)
                self.amount = self._instructions
            else:
                before = self._rows_read()
                act()
                self.amount = self._rows_read() - before

    def _count(self) -> int:
        self._instructions += 1
        return 0

    @staticmethod
    def _rows_read() -> int:
        with database.cursor() as cursor:
            cursor.execute(
                "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = %s",
                [Connection._meta.db_table],
            )
            return int(cursor.fetchone()[0])


def _work_of_claim(rows: Sequence[Row], owner: User) -> int:
    """The work of a claim of these after two of the first were claimed."""
    with transaction.atomic():
        make(rows, owner)
        with database.cursor() as cursor:
            cursor.execute("ANALYZE connections_connection")
        audit_runs.claim_due(now=NOW, most=2)
        amount = Work(lambda: audit_runs.claim_due(now=NOW)).amount
        transaction.set_rollback(True)
    return amount


def _of_one(count: int) -> list[Row]:
    return [(-60 + number % 50, 0, 0, 0, "free") for number in range(count)]


@pytest.mark.parametrize("limit", ["AUDITS_PER_PERSON", "AUDITS_PER_ORGANIZATION"])
@pytest.mark.parametrize("has_others", [False, True])
def test_however_many_are_due_of_one_person_or_organization_a_claim_is_the_same_work(
    owner: User, settings: Settings, limit: str, has_others: bool
) -> None:
    settings.AUDITS_PER_PERSON = settings.AUDITS_PER_ORGANIZATION = 99_999
    setattr(settings, limit, 2)
    others: list[Row] = [(-2, number, number, 0, "free") for number in (5, 6)] if has_others else []
    few, many = (_work_of_claim([*_of_one(count), *others], owner) for count in (1000, 8000))
    assert many <= 1.5 * few + 10
