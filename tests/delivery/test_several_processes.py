"""Several web and worker processes: what one of them changed or was told, the others know."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from connections.actions import audit, audit_runs, rate_limit_pauses
from connections.models import Connection, RateLimitPause
from delivery import remote_read
from delivery.models import ReadGeneration, Repository, SyncState
from delivery.repositories import repository_browser
from delivery.repositories.repository_changes import FileCommit, commit_file
from delivery.sync import sync
from history.record import Actor
from sandbox.server import Sandbox
from tests.delivery.conftest import Clock
from tests.factories import ConnectionFactory

BringIn = Callable[[Connection], SyncState]
ANN = Actor(name="ann")
PATH = "/src/web/page.txt"


class WebProcess:
    """The memory of a web process of its own, beside the one of this test; the database is the same."""

    def __init__(self) -> None:
        self._memory = LocMemCache(str(uuid4()), {})

    @contextmanager
    def at_work(self) -> Iterator[None]:
        before, caches[remote_read.CACHE] = caches[remote_read.CACHE], self._memory
        try:
            yield
        finally:
            caches[remote_read.CACHE] = before


@pytest.fixture
def other() -> WebProcess:
    return WebProcess()


@pytest.fixture
def connection(connected: Callable[..., Connection]) -> Connection:
    return connected(organization="fabrikam")


@pytest.fixture
def repository(connection: Connection, bring_in: BringIn) -> Repository:
    bring_in(connection)
    return Repository.objects.get(name="Tailspin")


def shown(repository: Repository) -> str | bytes | None:
    """The file as its page shows it."""
    return repository_browser.file(Repository.objects.get(pk=repository.pk), "main", PATH).content


def commit(repository: Repository, content: str, *, seen: str, clock: Clock) -> None:
    wish = FileCommit("main", PATH, content, "Change", seen)
    commit_file(repository, wish, by=ANN, now=clock())


def object_id(repository: Repository) -> str:
    return repository_browser.file_to_edit(repository, "main", PATH).object_id


def test_a_commit_through_one_process_is_shown_by_the_other(
    repository: Repository, other: WebProcess, clock: Clock
) -> None:
    with other.at_work():
        assert shown(repository) != "new\n"
    commit(repository, "new\n", seen=object_id(repository), clock=clock)
    with other.at_work():
        assert shown(repository) == "new\n"
    assert shown(repository) == "new\n"


def test_a_commit_is_shown_by_another_connection_of_the_organization(
    repository: Repository, connected: Callable[..., Connection], bring_in: BringIn, clock: Clock
) -> None:
    second = connected(organization="fabrikam", name="The same organization")
    bring_in(second)
    theirs = Repository.objects.get(name="Tailspin", project__connection=second)
    assert shown(theirs) != "new\n"
    commit(repository, "new\n", seen=object_id(repository), clock=clock)
    assert shown(theirs) == "new\n"


def test_a_read_that_began_before_the_change_leaves_no_old_answer(
    connection: Connection, other: WebProcess, clock: Clock
) -> None:
    def slow(_client: object) -> str:
        with other.at_work():
            remote_read.invalidate(connection, now=clock())
        return "old"

    assert remote_read.cached(connection, ("slow",), slow) == "old"
    assert remote_read.cached(connection, ("slow",), lambda _client: "new") == "new"


def test_after_a_commit_that_was_refused_the_page_shows_what_somebody_else_pushed(
    repository: Repository, other: WebProcess, clock: Clock
) -> None:
    seen = object_id(repository)
    with other.at_work():
        old = shown(repository)
        commit(repository, "theirs\n", seen=seen, clock=clock)
        # As though it had been pushed with Git, of which nobody tells this product.
        ReadGeneration.objects.update(number=0)
        assert shown(repository) == old
        with pytest.raises(remote_read.RemoteReadError) as refusal:
            commit(repository, "mine\n", seen=seen, clock=clock)
        assert refusal.value.code == "file_changed"
        assert shown(repository) == "theirs\n"


def test_the_wait_that_azure_devops_asked_one_process_for_is_kept_by_all(
    pages: Client, repository: Repository, other: WebProcess, sandbox: Sandbox
) -> None:
    panel = reverse("delivery:files", args=[repository.pk])
    sandbox.behaviour.add("throttle", retry_after=60, times=1)
    pages.get(panel)
    before = len(sandbox.requests)
    with other.at_work():
        assert "Azure DevOps asks us to wait" in pages.get(panel).content.decode()
    assert len(sandbox.requests) == before


def test_pages_keep_the_wait_that_a_refresh_was_asked_for(
    repository: Repository, connection: Connection, bring_in: BringIn, sandbox: Sandbox
) -> None:
    sandbox.behaviour.add("throttle", retry_after=60, times=1)
    bring_in(connection)
    assert_pages_wait(repository, sandbox)


def test_pages_keep_the_wait_that_an_audit_was_asked_for(
    repository: Repository, connection: Connection, clock: Clock, sandbox: Sandbox
) -> None:
    sandbox.behaviour.add("throttle", retry_after=60, times=1)
    audit.audit(connection, by=ANN, now=clock(), interactive=False)
    assert_pages_wait(repository, sandbox)


def assert_pages_wait(repository: Repository, sandbox: Sandbox) -> None:
    before = len(sandbox.requests)
    with pytest.raises(remote_read.RemoteReadError) as refusal:
        shown(repository)
    assert refusal.value.code == "throttled"
    assert len(sandbox.requests) == before


@pytest.mark.parametrize("claim", [sync.claim_due, audit_runs.claim_due])
def test_the_clock_takes_nothing_of_a_person_who_must_wait(
    db: None, clock: Clock, claim: Callable[..., list[object]]
) -> None:
    waiting = ConnectionFactory.create(identity_id="maya", next_check_at=clock())
    ConnectionFactory.create(identity_id="noor", next_check_at=clock(), organization="other")
    SyncState.objects.update(next_at=clock())
    rate_limit_pauses.note(waiting, 30, now=clock())
    assert len(claim(now=clock())) == 1
    clock.forward(seconds=31)
    assert len(claim(now=clock())) == 1


def test_a_shorter_wait_never_ends_a_longer_one(db: None, clock: Clock) -> None:
    connection = ConnectionFactory.create(identity_id="maya")
    rate_limit_pauses.note(connection, 120, now=clock())
    rate_limit_pauses.note(connection, 5, now=clock())
    clock.forward(seconds=60)
    assert rate_limit_pauses.seconds_left(connection, now=clock()) == pytest.approx(60, abs=1)


def test_nobody_waits_for_hours_because_a_clock_was_ahead(db: None, clock: Clock) -> None:
    connection = ConnectionFactory.create(identity_id="maya")
    rate_limit_pauses.note(connection, 120, now=clock() + timedelta(days=1))
    assert rate_limit_pauses.seconds_left(connection, now=clock()) is None
    rate_limit_pauses.note(connection, 60, now=clock())
    assert rate_limit_pauses.seconds_left(connection, now=clock()) == pytest.approx(60, abs=1)


def test_pauses_and_counts_of_long_ago_are_removed(db: None, clock: Clock) -> None:
    connection = ConnectionFactory.create(identity_id="maya")
    rate_limit_pauses.note(connection, 120, now=clock())
    remote_read.invalidate(connection, now=clock())
    rate_limit_pauses.forget_ended(now=clock())
    remote_read.forget_old_generations(now=clock())
    assert (RateLimitPause.objects.count(), ReadGeneration.objects.count()) == (1, 1)
    clock.forward(days=31)
    rate_limit_pauses.forget_ended(now=clock())
    remote_read.forget_old_generations(now=clock())
    assert (RateLimitPause.objects.count(), ReadGeneration.objects.count()) == (0, 0)


def test_one_query_tells_whether_what_is_remembered_is_still_good(
    repository: Repository, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    connection = repository.project.connection
    remote_read.cached(connection, ("fact",), lambda _client: "fact")
    with django_assert_num_queries(1):
        assert remote_read.cached(connection, ("fact",), lambda _client: "other") == "fact"
