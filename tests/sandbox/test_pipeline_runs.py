"""Pipelines and runs: the same definitions and builds under their newer names and states."""

from typing import Any

import pytest

from sandbox.editions import SERVERS
from sandbox.server import Sandbox
from tests.sandbox.conftest import Caller

P = "/acme/Storefront/_apis/pipelines"
BUILDS = "/acme/Storefront/_apis/build/builds"
CI, NIGHTLY, INTEGRATION, DEVICES, MAC, RETIRED = range(1, 7)


def values(call: Caller, path: str, /, **params: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = call("GET", path, params=params).json()["value"]
    return listed


def run(call: Caller, pipeline: int = CI, /, **body: Any) -> str:
    """The address of a run that was just begun."""
    answer = call("POST", f"{P}/{pipeline}/runs", json=body)
    assert answer.status_code == 200, answer.text
    return f"{P}/{pipeline}/runs/{answer.json()['id']}"


def test_a_pipeline_is_a_build_definition(call: Caller) -> None:
    definition = call("GET", f"/acme/Storefront/_apis/build/definitions/{INTEGRATION}").json()
    pipeline = call("GET", f"{P}/{INTEGRATION}").json()
    assert (pipeline["id"], pipeline["name"], pipeline["folder"]) == (3, definition["name"], "\\Tests")
    assert pipeline["configuration"] == {
        "path": "azure-pipelines.yml",
        "repository": {"id": definition["repository"]["id"], "type": "azureReposGit"},
        "type": "yaml",
    }
    assert pipeline["url"].endswith(f"/_apis/pipelines/{INTEGRATION}?revision=1")


def test_pipelines_come_by_name_unless_another_order_is_asked_for(call: Caller) -> None:
    by_name = [pipeline["name"] for pipeline in values(call, P)]
    assert by_name == sorted(by_name, key=str.casefold)
    assert [pipeline["name"] for pipeline in values(call, P, orderBy="name desc")] == by_name[::-1]
    assert [pipeline["id"] for pipeline in values(call, P, orderBy="ID")] == [1, 2, 3, 4, 5, 6]
    assert "configuration" not in values(call, P)[0]
    refused = call("GET", P, params={"orderBy": "createdDate asc"})
    assert (refused.status_code, "orderBy=createdDate asc" in refused.text) == (501, True)


@pytest.mark.parametrize("order", ["name asc", "name desc", "id asc", "id desc"])
def test_pipelines_come_in_pages(call: Caller, order: str) -> None:
    paged: list[dict[str, Any]] = []
    token: str | None = ""
    while token is not None:
        page = call("GET", P, params={"orderBy": order, "$top": "4", "continuationToken": token})
        paged += page.json()["value"]
        token = page.headers.get("x-ms-continuationtoken")
    assert paged == values(call, P, orderBy=order)


@pytest.mark.parametrize("path", ["", "/runs", "/runs/1", "/runs/1/logs", "/preview"])
def test_a_pipeline_that_is_not_there_is_a_500_as_was_recorded(call: Caller, path: str) -> None:
    method = "POST" if path == "/preview" else "GET"
    answer = call(method, f"{P}/2147483647{path}")
    assert (answer.status_code, answer.json()["typeKey"]) == (500, "PipelineNotFoundException")


def test_the_runs_of_a_pipeline_are_its_builds_newest_first(call: Caller) -> None:
    builds = values(call, BUILDS, definitions=str(CI), queryOrder="queueTimeDescending")
    runs = values(call, f"{P}/{CI}/runs")
    assert [one["id"] for one in runs] == [build["id"] for build in builds]
    assert [one["name"] for one in runs] == [build["buildNumber"] for build in builds]
    assert [one["createdDate"] for one in runs] == [build["queueTime"] for build in builds]
    assert "resources" not in runs[0]
    call("DELETE", f"{BUILDS}/{runs[0]['id']}")
    assert values(call, f"{P}/{CI}/runs") == runs[1:]
    assert call("GET", f"{P}/{CI}/runs/{runs[0]['id']}").status_code == 404


@pytest.mark.parametrize(
    ("pipeline", "state", "result"),
    [
        (CI, "completed", "succeeded"),
        (NIGHTLY, "completed", "failed"),
        # A run has no such word as partiallySucceeded.
        (INTEGRATION, "completed", "succeeded"),
        (DEVICES, "inProgress", None),
        (MAC, "inProgress", None),
    ],
)
def test_runs_have_states_and_results_of_their_own(call: Caller, pipeline: int, state: str, result: str | None) -> None:
    newest = values(call, f"{P}/{pipeline}/runs")[0]
    assert (newest["state"], newest.get("result")) == (state, result)
    assert ("finishedDate" in newest) == (state == "completed")


def test_a_run_is_begun_at_a_branch_and_commit_and_followed_to_its_end(call: Caller, sandbox: Sandbox) -> None:
    repository = sandbox.state.organizations["acme"].projects[0].repositories[0]
    sha = repository.refs["refs/tags/v1.0"]
    resources = {"repositories": {"self": {"refName": "refs/heads/topic/search", "version": sha}}}
    address = run(call, CI, resources=resources)
    begun = call("GET", address).json()
    assert begun["resources"]["repositories"]["self"] == {
        "repository": {"id": repository.id, "type": "azureReposGit"},
        "refName": "refs/heads/topic/search",
        "version": sha,
    }
    assert (begun["state"], "result" in begun) == ("inProgress", False)
    sandbox.state.advance(60)
    ended = call("GET", address).json()
    assert (ended["state"], ended["result"]) == ("completed", "succeeded")
    assert call("GET", f"{BUILDS}/{ended['id']}").json()["sourceBranch"] == "refs/heads/topic/search"


def test_a_run_that_is_canceled_as_a_build_is_canceling(call: Caller, sandbox: Sandbox) -> None:
    address = run(call)
    sandbox.state.advance(10)
    call("PATCH", f"{BUILDS}/{address.rpartition('/')[2]}", json={"status": "cancelling"})
    assert call("GET", address).json()["state"] == "canceling"
    sandbox.state.advance(10)
    assert call("GET", address).json()["result"] == "canceled"


def test_a_run_without_a_body_takes_the_default_branch(call: Caller) -> None:
    own = call("POST", f"{P}/{CI}/runs").json()["resources"]["repositories"]["self"]
    assert own["refName"] == "refs/heads/main"


@pytest.mark.parametrize(
    ("pipeline", "body", "type_key", "words"),
    [
        (RETIRED, {}, "BuildRequestValidationFailedException", "validation errors"),
        (CI, {"resources": {"repositories": {"self": {"refName": "refs/heads/gone"}}}}, "BuildRequest", "validation"),
        (CI, {"templateParameters": {"size": "big"}}, "PipelineValidationException", "Unexpected parameter 'size'"),
        (CI, {"variables": {"x": {"value": "1"}, "y": {}}}, "PipelineValidationException", "variables (x, y)"),
    ],
)
def test_a_run_that_cannot_begin_says_why(call: Caller, pipeline: int, body: object, type_key: str, words: str) -> None:
    before = values(call, f"{P}/{pipeline}/runs")
    answer = call("POST", f"{P}/{pipeline}/runs", json=body)
    assert answer.status_code == 400
    assert answer.json()["typeKey"].startswith(type_key)
    assert words in answer.json()["message"]
    assert values(call, f"{P}/{pipeline}/runs") == before


@pytest.mark.parametrize("body", [[], {"resources": []}, {"resources": {"repositories": "x"}}, {"variables": [1]}])
def test_a_body_of_another_shape_cannot_be_read(call: Caller, body: object) -> None:
    answer = call("POST", f"{P}/{CI}/runs", json=body)
    assert (answer.status_code, answer.json()["value"]) == (400, {"Message": "The request is invalid."})


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"previewRun": True}, "previewRun"),
        ({"yamlOverride": "steps: []"}, "yamlOverride"),
        ({"stagesToSkip": ["Build"]}, "stagesToSkip"),
        ({"resources": {"pipelines": {"other": {"version": "1"}}}}, "pipelines"),
        ({"resources": {"repositories": {"templates": {"refName": "refs/heads/main"}}}}, "templates"),
    ],
)
def test_what_is_not_played_of_a_new_run_answers_501_and_is_named(call: Caller, body: object, name: str) -> None:
    before = values(call, f"{P}/{CI}/runs")
    answer = call("POST", f"{P}/{CI}/runs", json=body)
    assert (answer.status_code, f"'{name}'" in answer.json()["message"]) == (501, True)
    assert values(call, f"{P}/{CI}/runs") == before


