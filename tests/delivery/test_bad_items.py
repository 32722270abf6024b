"""One bad item stops nothing: what cannot be stored, read or listed leaves the rest as it is, on every database."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.actions import audit_loop, audit_runs, check_stored
from connections.domain.verification import Report
from connections.models import AuditedConnection, Connection
from connections.tasks import audit_due
from delivery.live import polling
from delivery.live.readers import READERS
from delivery.models import Pipeline, PollSubscription, Project, Repository, SyncState
from delivery.remote_read import FAILED_HERE
from sandbox.server import Sandbox
from tests.delivery.conftest import Clock

Connect = Callable[..., Connection]
BringIn = Callable[[Connection], SyncState]
JSON = {"Content-Type": "application/json"}
HALF = "web \\ud83d"
LISTING = r"/_apis/git/repositories$"


def answer(sandbox: Sandbox, path: str, body: str, *, status: int = 200, times: int | None = None) -> None:
    sandbox.behaviour.add("status", path=path, status=status, headers=JSON, body=body, times=times)


def listing(*items: dict[str, Any]) -> str:
    return json.dumps({"count": len(items), "value": items})


def poll(clock: Clock) -> None:
    for batch in polling.claim_due(now=clock()):
        polling.poll(batch, READERS, clock=clock)


STRANGE = {
    "half of a pair": HALF,
    "NUL": "web \\u0000 shop",
    "too long": "w" * 5000,
    "lone low half": "\\ude00 web",
}


@pytest.mark.parametrize("name", STRANGE.values(), ids=STRANGE)
def test_a_repository_with_a_strange_name_is_stored(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox, name: str
) -> None:
    body = f'{{"count": 2, "value": [{{"id": "r1", "name": "{name}"}}, {{"id": "r2", "name": "fine"}}]}}'
    answer(sandbox, LISTING, body)
    sync_state = bring_in(connected(organization="fabrikam"))
    assert (sync_state.problem, sync_state.leased_until) == ("", None)
    stored = set(Repository.objects.values_list("azure_id", flat=True))
    assert stored == {"r1", "r2"}
    assert not Project.objects.exclude(problem="").exists()


def test_strange_text_in_every_column_is_stored(connected: Connect, bring_in: BringIn, sandbox: Sandbox) -> None:
    strange = HALF + "x" * 3000
    fields = ("defaultBranch", "webUrl", "remoteUrl", "sshUrl")
    rest = ", ".join(f'"{field}": "https://x/{strange}"' for field in fields)
    answer(sandbox, LISTING, f'{{"value": [{{"id": "r1", "name": "{strange}", {rest}, "size": {10**30}}}]}}')
    project = f'{{"id": "p1", "name": "{strange}", "description": "{strange}", "visibility": "{strange}"}}'
    answer(sandbox, r"_apis/projects$", f'{{"value": [{project}]}}')
    sync_state = bring_in(connected(organization="fabrikam"))
    assert (sync_state.problem, sync_state.leased_until) == ("", None)
    assert Repository.objects.filter(azure_id="r1").exists()


def test_what_is_listed_twice_is_stored_once(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox, clock: Clock
) -> None:
    bring_in(connected(organization="fabrikam"))
    answer(sandbox, "build/definitions$", listing({"id": 7, "name": "One"}, {"id": 7, "name": "One again"}))
    answer(sandbox, "release/definitions$", listing({"id": 8, "name": "Two"}, {"id": 8, "name": "Two again"}))
    poll(clock)
    assert set(Pipeline.objects.values_list("azure_id", "name")) == {(7, "One again")}
    assert not PollSubscription.objects.exclude(problem="").exists()


def test_numbers_that_no_column_holds_stop_nothing(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox, clock: Clock
) -> None:
    bring_in(connected(organization="fabrikam"))
    answer(sandbox, "build/definitions$", listing({"id": 10**12, "name": "Huge"}, {"id": 7, "name": "Fine"}))
    poll(clock)
    assert set(Pipeline.objects.values_list("name", flat=True)) == {"Fine"}


REFUSALS = {
    "feature disabled": (400, '{"message":"bad","typeKey":"FeatureDisabledException"}', "rejected"),
    "no permission": (403, '{"message":"TF401027","typeKey":"GitNeedsPermissionException"}', "access_denied"),
    "no project": (404, '{"message":"TF200016","typeKey":"ProjectDoesNotExistWithNameException"}', "project_not_found"),
    "conflict": (409, '{"message":"x","typeKey":"SomeConflictException"}', "conflict"),
    "no list": (200, '{"value": 7}', "unexpected_answer"),
    "null": (200, "null", "unexpected_answer"),
    "server error": (500, "{}", "server_error"),
}


@pytest.mark.parametrize("situation", REFUSALS)
def test_a_project_that_cannot_be_listed_is_its_own_trouble_and_shown(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox, pages: Client, situation: str
) -> None:
    status, body, code = REFUSALS[situation]
    connection = connected(organization="fabrikam")
    bring_in(connection)
    first, second = Project.objects.order_by("pk")
    before = second.listed_at
    answer(sandbox, f"/{first.azure_id}{LISTING}", body, status=status)
    sync_state = bring_in(connection)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (sync_state.problem, sync_state.done, sync_state.under_way) == ("", 2, False)
    assert (first.problem, second.problem) == (code, "")
    assert before is not None
    assert second.listed_at is not None
    assert second.listed_at > before
    page = pages.get(reverse("delivery:repositories"), {"connection": connection.pk}).content.decode()
    assert first.name in page


@pytest.mark.parametrize("situation", ["401 without a word", "throttled"])
def test_what_concerns_the_token_ends_a_refresh(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox, situation: str
) -> None:
    connection = connected(organization="fabrikam")
    headers = {"401 without a word": {"WWW-Authenticate": "Basic"}, "throttled": {"Retry-After": "60"}}[situation]
    sandbox.behaviour.add("status", path=LISTING, status=401, headers=headers)
    assert bring_in(connection).problem in ("scope_missing", "throttled")


UNREADABLE: list[Any] = [{"id": 2, "name": ""}, {"name": "no id"}, {"id": "two", "name": "x"}, {}, None, 7, "text", []]


@pytest.mark.parametrize("bad", UNREADABLE, ids=str)
def test_an_item_that_cannot_be_read_is_left_out_and_what_is_known_stays(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox, clock: Clock, caplog: pytest.LogCaptureFixture, bad: object
) -> None:
    bring_in(connected(organization="fabrikam"))
    answer(sandbox, "build/definitions$", json.dumps({"value": [{"id": 1, "name": "A"}, {"id": 2, "name": "B"}]}))
    poll(clock)
    sandbox.behaviour.clear()
    answer(sandbox, "build/definitions$", json.dumps({"value": [{"id": 1, "name": "A, renamed"}, bad]}))
    PollSubscription.objects.update(once=True, next_at=clock())
    poll(clock)
    assert set(Pipeline.objects.filter(gone_at=None).values_list("name", flat=True)) == {"A, renamed", "B"}
    assert "1 of 2 items could not be read" in caplog.text


def test_an_unexpected_exception_releases_the_lease_and_moves_the_next_time(
    connected: Connect, bring_in: BringIn, clock: Clock
) -> None:
    connection = connected(organization="fabrikam")
    with patch("delivery.sync.sync.upsert_projects", side_effect=RuntimeError("unforeseen")):
        sync_state = bring_in(connection)
    assert (sync_state.leased_until, sync_state.problem) == (None, FAILED_HERE)
    assert sync_state.next_at > clock()
    assert bring_in(connection).problem == ""


def test_a_sync_interrupted_by_the_database_keeps_its_lease_and_is_claimed_later(
    connected: Connect, bring_in: BringIn, clock: Clock
) -> None:
    connection = connected(organization="fabrikam")
    with patch("delivery.sync.sync.upsert_projects", side_effect=OperationalError("server closed the connection")):
        sync_state = bring_in(connection)
    assert sync_state.leased_until is not None
    assert (sync_state.problem, sync_state.consecutive_failures) == ("", 0)
    clock.now += 2 * SyncState.lease_duration()
    assert bring_in(connection).finished_at is not None


def test_a_live_read_interrupted_by_the_database_keeps_its_lease_and_is_claimed_later(
    connected: Connect, bring_in: BringIn, clock: Clock
) -> None:
    bring_in(connected(organization="fabrikam"))

    def read(*_: object) -> None:
        raise OperationalError("server closed the connection")

    for batch in polling.claim_due(now=clock()):
        with pytest.raises(OperationalError):
            polling.poll(batch, {polling.BUILDS: read, polling.RELEASES: read}, clock=clock)
    held = set(PollSubscription.objects.exclude(leased_until=None).values_list("pk", flat=True))
    assert held
    assert {(watch.problem, watch.consecutive_failures) for watch in PollSubscription.objects.all()} == {("", 0)}
    clock.now += 2 * PollSubscription.lease_duration()
    assert {pk for batch in polling.claim_due(now=clock()) for pk in batch.ids} >= held


def test_an_unexpected_exception_of_one_project_stops_no_other(
    connected: Connect, bring_in: BringIn, clock: Clock
) -> None:
    bring_in(connected(organization="fabrikam"))
    first, second = Project.objects.order_by("pk")

    def read(_client: object, subscription: PollSubscription, _now: object) -> None:
        if subscription.project_id == first.pk:
            raise RuntimeError("unforeseen")

    for batch in polling.claim_due(now=clock()):
        polling.poll(batch, {polling.BUILDS: read, polling.RELEASES: read}, clock=clock)
    assert {watch.problem for watch in PollSubscription.objects.filter(project=first)} == {FAILED_HERE}
    assert {watch.problem for watch in PollSubscription.objects.filter(project=second)} == {""}
    assert not PollSubscription.objects.exclude(leased_until=None).exists()
    assert all(watch.next_at > clock() for watch in PollSubscription.objects.filter(project=first))


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59.9999999Z", "0001-01-01T00:00:01Z", "9999-12-31T23:59:59+14:00"]
)
def test_a_commit_dated_beyond_reason_is_shown_without_its_date(
    connected: Connect, bring_in: BringIn, sandbox: Sandbox, pages: Client, settings: Any, moment: str
) -> None:
    settings.TIME_ZONE = "Pacific/Kiritimati"
    bring_in(connected(organization="fabrikam"))
    repository = Repository.objects.exclude(default_branch="").order_by("pk")[0]
    commit = {"commitId": "a" * 40, "comment": "From the future", "author": {"name": "Ada", "date": moment}}
    answer(sandbox, "/commits$", listing(commit))
    response = pages.get(reverse("delivery:commits", args=[repository.pk]))
    assert response.status_code == 200
    assert "From the future" in response.content.decode()


def test_an_audit_that_ends_unexpectedly_is_not_claimed_first_again(connected: Connect, clock: Clock) -> None:
    connection, other = connected("One"), connected("Two", token="full-again")
    now = timezone.now()
    Connection.objects.update(next_check_at=now - timedelta(minutes=1))
    check = check_stored.check_stored

    def fail_once(asked: Connection, **how: Any) -> Report:
        if asked.pk == connection.pk:
            raise RuntimeError("unforeseen")
        return check(asked, **how)

    with patch.object(audit_loop, "check_stored", fail_once):
        audit_due()
    connection.refresh_from_db()
    other.refresh_from_db()
    assert other.checked_at is not None
    assert other.checked_at > now
    assert (connection.leased_until, connection.consecutive_failures) == (None, 1)
    assert connection.next_check_at > now
    assert connection.pk not in audit_runs.claim_due(now=now)
    place = AuditedConnection.objects.get(connection=connection)
    assert (place.state, place.problem) == ("done", "failed_here")


def test_an_audit_interrupted_by_the_database_keeps_its_lease(connected: Connect, clock: Clock) -> None:
    connection, now = connected("One"), timezone.now()
    Connection.objects.update(next_check_at=now - timedelta(minutes=1))
    with patch.object(audit_loop, "check_stored", side_effect=OperationalError("server closed the connection")):
        audit_due()
    connection.refresh_from_db()
    assert connection.leased_until is not None
    assert connection.consecutive_failures == 0
    assert AuditedConnection.objects.get(connection=connection).state == "waiting"
