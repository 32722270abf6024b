"""A list that never ends is read within bounds, written, and shown as incomplete; what was not read is not gone."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.actions.coverage import choose_projects
from connections.models import Connection
from connections.providers.azure_devops import models as azure
from connections.providers.azure_devops import paging
from connections.providers.azure_devops.client import AzureDevOpsClient
from delivery.live import polling
from delivery.live.pipelines import RECENT
from delivery.live.readers import READERS
from delivery.models import Pipeline, PollSubscription, Project, ReleasePipeline, Repository, SyncState
from history.models import Event
from sandbox.server import Sandbox
from tests.delivery.conftest import Clock

Connect = Callable[..., Connection]
BringIn = Callable[[Connection], SyncState]
Poll = Callable[[], None]
PROJECTS = r"/_apis/projects\Z"
PIPELINES = r"/_apis/build/definitions\Z"
BUILDS = r"/_apis/build/builds\Z"
RELEASES = r"/_apis/release/releases\Z"
RELEASE_PIPELINES = r"/_apis/release/definitions\Z"
APPROVALS = r"/_apis/release/approvals\Z"


@pytest.fixture(autouse=True)
def _few_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many pages that a test is quick; tests/connections/providers/azure_devops/test_paging.py reads a thousand."""
    monkeypatch.setattr(paging, "MOST_PAGES", 4)


@pytest.fixture
def connection(connected: Connect, bring_in: BringIn) -> Connection:
    """Brought in once, while all was well."""
    connection = connected(organization="fabrikam")
    assert bring_in(connection).problem == ""
    return connection


@pytest.fixture
def poll(clock: Clock) -> Poll:
    """Reads builds and releases as a worker would."""

    def run() -> None:
        PollSubscription.objects.update(once=True, next_at=clock())
        for batch in polling.claim_due(now=clock()):
            polling.poll(batch, READERS, clock=clock)

    return run


def requests(sandbox: Sandbox, end: str) -> int:
    return sum(one.path.endswith(end) for one in sandbox.requests)


