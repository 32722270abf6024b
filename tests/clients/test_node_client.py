"""npm's `azure-devops-node-api` takes the sandbox for Azure DevOps.

It sends enumerations as numbers and times in the HTTP form, and follows the lists of addresses and areas.
"""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.editions import SERVERS
from sandbox.samples import PROJECT_COUNT
from sandbox.server import Sandbox
from tests.clients.javascript import Area, ClientError, date, member

pytestmark = pytest.mark.clients

PROJECT = REPOSITORY = "Storefront"
LONG_AGO = date(datetime(2020, 1, 1, tzinfo=UTC))
NOTHING = "0" * 40
Connect = Callable[..., Area]


@pytest.fixture
def git(client: Connect) -> Area:
    return client("node", "Git")


@pytest.fixture
def build(client: Connect) -> Area:
    return client("node", "Build")


@pytest.fixture
def release(client: Connect) -> Area:
    return client("node", "Release")


def version(kind: str, name: str) -> dict[str, Any]:
    return {
        "version": name,
        "versionType": member(f"GitVersionType.{kind}"),
        "versionOptions": member("GitVersionOptions.None"),
    }


def test_it_lists_projects(client: Connect) -> None:
    core = client("node", "Core")
    assert len(core("getProjects", None, 500)) == 100
    assert len(core("getProjects", None, 500, 100)) == PROJECT_COUNT - 100
    project = core("getProject", PROJECT, True)
    assert (project["name"], project["capabilities"]["versioncontrol"]["sourceControlType"]) == (PROJECT, "Git")


def test_it_lists_repositories_branches_and_commits(git: Area) -> None:
    names = [repository["name"] for repository in git("getRepositories", PROJECT)]
    assert names == ["Storefront", "web client", "Empty", "Archived"]
    assert len(git("getRepositories")) > PROJECT_COUNT
    assert "refs/heads/main" in [ref["name"] for ref in git("getRefs", REPOSITORY, PROJECT, "heads/")]
    criteria = {"itemVersion": version("Branch", "main"), "fromDate": "1/1/2020 12:00:00 AM", "$top": 2, "$skip": 1}
    found = git("getCommits", REPOSITORY, criteria, PROJECT)
    assert [commit["comment"] for commit in found] == ["Fix number 22", "Fix number 21"]
    ids = [commit["commitId"] for commit in found]
    assert [commit["commitId"] for commit in git("getCommits", REPOSITORY, {"ids": ids}, PROJECT)] == ids
    # Without any criteria it sends `searchCriteria=[object Object]`, which nobody knows.
    assert len(git("getCommits", REPOSITORY, {}, PROJECT)) > len(ids)
    assert git("getCommit", found[0]["commitId"], REPOSITORY, PROJECT, 10)["changes"][0]["changeType"] == 2
    assert git("getBranch", REPOSITORY, "main", PROJECT)["isBaseVersion"] is True


def test_it_lists_files(git: Area) -> None:
    everything = git(
        "getItems", REPOSITORY, PROJECT, "/", member("VersionControlRecursionType.Full"), True, False, False, False
    )
    one_level = git("getItems", REPOSITORY, PROJECT, "/", member("VersionControlRecursionType.OneLevel"))
    assert len(everything) > len(one_level) > 1
    assert {item["gitObjectType"] for item in everything} == {2, 3}


@pytest.mark.parametrize(("kind", "name"), [("Branch", "main"), ("Tag", "v1.0")])
def test_it_reads_a_file_as_json_bytes_and_text(git: Area, kind: str, name: str) -> None:
    where = (REPOSITORY, "/README.md", PROJECT)
    found = git("getItem", *where, None, None, True, False, False, version(kind, name), True)
    assert found["content"].startswith("# Storefront")
    for method in ("getItemContent", "getItemText"):
        assert git(method, *where, None, None, None, None, None, version(kind, name)) == found["content"].encode()
    same = git("getItem", *where, None, None, None, None, None, version("Commit", found["commitId"]))
    assert same["objectId"] == found["objectId"]
    assert git("getBlob", REPOSITORY, found["objectId"], PROJECT)["size"] == len(found["content"])


