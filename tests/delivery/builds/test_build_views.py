"""The Builds pages: one build with steps and logs, run and cancel."""

import json
from collections.abc import Callable
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.domain.problems import catalogue
from connections.models import CapabilityState, Connection
from delivery.builds import build_reads
from delivery.live import polling
from delivery.live.readers import READERS
from delivery.models import Pipeline
from delivery.remote_read import RemoteReadError
from history.models import Event
from sandbox.server import Sandbox
from tests.delivery.aging import age_what_was_read
from tests.delivery.builds.conftest import BringIn
from tests.delivery.conftest import Clock


def get(pages: Client, name: str, *args: object, **query: str) -> str:
    return pages.get(reverse(f"delivery:{name}", args=args), query).content.decode()


def post(pages: Client, name: str, *args: object, yes: bool = True, **data: str) -> str:
    data |= {"confirmed": "1"} if yes else {}
    return pages.post(reverse(f"delivery:{name}", args=args), data, follow=True).content.decode()


def posts(sandbox: Sandbox) -> int:
    return sum(request.method in ("POST", "PATCH") for request in sandbox.requests)


def run(pages: Client, pipeline: Pipeline, branch: str = "main") -> int:
    """Runs it through the page; the id of the build."""
    answer = pages.post(reverse("delivery:run-pipeline", args=[pipeline.pk]), {"branch": branch, "confirmed": "1"})
    return int(answer.headers["Location"].rstrip("/").rsplit("/", 1)[1])


def test_nothing_runs_before_the_person_says_yes(pages: Client, ci: Pipeline, sandbox: Sandbox) -> None:
    before = posts(sandbox)
    assert "Run this pipeline?" in post(pages, "run-pipeline", ci.pk, branch="main", yes=False)
    assert posts(sandbox) == before


def test_branches_are_suggested_the_default_one_first(pages: Client, ci: Pipeline) -> None:
    page = get(pages, "run-pipeline", ci.pk)
    assert page.index('<option value="main">') < page.index('<option value="topic/search">')
    assert 'value="main"' in page


def test_a_run_is_queued_followed_to_its_end_and_recorded(pages: Client, ci: Pipeline, sandbox: Sandbox) -> None:
    build_id = run(pages, ci)
    page = get(pages, "build", ci.pk, build_id)
    assert "Queued" in page
    assert 'hx-trigger="every 3s"' in page
    event = Event.objects.get(kind="run_pipeline.done")
    assert event.detail["build_id"] == build_id
    assert event.detail["what"] == "Tailspin CI on main in Tailspin"
    sandbox.state.advance(120)
    age_what_was_read()
    over = get(pages, "build", ci.pk, build_id)
    assert "Succeeded" in over
    assert "hx-trigger" not in over
    assert "Compile" in over


def test_a_pipeline_that_cannot_run_says_why_in_azure_devops_words(pages: Client, ci: Pipeline) -> None:
    retired = Pipeline.objects.get(name="Tailspin Retired")
    page = post(pages, "run-pipeline", retired.pk, branch="main")
    assert "disabled" in page
    assert "Azure DevOps said:" in page
    assert Event.objects.filter(kind="run_pipeline.failed").count() == 1


def test_after_silence_the_build_that_was_queued_is_found_and_no_second_one_made(
    pages: Client, ci: Pipeline, sandbox: Sandbox
) -> None:
    sandbox.behaviour.add("reset", method="POST", path="/builds$", carried_out=True)
    before = posts(sandbox)
    page = post(pages, "run-pipeline", ci.pk, branch="main")
    assert "is queued as" in page
    assert posts(sandbox) == before + 1


def test_after_silence_that_did_nothing_the_page_says_so_and_nothing_is_tried_again(
    pages: Client, ci: Pipeline, sandbox: Sandbox
) -> None:
    sandbox.behaviour.add("reset", method="POST", path="/builds$")
    before = posts(sandbox)
    assert "No connection to Azure DevOps" in post(pages, "run-pipeline", ci.pk, branch="main")
    assert posts(sandbox) == before + 1


