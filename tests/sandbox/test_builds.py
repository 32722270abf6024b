"""Builds that run and finish by the clock, what they say meanwhile, and how they are listed."""

from datetime import timedelta
from typing import Any

import pytest

from sandbox.ids import instant
from sandbox.pipelines import Definition
from sandbox.server import Sandbox
from tests.sandbox.conftest import NOON, Caller

B = "/acme/Storefront/_apis/build"
CI, NIGHTLY, INTEGRATION, DEVICES, MAC, RETIRED = range(1, 7)


def values(call: Caller, path: str, /, **params: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call("GET", path, params=params).json()["value"]
    return found


def lines(call: Caller, log: str, **params: str) -> list[str]:
    found: list[str] = call("GET", log, params=params).json()["value"]
    return found


def run(call: Caller, definition: int = CI, **more: Any) -> str:
    """The address of a build that was just queued."""
    answer = call("POST", f"{B}/builds", json={"definition": {"id": definition}, **more})
    assert answer.status_code == 200, answer.text
    return f"{B}/builds/{answer.json()['id']}"


def state(call: Caller, build: str) -> tuple[str, str | None]:
    body = call("GET", build).json()
    return body["status"], body.get("result")


def records(call: Caller, build: str) -> dict[str, dict[str, Any]]:
    return {one["identifier"]: one for one in call("GET", f"{build}/timeline").json()["records"]}


def log_of(call: Caller, build: str, name: str) -> str:
    found = next(one["log"] for one in records(call, build).values() if one["name"] == name and one["type"] == "Task")
    return f"{build}/logs/{found['id']}"


def test_a_queued_build_is_answered_with_200_and_knows_little(call: Caller) -> None:
    answer = call("POST", f"{B}/builds", json={"definition": {"id": CI}, "sourceBranch": "refs/heads/topic/search"})
    body = answer.json()
    assert (answer.status_code, body["status"], body["sourceBranch"]) == (200, "notStarted", "refs/heads/topic/search")
    assert not {"result", "startTime", "finishTime"} & set(body)
    assert body["queueTime"] == instant(NOON)
    assert body["requestedFor"]["uniqueName"] == "maya@example.com"
    assert body["buildNumber"] == "20261125.1"


@pytest.mark.parametrize(
    ("definition", "result"), [(CI, "succeeded"), (NIGHTLY, "failed"), (INTEGRATION, "partiallySucceeded")]
)
def test_a_build_runs_and_ends_as_its_definition_decides(
    call: Caller, sandbox: Sandbox, definition: int, result: str
) -> None:
    build = run(call, definition)
    assert state(call, build) == ("notStarted", None)
    sandbox.state.advance(10)
    assert state(call, build) == ("inProgress", None)
    sandbox.state.advance(30)
    assert state(call, build) == ("completed", result)


@pytest.mark.parametrize("definition", [CI, NIGHTLY, INTEGRATION])
def test_a_build_takes_twenty_to_forty_seconds(call: Caller, sandbox: Sandbox, definition: int) -> None:
    build = run(call, definition)
    sandbox.state.advance(3600)
    body = call("GET", build).json()
    finished = sandbox.state.organizations["acme"].projects[0].builds[-1].state(sandbox.state.now()).finished_at
    assert finished is not None
    assert timedelta(seconds=20) <= finished - NOON <= timedelta(seconds=40)
    assert body["finishTime"] == instant(finished)
    assert body["startTime"] > body["queueTime"]


def test_nothing_happens_while_the_clock_stands_still(call: Caller) -> None:
    build = run(call)
    assert call("GET", build).json() == call("GET", build).json()


def test_a_running_build_that_is_canceled_goes_on_for_a_moment(call: Caller, sandbox: Sandbox) -> None:
    build = run(call)
    sandbox.state.advance(10)
    assert call("PATCH", build, json={"status": "Cancelling"}).json()["status"] == "cancelling"
    assert state(call, build) == ("cancelling", None)
    sandbox.state.advance(5)
    assert state(call, build) == ("completed", "canceled")
    found = records(call, build)
    assert {one["state"] for one in found.values()} == {"completed"}
    assert {one["result"] for one in found.values()} == {"succeeded", "canceled", "skipped"}


def test_a_waiting_build_can_be_canceled_too(call: Caller, sandbox: Sandbox) -> None:
    build = run(call, MAC)
    sandbox.state.advance(3600)
    assert state(call, build) == ("notStarted", None)
    call("PATCH", build, json={"status": "cancelling"})
    sandbox.state.advance(5)
    assert state(call, build) == ("completed", "canceled")
    assert "startTime" not in call("GET", build).json()


def test_a_finished_build_cannot_be_canceled_any_more(call: Caller, sandbox: Sandbox) -> None:
    build = run(call)
    sandbox.state.advance(60)
    assert call("PATCH", build, json={"status": "cancelling"}).json()["result"] == "succeeded"
    sandbox.state.advance(60)
    assert state(call, build) == ("completed", "succeeded")


def test_the_timeline_is_a_tree_of_stages_phases_jobs_and_tasks(call: Caller, sandbox: Sandbox) -> None:
    build = run(call, NIGHTLY)
    sandbox.state.advance(60)
    found = records(call, build)
    by_id = {one["id"]: one for one in found.values()}
    parents = {"Task": "Job", "Job": "Phase", "Phase": "Stage"}
    for one in found.values():
        parent = by_id.get(one["parentId"])
        assert (parent["type"] if parent else None) == parents.get(one["type"])
    assert [one["name"] for one in found.values() if one["type"] == "Stage"] == ["Verify", "Build"]
    assert {one["name"] for one in found.values() if one["type"] == "Job"} == {"Linux", "Windows", "Integration tests"}


def test_steps_go_from_pending_over_in_progress_to_completed(call: Caller, sandbox: Sandbox) -> None:
    build = run(call)
    assert {one["state"] for one in records(call, build).values()} == {"pending"}
    sandbox.state.advance(12)
    states = {one["name"]: one["state"] for one in records(call, build).values() if one["type"] == "Task"}
    assert states["Checkout"] == "completed"
    assert states["Restore"] == "inProgress"
    assert states["Compile"] == "pending"
    sandbox.state.advance(60)
    assert {(one["state"], one["result"]) for one in records(call, build).values()} == {("completed", "succeeded")}


def test_after_a_failure_the_rest_is_skipped_and_the_reason_is_an_issue(call: Caller, sandbox: Sandbox) -> None:
    definition = sandbox.state.organizations["acme"].projects[0].definitions[0]
    definition.outcome = "failed"
    build = run(call)
    sandbox.state.advance(60)
    results = {one["name"]: one["result"] for one in records(call, build).values() if one["type"] == "Task"}
    assert (results["Test"], results["Publish artifact: drop"], results["Finalize Job"]) == (
        "failed",
        "skipped",
        "succeeded",
    )
    test = next(one for one in records(call, build).values() if one["name"] == "Test")
    assert test["errorCount"] == 2
    assert test["issues"][0]["message"] == "2 tests failed"


def test_a_stage_after_a_failed_one_is_skipped(call: Caller, sandbox: Sandbox) -> None:
    definition: Definition = sandbox.state.organizations["acme"].projects[0].definitions[1]
    definition.script = definition.script[::-1]
    build = run(call, NIGHTLY)
    sandbox.state.advance(60)
    stages = {one["name"]: one["result"] for one in records(call, build).values() if one["type"] == "Stage"}
    assert stages == {"Verify": "failed", "Build": "skipped"}


def test_a_log_grows_while_its_task_runs_and_is_read_from_where_one_stopped(call: Caller, sandbox: Sandbox) -> None:
    build = run(call)
    sandbox.state.advance(15)
    log = log_of(call, build, "Compile")
    first = lines(call, log)
    assert 0 < len(first) < 42
    sandbox.state.advance(3)
    more = lines(call, log, startLine=str(len(first) + 1))
    assert first + more == lines(call, log)
    assert lines(call, log, startLine="2", endLine="3") == first[1:3]
    sandbox.state.advance(60)
    assert len(lines(call, log)) == 42
    assert lines(call, log)[-1].endswith("##[section]Finishing: Compile")


def test_a_log_is_text_for_those_who_want_text(call: Caller) -> None:
    answer = call("GET", f"{B}/builds/1/logs/2", accept="text/plain")
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.text.splitlines() == lines(call, f"{B}/builds/1/logs/2")


def test_the_list_of_logs_says_how_long_each_is_by_now(call: Caller, sandbox: Sandbox) -> None:
    build = run(call)
    assert values(call, f"{build}/logs") == []
    sandbox.state.advance(60)
    for one in values(call, f"{build}/logs"):
        assert one["lineCount"] == len(lines(call, f"{build}/logs/{one['id']}"))


def test_the_log_of_a_job_is_that_of_its_tasks(call: Caller) -> None:
    logs = {number: lines(call, f"{B}/builds/1/logs/{number}") for number in range(1, 9)}
    job, *tasks = logs.values()
    assert job == [line for task in tasks for line in task]


def test_a_task_that_hangs_goes_on_talking(call: Caller, sandbox: Sandbox) -> None:
    build = run(call, DEVICES)
    sandbox.state.advance(60)
    log = log_of(call, build, "Test")
    before = len(lines(call, log))
    sandbox.state.advance(60)
    assert len(lines(call, log)) == before + 12
    assert state(call, build) == ("inProgress", None)


@pytest.mark.parametrize("part", ["logs/99", "timeline/00000000-0000-4000-8000-000000000000"])
def test_a_log_or_timeline_that_is_not_there_is_404(call: Caller, part: str) -> None:
    assert call("GET", f"{B}/builds/1/{part}").status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "type_key"),
    [
        ({}, 400, "ArgumentNullException"),
        ({"definition": {"id": 77}}, 404, "DefinitionNotFoundException"),
        ({"definition": {"id": RETIRED}}, 400, "BuildRequestValidationFailedException"),
        ({"definition": {"id": CI}, "sourceBranch": "refs/heads/gone"}, 400, "BuildRequestValidationFailed"),
    ],
)
def test_what_cannot_be_queued_says_why(call: Caller, body: object, status: int, type_key: str) -> None:
    answer = call("POST", f"{B}/builds", json=body)
    assert answer.status_code == status
    assert answer.json()["typeKey"].startswith(type_key)
    if type_key.startswith("Build"):
        assert answer.json()["customProperties"]["ValidationResults"][0]["result"] == "error"