def test_it_reads_a_folder_as_a_zip(git: Area) -> None:
    content = git("getItemZip", REPOSITORY, "/src", PROJECT)
    assert any(name.endswith(".py") for name in zipfile.ZipFile(io.BytesIO(content)).namelist())


def test_it_commits_files_and_moves_branches(git: Area) -> None:
    main = git("getRefs", REPOSITORY, PROJECT, "heads/main")[0]

    def push(old: str, kind: str, **change: Any) -> Any:
        changed = {"changeType": member(f"VersionControlChangeType.{kind}"), "item": {"path": "/x.txt"}, **change}
        body = {
            "refUpdates": [{"name": main["name"], "oldObjectId": old}],
            "commits": [{"comment": kind, "changes": [changed]}],
        }
        return git("createPush", body, REPOSITORY, PROJECT)["refUpdates"][0]["newObjectId"]

    encoded = {"content": "eA==", "contentType": member("ItemContentType.Base64Encoded")}
    added = push(main["objectId"], "Add", newContent=encoded)
    assert git("getItemContent", REPOSITORY, "/x.txt", PROJECT) == b"x"
    plain = {"content": "y", "contentType": member("ItemContentType.RawText")}
    edited = push(added, "Edit", newContent=plain)
    assert git("getItemContent", REPOSITORY, "/x.txt", PROJECT) == b"y"
    assert git("getItem", REPOSITORY, "/x.txt", PROJECT)["commitId"] == edited
    push(edited, "Delete")
    made = {"name": "refs/heads/new", "oldObjectId": NOTHING, "newObjectId": added}
    assert git("updateRefs", [made], REPOSITORY, PROJECT)[0]["updateStatus"] == 0
    stale = {"name": "refs/heads/new", "oldObjectId": "1" * 40, "newObjectId": NOTHING}
    assert git("updateRefs", [stale], REPOSITORY, PROJECT)[0]["updateStatus"] == 2


def test_it_lists_definitions(build: Area) -> None:
    order = member("DefinitionQueryOrder.DefinitionNameDescending")
    names = [definition["name"] for definition in build("getDefinitions", PROJECT, None, None, None, order)]
    assert names == sorted(names, key=str.casefold, reverse=True)
    assert "Storefront CI" in names
    assert build("getDefinition", PROJECT, 1)["name"] == "Storefront CI"


def test_it_finds_builds_by_reason_status_result_and_time(build: Area, sandbox: Sandbox) -> None:
    reason = member("BuildReason.IndividualCI", "BuildReason.Schedule")
    status = member("BuildStatus.Completed")
    result = member("BuildResult.Succeeded", "BuildResult.Failed")
    order = member("BuildQueryOrder.QueueTimeDescending")
    found = build(
        "getBuilds", PROJECT, [1, 2], None, None, LONG_AGO, None, None, reason, status, result, None, None, 10, None,
        None, member("QueryDeletedOption.IncludeDeleted"), order,
    )  # fmt: skip
    query = sandbox.requests[-1].query
    assert "minTime=Wed, 01 Jan 2020 00:00:00 GMT&reasonFilter=10&statusFilter=2&resultFilter=10" in query
    assert len(found) == 10
    assert {one["definition"]["id"] for one in found} == {1, 2}
    assert {one["status"] for one in found} == {2}
    assert {one["result"] for one in found} == {2, 8}
    queued = [one["queueTime"] for one in found]
    assert queued == sorted(queued, reverse=True)
    assert build("getBuilds", PROJECT, None, None, None, None, LONG_AGO, None, None, status) == []