def test_a_run_that_was_not_even_sent_is_not_taken_for_an_earlier_one(
    pages: Client, ci: Pipeline, sandbox: Sandbox
) -> None:
    assert "is queued as" in post(pages, "run-pipeline", ci.pk, branch="main")
    before = posts(sandbox)
    # The form suggests branches of the repository; the builds are read only to run the pipeline.
    sandbox.behaviour.add("status", status=500, method="GET", path="/builds$", times=1)
    page = post(pages, "run-pipeline", ci.pk, branch="main")
    assert "is queued as" not in page
    assert posts(sandbox) == before
    assert Event.objects.filter(kind="run_pipeline.done").count() == 1
    assert Event.objects.get(kind="run_pipeline.failed").detail["problem"] == "server_error"


def test_a_build_is_cancelled_after_asking(pages: Client, ci: Pipeline, sandbox: Sandbox) -> None:
    build_id = run(pages, ci)
    assert "Cancel this build?" in post(pages, "cancel-build", ci.pk, build_id, yes=False)
    age_what_was_read()
    page = post(pages, "cancel-build", ci.pk, build_id)
    assert f"Build {build_id} is being cancelled." in page
    assert Event.objects.get(kind="cancel_build.done").detail["build_id"] == build_id
    sandbox.state.advance(60)
    age_what_was_read()
    assert "Cancelled" in get(pages, "build", ci.pk, build_id)


def test_a_build_that_is_over_is_not_said_to_be_cancelled(pages: Client, ci: Pipeline, sandbox: Sandbox) -> None:
    build_id = run(pages, ci)
    sandbox.state.advance(120)
    page = post(pages, "cancel-build", ci.pk, build_id)
    assert "is being cancelled" not in page
    assert "The build is over" in page
    assert "Succeeded" in page
    assert not Event.objects.filter(kind="cancel_build.done").exists()


def test_a_build_that_ends_while_it_is_cancelled_is_not_said_to_be(
    pages: Client, ci: Pipeline, sandbox: Sandbox
) -> None:
    build_id = run(pages, ci)
    sandbox.behaviour.add("reset", method="PATCH", path="/builds/")
    over = {"id": build_id, "buildNumber": "1", "status": "completed", "result": "succeeded"}
    answer = {"status": 200, "body": json.dumps(over), "headers": {"Content-Type": "application/json"}}
    sandbox.behaviour.add("status", method="GET", path=f"/builds/{build_id}$", after=1, **answer)
    assert "is being cancelled" not in post(pages, "cancel-build", ci.pk, build_id)
    assert not Event.objects.filter(kind="cancel_build.done").exists()


def test_a_cancelled_build_can_be_cancelled_again(pages: Client, ci: Pipeline, sandbox: Sandbox) -> None:
    build_id = run(pages, ci)
    for _ in range(2):
        assert f"Build {build_id} is being cancelled." in post(pages, "cancel-build", ci.pk, build_id)
        sandbox.state.advance(60)


def test_a_build_of_another_pipeline_is_not_cancelled(pages: Client, ci: Pipeline, sandbox: Sandbox) -> None:
    build_id = run(pages, ci)
    other = Pipeline.objects.get(name="Tailspin Nightly")
    before = posts(sandbox)
    assert "is being cancelled" not in post(pages, "cancel-build", other.pk, build_id)
    assert posts(sandbox) == before


def test_a_failed_build_offers_the_log_of_the_step_that_failed(pages: Client, ci: Pipeline) -> None:
    nightly = Pipeline.objects.get(name="Tailspin Nightly")
    answer = pages.get(reverse("delivery:build", args=[nightly.pk, nightly.build_id]))
    page = answer.content.decode()
    assert "Failed" in page
    log = get(pages, "build-log", nightly.pk, nightly.build_id, answer.context["log_id"])
    assert "Error:</b>" in log


