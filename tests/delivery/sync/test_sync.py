"""Projects and repositories are brought in whole or not at all, and nothing known is lost on the way."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from connections.actions.coverage import choose_projects
from connections.actions.disconnect import disconnect
from connections.actions.rotate import Replacement, rotate
from connections.models import Connection, RateLimitPause
from connections.providers.azure_devops import git
from connections.providers.azure_devops import models as azure
from connections.providers.azure_devops.credentials import PersonalAccessToken
from delivery.models import PollSubscription, Project, Repository, SyncState
from delivery.sync import sync
from delivery.sync.upsert import Listing, note_listed, upsert_repositories
from history.models import Event
from history.record import Actor
from sandbox.samples import PROJECT_COUNT, build_state
from sandbox.server import Sandbox
from tests.delivery.conftest import Clock

Connect = Callable[..., Connection]
BringIn = Callable[[Connection], SyncState]
SOMEBODY = Actor(name="ann", id=7)
LISTING = r"/_apis/git/repositories$"


def present() -> set[str]:
    return set(Repository.objects.filter(gone_at=None).values_list("name", flat=True))


def listings(sandbox: Sandbox) -> int:
    return sum(request.path.endswith("/_apis/git/repositories") for request in sandbox.requests)


@pytest.fixture
def every_project(sandbox: Sandbox) -> None:
    """The largest organization is whole: more projects than stand on one page of them."""
    sandbox.state.organizations["acme"] = build_state().organizations["acme"]


def test_lists_are_read_by_a_thread_that_does_not_use_the_database(
    connected: Connect, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers, users = set[threading.Thread](), set[threading.Thread]()
    read = git.repositories_page

    def read_here(*args: Any, **how: Any) -> Any:
        readers.add(threading.current_thread())
        return read(*args, **how)

    def clock_of_the_database() -> datetime:
        users.add(threading.current_thread())
        return clock()

    monkeypatch.setattr(git, "repositories_page", read_here)
    SyncState.objects.filter(connection=connected()).update(next_at=clock())
    (claim,) = sync.claim_due(now=clock())
    sync.sync(claim, clock=clock_of_the_database)
    assert len(readers) == 1
    assert users == {threading.current_thread()}
    assert readers.isdisjoint(users)


@pytest.mark.usefixtures("every_project")
def test_all_projects_and_repositories_come_in_with_what_is_known_of_them(
    connected: Connect, bring_in: BringIn
) -> None:
    sync_state = bring_in(connected())
    assert (sync_state.total, sync_state.done, sync_state.problem) == (PROJECT_COUNT, PROJECT_COUNT, "")
    assert sync_state.complete_at is not None
    assert Project.objects.count() == PROJECT_COUNT
    found = Repository.objects.get(project__name="Storefront", name="Storefront")
    assert (found.branch, found.size > 0, found.disabled) == ("main", True, False)
    assert found.web_url.endswith("/Storefront/_git/Storefront")
    assert Repository.objects.get(project__name="Storefront", name="Empty").is_empty
    assert Repository.objects.get(project__name="Storefront", name="Archived").disabled


def test_a_rename_is_a_rename(connected: Connect, bring_in: BringIn, sandbox: Sandbox) -> None:
    connection = connected(organization="fabrikam")
    bring_in(connection)
    before = set(Repository.objects.values_list("pk", flat=True))
    project = sandbox.state.organizations["fabrikam"].projects[0]
    project.name, project.repositories[0].name = "Head", "Spin"
    bring_in(connection)
    assert set(Repository.objects.values_list("pk", flat=True)) == before
    assert Repository.objects.get(name="Spin").project.name == "Head"


def test_what_is_gone_is_marked_with_the_date_and_comes_back(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox
) -> None:
    connection = connected(organization="fabrikam")
    bring_in(connection)
    projects = sandbox.state.organizations["fabrikam"].projects
    removed, whole = projects[0].repositories.pop(), projects.pop()
    sync_state = bring_in(connection)
    assert Repository.objects.get(azure_id=removed.id).gone_at is not None
    assert Project.objects.get(azure_id=whole.id).gone_at is not None
    assert not Repository.objects.filter(project__azure_id=whole.id, gone_at=None).exists()
    assert sync_state.total == 1
    projects.append(whole)
    projects[0].repositories.append(removed)
    bring_in(connection)
    assert not Repository.objects.filter(gone_at__isnull=False).exists()
    assert not Project.objects.filter(gone_at__isnull=False).exists()


@pytest.mark.usefixtures("every_project")
def test_a_list_of_projects_that_breaks_half_way_hides_nothing(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox
) -> None:
    connection = connected()
    bring_in(connection)
    sandbox.state.organizations["acme"].projects[0].repositories.clear()
    sandbox.behaviour.add("status", status=500, path="/_apis/projects", after=1)
    sync_state = bring_in(connection)
    assert (sync_state.problem, sync_state.under_way) == ("server_error", True)
    assert not Project.objects.filter(gone_at__isnull=False).exists()
    assert not Repository.objects.filter(gone_at__isnull=False).exists()


def test_one_project_that_cannot_be_listed_stops_no_other_and_loses_nothing(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox
) -> None:
    connection = connected(organization="fabrikam")
    bring_in(connection)
    before = present()
    first = Project.objects.order_by("pk")[0]
    refusal = {"body": '{"message": "TF401027", "typeKey": "GitNeedsPermissionException"}'}
    sandbox.behaviour.add("status", status=403, path=f"/{first.azure_id}/_apis/git/repositories", **refusal)
    sync_state = bring_in(connection)
    first.refresh_from_db()
    assert (first.problem, sync_state.problem, sync_state.done) == ("access_denied", "", 2)
    assert present() == before


@pytest.mark.usefixtures("every_project")
def test_an_interrupted_refresh_goes_on_where_it_was(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox, clock: Clock
) -> None:
    connection = connected()
    sandbox.behaviour.add("reset", path=LISTING, after=20)
    sync_state = bring_in(connection)
    assert (sync_state.problem, sync_state.under_way, sync_state.done) == ("connection_failed", True, 20)
    assert sync_state.next_at > clock.now
    sandbox.behaviour.clear()
    before = listings(sandbox)
    sync_state = bring_in(connection)
    assert (sync_state.under_way, sync_state.done, sync_state.consecutive_failures) == (False, PROJECT_COUNT, 0)
    assert listings(sandbox) - before == PROJECT_COUNT - 20


def test_throttling_is_obeyed_by_the_row(connected: Connect, bring_in: BringIn, sandbox: Sandbox, clock: Clock) -> None:
    connection = connected(organization="fabrikam")
    sandbox.behaviour.add("throttle", path=LISTING, retry_after=900)
    sync_state = bring_in(connection)
    assert (sync_state.problem, sync_state.under_way) == ("throttled", True)
    assert (sync_state.next_at - clock.now).total_seconds() >= 899
    assert sync.claim_due(now=clock()) == []


def test_a_wait_that_a_successful_answer_asks_for_is_kept(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox, clock: Clock
) -> None:
    connection = connected(organization="fabrikam")
    sandbox.behaviour.add("near_limit", path=LISTING, retry_after=100)
    sync_state = bring_in(connection)
    assert (sync_state.problem, sync_state.under_way, sync_state.done, listings(sandbox)) == ("throttled", True, 1, 1)
    assert 99 <= (sync_state.next_at - clock.now).total_seconds() <= 100
    assert sync.claim_due(now=clock()) == []
    RateLimitPause.objects.get().delete()
    sync_state = bring_in(connection)
    assert (sync_state.under_way, sync_state.done, sync_state.consecutive_failures) == (False, 2, 0)
    assert listings(sandbox) == 2
    assert RateLimitPause.objects.exists()


def test_where_each_answer_asks_to_wait_a_project_that_fails_does_not_keep_the_sync_from_its_end(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox
) -> None:
    connection = connected(organization="fabrikam")
    bring_in(connection)
    first = Project.objects.order_by("pk")[0]
    sandbox.behaviour.add("near_limit", retry_after=1)
    sandbox.behaviour.add("status", path=f"{first.azure_id}{LISTING}", status=500)
    for _ in range(2):
        RateLimitPause.objects.all().delete()
        sync_state = bring_in(connection)
    assert not sync_state.under_way
    first.refresh_from_db()
    assert first.problem == "server_error"


def test_after_enough_interruptions_it_waits_for_its_usual_time(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox, clock: Clock
) -> None:
    connection = connected(organization="fabrikam")
    sandbox.behaviour.add("status", status=500)
    for _ in range(sync.PATIENCE):
        sync_state = bring_in(connection)
    assert (sync_state.under_way, sync_state.problem) == (False, "server_error")
    assert (sync_state.next_at - clock.now).total_seconds() > 3600


@pytest.mark.parametrize(("token", "problem"), [("no-build", ""), ("expired", "token_expired")])
def test_what_waiting_does_not_mend_ends_the_refresh(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox, token: str, problem: str
) -> None:
    connection = connected(token="no-build", organization="acme")
    found = sandbox.state.token_named("no-build")
    assert found is not None
    found.state = "expired" if token == "expired" else "active"
    sync_state = bring_in(connection)
    assert (sync_state.under_way, sync_state.problem) == (False, problem)


def test_without_the_scope_nothing_is_asked_project_by_project(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox
) -> None:
    connection = connected(token="no-build")
    found = sandbox.state.token_named("no-build")
    assert found is not None
    found.scopes = ("vso.release",)
    assert bring_in(connection).problem == "scope_missing"
    assert listings(sandbox) == 1


def test_another_organization_under_the_same_name_is_not_brought_in(connected: Connect, bring_in: BringIn) -> None:
    connection = connected(organization="fabrikam")
    Connection.objects.update(organization_id="somebody-elses")
    assert bring_in(connection).problem == "another_organization"
    assert not Project.objects.exists()


def test_only_chosen_projects_are_brought_in_and_what_is_no_longer_chosen_leaves(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox, clock: Clock
) -> None:
    connection = connected(organization="fabrikam")
    bring_in(connection)
    chosen = sandbox.state.organizations["fabrikam"].projects[1]
    choose_projects(connection, (azure.Project(chosen.id, chosen.name, "wellFormed"),), now=clock())
    assert bring_in(connection).total == 1
    assert [one.azure_id for one in Project.objects.all()] == [chosen.id]


def test_connecting_makes_the_first_refresh_due_and_rings_the_bell(
    connected: Connect, clock: Clock, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks() as rung:
        connection = connected(organization="fabrikam")
    assert [claim.connection_id for claim in sync.claim_due(now=clock.forward(seconds=1))] == [connection.pk]
    assert [one.__name__ for one in rung] == ["_enqueue_sync"]


def test_choosing_other_projects_makes_a_sync_due(connected: Connect, clock: Clock) -> None:
    connection = connected(organization="fabrikam")
    now = clock()
    SyncState.objects.update(next_at=now + timedelta(hours=6))
    choose_projects(connection, (), now=now)
    assert SyncState.objects.get().next_at == now


@pytest.mark.parametrize("change", ["projects", "token"])
def test_what_changes_while_a_sync_runs_makes_it_due_again(
    connected: Connect, bring_in: BringIn, clock: Clock, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    connection = connected(organization="fabrikam")

    def change_meanwhile(listings: list[Listing], *, at: datetime) -> None:
        note_listed(listings, at=at)
        if change == "projects":
            choose_projects(Connection.objects.get(), (), now=clock())
        else:
            Connection.objects.update(token_set_at=clock())

    monkeypatch.setattr(sync, "note_listed", change_meanwhile)
    sync_state = bring_in(connection)
    assert sync_state.next_at <= clock()
    monkeypatch.undo()
    assert bring_in(connection).next_at > clock()
    assert Project.objects.exists() is (change == "token")


def test_another_token_makes_a_sync_due_and_polls_what_failed_again(
    connected: Connect, bring_in: BringIn, clock: Clock, maintainer: User, token_of: Callable[[str], str]
) -> None:
    connection = connected()
    bring_in(connection)
    later = clock() + timedelta(hours=1)
    SyncState.objects.update(next_at=later, problem="token_refused")
    PollSubscription.objects.update(next_at=later)
    failing = {"problem": "token_refused", "consecutive_failures": 9, "lease": "old", "leased_until": later}
    PollSubscription.objects.filter(kind="builds").update(**failing)
    new = Replacement(PersonalAccessToken(token_of("full-again")), None, "one", accept_limited=True)
    rotate(connection, new, person=maintainer, by=Actor("Maya"), now=clock())
    assert SyncState.objects.get().next_at <= clock()
    polled = PollSubscription.objects.filter(next_at__lte=clock(), consecutive_failures=0, leased_until=None)
    assert {subscription.kind for subscription in polled} == {"builds"}


def test_the_history_says_who_asked_and_what_is_new(connected: Connect, bring_in: BringIn, clock: Clock) -> None:
    connection = connected(organization="fabrikam")
    sync.request_sync(connection, by=SOMEBODY, now=clock())
    bring_in(connection)
    event = Event.objects.filter(kind="repositories.refreshed").get()
    assert event.actor_name == "ann"
    assert event.detail == {"repositories": 5, "added": 5, "gone": 0, "problem": ""}


def test_a_refresh_by_the_clock_that_finds_nothing_new_is_no_event(connected: Connect, bring_in: BringIn) -> None:
    connection = connected(organization="fabrikam")
    bring_in(connection)
    bring_in(connection)
    assert Event.objects.filter(kind="repositories.refreshed").count() == 1


def test_a_project_costs_the_same_number_of_queries_whatever_its_size(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox
) -> None:
    connection = connected(organization="fabrikam")
    project = sandbox.state.organizations["fabrikam"].projects[0]
    with CaptureQueriesContext(database) as few:
        bring_in(connection)
    sample = project.repositories[0]
    project.repositories += [type(sample)(f"{sample.id[:-3]}{n:03d}", f"more {n}") for n in range(50)]
    with CaptureQueriesContext(database) as many:
        bring_in(connection)
    assert len(many) <= len(few)
    assert Repository.objects.filter(gone_at=None).count() == 55


@pytest.mark.django_db(transaction=True)
def test_a_connection_is_disconnected_while_its_repositories_come_in(
    connected: Connect, bring_in: BringIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connected(organization="fabrikam")
    keep, at_work = upsert_repositories, threading.Event()
    end = threading.Thread(target=_disconnect, args=(connection.pk,))

    def keep_while_somebody_disconnects(*what: Any, **how: Any) -> None:
        if not at_work.is_set():
            at_work.set()
            if database.vendor == "postgresql":
                end.start()
                _await_somebody_who_waits()
        keep(*what, **how)

    monkeypatch.setattr(sync, "upsert_repositories", keep_while_somebody_disconnects)
    with suppress(SyncState.DoesNotExist):
        bring_in(connection)
    if database.vendor != "postgresql":
        # A SQLite that lives in memory lets one in after the other.
        end.start()
    end.join(timeout=20)
    assert not Connection.objects.exists()
    assert not Repository.objects.exists()


def _disconnect(pk: int) -> None:
    try:
        found = Connection.objects.get(pk=pk)
        disconnect(found, confirmed_name=found.name, by=SOMEBODY, now=timezone.now())
    finally:
        database.close()


def _await_somebody_who_waits() -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with database.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    pytest.fail("nobody waited")
