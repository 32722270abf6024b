"""What people look at is read once for all of them, only while they look, and gently."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from connections.models import CapabilityState, Connection
from connections.providers.azure_devops import errors
from connections.providers.azure_devops.client import AzureDevOpsClient
from delivery.live import polling
from delivery.live.readers import READERS
from delivery.models import PollSubscription, Project, SyncState
from sandbox.server import Sandbox
from tests.delivery.conftest import Clock
from tests.factories import ConnectionFactory

BringIn = Callable[[Connection], SyncState]
BUILDS = polling.BUILDS


@pytest.fixture
def projects(db: None, clock: Clock) -> list[Project]:
    """Three projects of one person's connection, which nobody looks at yet."""
    connection = ConnectionFactory.create(identity_id="maya")
    rows = [Project(connection=connection, azure_id=f"p{n}", name=f"P{n}", seen_at=clock()) for n in range(3)]
    return Project.objects.bulk_create(rows)


def look(projects: list[Project], clock: Clock) -> bool:
    return polling.subscribe([one.pk for one in projects], BUILDS, now=clock())[1]


def test_nobody_looking_is_nothing_asked(projects: list[Project], clock: Clock) -> None:
    assert polling.claim_due(now=clock()) == []


def test_what_is_due_together_is_read_project_by_project(
    projects: list[Project], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, now = [one.pk for one in projects], clock()
    for kind in (BUILDS, polling.RELEASES):
        polling.subscribe(ids, kind, now=now)
    monkeypatch.setattr(polling, "BATCH", 4)
    (batch,) = polling.claim_due(now=now)
    claimed = PollSubscription.objects.filter(pk__in=batch.ids).values_list("project", "kind")
    assert {project for project, _ in claimed} == set(ids[:2])


def test_whoever_looks_first_has_it_read_at_once(projects: list[Project], clock: Clock) -> None:
    assert look(projects, clock) is True
    (batch,) = polling.claim_due(now=clock())
    assert len(batch.ids) == 3


def test_a_second_viewer_costs_one_query_and_asks_for_nothing(projects: list[Project], clock: Clock) -> None:
    look(projects, clock)
    with CaptureQueriesContext(database) as queries:
        assert look(projects, clock) is False
    assert len(queries) == 1


def test_after_the_last_viewer_it_is_not_read_any_more(projects: list[Project], clock: Clock) -> None:
    look(projects, clock)
    clock.forward(seconds=61)
    assert polling.claim_due(now=clock()) == []
    assert look(projects, clock) is True


def test_two_clocks_never_read_the_same(projects: list[Project], clock: Clock) -> None:
    look(projects, clock)
    assert [len(polling.claim_due(now=clock())) for _ in range(2)] == [1, 0]


def test_one_person_behind_tokens_is_asked_for_one_batch_at_a_time(projects: list[Project], clock: Clock) -> None:
    other = ConnectionFactory.create(identity_id="maya")
    noor = ConnectionFactory.create(identity_id="noor")
    more = [Project.objects.create(connection=one, azure_id="x", name="X", seen_at=clock()) for one in (other, noor)]
    look(projects, clock)
    first = polling.claim_due(now=clock())
    look(more, clock)
    second = polling.claim_due(now=clock())
    assert [len(one.ids) for one in first] == [3]
    assert [PollSubscription.objects.get(pk=one.ids[0]).project.connection for one in second] == [noor]


def test_what_a_dead_worker_held_comes_back(projects: list[Project], clock: Clock, settings: Settings) -> None:
    look(projects, clock)
    polling.claim_due(now=clock())
    clock.forward(seconds=settings.REFRESH_LEASE_SECONDS + 1)
    look(projects, clock)
    assert len(polling.claim_due(now=clock())) == 1


def test_disabled_connections_are_not_read(projects: list[Project], clock: Clock) -> None:
    look(projects, clock)
    Connection.objects.update(disabled=True)
    assert polling.claim_due(now=clock()) == []


def test_one_persons_backlog_delays_neither_others_nor_the_persons_own_pages(
    projects: list[Project], clock: Clock, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.POLLS_PER_TICK = 1
    monkeypatch.setattr(polling, "BATCH", 2)
    connection, noor = projects[0].connection, ConnectionFactory.create(identity_id="noor")
    others = Project.objects.create(connection=noor, azure_id="x", name="X", seen_at=clock())
    polling.poll_everything_once(connection, now=clock())
    assert PollSubscription.objects.filter(once=True).count() == 6
    clock.forward(seconds=1)
    look(projects[2:], clock)
    (first,) = polling.claim_due(now=clock())
    assert PollSubscription.objects.get(pk=first.ids[0]).project == projects[2]
    look([others], clock)
    (second,) = polling.claim_due(now=clock())
    assert [PollSubscription.objects.get(pk=pk).project for pk in second.ids] == [others]


def poll(clock: Clock) -> None:
    for batch in polling.claim_due(now=clock()):
        polling.poll(batch, READERS, clock=clock)


@pytest.fixture
def brought_in(connected: Callable[..., Connection], bring_in: BringIn) -> Connection:
    connection = connected(organization="fabrikam")
    bring_in(connection)
    return connection


def test_after_a_refresh_every_project_is_read_once_without_a_viewer(
    brought_in: Connection, sandbox: Sandbox, clock: Clock
) -> None:
    poll(clock)
    assert all(one.read_at and not one.once for one in PollSubscription.objects.all())
    asked = len(sandbox.requests)
    clock.forward(hours=1)
    poll(clock)
    assert len(sandbox.requests) == asked


def test_what_the_token_surely_lacks_is_not_asked_for(
    connected: Callable[..., Connection], bring_in: BringIn, clock: Clock
) -> None:
    connection = connected(token="no-build")
    bring_in(connection)
    assert CapabilityState.objects.get(connection=connection, capability="build_read").verdict == "missing"
    assert not PollSubscription.objects.filter(kind=BUILDS).exists()


def test_the_next_look_comes_later_the_more_is_watched_in_one_persons_name(
    brought_in: Connection, clock: Clock, settings: Settings
) -> None:
    settings.WATCH_PACE_SECONDS = 30.0
    look(list(Project.objects.all()), clock)
    poll(clock)
    waits = [(one.next_at - clock.now).total_seconds() for one in PollSubscription.objects.filter(kind=BUILDS)]
    assert all(59 < wait <= 60 for wait in waits)


def test_what_takes_more_requests_is_read_less_often(brought_in: Connection, clock: Clock, settings: Settings) -> None:
    settings.WATCH_PACE_SECONDS = 30.0
    polling.subscribe([Project.objects.get(name="Tailspin").pk], polling.RELEASES, now=clock())
    poll(clock)
    waited = PollSubscription.objects.get(kind=polling.RELEASES, project__name="Tailspin").next_at - clock.now
    assert 89 < waited.total_seconds() <= 90


def test_throttling_is_obeyed_by_the_row_and_spares_the_others(
    brought_in: Connection, sandbox: Sandbox, clock: Clock
) -> None:
    poll(clock)
    look(list(Project.objects.all()), clock)
    sandbox.behaviour.add("throttle", retry_after=200)
    asked = len(sandbox.requests)
    clock.forward(seconds=11)
    poll(clock)
    watches = PollSubscription.objects.filter(kind=BUILDS)
    assert {one.problem for one in watches} == {"throttled"}
    assert all((one.next_at - clock.now).total_seconds() > 190 for one in watches)
    assert len(sandbox.requests) == asked + 1


def test_trouble_keeps_what_is_known_and_is_looked_at_again_ever_later(
    brought_in: Connection, sandbox: Sandbox, clock: Clock
) -> None:
    poll(clock)
    read_at = {one.pk: one.read_at for one in PollSubscription.objects.all()}
    sandbox.behaviour.add("status", status=500)
    waits = []
    for _ in range(3):
        PollSubscription.objects.update(next_at=clock(), once=True)
        poll(clock)
        one = PollSubscription.objects.filter(kind=BUILDS)[0]
        waits.append((one.next_at - clock.now).total_seconds())
        assert (one.problem, one.read_at) == ("server_error", read_at[one.pk])
    assert waits[2] > waits[1] > 60


def test_a_worker_whose_lease_went_to_another_stops(brought_in: Connection, sandbox: Sandbox, clock: Clock) -> None:
    (batch,) = polling.claim_due(now=clock())
    PollSubscription.objects.update(lease="somebody else")
    asked = len(sandbox.requests)
    polling.poll(batch, READERS, clock=clock)
    assert len(sandbox.requests) == asked


def test_a_project_that_goes_meanwhile_is_no_error(brought_in: Connection, clock: Clock) -> None:
    (batch,) = polling.claim_due(now=clock())
    Project.objects.all().delete()
    polling.poll(batch, READERS, clock=clock)


def test_a_later_sync_polls_every_list_again_so_that_filters_by_state_are_right(
    brought_in: Connection, bring_in: BringIn, clock: Clock
) -> None:
    poll(clock)
    bring_in(brought_in)
    assert all(PollSubscription.objects.filter(number=0).values_list("once", flat=True))


class Killed(BaseException):
    """The process ends in the middle of a read."""


def test_a_web_process_that_dies_delays_only_what_it_read_and_not_for_long(
    brought_in: Connection, clock: Clock, settings: Settings
) -> None:
    def die(*_given: object) -> None:
        raise Killed

    settings.AZURE_DEVOPS_TEST_LIMIT = 5.0
    project = Project.objects.all()[0]
    read, other = (polling.subscribe_to(project.pk, polling.BUILD, number, now=clock()) for number in (1, 2))
    assert read is not None
    assert other is not None
    with pytest.raises(Killed):
        polling.poll_now(read, {polling.BUILD: die}, clock=clock)
    claimed = {pk for batch in polling.claim_due(now=clock()) for pk in batch.ids}
    assert other.pk in claimed
    assert read.pk not in claimed
    PollSubscription.objects.filter(pk=other.pk).delete()
    clock.forward(seconds=21)
    assert read.pk in {pk for batch in polling.claim_due(now=clock()) for pk in batch.ids}


def test_an_azure_devops_that_cannot_be_reached_is_tried_twice_for_each_connection(
    brought_in: Connection, clock: Clock
) -> None:
    assert failing_reads(clock, errors.TimedOut()) == 2
    assert set(PollSubscription.objects.values_list("problem", flat=True)) == {"timed_out"}


def test_an_internal_error_about_some_projects_does_not_keep_the_others_from_being_read(
    brought_in: Connection, clock: Clock
) -> None:
    assert failing_reads(clock, errors.ServerError()) == PollSubscription.objects.count() > 2


def test_nothing_more_is_polled_while_azure_devops_asked_to_wait_with_a_successful_answer(
    brought_in: Connection, sandbox: Sandbox, clock: Clock
) -> None:
    sandbox.behaviour.add("near_limit", retry_after=100)
    poll(clock)
    problems = list(PollSubscription.objects.order_by("read_at").values_list("problem", flat=True))
    assert sorted(problems) == ["", *["throttled"] * (len(problems) - 1)]
    asked = len(sandbox.requests)
    PollSubscription.objects.update(next_at=clock())
    poll(clock)
    assert len(sandbox.requests) == asked


def test_classic_releases_that_one_project_does_not_allow_are_read_in_the_others(
    brought_in: Connection, clock: Clock
) -> None:
    assert failing_reads(clock, errors.ReleasesDisabled()) == PollSubscription.objects.count() > 2


def failing_reads(clock: Clock, failure: errors.AzureDevOpsError) -> int:
    """How many of the lists that are due are read when each read fails."""
    reads: list[int] = []

    def fail(_client: AzureDevOpsClient, subscription: PollSubscription, _now: datetime) -> None:
        reads.append(subscription.pk)
        raise failure

    (batch,) = polling.claim_due(now=clock())
    polling.poll(batch, dict.fromkeys(polling.KINDS, fail), clock=clock)
    return len(reads)


def test_a_single_build_that_was_changed_here_is_not_polled_without_viewers_after_a_failure(
    brought_in: Connection, sandbox: Sandbox, clock: Clock
) -> None:
    build = polling.subscribe_to(Project.objects.all()[0].pk, polling.BUILD, 1, now=clock())
    assert build is not None
    PollSubscription.objects.filter(pk=build.pk).update(once=True)
    sandbox.behaviour.add("status", status=500)
    poll(clock)
    build.refresh_from_db()
    assert (build.problem, build.once) == ("server_error", False)