def test_a_growing_log_is_followed_from_the_line_after_the_last(pages: Client, ci: Pipeline, sandbox: Sandbox) -> None:
    devices = Pipeline.objects.get(name="Tailspin Device tests")
    build_id = run(pages, devices)
    sandbox.state.advance(40)
    age_what_was_read()
    log_id = pages.get(reverse("delivery:build", args=[devices.pk, build_id])).context["log_id"]
    here = reverse("delivery:build-log", args=[devices.pk, build_id, log_id])
    first = pages.get(here)
    following = first.context["part"].next
    assert f'hx-get="{here}?first={following}"' in first.content.decode()
    sandbox.state.advance(60)
    age_what_was_read()
    more = pages.get(here, {"first": str(following)})
    assert more.context["lines"][0].number == following


def test_a_log_that_could_not_be_read_retries_automatically_as_it_says(
    pages: Client, ci: Pipeline, sandbox: Sandbox
) -> None:
    sandbox.behaviour.add("status", status=500)
    page = get(pages, "build-log", ci.pk, ci.build_id, 1)
    assert "This page retries automatically." in page
    assert 'hx-trigger="load delay:15s" hx-select="#main > *"' in page
    sandbox.behaviour.clear()
    get(pages, "build", ci.pk, ci.build_id)
    sandbox.behaviour.add("status", status=500, path="/logs")
    page = get(pages, "build-log", ci.pk, ci.build_id, 1)
    assert "This page retries automatically." in page
    assert 'hx-trigger="load delay:15s" hx-select="#main > *"' in page


def test_a_log_that_is_not_there_is_not_read_again(pages: Client, ci: Pipeline) -> None:
    page = get(pages, "build-log", ci.pk, 999_999, 1)
    assert 'data-problem="not_found"' in page
    assert "hx-trigger" not in page


@pytest.mark.parametrize(
    ("status", "words", "delay"), [(500, "Following continues automatically.", 15), (404, "Show newer lines", None)]
)
def test_a_followed_log_names_a_failed_read_and_follows_on_where_it_may_pass(
    pages: Client, ci: Pipeline, sandbox: Sandbox, status: int, words: str, delay: int | None
) -> None:
    devices = Pipeline.objects.get(name="Tailspin Device tests")
    build_id = run(pages, devices)
    sandbox.state.advance(40)
    age_what_was_read()
    log_id = pages.get(reverse("delivery:build", args=[devices.pk, build_id])).context["log_id"]
    here = reverse("delivery:build-log", args=[devices.pk, build_id, log_id])
    sandbox.behaviour.add("status", status=status, path="/logs/")
    answer = pages.get(here, {"first": "1"}, headers={"HX-Request": "true", "HX-Target": "log-end"})
    lines = answer.content.decode()
    assert lines.startswith('<div id="chunk">')
    assert f"{answer.context['problem'].title}.</b>" in lines
    assert words in lines
    assert "No output yet" not in lines
    assert (f'hx-get="{here}?first=1" hx-trigger="load delay:{delay}s"' in lines) == (delay is not None)


