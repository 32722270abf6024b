"""Each parameter that the sandbox says it plays makes a difference."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from sandbox import parameters
from sandbox.sample_code import NOOR
from sandbox.state import Project
from tests.sandbox.conftest import Caller

GIT = "{project}/_apis/git/repositories/{repository}"
BUILD = "{project}/_apis/build"
RUN = "{project}/_apis/pipelines/{pipeline}/runs/{run}"
RELEASE = "{project}/_apis/release"


@dataclass(frozen=True)
class Effect:
    """A value that changes the answer, and the other parameters of both requests. Words with a `$` are filled in."""

    value: str
    beside: dict[str, str] = field(default_factory=dict)


PATS, REVOKED = "GET _apis/tokens/pats", "DELETE _apis/tokens/pats"
PERMISSIONS = "GET _apis/permissions/{namespace}/{permissions}"
PATHS = {
    PATS: "_apis/tokens/pats",
    REVOKED: "_apis/tokens/pats",
    PERMISSIONS: "_apis/permissions/2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87/0",
    "GET _apis/projects": "_apis/projects",
    "GET _apis/projects/{project}": "_apis/projects/Storefront",
    "GET {project}/_apis/git/repositories": "Storefront/_apis/git/repositories",
    f"GET {GIT}/refs": "Storefront/_apis/git/repositories/Storefront/refs",
    f"GET {GIT}/commits": "Storefront/_apis/git/repositories/Storefront/commits",
    f"GET {GIT}/commits/{{commit}}": "Storefront/_apis/git/repositories/Storefront/commits/$head",
    f"GET {GIT}/commits/{{commit}}/changes": "Storefront/_apis/git/repositories/Storefront/commits/$side/changes",
    f"GET {GIT}/items": "Storefront/_apis/git/repositories/Storefront/items",
    f"GET {GIT}/blobs/{{sha}}": "Storefront/_apis/git/repositories/Storefront/blobs/$blob",
    f"POST {GIT}/blobs": "Storefront/_apis/git/repositories/Storefront/blobs",
    f"GET {GIT}/trees/{{sha}}": "Storefront/_apis/git/repositories/Storefront/trees/$tree",
    f"GET {GIT}/pushes": "Storefront/_apis/git/repositories/Storefront/pushes",
    f"GET {GIT}/pushes/{{push}}": "Storefront/_apis/git/repositories/Storefront/pushes/3",
    f"GET {GIT}/stats/branches": "Storefront/_apis/git/repositories/Storefront/stats/branches",
    f"GET {BUILD}/definitions": "Storefront/_apis/build/definitions",
    f"GET {BUILD}/definitions/{{definition}}": "Storefront/_apis/build/definitions/1",
    f"GET {BUILD}/latest/{{definition}}": "Storefront/_apis/build/latest/1",
    f"GET {BUILD}/builds": "Storefront/_apis/build/builds",
    f"POST {BUILD}/builds": "Storefront/_apis/build/builds",
    f"GET {BUILD}/builds/{{build}}/artifacts": "Storefront/_apis/build/builds/1/artifacts",
    f"GET {BUILD}/builds/{{build}}/changes": "Storefront/_apis/build/builds/1/changes",
    f"GET {BUILD}/changes": "Storefront/_apis/build/changes",
    f"GET {BUILD}/builds/{{build}}/timeline": "Storefront/_apis/build/builds/1/timeline",
    f"GET {BUILD}/builds/{{build}}/timeline/{{timeline}}": "Storefront/_apis/build/builds/1/timeline/$plan",
    f"GET {BUILD}/builds/{{build}}/logs/{{log}}": "Storefront/_apis/build/builds/1/logs/2",
    "GET {project}/_apis/pipelines": "Storefront/_apis/pipelines",
    f"GET {RUN}/artifacts": "Storefront/_apis/pipelines/1/runs/1/artifacts",
    f"GET {RELEASE}/definitions": "Storefront/_apis/release/definitions",
    f"GET {RELEASE}/releases": "Storefront/_apis/release/releases",
    f"GET {RELEASE}/releases/{{release}}": "Storefront/_apis/release/releases/$first release",
    f"GET {RELEASE}/releases/{{release}}/environments/{{environment}}/deployphases/{{phase}}/tasks/{{task}}/logs": (
        "Storefront/_apis/release/releases/$first release/environments/$stage/deployphases/$phase/tasks/1/logs"
    ),
    f"GET {RELEASE}/deployments": "Storefront/_apis/release/deployments",
    f"GET {RELEASE}/approvals": "Storefront/_apis/release/approvals",
}
_EVERY_STATE = {"statusFilter": "undefined"}
_EVERYTHING_BELOW = {"recursionLevel": "full"}
_ON_THE_SIDE = {"searchCriteria.itemVersion.version": "topic/search"}
_COMPARED_WITH_MAIN = {"searchCriteria.compareVersion.version": "main"}
_A_FILE = {"path": "/README.md", "$format": "json"}
EFFECTS: dict[str, dict[str, Effect]] = {
    PATS: {
        "displayFilterOption": Effect("revoked"),
        "sortByOption": Effect("displayName"),
        "isSortAscending": Effect("false"),
        "$top": Effect("2"),
        "continuationToken": Effect("$second page", {"$top": "2"}),
        "authorizationId": Effect("$own token"),
    },
    REVOKED: {"authorizationId": Effect("$own token")},
    PERMISSIONS: {
        "tokens": Effect("repoV2,repoV2/nowhere"),
        "delimiter": Effect(";", {"tokens": "repoV2;repoV2"}),
    },
    "GET _apis/projects": {
        "stateFilter": Effect("deleted"),
        "$top": Effect("3"),
        "$skip": Effect("3"),
        "continuationToken": Effect("100"),
    },
    "GET _apis/projects/{project}": {"includeCapabilities": Effect("true")},
    "GET {project}/_apis/git/repositories": {"includeLinks": Effect("true")},
    f"GET {GIT}/refs": {
        "filter": Effect("tags/"),
        "filterContains": Effect("topic"),
        "includeLinks": Effect("true"),
        "includeMyBranches": Effect("true"),
        "$top": Effect("2"),
        "continuationToken": Effect("refs/tags/"),
    },
    f"GET {GIT}/commits": {
        "includeLinks": Effect("true"),
        "pushId": Effect("3"),
        "skip": Effect("1", {"pushId": "3"}),
        "top": Effect("0", {"pushId": "3"}),
        "searchCriteria.$skip": Effect("1"),
        "searchCriteria.$top": Effect("1"),
        "searchCriteria.author": Effect("noor"),
        "searchCriteria.compareVersion.version": Effect("main", _ON_THE_SIDE),
        "searchCriteria.compareVersion.versionOptions": Effect("firstParent", _ON_THE_SIDE | _COMPARED_WITH_MAIN),
        "searchCriteria.compareVersion.versionType": Effect(
            "tag", _ON_THE_SIDE | {"searchCriteria.compareVersion.version": "v1.1"}
        ),
        "searchCriteria.excludeDeletes": Effect("true", {"searchCriteria.itemPath": "/short-lived.txt"}),
        "searchCriteria.fromDate": Effect("2026-10-20T00:00:00Z"),
        "searchCriteria.ids": Effect("$side,$head"),
        "searchCriteria.includeLinks": Effect("true"),
        "searchCriteria.includePushData": Effect("true"),
        "searchCriteria.includeUserImageUrl": Effect("true"),
        "searchCriteria.itemPath": Effect("/docs"),
        "searchCriteria.itemVersion.version": Effect("topic/search"),
        "searchCriteria.itemVersion.versionOptions": Effect("firstParent", _ON_THE_SIDE),
        "searchCriteria.itemVersion.versionType": Effect("tag", {"searchCriteria.itemVersion.version": "v1.0"}),
        "searchCriteria.showOldestCommitsFirst": Effect("true"),
        "searchCriteria.toDate": Effect("2026-10-20T00:00:00Z"),
        "searchCriteria.user": Effect("noor"),
    },
    f"GET {GIT}/commits/{{commit}}": {"changeCount": Effect("5")},
    f"GET {GIT}/commits/{{commit}}/changes": {"skip": Effect("1"), "top": Effect("2")},
    f"GET {GIT}/items": {
        "$format": Effect("octetStream", {"path": "/README.md"}),
        "download": Effect("true", {"path": "/README.md"}),
        "includeContent": Effect("true", _A_FILE),
        "includeContentMetadata": Effect("true"),
        "includeLinks": Effect("true"),
        "latestProcessedChange": Effect("true"),
        "path": Effect("/README.md"),
        "recursionLevel": Effect("full"),
        "scopePath": Effect("/docs", _EVERYTHING_BELOW),
        "versionDescriptor.version": Effect("topic/search"),
        "versionDescriptor.versionOptions": Effect("firstParent"),
        "versionDescriptor.versionType": Effect("tag", {"versionDescriptor.version": "v1.0"}),
        "zipForUnix": Effect("true", {"scopePath": "/docs", "$format": "zip"}),
    },
    f"GET {GIT}/blobs/{{sha}}": {
        "$format": Effect("octetStream"),
        "download": Effect("true"),
        "fileName": Effect("other.txt", {"$format": "zip"}),
    },
    f"POST {GIT}/blobs": {"filename": Effect("other")},
    f"GET {GIT}/trees/{{sha}}": {
        "$format": Effect("zip"),
        "fileName": Effect("other", {"$format": "zip"}),
        "recursive": Effect("true"),
    },
    f"GET {GIT}/pushes": {
        "$skip": Effect("1"),
        "$top": Effect("1"),
        "searchCriteria.fromDate": Effect("2026-10-20T00:00:00Z"),
        "searchCriteria.includeLinks": Effect("true"),
        "searchCriteria.includeRefUpdates": Effect("true"),
        "searchCriteria.pusherId": Effect("$noor"),
        "searchCriteria.refName": Effect("refs/heads/topic/search"),
        "searchCriteria.toDate": Effect("2026-10-20T00:00:00Z"),
    },
    f"GET {GIT}/pushes/{{push}}": {"includeCommits": Effect("1"), "includeRefUpdates": Effect("true")},
    f"GET {GIT}/stats/branches": {
        "baseVersionDescriptor.version": Effect("topic/search"),
        "baseVersionDescriptor.versionOptions": Effect("firstParent"),
        "baseVersionDescriptor.versionType": Effect("tag", {"baseVersionDescriptor.version": "v1.0"}),
        "name": Effect("topic/search"),
    },
    f"GET {BUILD}/definitions": {
        "$top": Effect("2"),
        "builtAfter": Effect("2026-11-02T05:00:00Z"),
        "continuationToken": Effect("2026-09-27T08:00:00Z,4"),
        "definitionIds": Effect("2,3"),
        "includeAllProperties": Effect("true"),
        "includeLatestBuilds": Effect("true"),
        "name": Effect("*Nightly"),
        "notBuiltAfter": Effect("2026-11-02T05:00:00Z"),
        "path": Effect("\\Tests"),
        "processType": Effect("1"),
        "queryOrder": Effect("definitionNameDescending"),
        "repositoryId": Effect("$other repository", {"repositoryType": "TfsGit"}),
        "repositoryType": Effect("GitHub"),
        "yamlFilename": Effect("other.yml"),
    },
    f"GET {BUILD}/definitions/{{definition}}": {"includeLatestBuilds": Effect("true")},
    f"GET {BUILD}/latest/{{definition}}": {"branchName": Effect("refs/heads/topic/search")},
    f"GET {BUILD}/builds": {
        "$top": Effect("2"),
        "branchName": Effect("refs/heads/topic/search"),
        "buildIds": Effect("1,2"),
        "buildNumber": Effect("20261102*"),
        "continuationToken": Effect("2026-11-01T00:00:00Z,3"),
        "definitions": Effect("2"),
        "deletedFilter": Effect("onlyDeleted"),
        "maxBuildsPerDefinition": Effect("1"),
        "maxTime": Effect("2026-11-01T00:00:00Z"),
        "minTime": Effect("2026-11-01T00:00:00Z"),
        "queryOrder": Effect("queueTimeAscending"),
        "queues": Effect("8"),
        "reasonFilter": Effect("schedule"),
        "repositoryId": Effect("$other repository", {"repositoryType": "TfsGit"}),
        "repositoryType": Effect("GitHub", {"repositoryId": "$repository"}),
        "requestedFor": Effect("noor@example.com"),
        "resultFilter": Effect("failed"),
        "statusFilter": Effect("inProgress"),
        "tagFilters": Effect("release"),
    },
    f"POST {BUILD}/builds": {"definitionId": Effect("1")},
    f"GET {BUILD}/builds/{{build}}/artifacts": {"artifactName": Effect("drop")},
    f"GET {BUILD}/builds/{{build}}/changes": {"$top": Effect("2"), "continuationToken": Effect("2")},
    f"GET {BUILD}/changes": {
        "$top": Effect("2", {"fromBuildId": "$side build", "toBuildId": "1"}),
        "fromBuildId": Effect("$side build", {"toBuildId": "1"}),
        "toBuildId": Effect("1", {"fromBuildId": "$side build"}),
    },
    f"GET {BUILD}/builds/{{build}}/timeline": {"planId": Effect("$plan of another build")},
    f"GET {BUILD}/builds/{{build}}/timeline/{{timeline}}": {"planId": Effect("$plan of another build")},
    f"GET {BUILD}/builds/{{build}}/logs/{{log}}": {"endLine": Effect("2"), "startLine": Effect("2")},
    "GET {project}/_apis/pipelines": {
        "$top": Effect("2"),
        "continuationToken": Effect("storefront%20d,1"),
        "orderBy": Effect("id"),
    },
    f"GET {RUN}/artifacts": {"artifactName": Effect("drop")},
    f"GET {RELEASE}/definitions": {
        "$expand": Effect("environments"),
        "$top": Effect("1"),
        "artifactSourceId": Effect("$project:5"),
        "artifactType": Effect("Git"),
        "continuationToken": Effect("2"),
        "definitionIdFilter": Effect("2"),
        "isDeleted": Effect("true"),
        "isExactNameMatch": Effect("true", {"searchText": "Storefront"}),
        "path": Effect("\\Mac"),
        "queryOrder": Effect("idDescending"),
        "searchText": Effect("Deploy"),
        "searchTextContainsFolderName": Effect("true", {"searchText": "\\mac"}),
        "tagFilter": Effect("special"),
    },
    f"GET {RELEASE}/releases": {
        "$expand": Effect("environments"),
        "$top": Effect("1"),
        "artifactTypeId": Effect("Git"),
        "artifactVersionId": Effect("2"),
        "continuationToken": Effect("$first release"),
        "createdBy": Effect("maya@example.com"),
        "definitionEnvironmentId": Effect("4"),
        "definitionId": Effect("2"),
        "environmentStatusFilter": Effect("16"),
        "isDeleted": Effect("true"),
        "maxCreatedTime": Effect("2026-11-03T12:00:00Z"),
        "minCreatedTime": Effect("2026-11-03T12:00:00Z"),
        "path": Effect("\\Mac"),
        "queryOrder": Effect("ascending"),
        "releaseIdFilter": Effect("$first release"),
        "searchText": Effect("Release-2"),
        "sourceBranchFilter": Effect("refs/heads/other"),
        "sourceId": Effect("$project:5"),
        "statusFilter": Effect("abandoned"),
        "tagFilter": Effect("special"),
    },
    f"GET {RELEASE}/releases/{{release}}": {"approvalFilters": Effect("none")},
    f"GET {RELEASE}/releases/{{release}}/environments/{{environment}}/deployphases/{{phase}}/tasks/{{task}}/logs": {
        "endLine": Effect("1"),
        "startLine": Effect("2"),
    },
    f"GET {RELEASE}/deployments": {
        "$top": Effect("1"),
        "continuationToken": Effect("$first deployment"),
        "createdBy": Effect("maya@example.com"),
        "createdFor": Effect("maya@example.com"),
        "definitionEnvironmentId": Effect("2"),
        "definitionId": Effect("2"),
        "deploymentStatus": Effect("failed"),
        "latestAttemptsOnly": Effect("true"),
        "maxModifiedTime": Effect("2026-11-04T00:00:00Z"),
        "maxStartedTime": Effect("2026-11-04T00:00:00Z"),
        "minModifiedTime": Effect("2026-11-04T00:00:00Z"),
        "minStartedTime": Effect("2026-11-04T00:00:00Z"),
        "operationStatus": Effect("pending"),
        "queryOrder": Effect("ascending"),
        "sourceBranch": Effect("refs/heads/other"),
    },
    f"GET {RELEASE}/approvals": {
        "assignedToFilter": Effect("noor@example.com"),
        "continuationToken": Effect("$first approval", _EVERY_STATE),
        "queryOrder": Effect("ascending", _EVERY_STATE),
        "releaseIdsFilter": Effect("$first release"),
        "statusFilter": Effect("approved"),
        "top": Effect("1", _EVERY_STATE),
        "typeFilter": Effect("postDeploy"),
    },
}
# The parameter names something that is not there, so the answer is 404.
_NOT_FOUND = {"planId"}


def _values(project: Project) -> dict[str, str]:
    """What stands for the words that begin with `$`, longest first."""
    repository = project.repositories[0]
    side = next(build for build in project.builds if build.branch == "refs/heads/topic/search")
    attempts = [
        attempt
        for release in project.releases
        for environment in release.environments
        for attempt in environment.attempts
    ]
    stage = project.releases[0].environments[0]
    return {
        "$stage": str(stage.id),
        "$phase": str(stage.attempts[0].id),
        "$project": project.id,
        "$plan of another build": "00000000-0000-4000-8000-000000000000",
        "$first deployment": str(min(attempt.id for attempt in attempts)),
        "$first approval": str(min(approval.id for attempt in attempts for approval in attempt.approvals)),
        "$first release": str(project.releases[0].id),
        "$other repository": project.repositories[1].id,
        "$repository": repository.id,
        "$side build": str(side.id),
        "$head": repository.refs["refs/heads/main"],
        "$side": repository.refs["refs/heads/topic/search"],
        "$tree": repository.commits[repository.refs["refs/heads/main"]].tree_id,
        "$noor": NOOR.id,
    }


@pytest.fixture
def values(call: Caller) -> dict[str, str]:
    """See `_values`. There are a deleted build, a file that came and went, and a deployment that was tried twice."""
    project = call.sandbox.state.organizations["acme"].projects[0]
    token = call.sandbox.state.token_named("full")
    assert token is not None
    token.scopes = ("app_token",)
    project.builds[3].deleted_at = call.sandbox.state.now()
    found = _values(project)
    release = f"/acme/Storefront/_apis/release/releases/{found['$first release']}"
    stage = call("GET", release).json()["environments"][0]["id"]
    assert call("PATCH", f"{release}/environments/{stage}", json={"status": "inProgress"}).ok
    git = "/acme/Storefront/_apis/git/repositories/Storefront"
    for kind, content in (("add", {"newContent": {"content": "x", "contentType": "rawText"}}), ("delete", {})):
        head = project.repositories[0].refs["refs/heads/main"]
        change = {"changeType": kind, "item": {"path": "/short-lived.txt"}, **content}
        update = {"name": "refs/heads/main", "oldObjectId": head}
        assert call("POST", f"{git}/pushes", json={"refUpdates": [update], "commits": [{"changes": [change]}]}).ok
    items = f"{git}/items"
    found["$blob"] = call("GET", items, params={"path": "/README.md", "$format": "json"}).json()["objectId"]
    page = call(
        "GET", "/acme/_apis/tokens/pats", version="7.1-preview", params={"$top": "2"}, **_signed_in(call)
    ).json()
    found |= {"$second page": page["continuationToken"], "$own token": token.authorization_id}
    found["$plan"] = call("GET", "/acme/Storefront/_apis/build/builds/1/timeline").json()["id"]
    return found


def _signed_in(call: Caller) -> dict[str, Any]:
    """How a person calls who has signed in."""
    return {"token": None, "headers": {"Authorization": f"Bearer {call.sandbox.entra.persons_token()}"}}


def _filled(text: str, values: dict[str, str]) -> str:
    for word, value in values.items():
        text = text.replace(word, value)
    return text


CASES = [(address, name) for address, effects in EFFECTS.items() for name in effects]


@pytest.mark.parametrize(("address", "name"), CASES)
def test_a_parameter_that_is_played_changes_the_answer(
    call: Caller, values: dict[str, str], address: str, name: str
) -> None:
    effect = EFFECTS[address][name]
    path = "/acme/" + _filled(PATHS[address], values)
    beside = {other: _filled(value, values) for other, value in effect.beside.items()}
    method = address.partition(" ")[0]
    signed_in = _signed_in(call) if address in (PATS, REVOKED) else {}
    without = call(method, path, version="7.1-preview", params=beside, **signed_in)
    with_it = {**beside, name: _filled(effect.value, values)}
    answer = call(method, path, version="7.1-preview", params=with_it, **signed_in)
    assert answer.status_code in ((404,) if name in _NOT_FOUND else (200, 204)), answer.text
    shown = [(one.content, one.headers.get("Content-Disposition")) for one in (answer, without)]
    assert shown[0] != shown[1]


def test_every_parameter_that_is_supported_has_its_effect_shown() -> None:
    supported = {address: set(operation.supported) for address, operation in parameters.operations().items()}
    assert {address: set(effects) for address, effects in EFFECTS.items()} == {
        address: names for address, names in supported.items() if names
    }