def test_a_definition_that_is_no_object_is_a_body_that_cannot_be_read(call: Caller) -> None:
    assert call("POST", f"{B}/builds", json={"definition": 1}).json()["count"] == 1


@pytest.mark.parametrize(("method", "right"), [("POST", "Queue builds"), ("PATCH", "Stop builds")])
def test_each_change_names_the_right_that_the_person_lacks(call: Caller, method: str, right: str) -> None:
    path = f"{B}/builds" if method == "POST" else f"{B}/builds/1"
    answer = call(method, path, token="no-rights", json={"definition": {"id": CI}})
    assert (answer.status_code, answer.json()["typeKey"]) == (403, "AccessDeniedException")
    assert f"needs {right} permissions for build pipeline 1:Storefront CI" in answer.json()["message"]


def test_every_state_and_result_is_there_from_the_beginning(call: Caller) -> None:
    found = {(one["status"], one.get("result")) for one in values(call, f"{B}/builds")}
    results = {("completed", one) for one in ("succeeded", "failed", "partiallySucceeded", "canceled")}
    assert found == results | {("inProgress", None), ("notStarted", None)}


@pytest.mark.parametrize(
    ("params", "holds"),
    [
        ({"definitions": "1,3"}, lambda one: one["definition"]["id"] in (1, 3)),
        ({"statusFilter": "INPROGRESS"}, lambda one: one["status"] == "inProgress"),
        ({"resultFilter": "failed"}, lambda one: one.get("result") == "failed"),
        ({"resultFilter": "failed,canceled"}, lambda one: one.get("result") in ("failed", "canceled")),
        ({"branchName": "refs/heads/topic/search"}, lambda one: one["sourceBranch"] == "refs/heads/topic/search"),
        ({"reasonFilter": "schedule"}, lambda one: one["reason"] == "schedule"),
        ({"requestedFor": "maya@example.com"}, lambda one: one["requestedFor"]["displayName"] == "Maya Sample"),
        ({"buildIds": "2,5"}, lambda one: one["id"] in (2, 5)),
        ({"buildNumber": "20261102*"}, lambda one: one["buildNumber"].startswith("20261102")),
        ({"minTime": "2026-11-01T00:00:00Z"}, lambda one: one["queueTime"] >= "2026-11-01"),
        ({"maxTime": "2026-11-01T00:00:00Z"}, lambda one: one["queueTime"] <= "2026-11-01"),
    ],
)
def test_builds_are_filtered(call: Caller, params: dict[str, str], holds: Any) -> None:
    whole = values(call, f"{B}/builds")
    found = values(call, f"{B}/builds", **params)
    assert 0 < len(found) < len(whole) or "requestedFor" in params
    assert found == [one for one in whole if holds(one)]