def test_a_long_log_comes_in_parts(pages: Client, ci: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delivery.builds.build_reads.LINES_PER_PART", 10)
    build = pages.get(reverse("delivery:build", args=[ci.pk, ci.build_id]))
    log_id = next(row.step.log_id for row in build.context["steps"] if row.step.name == "Compile")
    end = get(pages, "build-log", ci.pk, ci.build_id, log_id)
    assert "End of the log." in end
    assert "Earlier lines" in end
    beginning = get(pages, "build-log", ci.pk, ci.build_id, log_id, first="1")
    assert "Later lines" in beginning
    assert "Earlier lines" not in beginning


def test_a_build_of_another_pipeline_is_not_found(pages: Client, ci: Pipeline) -> None:
    nightly = Pipeline.objects.get(name="Tailspin Nightly")
    assert "Not found in Azure DevOps" in get(pages, "build", ci.pk, nightly.build_id)


def test_what_the_last_check_found_missing_is_disabled_with_reason_and_refused(
    pages: Client, ci: Pipeline, sandbox: Sandbox
) -> None:
    CapabilityState.objects.filter(capability="build_execute").update(verdict="missing")
    assert "The token lacks the scope Build: Read &amp; execute." in pages.get(ci.get_absolute_url()).content.decode()
    before = posts(sandbox)
    assert "Scope missing" in post(pages, "run-pipeline", ci.pk, branch="main")
    assert posts(sandbox) == before


def test_a_missing_right_of_the_person_is_told_apart_from_a_missing_scope(
    pages: Client, connected: Callable[..., Connection], bring_in: BringIn, clock: Clock
) -> None:
    bring_in(connected(token="no-rights", organization="acme"))
    for batch in polling.claim_due(now=clock()):
        polling.poll(batch, READERS, clock=clock)
    page = post(pages, "run-pipeline", Pipeline.objects.get(name="Storefront CI").pk, branch="main")
    assert "Not permitted" in page
    assert "Queue builds" in page


def test_each_trouble_of_a_build_is_said_in_the_catalogues_words(pages: Client, ci: Pipeline, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("status", status=500)
    for name, args in (("pipeline", [ci.pk]), ("build", [ci.pk, ci.build_id]), ("build-log", [ci.pk, ci.build_id, 1])):
        assert "Azure DevOps reported an internal error" in get(pages, name, *args)


def test_each_page_wants_its_own_permission(client: Client, ci: Pipeline, person: Callable[..., User]) -> None:
    client.force_login(person("vera", "delivery.view_pipeline"))
    assert client.get("/builds/").status_code == 200
    assert client.get(reverse("delivery:run-pipeline", args=[ci.pk])).status_code == 403
    assert client.post(reverse("delivery:cancel-build", args=[ci.pk, 1])).status_code == 403
    client.force_login(person("walter", "delivery.view_repository"))
    assert client.get("/builds/").status_code == 403
    assert client.get(reverse("delivery:build", args=[ci.pk, ci.build_id])).status_code == 403


def test_a_whole_log_is_downloaded_part_by_part(pages: Client, ci: Pipeline) -> None:
    nightly = Pipeline.objects.get(name="Tailspin Nightly")
    log_id = pages.get(reverse("delivery:build", args=[nightly.pk, nightly.build_id])).context["log_id"]
    page = get(pages, "build-log", nightly.pk, nightly.build_id, log_id)
    address = reverse("delivery:download-log", args=[nightly.pk, nightly.build_id, log_id])
    assert address in page
    with patch.object(build_reads, "LINES_PER_PART", 2):
        answer = pages.get(address)
        lines = answer.getvalue().decode().splitlines()
    assert answer["Content-Disposition"] == f'attachment; filename="build-{nightly.build_id}-log-{log_id}.txt"'
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    whole = build_reads.log_part(nightly, nightly.build_id or 0, log_id, first=1, as_of=timezone.now())
    assert len(lines) > 4
    assert tuple(lines) == whole.lines


def test_a_download_that_breaks_off_says_so(pages: Client, ci: Pipeline) -> None:
    nightly = Pipeline.objects.get(name="Tailspin Nightly")
    part = build_reads.LogPart(1, ("one",), more=True)
    with patch.object(build_reads, "open_client", side_effect=RemoteReadError("throttled")):
        lines = list(build_reads.rest_of_log(nightly, 1, 1, part))
    with patch.object(build_reads, "log_part", side_effect=RemoteReadError("throttled")):
        address = reverse("delivery:download-log", args=[nightly.pk, 1, 1])
        assert pages.get(address)["Location"] == reverse("delivery:build-log", args=[nightly.pk, 1, 1])
    title = catalogue.problem("throttled").title
    assert lines == ["one", f"[The log could not be read from line 2 on: {title}]"]


def test_a_download_says_where_a_very_long_log_is_cut(pages: Client, ci: Pipeline) -> None:
    nightly = Pipeline.objects.get(name="Tailspin Nightly")
    log_id = pages.get(reverse("delivery:build", args=[nightly.pk, nightly.build_id])).context["log_id"]
    with patch.multiple(build_reads, LINES_PER_PART=2, LINES_PER_DOWNLOAD=3):
        answer = pages.get(reverse("delivery:download-log", args=[nightly.pk, nightly.build_id, log_id]))
        *lines, last = answer.getvalue().decode().splitlines()
    assert len(lines) == 4
    assert last == "[The log is longer. Azure DevOps has it from line 5 on.]"
