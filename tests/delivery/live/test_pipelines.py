"""Pipelines with their newest builds are read in few requests and written in few queries."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connections.models import Connection
from connections.providers.azure_devops.build import Build, Result, Status
from delivery.builds.build_changes import run_pipeline
from delivery.builds.build_presenters import length, log_line, short_branch
from delivery.domain.build_states import State, state_of
from delivery.live import polling
from delivery.live.readers import READERS
from delivery.models import Pipeline, PollSubscription, Project, SyncState
from history.record import Actor
from sandbox.server import Sandbox
from tests.delivery.conftest import Clock

BringIn = Callable[[Connection], SyncState]
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def read(connected: Callable[..., Connection], bring_in: BringIn, clock: Clock) -> Callable[[], None]:
    """Reads the pipelines of a connected organization as a worker would, each time it is called."""
    bring_in(connected(organization="fabrikam"))

    def poll() -> None:
        PollSubscription.objects.update(once=True, next_at=clock())
        for batch in polling.claim_due(now=clock()):
            polling.poll(batch, READERS, clock=clock)

    poll()
    return poll


def pipeline(name: str) -> Pipeline:
    return Pipeline.objects.get(name=f"Tailspin {name}")


@pytest.mark.parametrize(
    ("status", "result", "state"),
    [
        (Status.NOT_STARTED, None, State.QUEUED),
        (Status.POSTPONED, None, State.QUEUED),
        (Status.IN_PROGRESS, None, State.RUNNING),
        (Status.CANCELLING, None, State.CANCELLING),
        (Status.COMPLETED, Result.SUCCEEDED, State.SUCCEEDED),
        (Status.COMPLETED, Result.PARTIALLY_SUCCEEDED, State.PARTIAL),
        (Status.COMPLETED, Result.FAILED, State.FAILED),
        (Status.COMPLETED, Result.CANCELED, State.CANCELED),
        (Status.COMPLETED, Result.UNKNOWN, State.UNKNOWN),
        (Status.COMPLETED, None, State.UNKNOWN),
        (Status.UNKNOWN, None, State.UNKNOWN),
    ],
)
def test_every_status_and_result_has_one_word(status: Status, result: Result | None, state: State) -> None:
    assert state_of(Build(1, "1", status, 1, "CI", result)) == state


def test_each_pipeline_comes_with_its_newest_build_and_the_recent_ones(read: Callable[[], None]) -> None:
    ci = pipeline("CI")
    assert len(ci.recent) == 8
    assert ci.recent[0] == [ci.build_id, ci.build_number, ci.state]
    assert (ci.branch, ci.requested_for) == ("refs/heads/main", "Maya Sample")
    assert pipeline("Nightly").state == "failed"
    assert pipeline("Integration").state == "partial"
    assert pipeline("Retired").queue_status == "disabled"


def test_a_look_at_a_quiet_project_is_one_request(read: Callable[[], None], sandbox: Sandbox, clock: Clock) -> None:
    read()
    asked = len(sandbox.requests)
    read()
    quiet = [request.path for request in sandbox.requests[asked:]]
    assert sum(path.endswith("/build/definitions") for path in quiet) == Project.objects.count()
    assert sum(path.endswith("/build/builds") for path in quiet) == 0


def test_a_new_build_is_noticed_and_so_is_its_end(read: Callable[[], None], sandbox: Sandbox) -> None:
    queued = run_pipeline(pipeline("CI"), "main", by=Actor(name="ann"), now=NOON)
    read()
    assert (pipeline("CI").build_id, pipeline("CI").state) == (queued.id, "queued")
    sandbox.state.advance(120)
    read()
    assert (pipeline("CI").build_id, pipeline("CI").state) == (queued.id, "succeeded")


def test_a_rename_is_a_rename_and_what_is_gone_is_marked(read: Callable[[], None], sandbox: Sandbox) -> None:
    project = sandbox.state.organizations["fabrikam"].projects[0]
    ids = {one.azure_id: one.pk for one in Pipeline.objects.all()}
    project.definitions[0].name = "Renamed"
    gone = project.definitions.pop()
    read()
    assert Pipeline.objects.get(name="Renamed").pk == ids[project.definitions[0].id]
    assert Pipeline.objects.get(azure_id=gone.id, project__azure_id=project.id).gone_at is not None


def test_a_list_that_breaks_hides_nothing(read: Callable[[], None], sandbox: Sandbox) -> None:
    sandbox.behaviour.add("status", status=500, path="/build/definitions$")
    sandbox.state.organizations["fabrikam"].projects[0].definitions.clear()
    read()
    assert not Pipeline.objects.filter(gone_at__isnull=False).exists()


def test_many_pipelines_cost_no_more_queries_than_few(read: Callable[[], None], sandbox: Sandbox) -> None:
    project = sandbox.state.organizations["fabrikam"].projects[0]
    with CaptureQueriesContext(database) as few:
        read()
    sample = project.definitions[0]
    project.definitions += [type(sample)(**{**vars(sample), "id": 100 + n, "name": f"more {n}"}) for n in range(40)]
    with CaptureQueriesContext(database) as many:
        read()
    assert len(many) == len(few)


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("refs/heads/topic/x", "topic/x"),
        ("refs/pull/12/merge", "pull request 12"),
        ("refs/tags/v1", "tags/v1"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_branch_is_shown_as_people_say_it(ref: str | None, words: str) -> None:
    assert short_branch(ref) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3700, "1 h 1 min"), (-5, "0 s")]
)
def test_a_length_of_time_is_said_shortly(seconds: int, words: str) -> None:
    started = NOON
    finished = datetime.fromtimestamp(NOON.timestamp() + seconds, UTC)
    assert length(started, finished, NOON) == words


@pytest.mark.parametrize(
    ("raw", "word", "text"),
    [
        ("2026-11-24T12:00:01.1234567Z hello", "", "12:00:01 hello"),
        ("2026-11-24T12:00:01.1234567Z ##[error]It broke", "Error", "12:00:01 It broke"),
        ("##[warning]careful", "Warning", "careful"),
        ("##vso[task.logissue type=error;sourcepath=a.c]It broke", "Error", "It broke"),
        ("##[nonsense]x", "", "##[nonsense]x"),
        ("\x1b[31mred\x1b[0m", "", "red"),
        ("\x1b]0;title\x07text", "", "text"),
        ("a\x00b\u202ec", "", "a\ufffdb\ufffdc"),
        ("<script>", "", "<script>"),
    ],
)
def test_a_line_of_a_log_is_harmless_and_its_mark_is_a_word(raw: str, word: str, text: str) -> None:
    line = log_line(1, raw)
    assert (line.word, line.text) == (word, text)
