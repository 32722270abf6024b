"""The truth about a leaked token is in the database, and is read again after a second."""

import pytest
from pytest_django import DjangoAssertNumQueries

from connections import leak_guard
from connections.leak_guard import LeakGuard
from connections.models import LeakedToken
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.errors import TokenLeaked
from core import encryption
from tests.factories import ConnectionFactory, make_leak

TOKEN = PersonalAccessToken("a" * 52)


def declare() -> LeakedToken:
    return make_leak(ConnectionFactory.create(), fingerprint=encryption.fingerprint(TOKEN))


@pytest.mark.django_db
def test_within_a_second_the_database_is_read_once(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    guard = LeakGuard.of(TOKEN)
    with django_assert_num_queries(1):
        guard.refuse_leaked()
        guard.refuse_leaked()


@pytest.mark.django_db
def test_after_a_second_it_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("connections.leak_guard.time.monotonic", lambda: now)
    guard = LeakGuard.of(TOKEN)
    guard.refuse_leaked()
    declare()
    now += leak_guard.FRESH_SECONDS
    with pytest.raises(TokenLeaked):
        guard.refuse_leaked()


@pytest.mark.django_db
def test_what_is_leaked_stays_so(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    declare()
    guard = LeakGuard.of(TOKEN)
    assert guard.is_leaked()
    with django_assert_num_queries(0):
        assert guard.is_leaked()


@pytest.mark.django_db
def test_another_token_is_not() -> None:
    declare()
    LeakGuard.of(PersonalAccessToken("b" * 52)).refuse_leaked()


@pytest.mark.django_db
def test_several_guards_are_read_by_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    declare()
    guards = [LeakGuard.of(TOKEN), LeakGuard.of(PersonalAccessToken("b" * 52))]
    with django_assert_num_queries(1):
        leak_guard.read_together(guards)
        assert [guard.is_leaked() for guard in guards] == [True, False]
    with django_assert_num_queries(0):
        leak_guard.read_together([])


@pytest.mark.django_db
def test_a_guard_that_was_read_with_others_reads_for_itself_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("connections.leak_guard.time.monotonic", lambda: now)
    guard = LeakGuard.of(TOKEN)
    leak_guard.read_together([guard])
    declare()
    assert not guard.is_older_than(0.5)
    now += leak_guard.FRESH_SECONDS
    assert guard.is_older_than(0.5)
    assert guard.is_leaked()
