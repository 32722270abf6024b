"""npm's `azure-devops-extension-api`, which extensions use in the browser, takes the sandbox for Azure DevOps.

It knows the addresses by itself, speaks a preview of 7.2, and reads nothing but enumerations as numbers, times as
`/Date(...)/`, and lists that are not wrapped.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.samples import PROJECT_COUNT
from sandbox.server import Sandbox
from tests.clients.javascript import Area, ClientError, date, member

pytestmark = pytest.mark.clients

PROJECT = REPOSITORY = "Storefront"
LONG_AGO = date(datetime(2020, 1, 1, tzinfo=UTC))
MAIN = {"version": "main", "versionType": member("GitVersionType.Branch"), "versionOptions": 0}
Connect = Callable[..., Area]


@pytest.fixture
def git(client: Connect) -> Area:
    return client("extension", "Git")


@pytest.fixture
def build(client: Connect) -> Area:
    return client("extension", "Build")


@pytest.fixture
def release(client: Connect) -> Area:
    return client("extension", "Release")


def test_it_lists_projects(client: Connect) -> None:
    core = client("extension", "Core")
    projects = core("getProjects", None, 500)
    assert len(projects) == 100
    assert (projects[0]["state"], projects[0]["visibility"]) == (1, 0)
    assert len(core("getProjects", None, 500, 100)) == PROJECT_COUNT - 100
    assert core("getProject", PROJECT, True)["name"] == PROJECT


def test_it_lists_repositories_branches_and_commits(git: Area) -> None:
    assert "Storefront" in [repository["name"] for repository in git("getRepositories", PROJECT)]
    assert "refs/heads/main" in [ref["name"] for ref in git("getRefs", REPOSITORY, PROJECT, "heads/")]
    criteria = {"itemVersion": MAIN, "fromDate": "1/1/2020 12:00:00 AM", "$top": 2, "$skip": 1}
    found = git("getCommits", REPOSITORY, criteria, PROJECT)
    assert [commit["comment"] for commit in found] == ["Fix number 22", "Fix number 21"]
    assert isinstance(found[0]["author"]["date"], datetime)


def test_it_reads_files(git: Area) -> None:
    level = member("VersionControlRecursionType.Full")
    items = git("getItems", REPOSITORY, PROJECT, "/", level, True, False, False, False, MAIN)
    assert {item["gitObjectType"] for item in items} == {2, 3}
    where = (REPOSITORY, "/README.md", PROJECT)
    found = git("getItem", *where, None, None, True, False, False, MAIN, True)
    assert found["content"].startswith("# Storefront")
    content = git("getItemContent", *where, None, None, None, None, None, MAIN)
    assert content == found["content"].encode()
    assert git("getItemText", *where, None, None, None, None, None, MAIN) == found["content"]


def test_it_commits_a_file(git: Area) -> None:
    main = git("getRefs", REPOSITORY, PROJECT, "heads/main")[0]
    new = {"content": "x", "contentType": member("ItemContentType.RawText")}
    added = {"changeType": member("VersionControlChangeType.Add"), "item": {"path": "/x.txt"}, "newContent": new}
    body = {
        "refUpdates": [{"name": main["name"], "oldObjectId": main["objectId"]}],
        "commits": [{"comment": "Add x", "changes": [added]}],
    }
    made = git("createPush", body, REPOSITORY, PROJECT)
    assert isinstance(made["date"], datetime)
    changes = git("getChanges", made["refUpdates"][0]["newObjectId"], REPOSITORY, PROJECT)["changes"]
    assert [(change["item"]["path"], change["changeType"]) for change in changes] == [("/x.txt", 1)]


def test_it_finds_builds_by_reason_status_result_and_time(build: Area) -> None:
    assert "Storefront CI" in [definition["name"] for definition in build("getDefinitions", PROJECT)]
    reason = member("BuildReason.IndividualCI", "BuildReason.Schedule")
    result = member("BuildResult.Succeeded", "BuildResult.Failed")
    found = build(
        "getBuilds", PROJECT, [1, 2], None, None, LONG_AGO, None, None, reason, member("BuildStatus.Completed"), result,
        None, None, 10, None, None, None, member("BuildQueryOrder.QueueTimeDescending"),
    )  # fmt: skip
    assert len(found) == 10
    assert {(one["status"], one["reason"]) for one in found} <= {(2, 2), (2, 8)}
    assert {one["result"] for one in found} == {2, 8}
    everything = build("getBuilds", PROJECT, *[None] * 7, member("BuildStatus.All"))
    assert {one["status"] for one in everything} >= {1, 2}


def test_it_runs_a_build_and_reads_what_it_said(build: Area, sandbox: Sandbox) -> None:
    queued = build("queueBuild", {"definition": {"id": 1}, "reason": member("BuildReason.Manual")}, PROJECT)
    assert (queued["status"], queued["reason"]) == (32, 1)
    sandbox.state.advance(60)
    done = build("getBuild", PROJECT, queued["id"])
    assert (done["status"], done["result"]) == (2, 2)
    assert done["finishTime"] > done["startTime"] > done["queueTime"]
    records = build("getBuildTimeline", PROJECT, queued["id"])["records"]
    assert {(record["state"], record["result"]) for record in records} == {(2, 0)}
    log = next(record["log"]["id"] for record in records if record["name"] == "Compile")
    assert any("Compiling module 40 of 40" in line for line in build("getBuildLogLines", PROJECT, queued["id"], log))
    assert "Compiling module 40 of 40" in build("getBuildLog", PROJECT, queued["id"], log)


def test_it_cancels_a_build(build: Area, sandbox: Sandbox) -> None:
    queued = build("queueBuild", {"definition": {"id": 1}}, PROJECT)
    sandbox.state.advance(10)
    cancelling = {"status": member("BuildStatus.Cancelling")}
    assert build("updateBuild", cancelling, PROJECT, queued["id"])["status"] == 4
    sandbox.state.advance(30)
    assert build("getBuild", PROJECT, queued["id"])["result"] == 32


def test_it_releases_approves_and_rejects(release: Area, sandbox: Sandbox) -> None:
    assert "Deploy Storefront" in [definition["name"] for definition in release("getReleaseDefinitions", PROJECT)]
    made = release("createRelease", {"definitionId": 1, "reason": member("ReleaseReason.Schedule")}, PROJECT)
    assert (made["reason"], made["status"]) == (3, 2)
    sandbox.state.advance(60)
    pending = release("getApprovals", PROJECT, None, member("ApprovalStatus.Pending"), [made["id"]])
    assert [(approval["status"], approval["approvalType"]) for approval in pending] == [(1, 1)]
    decision = {"status": member("ApprovalStatus.Approved"), "comments": "Yes"}
    assert release("updateReleaseApproval", decision, PROJECT, pending[0]["id"])["status"] == 2
    sandbox.state.advance(60)
    stages = release("getRelease", PROJECT, made["id"])["environments"]
    assert [stage["status"] for stage in stages] == [4, 4, 4]
    deployed = release("getDeployments", PROJECT, *[None] * 5, member("DeploymentStatus.Succeeded"))
    assert {deployment["deploymentStatus"] for deployment in deployed} == {4}
    other = release("getApprovals", PROJECT)[0]["id"]
    rejected = {"status": member("ApprovalStatus.Rejected"), "comments": "No"}
    assert release("updateReleaseApproval", rejected, PROJECT, other)["status"] == 4


def test_it_deploys_cancels_and_abandons(release: Area, sandbox: Sandbox) -> None:
    made = release("createRelease", {"definitionId": 1}, PROJECT)
    sandbox.state.advance(60)
    first, _, waiting = (stage["id"] for stage in made["environments"])

    def move(stage: int, to: str) -> Any:
        status = {"status": member(f"EnvironmentStatus.{to}")}
        return release("updateReleaseEnvironment", status, PROJECT, made["id"], stage)["status"]

    assert [move(first, "InProgress"), move(first, "Canceled"), move(waiting, "Canceled")] == [32, 8, 8]
    abandoned = {"status": member("ReleaseStatus.Abandoned")}
    assert release("updateReleaseResource", abandoned, PROJECT, made["id"])["status"] == 4


def test_a_refusal_reaches_it_with_its_status_and_words(client: Connect) -> None:
    with pytest.raises(ClientError, match="Personal Access Token used has expired") as expired:
        client("extension", "Build", token="expired")("getDefinitions", PROJECT)
    assert expired.value.status == 401
    with pytest.raises(ClientError, match="The requested build 2147483647 could not be found") as missing:
        client("extension", "Build")("getBuild", PROJECT, 2147483647)
    assert missing.value.status == 404