def test_what_asks_for_nothing_of_it_is_fine(call: Caller) -> None:
    empty = {"previewRun": False, "stagesToSkip": [], "templateParameters": {}, "variables": {}, "yamlOverride": ""}
    run(call, CI, **empty, resources={"pipelines": {}, "repositories": {"self": {}}})


def test_a_preview_is_not_played(call: Caller) -> None:
    answer = call("POST", f"{P}/{CI}/preview", json={"previewRun": True}, token="read-only")
    assert (answer.status_code, answer.json()["typeKey"]) == (501, "NotImplementedException")


def test_runs_need_scopes_and_rights(call: Caller) -> None:
    assert call("GET", P, token="no-build").content == b""
    refused = call("POST", f"{P}/{CI}/runs", token="read-only", json={})
    assert (refused.status_code, refused.content) == (401, b"")
    denied = call("POST", f"{P}/{CI}/runs", token="no-rights", json={})
    assert denied.status_code == 403
    assert "needs Queue builds permissions for build pipeline 1:Storefront CI" in denied.json()["message"]
    first = call("POST", "/guarded/Main/_apis/pipelines/99/runs", token="no-rights", json={})
    assert first.status_code == 403


def test_a_run_is_found_below_its_own_pipeline_alone(call: Caller) -> None:
    own = values(call, f"{P}/{NIGHTLY}/runs")[0]["id"]
    assert call("GET", f"{P}/{NIGHTLY}/runs/{own}").status_code == 200
    for path in (f"{P}/{CI}/runs/{own}", f"{P}/{CI}/runs/{own}/logs", f"{P}/{CI}/runs/2147483647"):
        answer = call("GET", path)
        assert (answer.status_code, answer.json()["typeKey"]) == (404, "BuildNotFoundException")