def test_it_runs_a_build_and_reads_what_it_said(build: Area, sandbox: Sandbox) -> None:
    wish = {"definition": {"id": 1}, "reason": member("BuildReason.PullRequest"), "sourceBranch": "refs/heads/main"}
    queued = build("queueBuild", wish, PROJECT)
    assert (queued["status"], queued["reason"]) == (32, 256)
    sandbox.state.advance(60)
    done = build("getBuild", PROJECT, queued["id"])
    assert (done["status"], done["result"]) == (2, 2)
    assert isinstance(done["finishTime"], datetime)
    records = build("getBuildTimeline", PROJECT, queued["id"])["records"]
    log = next(record["log"]["id"] for record in records if record["name"] == "Compile")
    assert any("Compiling module 40 of 40" in line for line in build("getBuildLogLines", PROJECT, queued["id"], log))
    assert b"Compiling module 40 of 40" in build("getBuildLog", PROJECT, queued["id"], log)
    zipped = build("getBuildLogsZip", PROJECT, queued["id"])
    assert zipfile.ZipFile(io.BytesIO(zipped)).namelist()
    assert build("addBuildTag", PROJECT, queued["id"], "good") == ["good"]
    assert [one["id"] for one in build("getBuilds", PROJECT, *[None] * 9, ["good"])] == [queued["id"]]
    assert build("getArtifacts", PROJECT, queued["id"])[0]["name"] == "drop"
    assert build("getBuildWorkItemsRefs", PROJECT, queued["id"]) == []


def test_it_runs_a_pipeline_and_follows_it(client: Connect, sandbox: Sandbox) -> None:
    pipelines = client("node", "Pipelines")
    assert "Storefront CI" in [pipeline["name"] for pipeline in pipelines("listPipelines", PROJECT)]
    assert pipelines("getPipeline", PROJECT, 1)["configuration"]["type"] == 1
    wish = {"resources": {"repositories": {"self": {"refName": "refs/heads/main"}}}}
    begun = pipelines("runPipeline", wish, PROJECT, 1)
    assert begun["state"] == 1
    sandbox.state.advance(60)
    ended = pipelines("getRun", PROJECT, 1, begun["id"])
    assert (ended["state"], ended["result"]) == (4, 1)
    assert pipelines("listRuns", PROJECT, 1)[0]["id"] == begun["id"]
    assert pipelines("getArtifact", PROJECT, 1, begun["id"], "drop", 0)["name"] == "drop"
    assert pipelines("listLogs", PROJECT, 1, begun["id"])["logs"]


def test_it_lists_pushes_and_releases_of_all_projects(git: Area, release: Area) -> None:
    newest = git("getPushes", REPOSITORY, PROJECT, 0, 1, {"includeRefUpdates": True})[0]
    assert newest["refUpdates"]
    assert git("getPush", REPOSITORY, newest["pushId"], PROJECT, 5, True)["pushId"] == newest["pushId"]
    names = {one["projectReference"]["name"] for one in release("getReleases")}
    assert names == {"Storefront", "Payments API"}


def test_it_cancels_a_build(build: Area, sandbox: Sandbox) -> None:
    queued = build("queueBuild", {"definition": {"id": 1}}, PROJECT)
    sandbox.state.advance(10)
    cancelling = build("updateBuild", {"status": member("BuildStatus.Cancelling")}, PROJECT, queued["id"])
    assert cancelling["status"] == 4
    sandbox.state.advance(30)
    assert build("getBuild", PROJECT, queued["id"])["result"] == 32


def test_it_lists_release_definitions_releases_and_deployments(release: Area) -> None:
    expands = member("ReleaseDefinitionExpands.Environments", "ReleaseDefinitionExpands.Artifacts")
    definition = release("getReleaseDefinitions", PROJECT, "Deploy", expands)[0]
    assert [stage["name"] for stage in definition["environments"]] == ["Test", "Staging", "Production"]
    assert definition["artifacts"]
    releases = release(
        "getReleases", PROJECT, 1, None, None, None, member("ReleaseStatus.Active"), None, LONG_AGO, None,
        member("ReleaseQueryOrder.Ascending"), 50, None, member("ReleaseExpands.Environments"),
    )  # fmt: skip
    assert [one["id"] for one in releases] == sorted(one["id"] for one in releases)
    assert {one["status"] for one in releases} == {2}
    assert all(one["environments"] for one in releases)
    failed = release("getDeployments", PROJECT, *[None] * 5, member("DeploymentStatus.Failed"))
    assert {one["deploymentStatus"] for one in failed} == {16}


