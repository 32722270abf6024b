"""One build or release on its page: polled once for all viewers, read at once where the page cannot wait."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.models import Connection
from delivery.live import polling
from delivery.live.readers import READERS
from delivery.models import Pipeline, PollSubscription, SyncState
from sandbox.server import Sandbox
from tests.delivery.aging import MINUTE, age_what_was_read
from tests.delivery.conftest import Clock
from tests.delivery.release_shop import WAITING, Shop
from tests.delivery.test_several_processes import WebProcess

SECOND = timedelta(seconds=1)


@pytest.fixture
def nightly(
    connected: Callable[..., Connection], bring_in: Callable[[Connection], SyncState], clock: Clock
) -> Pipeline:
    """A pipeline of a connected organization, of which one build runs and one has failed."""
    bring_in(connected(organization="fabrikam"))
    for batch in polling.claim_due(now=clock()):
        polling.poll(batch, READERS, clock=clock)
    return Pipeline.objects.select_related("project__connection").get(name="Tailspin Nightly")


@pytest.fixture
def running(nightly: Pipeline, pages: Client) -> str:
    """The page of a build that was just queued; nobody has seen it yet."""
    ci = Pipeline.objects.get(name="Tailspin CI")
    answer = pages.post(reverse("delivery:run-pipeline", args=[ci.pk]), {"branch": "main", "confirmed": "1"})
    return str(answer.headers["Location"])


@pytest.fixture
def finished(nightly: Pipeline) -> str:
    """The page of a build that has failed."""
    return reverse("delivery:build", args=[nightly.pk, nightly.build_id])


def shown(pages: Client, url: str) -> str:
    """The page as a person opens it."""
    return pages.get(url).content.decode()


def refreshed(pages: Client, url: str) -> str:
    """The page as it refreshes automatically."""
    return pages.get(url, headers={"HX-Request": "true"}).content.decode()


def work(now: datetime | None = None) -> int:
    """Poll what is due as a worker does. Returns how many subscriptions were."""
    batches = polling.claim_due(now=now or timezone.now())
    for batch in batches:
        polling.poll(batch, READERS, clock=lambda: now or timezone.now())
    return sum(len(batch.ids) for batch in batches)


def single() -> PollSubscription:
    """The one subscription to a single build or release."""
    return PollSubscription.objects.get(number__gt=0)


def test_a_hundred_viewers_in_two_processes_cost_one_poll_per_interval(
    pages: Client, running: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(pages, running)
    # A hundred pages take longer than an interval here.
    monkeypatch.setattr(polling, "OLDEST_AT_FIRST", 10 * MINUTE)
    monkeypatch.setattr(polling, "OVERDUE", 10 * MINUTE)
    other, before = WebProcess(), len(sandbox.requests)
    for view in (shown, refreshed):
        for _ in range(25):
            view(pages, running)
            with other.at_work():
                view(pages, running)
    assert len(sandbox.requests) == before
    now = timezone.now() + 5 * SECOND
    assert [work(now), work(now), work(now)] == [1, 0, 0]
    assert len(sandbox.requests) == before + polling.REQUESTS[polling.BUILD]


def test_the_first_view_reads_at_once_without_a_worker(pages: Client, running: str) -> None:
    page = shown(pages, running)
    assert "Queued" in page
    assert "Updates automatically." in page
    assert "Loading" not in page


def test_a_first_view_says_that_it_loads_while_another_process_reads(
    pages: Client, running: str, sandbox: Sandbox
) -> None:
    shown(pages, running)
    PollSubscription.objects.filter(number__gt=0).update(
        snapshot=None, read_at=None, lease="another", leased_until=timezone.now() + MINUTE
    )
    before = len(sandbox.requests)
    page = shown(pages, running)
    assert "Loading from Azure DevOps." in page
    assert 'hx-trigger="every 3s"' in page
    assert "No connection" not in page
    assert len(sandbox.requests) == before


def test_what_a_dead_worker_holds_is_shown_with_its_age_and_read_when_its_lease_expires(
    pages: Client, running: str, sandbox: Sandbox
) -> None:
    shown(pages, running)
    age_what_was_read()
    PollSubscription.objects.filter(number__gt=0).update(lease="dead", leased_until=timezone.now() + MINUTE)
    before, read_at = len(sandbox.requests), single().read_at
    page = shown(pages, running)
    assert "Queued" in page
    assert read_at is not None
    assert f"{timezone.localtime(read_at):%H:%M:%S}</time>" in page
    assert len(sandbox.requests) == before
    PollSubscription.objects.filter(number__gt=0).update(leased_until=timezone.now() - SECOND)
    sandbox.state.advance(120)
    assert "Succeeded" in shown(pages, running)


def held_by_another(**read: datetime) -> None:
    """Another process has the lease of the one subscription to a single build or release."""
    held = {"lease": "another", "leased_until": timezone.now() + MINUTE}
    PollSubscription.objects.filter(number__gt=0).update(**held, **read)


def test_a_settled_state_that_is_outdated_says_so_until_the_newer_one_is_read(
    pages: Client, finished: str, sandbox: Sandbox
) -> None:
    shown(pages, finished)
    age_what_was_read()
    held_by_another()
    page = shown(pages, finished)
    assert "Failed" in page
    assert "Loading newer data…" in page
    assert 'hx-trigger="every 3s"' in page
    assert """hx-headers='{"Live-Loading": "true"}'""" in page
    loading = {"HX-Request": "true", "Live-Loading": "true"}
    assert "Loading newer data…" in pages.get(finished, headers=loading).content.decode()
    PollSubscription.objects.filter(number__gt=0).update(leased_until=timezone.now() - SECOND)
    before = len(sandbox.requests)
    page = pages.get(finished, headers=loading).content.decode()
    assert len(sandbox.requests) > before
    assert "Loading" not in page
    assert "hx-trigger" not in page


def test_the_age_of_what_is_older_than_today_has_a_date(pages: Client, finished: str) -> None:
    page = shown(pages, finished)
    today = single().read_at
    assert today is not None
    assert f">{timezone.localtime(today):%H:%M:%S}</time>" in page
    read_at = today - timedelta(days=2)
    held_by_another(read_at=read_at)
    local = timezone.localtime(read_at)
    assert f">{local.day} {local:%b %Y, %H:%M:%S}</time>" in shown(pages, finished)


def test_a_failed_poll_is_shown_with_the_last_known_state(pages: Client, running: str, sandbox: Sandbox) -> None:
    shown(pages, running)
    age_what_was_read(5 * SECOND)
    sandbox.behaviour.add("status", status=500)
    assert work()
    page = refreshed(pages, running)
    assert 'data-problem="server_error"' in page
    assert "The page shows what Azure DevOps last reported" in page
    assert "Queued" in page
    assert 'hx-trigger="every 15s"' in page
    assert single().next_at > timezone.now() + 30 * SECOND


def test_steps_stay_when_they_cannot_be_read_for_a_reason_that_may_pass(
    pages: Client, finished: str, sandbox: Sandbox
) -> None:
    shown(pages, finished)
    before = single().snapshot
    age_what_was_read()
    sandbox.behaviour.add("status", status=500, path="/timeline")
    assert 'data-problem="server_error"' in shown(pages, finished)
    assert before
    assert before["steps"]
    assert single().snapshot == before


def test_a_refresh_leaves_what_was_changed_here_to_the_worker(pages: Client, running: str, sandbox: Sandbox) -> None:
    shown(pages, running)
    PollSubscription.objects.filter(number__gt=0).update(once=True, next_at=timezone.now())
    before = len(sandbox.requests)
    refreshed(pages, running)
    assert len(sandbox.requests) == before
    shown(pages, running)
    assert len(sandbox.requests) > before


def test_a_page_that_follows_obeys_the_backoff_and_a_new_one_tries(
    pages: Client, running: str, sandbox: Sandbox
) -> None:
    shown(pages, running)
    sandbox.behaviour.add("status", status=500)
    age_what_was_read()
    shown(pages, running)
    before = len(sandbox.requests)
    refreshed(pages, running)
    assert len(sandbox.requests) == before
    sandbox.behaviour.clear()
    page = shown(pages, running)
    assert "data-problem" not in page
    assert single().problem == ""


def test_throttling_is_obeyed_by_new_pages_too(pages: Client, running: str, sandbox: Sandbox) -> None:
    shown(pages, running)
    sandbox.behaviour.add("throttle", retry_after=60, times=1)
    age_what_was_read()
    shown(pages, running)
    before = len(sandbox.requests)
    page = shown(pages, running)
    assert 'data-problem="throttled"' in page
    assert "Queued" in page
    assert len(sandbox.requests) == before


def test_a_page_reads_itself_what_the_worker_is_late_for(pages: Client, running: str, sandbox: Sandbox) -> None:
    shown(pages, running)
    sandbox.state.advance(120)
    age_what_was_read(8 * SECOND)
    assert "Queued" in refreshed(pages, running)
    age_what_was_read(10 * SECOND)
    assert "Succeeded" in refreshed(pages, running)


def test_what_was_changed_here_is_shown_at_once_although_it_was_just_read(pages: Client, running: str) -> None:
    assert "Queued" in shown(pages, running)
    page = pages.post(f"{running}cancel/", {"confirmed": "1"}, follow=True).content.decode()
    assert "Queued" not in page.partition("<h1>")[2].partition("</h1>")[2][:400]
    assert "Cancel" in page


def test_an_answer_from_before_a_change_is_not_stored(pages: Client, shop: Shop) -> None:
    release = shop.release(WAITING)
    assert "Waiting for approval" in shop.page(pages, release)
    subscription = single()
    PollSubscription.objects.filter(pk=subscription.pk).update(next_at=timezone.now() - SECOND)
    (batch,) = [batch for batch in polling.claim_due(now=timezone.now()) if subscription.pk in batch.ids]
    polls: list[str] = []

    def approve_meanwhile(*given: object) -> object:
        before = READERS[polling.RELEASE](*given)  # type: ignore[arg-type]  # the very arguments of the reader
        polls.append(shop.post(pages, "approve-deployment", release.id, shop.approval(release).id, comment="Yes"))
        return before

    polling.poll(batch, {polling.RELEASE: approve_meanwhile}, clock=timezone.now)  # type: ignore[dict-item]
    assert "Production of Release-2 is approved." in polls[0]
    assert "<q>Yes</q>" in polls[0]
    assert "<q>Yes</q>" in refreshed(pages, shop.url("release", release.id))


def test_a_build_that_was_deleted_is_gone_and_not_shown_any_more(
    pages: Client, finished: str, sandbox: Sandbox
) -> None:
    assert "Failed" in shown(pages, finished)
    age_what_was_read()
    sandbox.state.organizations["fabrikam"].projects[0].builds.clear()
    page = shown(pages, finished)
    assert 'data-problem="not_found"' in page
    assert "Failed" not in page
    assert "hx-trigger" not in page
    assert single().snapshot is None


def test_a_token_that_was_revoked_is_explained_and_its_successor_used_at_once(
    pages: Client, running: str, sandbox: Sandbox
) -> None:
    shown(pages, running)
    age_what_was_read(5 * SECOND)
    token = sandbox.state.token_named("full")
    assert token is not None
    token.state = "revoked"
    work()
    page = refreshed(pages, running)
    assert 'data-problem="token_refused"' in page
    assert "Queued" in page
    token.state = "active"
    assert "data-problem" not in shown(pages, running)


def test_a_finished_build_is_not_polled(pages: Client, finished: str, sandbox: Sandbox) -> None:
    assert "hx-trigger" not in shown(pages, finished)
    before = len(sandbox.requests)
    age_what_was_read()
    assert single().watched_until > timezone.now()
    work()
    assert len(sandbox.requests) == before
    shown(pages, finished)
    assert len(sandbox.requests) == before + 2


def test_nothing_is_polled_when_the_last_page_was_closed(pages: Client, running: str) -> None:
    shown(pages, running)
    PollSubscription.objects.update(watched_until=timezone.now() - SECOND, next_at=timezone.now() - MINUTE)
    assert work() == 0


def test_a_snapshot_that_nobody_views_is_removed_after_an_hour_and_lists_are_not(
    pages: Client, running: str, clock: Clock
) -> None:
    shown(pages, running)
    lists = PollSubscription.objects.filter(number=0).count()
    polling.remove_unwatched(now=timezone.now() + 55 * MINUTE)
    assert single().snapshot
    polling.remove_unwatched(now=timezone.now() + 62 * MINUTE)
    assert PollSubscription.objects.count() == lists


def test_single_builds_do_not_wait_for_a_persons_lists(pages: Client, running: str) -> None:
    shown(pages, running)
    PollSubscription.objects.update(next_at=timezone.now() - SECOND, watched_until=timezone.now() + MINUTE)
    lists, builds = sorted(polling.claim_due(now=timezone.now()), key=lambda batch: -len(batch.ids))
    assert builds.ids == (single().pk,)
    assert len(lists.ids) == PollSubscription.objects.filter(number=0).count()


@pytest.mark.parametrize("number", [0, 2**31, 10**30])
def test_a_number_that_no_build_has_is_not_found(pages: Client, nightly: Pipeline, number: int) -> None:
    page = shown(pages, reverse("delivery:build", args=[nightly.pk, number]))
    assert 'data-problem="not_found"' in page
    assert not PollSubscription.objects.filter(number__gt=0).exists()


def test_a_log_is_read_again_only_when_its_build_was(pages: Client, running: str, sandbox: Sandbox) -> None:
    sandbox.state.advance(15)
    answer = pages.get(running)
    log = f"{running}logs/{answer.context['log_id']}/?first=1"
    refreshed(pages, log)
    before = len(sandbox.requests)
    refreshed(pages, log)
    assert len(sandbox.requests) == before
    age_what_was_read(5 * SECOND)
    work()
    before = len(sandbox.requests)
    refreshed(pages, log)
    assert len(sandbox.requests) == before + 1


def test_the_pages_of_pipelines_are_polled_alike(pages: Client, nightly: Pipeline, sandbox: Sandbox) -> None:
    build_list = nightly.get_absolute_url()
    release_list = reverse("delivery:release-pipeline", args=[nightly.project_id, 1])
    for url in (build_list, release_list):
        shown(pages, url)
        before = len(sandbox.requests)
        shown(pages, url)
        refreshed(pages, url)
        assert len(sandbox.requests) == before
    kinds = PollSubscription.objects.filter(number__gt=0).values_list("kind", flat=True)
    assert set(kinds) == {polling.PIPELINE_BUILDS, polling.PIPELINE_RELEASES}