@pytest.mark.parametrize("order", ["queueTime", "startTime", "finishTime"])
def test_builds_come_in_the_asked_order_and_in_pages(call: Caller, order: str) -> None:
    for direction in ("Ascending", "Descending"):
        params = {"queryOrder": order + direction}
        whole = [one["id"] for one in values(call, f"{B}/builds", **params)]
        found: list[int] = []
        token: str | None = ""
        while token is not None:
            more = {"continuationToken": token} if token else {}
            page = call("GET", f"{B}/builds", params={**params, "$top": "7", **more})
            found += [one["id"] for one in page.json()["value"]]
            token = page.headers.get("x-ms-continuationtoken")
        assert found == whole
    times = [one["queueTime"] for one in values(call, f"{B}/builds", queryOrder="queueTimeDescending")]
    assert times == sorted(times, reverse=True)


def test_only_the_last_few_of_each_definition_can_be_asked_for(call: Caller) -> None:
    found = values(call, f"{B}/builds", maxBuildsPerDefinition="1", queryOrder="queueTimeDescending")
    assert len(found) == len({one["definition"]["id"] for one in found}) == 5


@pytest.mark.parametrize("params", [{"continuationToken": "x"}, {"statusFilter": "sideways"}, {"queryOrder": "up"}])
def test_a_filter_that_makes_no_sense_is_400(call: Caller, params: dict[str, str]) -> None:
    assert call("GET", f"{B}/builds", params=params).status_code == 400


