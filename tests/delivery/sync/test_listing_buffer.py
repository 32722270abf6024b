"""Listings of several projects are written together, and none is kept for long."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from unittest.mock import patch

import pytest
from django.db import IntegrityError
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connections.models import Connection
from connections.providers.azure_devops import git
from connections.providers.azure_devops.models import Page
from delivery.models import Project, Repository, SyncState
from delivery.remote_read import FAILED_HERE
from delivery.sync import listing_buffer
from delivery.sync.listing_buffer import ListingBuffer
from delivery.sync.upsert import Listing, newest_repository, upsert_repositories, upsert_repository
from sandbox.server import Sandbox
from tests.delivery.conftest import Clock

Connect = Callable[..., Connection]
BringIn = Callable[[Connection], SyncState]


class Written:
    """Remembers what was written together, as names of projects."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.newest: list[int] = []

    def __call__(self, listings: list[Listing], *, at: datetime, newest: int) -> None:
        self.batches.append([listing.project.name for listing in listings])
        self.newest.append(newest)


def listing(name: str, clock: Clock, *, repositories: int = 1) -> Listing:
    items = tuple(git.Repository(f"{name} {number}", "Code") for number in range(repositories))
    return Listing(Project(name=name), clock(), Page(items, None))


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.mark.django_db
def test_nothing_is_written_until_there_are_many_projects(written: Written, clock: Clock) -> None:
    waiting = ListingBuffer(written, clock)
    for number in range(listing_buffer.MOST_PROJECTS):
        assert written.batches == []
        waiting.add(listing(f"P{number}", clock))
    assert [len(batch) for batch in written.batches] == [listing_buffer.MOST_PROJECTS]


@pytest.mark.django_db
def test_many_repositories_are_written_at_once(written: Written, clock: Clock) -> None:
    ListingBuffer(written, clock).add(listing("Big", clock, repositories=listing_buffer.MOST_REPOSITORIES))
    assert written.batches == [["Big"]]


@pytest.mark.django_db
def test_what_has_waited_is_written(written: Written, clock: Clock) -> None:
    waiting = ListingBuffer(written, clock)
    waiting.add(listing("First", clock))
    clock.now += listing_buffer.LONGEST_WAIT
    waiting.add(listing("Second", clock))
    assert written.batches == [["First", "Second"]]


@pytest.mark.django_db
def test_what_could_not_be_written_is_not_written_again(clock: Clock) -> None:
    calls = []

    def fail(listings: list[Listing], **_: Any) -> None:
        calls.append(len(listings))
        raise IntegrityError

    waiting = ListingBuffer(fail, clock)
    waiting.add(listing("One", clock))
    with pytest.raises(IntegrityError):
        waiting.write()
    waiting.write()
    assert calls == [1]


def test_several_projects_take_as_many_queries_as_one(connected: Connect, bring_in: BringIn, sandbox: Sandbox) -> None:
    projects = sandbox.state.organizations["fabrikam"].projects
    second = projects.pop()
    connection = connected(organization="fabrikam")
    bring_in(connection)
    with CaptureQueriesContext(database) as one:
        bring_in(connection)
    projects.append(second)
    bring_in(connection)
    with CaptureQueriesContext(database) as two:
        bring_in(connection)
    assert len(two) == len(one)


def test_what_was_listed_before_an_unexpected_error_is_written(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox
) -> None:
    connection = connected(organization="fabrikam")
    with patch.object(git, "repositories_page", side_effect=[Page((git.Repository("r", "One"),), None), RuntimeError]):
        sync_state = bring_in(connection)
    assert (sync_state.problem, sync_state.done) == (FAILED_HERE, 1)
    assert [repository.name for repository in Repository.objects.all()] == ["One"]


def test_a_list_that_cannot_be_stored_stops_no_other_that_is_written_with_it(
    connected: Connect, bring_in: BringIn
) -> None:
    connection = connected(organization="fabrikam")

    def refuse_first(listings: list[Listing], **how: Any) -> None:
        if any(listing.project.name == "Tailspin" and listing.found is not None for listing in listings):
            raise IntegrityError
        upsert_repositories(listings, **how)

    with patch("delivery.sync.sync.upsert_repositories", refuse_first):
        sync_state = bring_in(connection)
    assert (sync_state.problem, sync_state.done) == ("", 2)
    problems = dict(Project.objects.values_list("name", "problem"))
    assert problems.pop("Tailspin") == FAILED_HERE
    assert set(problems.values()) == {""}
    assert Repository.objects.exists()
    assert not Repository.objects.filter(project__name="Tailspin").exists()


def test_a_repository_created_after_its_project_was_listed_is_not_gone(
    connected: Connect, bring_in: BringIn, clock: Clock
) -> None:
    bring_in(connected(organization="fabrikam"))
    project = Project.objects.get(name="Tailspin")
    listed = Listing(project, clock(), Page((), None))
    newest = newest_repository()
    created = upsert_repository(project, git.Repository("new", "New"), at=clock())
    upsert_repositories([listed], at=clock(), newest=newest)
    assert list(project.repositories.filter(gone_at=None)) == [created]
    assert project.repositories.count() > 1


def test_a_repository_created_while_lists_are_written_is_newer_than_those_of_the_next_ones(
    written: Written, connected: Connect, bring_in: BringIn, clock: Clock
) -> None:
    # The next lists may have been read already.
    bring_in(connected(organization="fabrikam"))
    waiting = ListingBuffer(written, clock)
    waiting.add(listing("Big", clock, repositories=listing_buffer.MOST_REPOSITORIES))
    created = upsert_repository(Project.objects.get(name="Tailspin"), git.Repository("new", "New"), at=clock())
    waiting.add(listing("Next", clock))
    waiting.write()
    assert len(written.newest) == 2
    assert max(written.newest) < created.pk
