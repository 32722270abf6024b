"""Lists of classic releases: what their parameters find, and releases of all projects at once."""

import io
import zipfile
from typing import Any

import pytest

from sandbox.sample_code import MAYA
from sandbox.server import Sandbox
from tests.sandbox.conftest import Caller

R = "/acme/Storefront/_apis/release"
NOBODY_HERE = "sam@example.com"


def values(call: Caller, path: str, /, **params: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = call("GET", f"{R}/{path}", params=params).json()["value"]
    return listed


def names(call: Caller, path: str, /, **params: str) -> list[str]:
    return [item["name"] for item in values(call, path, **params)]


def project_id(sandbox: Sandbox) -> str:
    return sandbox.state.organizations["acme"].projects[0].id


def test_release_definitions_come_by_name_or_number_in_pages(call: Caller) -> None:
    by_name = ["Canary Storefront", "Deploy Storefront", "Mac Storefront"]
    assert names(call, "definitions", queryOrder="nameAscending") == by_name
    assert names(call, "definitions", queryOrder="nameDescending") == by_name[::-1]
    assert [one["id"] for one in values(call, "definitions", queryOrder="idDescending")] == [3, 2, 1]
    first = call("GET", f"{R}/definitions", params={"queryOrder": "nameAscending", "$top": "2"})
    more = {"queryOrder": "nameAscending", "continuationToken": first.headers["x-ms-continuationtoken"]}
    assert names(call, "definitions", **more) == by_name[2:]


def test_release_definitions_are_found_by_folder_and_artifact(call: Caller, sandbox: Sandbox) -> None:
    assert names(call, "definitions", path="\\mac") == ["Mac Storefront"]
    assert len(names(call, "definitions", path="\\")) == 3
    assert names(call, "definitions", path="\\Ma") == []
    source = {"artifactType": "Build", "artifactSourceId": f"{project_id(sandbox)}:5"}
    assert names(call, "definitions", **source) == ["Mac Storefront"]
    assert names(call, "definitions", artifactType="GitHub") == []
    assert names(call, "definitions", searchText="\\mac") == []
    assert names(call, "definitions", searchText="\\mac", searchTextContainsFolderName="true") == ["Mac Storefront"]


def test_nothing_was_deleted_and_nothing_has_tags(call: Caller) -> None:
    for path in ("definitions", "releases"):
        assert values(call, path, isDeleted="true") == values(call, path, tagFilter="any") == []
        assert values(call, path, isDeleted="false", tagFilter="") == values(call, path)


def test_release_definitions_are_expanded(call: Caller) -> None:
    plain = values(call, "definitions")[0]
    rich = values(call, "definitions", **{"$expand": "triggers,variables,tags"})[0]
    assert {name: rich[name] for name in set(rich) - set(plain)} == {"triggers": [], "variables": {}, "tags": []}


def test_releases_are_found_by_the_branch_build_and_definition_they_release(call: Caller, sandbox: Sandbox) -> None:
    project = sandbox.state.organizations["acme"].projects[0]
    side = next(build for build in project.builds if build.branch == "refs/heads/topic/search")
    project.releases[0].artifacts["_drop"] = side
    everything = {release.id for release in project.releases}

    def ids(**params: str) -> set[int]:
        return {release["id"] for release in values(call, "releases", **params)}

    first = {project.releases[0].id}
    assert ids(sourceBranchFilter="refs/heads/topic/search") == first
    assert ids(sourceBranchFilter="refs/heads/main") == everything - first
    assert ids(artifactTypeId="Build", artifactVersionId=str(side.id)) == first
    assert ids(artifactTypeId="build", sourceId=f"{project.id}:1") == everything
    assert ids(artifactTypeId="Build", sourceId=f"{project.id}:5") == set()
    # One and the same artifact has all that is asked for.
    assert ids(artifactVersionId=str(side.id), sourceBranchFilter="refs/heads/main") == set()


def test_releases_are_found_by_environment_and_its_state(call: Caller) -> None:
    # The stage Canary, number 4 of its definition, is of the release whose deployment failed: rejected, which is 16.
    (failed,) = values(call, "releases", definitionEnvironmentId="4")
    assert failed["releaseDefinition"]["name"] == "Canary Storefront"
    assert values(call, "releases", environmentStatusFilter="16") == [failed]
    assert values(call, "releases", definitionEnvironmentId="4", environmentStatusFilter="4") == []
    done = values(call, "releases", environmentStatusFilter="20")
    assert {release["releaseDefinition"]["id"] for release in done} == {1, 2}


def test_releases_are_found_by_person_and_folder(call: Caller) -> None:
    assert names(call, "releases", createdBy="Noor Sample") == names(call, "releases")
    assert names(call, "releases", createdBy=NOBODY_HERE) == []
    assert names(call, "releases", path="\\Mac") == []


def test_a_list_brings_approvals_only_when_asked(call: Caller) -> None:
    for expand, expected in (("environments", 0), ("environments,approvals", 1), ("approvals", 1)):
        newest = values(call, "releases", definitionId="1", **{"$expand": expand})[-1]
        assert len(newest["environments"][0]["preDeployApprovals"]) == expected


@pytest.mark.parametrize(
    ("wanted", "kinds", "snapshots"),
    [
        ("", {True, False}, True),
        ("all", {True, False}, True),
        ("manualApprovals", {False}, False),
        ("automatedApprovals,approvalSnapshots", {True}, True),
        ("none", set(), False),
    ],
)
def test_a_release_brings_the_kinds_of_approvals_that_are_asked_for(
    call: Caller, wanted: str, kinds: set[bool], snapshots: bool
) -> None:
    release = values(call, "releases", definitionId="1")[-1]["id"]
    stages = call("GET", f"{R}/releases/{release}", params={"approvalFilters": wanted}).json()["environments"]
    assert {one["isAutomated"] for stage in stages for one in stage["preDeployApprovals"]} == kinds
    assert {"preApprovalsSnapshot" in stage for stage in stages} == {snapshots}


def test_deployments_are_found_by_person_time_and_branch(call: Caller) -> None:
    everything = values(call, "deployments")
    assert values(call, "deployments", createdFor="noor@example.com") == everything
    assert values(call, "deployments", createdBy=MAYA.id) == []
    assert values(call, "deployments", sourceBranch="refs/heads/main") == everything
    assert values(call, "deployments", sourceBranch="main") == []
    for name, time in (("Started", "startedOn"), ("Modified", "lastModifiedOn")):
        pivot = sorted(one[time] for one in everything if time in one)[2]
        later = values(call, "deployments", **{f"min{name}Time": pivot})
        assert later == [one for one in everything if one.get(time, "") >= pivot]
        earlier = values(call, "deployments", **{f"max{name}Time": pivot})
        assert earlier == [one for one in everything if one.get(time, "later") <= pivot]


def test_approvals_are_found_by_type(call: Caller) -> None:
    everything = values(call, "approvals", statusFilter="undefined")
    for kind in ("all", "undefined", "preDeploy"):
        assert values(call, "approvals", statusFilter="undefined", typeFilter=kind) == everything
    assert values(call, "approvals", statusFilter="undefined", typeFilter="postDeploy") == []


def test_a_part_of_the_log_of_a_task_can_be_read(call: Caller, sandbox: Sandbox) -> None:
    release = sandbox.state.organizations["acme"].projects[0].releases[0]
    stage = release.environments[0]
    log = f"{R}/releases/{release.id}/environments/{stage.id}/deployPhases/{stage.attempts[0].id}/tasks/3/logs"
    lines = call("GET", log, accept="text/plain").text.splitlines()
    part = call("GET", log, accept="text/plain", params={"startLine": "2", "endLine": "2"})
    assert part.text.splitlines() == lines[1:2]


def test_all_logs_of_a_release_come_in_a_zip_file(call: Caller, sandbox: Sandbox) -> None:
    release = values(call, "releases", definitionId="1")[0]
    answer = call("GET", release["logsContainerUrl"].removeprefix(sandbox.url), accept="application/zip")
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as files:
        # The stage Production waits for somebody, so it said nothing so far.
        assert {name.partition("/")[0] for name in files.namelist()} == {"Test", "Staging"}
        assert b"Starting: Deploy" in files.read("Test/Attempt 1/3_Deploy.log")
    assert call("GET", f"{R}/releases/2147483647/logs").json()["typeKey"] == "ReleaseNotFoundException"
    assert call("GET", release["logsContainerUrl"].removeprefix(sandbox.url), token="no-release").content == b""


def test_releases_of_all_visible_projects_come_at_once_and_in_pages(call: Caller) -> None:
    path = "/acme/_apis/release/releases"
    whole = call("GET", path).json()["value"]
    assert {release["projectReference"]["name"] for release in whole} == {"Storefront", "Payments API"}
    assert [release["id"] for release in whole] == sorted({release["id"] for release in whole}, reverse=True)
    paged: list[dict[str, Any]] = []
    token: str | None = ""
    while token is not None:
        page = call("GET", path, params={"$top": "2", "continuationToken": token})
        paged += page.json()["value"]
        token = page.headers.get("x-ms-continuationtoken")
    assert paged == whole
    of_one = [release for release in whole if release["projectReference"]["name"] == "Storefront"]
    assert of_one == values(call, "releases")
    found = call("GET", path, params={"releaseIdFilter": str(whole[0]["id"])}).json()["value"]
    assert found == whole[:1]


def test_releases_of_all_projects_need_the_scope_of_releases(call: Caller) -> None:
    refused = call("GET", "/acme/_apis/release/releases", token="no-release")
    assert (refused.status_code, refused.content) == (401, b"")
    assert call("GET", "/acme/_apis/release/releases", token="no-projects").json() == {"count": 0, "value": []}
    # Nothing else about releases is served without a project.
    assert call("GET", "/acme/_apis/release/definitions").status_code == 404


def test_releases_of_all_projects_are_on_the_release_host(playing: Any) -> None:
    sandbox = playing(release_host=True)
    call = Caller(sandbox)
    assert call("GET", "/acme/_apis/release/releases", base=sandbox.release_url).status_code == 200
    assert call("GET", "/acme/_apis/release/releases").status_code == 404