def test_definitions_are_found_by_name_path_and_repository(call: Caller) -> None:
    assert [one["id"] for one in values(call, f"{B}/definitions", name="storefront c*")] == [CI]
    assert [one["id"] for one in values(call, f"{B}/definitions", name="Storefront Nightly")] == [NIGHTLY]
    assert [one["id"] for one in values(call, f"{B}/definitions", path="\\Tests")] == [INTEGRATION, DEVICES]
    assert [one["id"] for one in values(call, f"{B}/definitions", definitionIds="2,4")] == [NIGHTLY, DEVICES]
    assert values(call, f"{B}/definitions", repositoryId="another") == []
    assert {one["queueStatus"] for one in values(call, f"{B}/definitions")} == {"enabled", "disabled"}


def test_definitions_come_in_pages(call: Caller) -> None:
    first = call("GET", f"{B}/definitions", params={"$top": "4"})
    params = {"$top": "4", "continuationToken": first.headers["x-ms-continuationtoken"]}
    second = call("GET", f"{B}/definitions", params=params)
    assert [one["id"] for one in first.json()["value"] + second.json()["value"]] == [1, 2, 3, 4, 5, 6]
    assert "x-ms-continuationtoken" not in second.headers


def test_a_definition_brings_its_latest_builds_when_asked(call: Caller) -> None:
    found = {one["id"]: one for one in values(call, f"{B}/definitions", includeLatestBuilds="true")}
    assert found[CI]["latestCompletedBuild"]["result"] == "succeeded"
    assert found[DEVICES]["latestBuild"]["status"] == "inProgress"
    assert "latestCompletedBuild" not in found[DEVICES]
    assert "latestBuild" not in found[RETIRED]
    newest = call("GET", f"{B}/latest/{CI}", version="7.1-preview").json()
    assert newest["id"] == found[CI]["latestCompletedBuild"]["id"]
    assert call("GET", f"{B}/latest/{RETIRED}", version="7.1-preview").status_code == 404


def test_general_settings_want_a_scope_of_their_own(call: Caller, sandbox: Sandbox) -> None:
    assert call("GET", f"{B}/generalsettings").content == b""
    token = sandbox.state.token_named("full")
    assert token is not None
    token.scopes = ("vso.project",)
    assert call("GET", f"{B}/generalsettings").json()["disableClassicReleasePipelineCreation"] is False
    settings = call("GET", "/modern/Main/_apis/build/generalsettings").json()
    assert settings["disableClassicReleasePipelineCreation"] is True
