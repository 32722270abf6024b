"""Pipelines and builds by API, against the sandbox."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from api import waiting
from api.models import IdempotentRequest
from connections.models import CapabilityState, Connection
from delivery.models import Pipeline, PollSubscription
from history.models import Event
from sandbox.server import Sandbox
from tests.api.calls import SITE, Program, pages_of, problem
from tests.api.conftest import EVERYTHING
from tests.delivery.aging import age_what_was_read

MAIN = {"branch": "main"}


def posts(sandbox: Sandbox) -> int:
    return sum(request.method in ("POST", "PATCH") for request in sandbox.requests)


def builds(pipeline: Pipeline, build_id: int | None = None) -> str:
    path = f"/pipelines/{pipeline.pk}/builds"
    return path if build_id is None else f"{path}/{build_id}"


def names(program: Program, query: str = "") -> list[str]:
    return [row["name"] for page in pages_of(program, f"/pipelines?{query}") for row in page["pipelines"]]


@contextmanager
def time_passes(sandbox: Sandbox, seconds: float) -> Iterator[list[float]]:
    """While a request waits, time passes in Azure DevOps, and the worker is late. Has the pauses."""
    pauses: list[float] = []

    def pause(length: float) -> bool:
        pauses.append(length)
        sandbox.state.advance(seconds)
        age_what_was_read()
        return False

    with patch.object(waiting, "pause", pause):
        yield pauses


def test_pipelines_come_by_name_in_pages(program: Program, ci: Pipeline) -> None:
    found = names(program, "limit=2")
    assert found == sorted(found, key=str.lower)
    assert len(found) == 6
    page = program.get("/pipelines?q=tailspin ci")
    (shown,) = page["pipelines"]
    assert shown == program.get(f"/pipelines/{ci.pk}")
    assert (shown["state"], shown["newest_build"]["id"]) == ("succeeded", ci.build_id)
    assert shown["recent_builds"][0]["id"] == ci.build_id
    assert page["read_at"]
    assert page["problems"] == []


def test_filters_are_those_of_the_page(program: Program, ci: Pipeline) -> None:
    assert names(program, "state=failed") == ["Tailspin Nightly"]
    assert len(names(program, "state=under_way")) == 2
    assert len(names(program, f"project={ci.project_id}&connection={ci.project.connection_id}")) == 6
    assert names(program, "project=999999") == []
    for query in ("state=x", "project=x", "sort=newest"):
        assert program.call("GET", f"/pipelines?{query}").status_code == 422


def test_a_list_is_read_while_programs_list_it_and_says_what_failed(program: Program, ci: Pipeline) -> None:
    names(program)
    assert PollSubscription.objects.filter(watched_until__gt=timezone.now()).count() == 1
    PollSubscription.objects.update(problem="throttled", read_at=None)
    page = program.get("/pipelines")
    assert [row["code"] for row in page["problems"]] == ["throttled"]
    assert page["read_at"] is None
    assert page["pipelines"]


def test_branches_come_with_the_default_one_first(program: Program, ci: Pipeline) -> None:
    assert program.get(f"/pipelines/{ci.pk}/branches")["branches"][:2] == ["main", "topic/search"]


def test_builds_come_newest_first_in_pages(program: Program, ci: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delivery.live.items.BUILDS_PER_PAGE", 10)
    ids = [build["id"] for page in pages_of(program, builds(ci)) for build in page["builds"]]
    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) > 20
    cursor = program.get(builds(ci))["next"].rpartition("cursor=")[2]
    other = Pipeline.objects.get(name="Tailspin Nightly")
    problem(program.call("GET", f"{builds(other)}?cursor={cursor}"), 422, "cursor_invalid")


def test_a_pipeline_is_run_and_waited_for(program: Program, ci: Pipeline, sandbox: Sandbox) -> None:
    response = program.call("POST", builds(ci), MAIN)
    assert response.status_code == 202, response.content
    queued = response.json()
    assert response.headers["Location"] == queued["url"] == f"{SITE}{builds(ci, queued['id'])}"
    assert (queued["state"], queued["is_over"], queued["branch"]) == ("queued", False, "refs/heads/main")
    assert response.headers["Retry-After"] == "3"
    event = Event.objects.get(kind="run_pipeline.done")
    assert (event.actor_name, event.detail["build_id"]) == ("maya, API token “token 0”", queued["id"])
    path = builds(ci, queued["id"])
    assert program.call("GET", path).headers["Retry-After"] == "3"
    with time_passes(sandbox, 20) as pauses:
        response = program.call("GET", f"{path}?wait=30")
    over = response.json()
    assert (over["state"], over["is_over"], "Retry-After" in response.headers) == ("succeeded", True, False)
    assert pauses
    assert "Compile" in {step["name"] for step in over["steps"]}


def test_a_wait_outlasts_a_failure_that_passes(program: Program, ci: Pipeline, sandbox: Sandbox) -> None:
    path = builds(ci, program.post(builds(ci), MAIN)["id"])
    program.get(path)
    sandbox.behaviour.add("status", status=500, times=2)
    with time_passes(sandbox, 20):
        assert program.get(f"{path}?wait=30")["state"] == "succeeded"


def test_a_build_that_cannot_be_read_is_a_problem(program: Program, ci: Pipeline, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("status", status=500)
    before = len(sandbox.requests)
    response = program.call("GET", builds(ci, ci.build_id))
    problem(response, 503, "server_error")
    assert response.headers["Retry-After"] == "30"
    assert len(sandbox.requests) == before + 1


def test_a_request_that_waits_leaves_a_failure_to_the_worker(
    program: Program, ci: Pipeline, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.behaviour.add("status", status=500)
    before, left = len(sandbox.requests), iter([False, False, True])
    monkeypatch.setattr(waiting, "pause", lambda _: next(left))
    problem(program.call("GET", f"{builds(ci, ci.build_id)}?wait=30"), 503, "server_error")
    assert len(sandbox.requests) == before + 1


def test_a_build_that_another_process_reads_is_waited_for_briefly(
    program: Program, ci: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.live_views.polling.poll_now", lambda *_, **__: None)
    moments, waits = iter(range(1000)), []
    monkeypatch.setattr(waiting, "monotonic", lambda: float(next(moments)))
    # Such a wait is one of those that are counted.
    monkeypatch.setattr(waiting, "pause", lambda _: waits.append(waiting._waiting))
    problem(program.call("GET", builds(ci, ci.build_id)), 503, "timed_out")
    assert set(waits) == {1}


def test_beyond_the_limit_what_another_process_reads_is_not_waited_for(
    program: Program, ci: Pipeline, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.API_WAITING_REQUESTS = 0
    pauses: list[float] = []
    monkeypatch.setattr("delivery.live_views.polling.poll_now", lambda *_, **__: None)
    monkeypatch.setattr(waiting, "pause", pauses.append)
    problem(program.call("GET", builds(ci, ci.build_id)), 503, "timed_out")
    assert pauses == []


@pytest.mark.parametrize("build_id", [999_999, 2**31 - 1])
def test_a_build_that_is_not_there_is_not_found(program: Program, ci: Pipeline, build_id: int) -> None:
    problem(program.call("GET", builds(ci, build_id)), 404, "not_found")


def test_a_build_of_another_pipeline_is_neither_shown_nor_cancelled(
    program: Program, ci: Pipeline, sandbox: Sandbox
) -> None:
    path, before = builds(ci, Pipeline.objects.get(name="Tailspin Device tests").build_id), posts(sandbox)
    problem(program.call("GET", path), 404, "not_found")
    problem(program.call("POST", f"{path}/cancel"), 404, "not_found")
    problem(program.call("GET", f"{path}/logs/1"), 404, "not_found")
    assert posts(sandbox) == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"branch": "a b"}, "branch_name_invalid"),
        ({"branch": ""}, "branch_name_invalid"),
        ({"branch": 1}, "input_invalid"),
        ({}, "input_invalid"),
        ({"branch": "main", "parameters": {}}, "input_invalid"),
    ],
)
def test_a_run_that_cannot_be(program: Program, ci: Pipeline, sandbox: Sandbox, body: Any, code: str) -> None:
    before = posts(sandbox)
    problem(program.call("POST", builds(ci), body), 422, code)
    assert posts(sandbox) == before


def test_a_pipeline_that_cannot_run_says_why_in_azure_devops_words(program: Program, ci: Pipeline) -> None:
    retired = Pipeline.objects.get(name="Tailspin Retired")
    found = problem(program.call("POST", builds(retired), MAIN), 422, "build_not_queued")
    assert "disabled" in found["said"]


def test_what_the_token_surely_lacks_is_refused_before_anything_is_sent(
    program: Program, ci: Pipeline, sandbox: Sandbox
) -> None:
    CapabilityState.objects.filter(capability="build_execute").update(verdict="missing")
    before = len(sandbox.requests)
    problem(program.call("POST", builds(ci), MAIN), 422, "scope_missing")
    assert len(sandbox.requests) == before


def test_a_disabled_connection_runs_nothing(program: Program, ci: Pipeline) -> None:
    Connection.objects.update(disabled=True)
    problem(program.call("POST", builds(ci), MAIN), 409, "connection_disabled")


def test_a_repeated_run_with_a_key_runs_once(program: Program, ci: Pipeline, sandbox: Sandbox) -> None:
    headers, before = {"Idempotency-Key": "run-42"}, posts(sandbox)
    first = program.post(builds(ci), MAIN, headers=headers)
    assert program.post(builds(ci), MAIN, headers=headers)["id"] == first["id"]
    assert posts(sandbox) == before + 1
    problem(program.call("POST", builds(ci), {"branch": "x"}, headers=headers), 422, "idempotency_key_reused")
    other = Pipeline.objects.get(name="Tailspin Nightly")
    problem(program.call("POST", builds(other), MAIN, headers=headers), 422, "idempotency_key_reused")
    assert program.post(builds(ci), MAIN)["id"] != first["id"]


def test_a_refused_run_frees_its_key(program: Program, ci: Pipeline, sandbox: Sandbox) -> None:
    headers = {"Idempotency-Key": "run-42"}
    sandbox.behaviour.add("reset", method="POST", path="/builds$", times=1)
    problem(program.call("POST", builds(ci), MAIN, headers=headers), 503, "connection_failed")
    program.post(builds(ci), MAIN, headers=headers)


def test_an_unknown_outcome_is_no_server_error_and_stays_with_its_key(
    program: Program, ci: Pipeline, sandbox: Sandbox
) -> None:
    headers, before = {"Idempotency-Key": "run-42"}, posts(sandbox)
    with patch("delivery.builds.build_changes._Run.look", side_effect=_unreachable):
        sandbox.behaviour.add("reset", method="POST", path="/builds$", carried_out=True)
        response = program.call("POST", builds(ci), MAIN, headers=headers)
    # Programs repeat a request after a server error without asking.
    problem(response, 409, "outcome_unknown")
    assert "Retry-After" not in response.headers
    sandbox.behaviour.clear()
    problem(program.call("POST", builds(ci), MAIN, headers=headers), 409, "outcome_unknown")
    assert posts(sandbox) == before + 1
    assert Event.objects.get(kind="run_pipeline.failed").detail["problem"] == "outcome_unknown"


def _unreachable(*_: object) -> None:
    from connections.providers.azure_devops.errors import ConnectionFailed

    raise ConnectionFailed


def test_a_run_whose_process_ended_is_never_repeated(program: Program, ci: Pipeline, sandbox: Sandbox) -> None:
    headers = {"Idempotency-Key": "run-42"}
    program.post(builds(ci), MAIN, headers=headers)
    before = posts(sandbox)
    IdempotentRequest.objects.update(created_id=None)
    problem(program.call("POST", builds(ci), MAIN, headers=headers), 409, "idempotency_key_in_use")
    IdempotentRequest.objects.update(started_at=timezone.now() - timedelta(minutes=6))
    for _ in range(2):
        problem(program.call("POST", builds(ci), MAIN, headers=headers), 409, "outcome_unknown")
    assert posts(sandbox) == before


def test_a_build_is_cancelled(program: Program, ci: Pipeline, sandbox: Sandbox) -> None:
    path = builds(ci, program.post(builds(ci), MAIN)["id"])
    response = program.call("POST", f"{path}/cancel")
    assert response.status_code == 202
    assert response.headers["Location"] == f"{SITE}{path}"
    with time_passes(sandbox, 20):
        assert program.get(f"{path}?wait=30")["state"] == "canceled"
    assert Event.objects.filter(kind="cancel_build.done").exists()


def test_a_build_that_is_over_is_not_cancelled(program: Program, ci: Pipeline, sandbox: Sandbox) -> None:
    before = posts(sandbox)
    problem(program.call("POST", f"{builds(ci, ci.build_id)}/cancel"), 409, "build_over")
    assert posts(sandbox) == before


def test_a_log_is_read_in_pieces(program: Program, ci: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delivery.builds.build_reads.LINES_PER_PART", 10)
    steps = program.get(builds(ci, ci.build_id))["steps"]
    log = next(step["log_id"] for step in steps if step["name"] == "Compile")
    path, lines, part = f"{builds(ci, ci.build_id)}/logs/{log}", [], {"next": 1, "is_over": False}
    while not part["is_over"]:
        part = program.get(f"{path}?first={part['next']}")
        assert len(part["lines"]) <= 10
        lines += part["lines"]
    assert len(lines) > 10
    end = program.get(path)
    assert (end["lines"], end["has_more"]) == (lines[-10:], False)
    problem(program.call("GET", f"{path}?first=0"), 422, "input_invalid")


def test_a_log_has_no_control_characters(program: Program, ci: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ("\x1b[31mred\x1b[0m", "a\u202eb", "tab\tstays")
    monkeypatch.setattr("connections.providers.azure_devops.timeline.lines", lambda *_, **__: lines)
    found = program.get(f"{builds(ci, ci.build_id)}/logs/1?first=1")["lines"]
    assert found == ["\ufffd[31mred\ufffd[0m", "a\ufffdb", "tab\tstays"]


def test_a_limited_token_reaches_only_the_pipelines_of_its_connections(
    maintainer: User, program_of: Callable[..., Program], ci: Pipeline, sandbox: Sandbox
) -> None:
    outside, before = program_of(maintainer, *EVERYTHING, connections=[]), len(sandbox.requests)
    assert names(outside) == []
    for method, path in (
        ("GET", f"/pipelines/{ci.pk}"),
        ("GET", builds(ci)),
        ("POST", builds(ci)),
        ("GET", builds(ci, ci.build_id)),
        ("POST", f"{builds(ci, ci.build_id)}/cancel"),
    ):
        problem(outside.call(method, path, MAIN), 404, "address_unknown")
    assert len(sandbox.requests) == before
    inside = program_of(maintainer, *EVERYTHING, connections=[ci.project.connection_id])
    assert len(names(inside)) == 6