def test_an_artifact_of_a_run_is_named_by_a_parameter(call: Caller) -> None:
    artifact = call("GET", f"{P}/{CI}/runs/1/artifacts", params={"artifactName": "drop"}).json()
    assert artifact["name"] == "drop"
    assert call("GET", artifact["url"].removeprefix(call.sandbox.url)).json() == artifact
    missing = call("GET", f"{P}/{CI}/runs/1/artifacts")
    assert missing.json()["message"].endswith("Parameter name: artifactName")
    other = call("GET", f"{P}/{CI}/runs/1/artifacts", params={"artifactName": "other"})
    assert other.json()["typeKey"] == "ArtifactNotFoundException"
    signed = call("GET", f"{P}/{CI}/runs/1/artifacts", params={"artifactName": "drop", "$expand": "1"})
    assert (signed.status_code, "'$expand=signedContent'" in signed.text) == (501, True)


def test_the_logs_of_a_run_are_those_of_the_build(call: Caller) -> None:
    collection = call("GET", f"{P}/{CI}/runs/1/logs").json()
    of_build = values(call, f"{BUILDS}/1/logs")
    assert [(one["id"], one["lineCount"]) for one in collection["logs"]] == [
        (one["id"], one["lineCount"]) for one in of_build
    ]
    assert call("GET", f"{P}/{CI}/runs/1/logs/2").json() == collection["logs"][1]
    assert call("GET", f"{P}/{CI}/runs/1/logs/99").json()["typeKey"] == "BuildLogNotFoundException"


def test_pipelines_are_a_preview_on_older_servers(playing: Any) -> None:
    call = Caller(playing(edition=SERVERS["2020"]))
    path = "/DefaultCollection/Storefront/_apis/pipelines"
    assert call("GET", path, version="6.0").json()["typeKey"] == "VssInvalidPreviewVersionException"
    assert call("GET", path, version="6.0-preview.1").status_code == 200
