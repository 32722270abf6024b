"""Release pipelines with their newest releases and pending approvals are read in few requests and queries."""

from collections.abc import Callable

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connections.models import Connection
from delivery.live import polling
from delivery.live.readers import READERS
from delivery.models import PollSubscription, Project, ReleasePipeline, SyncState
from sandbox.sample_code import NOOR
from tests.delivery.conftest import Clock
from tests.delivery.release_shop import THROUGH, WAITING, Shop

BringIn = Callable[[Connection], SyncState]
Read = Callable[[], None]


@pytest.fixture
def read(shop: Shop, clock: Clock) -> Read:
    """Reads the release pipelines as a worker would, each time it is called."""

    def poll() -> None:
        PollSubscription.objects.filter(kind=polling.RELEASES).update(once=True, next_at=clock())
        for batch in polling.claim_due(now=clock()):
            polling.poll(batch, READERS, clock=clock)

    poll()
    return poll


def pipeline(name: str) -> ReleasePipeline:
    return ReleasePipeline.objects.get(name=f"{name} Tailspin")


def test_each_pipeline_comes_with_its_newest_release_and_how_far_it_is(read: Read, shop: Shop) -> None:
    deploy = pipeline("Deploy")
    assert (deploy.newest_name, deploy.newest_by, deploy.whole) == (WAITING, "Noor Sample", "waiting")
    assert deploy.newest_version == shop.release(WAITING).artifacts["_drop"].number
    assert deploy.newest_stages == [
        {"name": "Test", "state": "succeeded"},
        {"name": "Staging", "state": "succeeded"},
        {"name": "Production", "state": "waiting"},
    ]
    assert f"releaseId={deploy.newest_id}" in deploy.newest_url


def test_a_pipeline_that_never_released_has_only_its_stages(read: Read) -> None:
    mac = pipeline("Mac")
    assert (mac.newest_id, mac.whole, mac.stages, mac.path) == (None, "", [{"name": "Test"}], "\\Mac")


def test_whoever_is_asked_is_known(read: Read, shop: Shop) -> None:
    deploy = pipeline("Deploy")
    (asked,) = deploy.waiting
    assert deploy.pending == 1
    assert (asked["release_id"], asked["stage"], asked["who"]) == (deploy.newest_id, "Production", "Maya Sample")


def test_an_older_release_that_waits_is_told_too(read: Read, shop: Shop) -> None:
    older = shop.release(THROUGH)
    older.begin(older.environments[2], NOOR, shop.sandbox.state.now(), shop.azure.new_id, by_hand=True)
    read()
    assert pipeline("Deploy").pending == 2
    assert {one["release"] for one in pipeline("Deploy").waiting} == {THROUGH, WAITING}


def test_of_very_many_approvals_some_are_kept_and_all_counted(read: Read, shop: Shop) -> None:
    older = shop.release(THROUGH)
    for _ in range(6):
        older.begin(older.environments[2], NOOR, shop.sandbox.state.now(), shop.azure.new_id, by_hand=True)
    read()
    deploy = pipeline("Deploy")
    assert (deploy.pending, len(deploy.waiting)) == (7, 5)


def test_a_look_at_a_project_is_three_requests_and_one_where_nothing_is_released(read: Read, shop: Shop) -> None:
    asked = len(shop.sandbox.requests)
    read()
    paths = [request.path.rsplit("/", 1)[1] for request in shop.sandbox.requests[asked:]]
    assert sorted(paths) == ["approvals", "definitions", "definitions", "releases"]


def test_a_decision_is_noticed_and_so_is_the_end_of_a_deployment(read: Read, shop: Shop) -> None:
    approval = shop.approval(shop.release(WAITING))
    approval.status, approval.decided_at = "approved", shop.sandbox.state.now()
    shop.later(5)
    read()
    assert (pipeline("Deploy").whole, pipeline("Deploy").pending) == ("running", 0)
    shop.later(60)
    read()
    assert pipeline("Deploy").whole == "succeeded"