def run(*words: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a command."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*words, stdout=out, stderr=err)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("variant", ["new", "same", "empty"])
def test_projects_without_end_are_brought_in_as_far_as_they_were_read(
    connection: Connection, bring_in: BringIn, sandbox: Sandbox, variant: str
) -> None:
    sandbox.behaviour.add("endless_list", path=PROJECTS, variant=variant)
    before = requests(sandbox, "/projects")
    sync_state = bring_in(connection)
    assert requests(sandbox, "/projects") - before == 4
    assert (sync_state.problem, sync_state.under_way) == ("list_incomplete", False)
    assert sync_state.done == sync_state.total == Project.objects.count()
    assert sync_state.complete_at is not None
    assert sync_state.complete_at < sync_state.finished_at  # type: ignore[operator]  # it ended
    assert Project.objects.count() == (8 if variant == "new" else 2)


def test_what_was_not_read_of_an_endless_list_is_not_gone(
    connection: Connection, bring_in: BringIn, sandbox: Sandbox
) -> None:
    sandbox.state.organizations["fabrikam"].projects.pop()
    sandbox.behaviour.add("endless_list", path=PROJECTS, variant="new")
    bring_in(connection)
    assert not Project.objects.filter(gone_at__isnull=False).exists()
    assert not Repository.objects.filter(project__gone_at=None, gone_at__isnull=False).exists()
    sandbox.behaviour.clear()
    assert bring_in(connection).problem == ""
    assert Project.objects.filter(gone_at=None).count() == 1


def test_projects_that_are_chosen_stay_when_the_list_does_not_come_to_them(
    connection: Connection, bring_in: BringIn, sandbox: Sandbox
) -> None:
    kept, lost = Project.objects.order_by("pk")
    chosen = tuple(azure.Project(one.azure_id, one.name, "wellFormed") for one in (kept, lost))
    choose_projects(connection, chosen, now=timezone.now())
    sandbox.state.organizations["fabrikam"].projects.pop()
    sandbox.behaviour.add("endless_list", path=PROJECTS, variant="same")
    bring_in(Connection.objects.get())
    assert set(Project.objects.filter(gone_at=None)) == {kept, lost}


def test_a_project_that_stands_on_two_pages_is_brought_in_once(connected: Connect, bring_in: BringIn) -> None:
    connection = connected(organization="doubled")
    bring_in(connection)
    assert Project.objects.count() == 110
    assert SyncState.objects.get().problem == ""


def test_a_refresh_that_ended_incomplete_stands_in_the_history_and_reads_builds_all_the_same(
    connection: Connection, bring_in: BringIn, sandbox: Sandbox
) -> None:
    PollSubscription.objects.all().delete()
    sandbox.behaviour.add("endless_list", path=PROJECTS, variant="new")
    bring_in(connection)
    event = Event.objects.filter(kind="repositories.refreshed").latest("pk")
    assert event.detail["problem"] == "list_incomplete"
    assert PollSubscription.objects.filter(once=True, kind=polling.BUILDS).count() == 8


def test_pages_say_that_the_list_is_incomplete(
    pages: Client, connection: Connection, bring_in: BringIn, sandbox: Sandbox
) -> None:
    everything, one = reverse("delivery:repositories"), f"{reverse('delivery:repositories')}?connection={connection.pk}"
    assert "incomplete" not in pages.get(everything).content.decode()
    sandbox.behaviour.add("endless_list", path=PROJECTS, variant="new")
    bring_in(connection)
    page = pages.get(everything).content.decode()
    assert "This list is incomplete." in page
    assert f"The list of projects of {connection.name} could not be read to the end" in page
    for address in (one, connection.get_absolute_url()):
        page = pages.get(address).content.decode()
        assert "The list is incomplete" in page
        assert "The page shows what was read; there may be more." in page
        assert "what Azure DevOps last reported" not in page


def test_commands_say_that_the_list_is_incomplete(connection: Connection, sandbox: Sandbox) -> None:
    code, out, err = run("repositories", "list", "--json")
    assert (code, err) == (0, "")
    assert all(json.loads(line)["list_complete"] for line in out.splitlines())
    sandbox.behaviour.add("endless_list", path=PROJECTS, variant="new")
    code, out, _ = run("repositories", "refresh", connection.name, "--json")
    told = json.loads(out)
    assert (code, told["problem"], told["complete"], told["projects"]) == (3, "list_incomplete", False, 8)
    assert "The list is incomplete." in run("repositories", "refresh", connection.name)[1]
    code, out, err = run("repositories", "list", "--json")
    assert code == 3
    assert not any(json.loads(line)["list_complete"] for line in out.splitlines())
    assert f"The list of projects is incomplete for {connection.name}" in err


def test_a_refresh_that_is_complete_says_so(connection: Connection) -> None:
    code, out, _ = run("repositories", "refresh", connection.name, "--json")
    assert (code, json.loads(out)["complete"]) == (0, True)


def test_pipelines_without_end_are_written_and_nothing_is_taken_for_gone(
    connection: Connection, poll: Poll, sandbox: Sandbox
) -> None:
    poll()
    known = set(Pipeline.objects.values_list("pk", flat=True))
    sandbox.state.organizations["fabrikam"].projects[0].definitions.pop()
    sandbox.behaviour.add("endless_list", path=PIPELINES, variant="new")
    poll()
    assert not Pipeline.objects.filter(gone_at__isnull=False).exists()
    assert known < set(Pipeline.objects.values_list("pk", flat=True))
    watch = PollSubscription.objects.get(kind=polling.BUILDS, project__name="Tailspin")
    assert (watch.problem, watch.once) == ("list_incomplete", False)
    assert watch.read_at is not None


@pytest.mark.parametrize("variant", ["new", "same"])
def test_builds_without_end_leave_what_is_known_of_pipelines(
    connection: Connection, poll: Poll, sandbox: Sandbox, variant: str
) -> None:
    sandbox.behaviour.add("endless_list", path=BUILDS, variant=variant)
    poll()
    assert PollSubscription.objects.filter(kind=polling.BUILDS, problem="list_incomplete").exists()
    nightly = Pipeline.objects.get(name="Tailspin Nightly")
    assert nightly.build_id is not None


def test_a_pipeline_whose_builds_were_not_reached_has_the_newest_that_its_list_names(
    connection: Connection, poll: Poll, sandbox: Sandbox
) -> None:
    poll()
    before = {one.name: (one.build_id, one.state) for one in Pipeline.objects.all()}
    Pipeline.objects.all().delete()
    sandbox.behaviour.add("endless_list", path=BUILDS, variant="empty")
    poll()
    assert {one.name: (one.build_id, one.state) for one in Pipeline.objects.all()} == before


def test_builds_that_are_not_reached_take_none_away_from_those_that_are_shown(
    connection: Connection, poll: Poll, sandbox: Sandbox
) -> None:
    poll()
    before = {pipeline.name: pipeline.recent for pipeline in Pipeline.objects.all()}
    project = sandbox.state.organizations["fabrikam"].projects[0]
    newest = max(project.builds, key=lambda build: build.id)
    project.builds.append(replace(newest, id=newest.id + 1, number="next", queued_at=sandbox.state.now()))
    sandbox.behaviour.add("endless_list", path=BUILDS, variant="empty")
    poll()
    after = {pipeline.name: pipeline.recent for pipeline in Pipeline.objects.all()}
    of_changed = before.pop(newest.definition.name)
    assert [number for _, number, _ in after.pop(newest.definition.name)] == [
        "next",
        *(number for _, number, _ in of_changed),
    ][:RECENT]
    assert any(len(recent) > 1 for recent in before.values())
    assert after == before


@pytest.mark.parametrize("path", [RELEASE_PIPELINES, RELEASES, APPROVALS])
def test_releases_without_end_lose_nothing_that_is_known(
    connection: Connection, poll: Poll, sandbox: Sandbox, path: str
) -> None:
    poll()
    before = {one.azure_id: (one.newest_name, one.whole) for one in ReleasePipeline.objects.all()}
    sandbox.behaviour.add("endless_list", path=path, variant="empty" if path == RELEASES else "new")
    poll()
    after = {one.azure_id: (one.newest_name, one.whole) for one in ReleasePipeline.objects.filter(gone_at=None)}
    assert before.items() <= after.items()
    assert any(name for name, _ in before.values())
    watch = PollSubscription.objects.get(kind=polling.RELEASES, project__name="Tailspin")
    assert watch.problem == "list_incomplete"


@pytest.mark.parametrize(
    ("kind", "path", "address"),
    [(polling.BUILDS, PIPELINES, "delivery:builds"), (polling.RELEASES, RELEASE_PIPELINES, "delivery:releases")],
)
def test_live_pages_and_commands_say_that_a_list_is_incomplete(
    pages: Client, connection: Connection, poll: Poll, sandbox: Sandbox, kind: str, path: str, address: str
) -> None:
    sandbox.behaviour.add("endless_list", path=path, variant="same")
    poll()
    page = pages.get(reverse(address)).content.decode()
    assert "The list is incomplete" in page
    assert "The page shows what was read; there may be more." in page
    assert "Loading from Azure DevOps" not in page
    code, out, err = run(kind, "list", "--json")
    assert code == 3
    found = json.loads(out)
    assert not any(one["list_complete"] for one in found if one["project"] == "Tailspin")
    assert f"is incomplete for Tailspin of {connection.name}" in err


def test_a_branch_that_an_endless_list_does_not_show_is_not_taken_for_missing(
    pages: Client, connection: Connection, sandbox: Sandbox
) -> None:
    sandbox.behaviour.add("endless_list", path=r"/refs\Z", variant="empty", method="GET")
    repository = Repository.objects.get(name="Tailspin")
    data = {"source": "main", "name": "topic/new", "confirmed": "1"}
    page = pages.post(reverse("delivery:new-branch", args=[repository.pk]), data).content.decode()
    assert "The list is incomplete" in page
    assert not any(one.method == "POST" for one in sandbox.requests if one.path.endswith("/refs"))


def test_the_lease_of_a_batch_is_renewed_while_a_long_list_is_read(connection: Connection, clock: Clock) -> None:
    PollSubscription.objects.filter(kind=polling.RELEASES).delete()
    PollSubscription.objects.update(once=True, next_at=clock())
    (batch,) = polling.claim_due(now=clock())
    left: list[float] = []

    def read(client: AzureDevOpsClient, subscription: PollSubscription, _now: datetime) -> None:
        for _ in range(6):
            clock.forward(seconds=settings.REFRESH_LEASE_SECONDS / 2)
            client.connection_data()
            until = PollSubscription.objects.get(pk=subscription.pk).leased_until
            left.append((until - clock.now).total_seconds() if until else 0.0)

    polling.poll(batch, {polling.BUILDS: read}, clock=clock)
    assert left == [pytest.approx(settings.REFRESH_LEASE_SECONDS, abs=1)] * 12