def test_it_releases_approves_and_rejects(release: Area, sandbox: Sandbox) -> None:
    made = release("createRelease", {"definitionId": 1, "reason": member("ReleaseReason.Manual")}, PROJECT)
    sandbox.state.advance(60)
    pending = release("getApprovals", PROJECT, None, member("ApprovalStatus.Pending"), [made["id"]])
    assert [approval["approvalType"] for approval in pending] == [1]
    decision = {"status": member("ApprovalStatus.Approved"), "comments": "Yes"}
    assert release("updateReleaseApproval", decision, PROJECT, pending[0]["id"])["status"] == 2
    sandbox.state.advance(60)
    read = release("getRelease", PROJECT, made["id"], member("ApprovalFilters.All"))
    assert [stage["status"] for stage in read["environments"]] == [4, 4, 4]
    other = release("getApprovals", PROJECT)[0]["id"]
    rejected = {"status": member("ApprovalStatus.Rejected"), "comments": "No"}
    assert release("updateReleaseApproval", rejected, PROJECT, other)["status"] == 4


def test_it_deploys_cancels_and_abandons(release: Area, sandbox: Sandbox) -> None:
    made = release("createRelease", {"definitionId": 1}, PROJECT)
    sandbox.state.advance(60)
    stage = made["environments"][0]["id"]
    running = {"status": member("EnvironmentStatus.InProgress")}
    assert release("updateReleaseEnvironment", running, PROJECT, made["id"], stage)["status"] == 32
    stopped = {"status": member("EnvironmentStatus.Canceled")}
    assert release("updateReleaseEnvironment", stopped, PROJECT, made["id"], stage)["status"] == 8
    waiting = made["environments"][2]["id"]
    release("updateReleaseEnvironment", stopped, PROJECT, made["id"], waiting)
    abandoned = {"status": member("ReleaseStatus.Abandoned")}
    assert release("updateReleaseResource", abandoned, PROJECT, made["id"])["status"] == 4


def test_a_refusal_reaches_it_with_its_status_and_words(client: Connect) -> None:
    with pytest.raises(ClientError) as scope_missing:
        client("node", "Build", token="no-build")("getDefinitions", PROJECT)
    assert scope_missing.value.status == 401
    with pytest.raises(ClientError, match="Personal Access Token used has expired") as expired:
        client("node", "Build", token="expired")("getDefinitions", PROJECT)
    assert expired.value.status == 401
    with pytest.raises(ClientError, match="Could not queue the build"):
        client("node", "Build")("queueBuild", {"definition": {"id": 6}}, PROJECT)


def test_what_is_not_there_is_null_for_it(build: Area) -> None:
    assert build("getBuild", PROJECT, 2147483647) is None


def test_it_finds_releases_on_a_host_of_their_own(client: Connect) -> None:
    with Sandbox(release_host=True) as apart:
        found = client("node", "Release", url=f"{apart.url}/acme")("getReleases", PROJECT)
        asked = {seen.path for seen in apart.requests}
    assert found
    assert any("Release/releases" in path for path in asked)


@pytest.mark.parametrize("name", list(SERVERS))
def test_it_works_with_a_server_of_ones_own(client: Connect, name: str) -> None:
    with Sandbox(edition=SERVERS[name], path="tfs") as server:
        url = f"{server.url}/DefaultCollection"
        assert client("node", "Git", url=url)("getRepositories", PROJECT)
        build = client("node", "Build", url=url)
        queued = build("queueBuild", {"definition": {"id": 1}}, PROJECT)
        assert build("updateBuild", {"status": member("BuildStatus.Cancelling")}, PROJECT, queued["id"])
        assert client("node", "Release", url=url)("getReleases", PROJECT)