def test_where_the_newest_releases_are_not_named_they_are_looked_for(
    read: Read, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ReleasePipeline.objects.all().delete()
    monkeypatch.setattr("sandbox.release_lists._last_release", lambda *_: {})
    read()
    assert (pipeline("Deploy").newest_name, pipeline("Canary").newest_name) == (WAITING, "Release-1")


def test_a_rename_is_a_rename_and_what_is_gone_is_marked(read: Read, shop: Shop) -> None:
    ids = {one.azure_id: one.pk for one in ReleasePipeline.objects.all()}
    shop.azure.release_definitions[0].name = "Renamed"
    gone = shop.azure.release_definitions.pop()
    read()
    assert ReleasePipeline.objects.get(name="Renamed").pk == ids[1]
    assert ReleasePipeline.objects.get(azure_id=gone.id).gone_at is not None


def test_a_list_that_breaks_half_way_changes_nothing(read: Read, shop: Shop) -> None:
    shop.sandbox.behaviour.add("status", status=500, path="/approvals$")
    shop.azure.release_definitions[0].name = "Renamed"
    del shop.azure.release_definitions[1:]
    read()
    assert not ReleasePipeline.objects.filter(gone_at__isnull=False).exists()
    assert not ReleasePipeline.objects.filter(name="Renamed").exists()
    assert PollSubscription.objects.get(kind=polling.RELEASES, project=shop.project).problem == "server_error"


def test_many_pipelines_cost_no_more_queries_than_few(read: Read, shop: Shop) -> None:
    with CaptureQueriesContext(database) as few:
        read()
    sample = shop.azure.release_definitions[2]
    shop.azure.release_definitions += [
        type(sample)(**{**vars(sample), "id": 100 + n, "name": f"more {n}"}) for n in range(40)
    ]
    with CaptureQueriesContext(database) as many:
        read()
    assert ReleasePipeline.objects.count() == 43
    assert len(many) == len(few)


def test_what_the_token_surely_lacks_is_not_asked_for(connected: Callable[..., Connection], bring_in: BringIn) -> None:
    bring_in(connected(token="no-release"))
    assert not PollSubscription.objects.filter(kind=polling.RELEASES).exists()


def releases_are_read(connection: Connection, bring_in: BringIn, clock: Clock) -> None:
    bring_in(connection)
    for batch in polling.claim_due(now=clock()):
        polling.poll(batch, READERS, clock=clock)


def test_where_classic_releases_are_switched_off_it_is_known_to_a_token_that_may_know(
    shop: Shop, connected: Callable[..., Connection], bring_in: BringIn, clock: Clock
) -> None:
    token = shop.sandbox.state.token_named("full")
    assert token is not None
    token.scopes = (*token.scopes, "vso.project")
    releases_are_read(connected("Modern", organization="modern"), bring_in, clock)
    assert Project.objects.get(connection__name="Modern").releases_off is True
    assert Project.objects.get(name="Wiki").releases_off is False
    assert Project.objects.get(name="Tailspin").releases_off is None


def test_a_token_that_may_not_know_is_not_asked_about_each_project(
    shop: Shop, connected: Callable[..., Connection], bring_in: BringIn, clock: Clock
) -> None:
    releases_are_read(connected("Modern", organization="modern"), bring_in, clock)
    asked = sum("generalsettings" in one.path and "/modern/" in one.path for one in shop.sandbox.requests)
    releases_are_read(Connection.objects.get(name="Modern"), bring_in, clock)
    again = sum("generalsettings" in one.path and "/modern/" in one.path for one in shop.sandbox.requests)
    assert (asked, again) == (1, 1)
    assert Project.objects.get(connection__name="Modern").releases_off is None


def test_a_project_that_does_not_tell_hides_no_other_project(shop: Shop, clock: Clock) -> None:
    token = shop.sandbox.state.token_named("full")
    assert token is not None
    token.scopes = (*token.scopes, "vso.project")
    refused = {"status": 403, "body": '{"message":"no","typeKey":"AccessDeniedException"}'}
    shop.sandbox.behaviour.add("status", path="/generalsettings$", times=1, **refused)
    shop.azure.release_definitions.clear()
    PollSubscription.objects.filter(kind=polling.RELEASES).update(once=True, next_at=clock())
    for batch in polling.claim_due(now=clock()):
        polling.poll(batch, READERS, clock=clock)
    assert set(Project.objects.values_list("releases_off", flat=True)) == {None, False}
