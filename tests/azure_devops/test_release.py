"""Release pipelines, releases, deployments and approvals over a socket, on the release host."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from connections.azure_devops import errors, release
from connections.azure_devops.release_types import (
    Approval,
    ApprovalStatus,
    Artifact,
    Attempt,
    Definition,
    Deployment,
    DeploymentStatus,
    Environment,
    EnvironmentStatus,
    Release,
    ReleaseStatus,
    Source,
    Stage,
)
from connections.azure_devops.transport import Transport
from connections.azure_devops.types import Identity
from tests.azure_devops.conftest import Asking, MakeTransport, Serve
from tests.azure_devops.loopback import answer, json_answer, listing

P = "Web Shop"
HERE = "/acme/Web%20Shop/_apis/release"
NEXT = "x-ms-continuationtoken"
MAYA = {"id": "u-1", "displayName": "Maya Sample", "uniqueName": "maya@example.com"}
IDENTITY = Identity("u-1", "Maya Sample", "maya@example.com")
AT = "2019-07-13T15:49:31.86Z"
MOMENT = datetime(2019, 7, 13, 15, 49, 31, 860000, tzinfo=UTC)
WEB = {"web": {"href": "https://dev.azure.com/acme/x/_release?releaseId=178"}}
REFERENCES = {
    "release": {"id": 178, "name": "Release-132"},
    "releaseDefinition": {"id": 2, "name": "shop-cd"},
    "releaseEnvironment": {"id": 2149, "name": "Test"},
}
APPROVAL: dict[str, Any] = {
    "id": 3577,
    "approvalType": "preDeploy",
    "status": "approved",
    "comments": "Good to go",
    "isAutomated": False,
    "attempt": 2,
    "createdOn": AT,
    "modifiedOn": AT,
    "approver": MAYA,
    "approvedBy": MAYA,
    **REFERENCES,
}
WHOLE_APPROVAL = Approval(
    id=3577,
    status=ApprovalStatus.APPROVED,
    kind="preDeploy",
    approver=IDENTITY,
    decided_by=IDENTITY,
    comments="Good to go",
    attempt=2,
    created_at=MOMENT,
    changed_at=MOMENT,
    release_id=178,
    release_name="Release-132",
    definition_id=2,
    definition_name="shop-cd",
    environment_id=2149,
    environment_name="Test",
)
ENVIRONMENT: dict[str, Any] = {
    "id": 2149,
    "name": "Test",
    "status": "succeeded",
    "rank": 2,
    "definitionEnvironmentId": 10,
    "preDeployApprovals": [APPROVAL],
    "postDeployApprovals": [{"id": 3579, "status": "pending", "approvalType": "postDeploy", "isAutomated": True}],
    "deploySteps": [
        {
            "attempt": 1,
            "status": "succeeded",
            "operationStatus": "Approved",
            "requestedBy": MAYA,
            "queuedOn": "0001-01-01T00:00:00",
            "lastModifiedOn": AT,
        }
    ],
    "modifiedOn": AT,
    "timeToDeploy": 1.5,
}
WHOLE_ENVIRONMENT = Environment(
    id=2149,
    name="Test",
    status=EnvironmentStatus.SUCCEEDED,
    rank=2,
    stage_id=10,
    approvals=(WHOLE_APPROVAL, Approval(3579, ApprovalStatus.PENDING, "postDeploy", is_automated=True)),
    attempts=(Attempt(1, DeploymentStatus.SUCCEEDED, "approved", IDENTITY, changed_at=MOMENT),),
    changed_at=MOMENT,
    minutes=1.5,
)
RELEASE: dict[str, Any] = {
    "id": 178,
    "name": "Release-132",
    "status": "active",
    "releaseDefinition": {"id": 2, "name": "shop-cd"},
    "description": "By hand",
    "reason": "manual",
    "createdBy": MAYA,
    "createdOn": AT,
    "modifiedOn": AT,
    "environments": [ENVIRONMENT, {"id": 2148, "name": "Build", "status": "notStarted", "rank": 1}],
    "artifacts": [
        {
            "alias": "shop",
            "type": "Build",
            "isPrimary": True,
            "definitionReference": {
                "version": {"id": "358", "name": "20190713.1"},
                "branch": {"id": "refs/heads/main", "name": "main"},
                "sourceVersion": {"id": "c" * 40, "name": None},
                "definition": {"id": "23", "name": "shop-ci"},
            },
        }
    ],
    "_links": WEB,
}
WHOLE_RELEASE = Release(
    id=178,
    name="Release-132",
    status=ReleaseStatus.ACTIVE,
    definition_id=2,
    definition_name="shop-cd",
    description="By hand",
    reason="manual",
    created_by=IDENTITY,
    created_at=MOMENT,
    changed_at=MOMENT,
    environments=(Environment(2148, "Build", EnvironmentStatus.NOT_STARTED, rank=1), WHOLE_ENVIRONMENT),
    artifacts=(
        Artifact("shop", "Build", "358", "20190713.1", "refs/heads/main", "c" * 40, "shop-ci", is_primary=True),
    ),
    web_url="https://dev.azure.com/acme/x/_release?releaseId=178",
)


def test_a_release_is_read_whole_with_its_environments_in_order(asking: Asking) -> None:
    server, transport = asking(json_answer(RELEASE))
    assert release.release(transport, P, 178) == WHOLE_RELEASE
    assert server.seen[0].path == f"{HERE}/releases/178"


def test_a_release_may_have_little_more_than_a_name(asking: Asking) -> None:
    _, transport = asking(json_answer({"id": 1, "name": "Release-1", "status": "draft", "environments": None}))
    assert release.release(transport, P, 1) == Release(1, "Release-1", ReleaseStatus.DRAFT)


def test_releases_are_read_page_by_page_with_everything_a_list_shows(asking: Asking) -> None:
    server, transport = asking(
        json_answer(listing(RELEASE), (NEXT, "177")), json_answer(listing({"id": 177, "name": "Release-131"}))
    )
    found = [one.id for page in release.releases(transport, P, definition_id=2) for one in page.items]
    assert found == [178, 177]
    assert server.seen[0].query == (
        "$top=50&$expand=environments%2Cartifacts%2Capprovals&queryOrder=descending&definitionId=2&api-version=7.1"
    )
    assert "continuationToken=177&" in server.seen[1].query


def test_releases_are_asked_for_by_status(asking: Asking) -> None:
    server, transport = asking(json_answer(listing()))
    assert release.releases_page(transport, P, status=ReleaseStatus.ACTIVE).items == ()
    assert "statusFilter=active&" in server.seen[0].query


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("notStarted", EnvironmentStatus.NOT_STARTED),
        ("inProgress", EnvironmentStatus.IN_PROGRESS),
        ("succeeded", EnvironmentStatus.SUCCEEDED),
        ("canceled", EnvironmentStatus.CANCELED),
        ("rejected", EnvironmentStatus.REJECTED),
        ("queued", EnvironmentStatus.QUEUED),
        ("scheduled", EnvironmentStatus.SCHEDULED),
        ("partiallySucceeded", EnvironmentStatus.PARTIALLY_SUCCEEDED),
        ("undefined", EnvironmentStatus.UNDEFINED),
        ("somethingNew", EnvironmentStatus.UNKNOWN),
        (None, EnvironmentStatus.UNKNOWN),
        (4, EnvironmentStatus.UNKNOWN),
    ],
)
def test_every_state_of_an_environment_is_known_or_unknown(
    asking: Asking, status: object, meaning: EnvironmentStatus
) -> None:
    _, transport = asking(json_answer(RELEASE | {"environments": [ENVIRONMENT | {"status": status}]}))
    assert release.release(transport, P, 178).environments[0].status is meaning


@pytest.mark.parametrize("odd", [None, "x", True, [1]])
def test_a_time_to_deploy_that_is_no_number_is_not_known(asking: Asking, odd: object) -> None:
    _, transport = asking(json_answer(RELEASE | {"environments": [ENVIRONMENT | {"timeToDeploy": odd}]}))
    assert release.release(transport, P, 178).environments[0].minutes is None


AUTOMATED = {"approvals": [{"isAutomated": True}]}
DEFINITION: dict[str, Any] = {
    "id": 2,
    "name": "shop-cd",
    "path": "\\Shop",
    "environments": [
        {"id": 11, "name": "Live", "rank": 2, "preDeployApprovals": {"approvals": [{"isAutomated": False}]}},
        {"id": 10, "name": "Test", "rank": 1, "preDeployApprovals": AUTOMATED, "postDeployApprovals": AUTOMATED},
    ],
    "artifacts": [
        {
            "alias": "shop",
            "type": "Build",
            "isPrimary": True,
            "definitionReference": {"definition": {"id": "23", "name": "shop-ci"}, "project": {"id": "p-1"}},
        },
        {"alias": "acr", "type": "AzureContainerRepository"},
    ],
    "_links": WEB,
}
SHOP = Source("shop", "Build", "23", "shop-ci", "p-1", is_primary=True)


def test_release_pipelines_are_read_with_their_stages_and_sources(asking: Asking) -> None:
    server, transport = asking(
        json_answer(listing(DEFINITION), (NEXT, "3")), json_answer(listing({"id": 3, "name": "x"}))
    )
    found = [one for page in release.definitions(transport, P) for one in page.items]
    assert found == [
        Definition(
            id=2,
            name="shop-cd",
            path="\\Shop",
            stages=(Stage(10, "Test", 1), Stage(11, "Live", 2, needs_approval=True)),
            sources=(SHOP, Source("acr", "AzureContainerRepository")),
            web_url="https://dev.azure.com/acme/x/_release?releaseId=178",
        ),
        Definition(3, "x"),
    ]
    assert server.seen[0].query == "$top=100&$expand=environments%2Cartifacts&api-version=7.1"


def test_the_list_of_release_pipelines_names_the_newest_release_of_each(asking: Asking) -> None:
    named = {"id": 2, "name": "shop-cd", "lastRelease": {"id": 178, "name": "Release-132"}}
    server, transport = asking(json_answer(listing(named, {"id": 3, "name": "x", "lastRelease": None})))
    (page,) = release.definitions(transport, P, with_latest=True)
    assert [one.latest_id for one in page.items] == [178, None]
    assert "$expand=environments%2Cartifacts%2ClastRelease&" in server.seen[0].query


def test_releases_are_asked_for_by_their_numbers_some_at_a_time(asking: Asking) -> None:
    server, transport = asking(json_answer(listing(RELEASE)), json_answer(listing({"id": 30, "name": "Release-30"})))
    assert [one.id for one in release.releases_by_ids(transport, P, range(1, 31))] == [178, 30]
    assert [one.query.count("%2C") for one in server.seen] == [2 + 24, 2 + 4]


def test_release_pipelines_are_searched(asking: Asking) -> None:
    server, transport = asking(json_answer(listing()))
    release.definitions_page(transport, P, search="shop cd")
    assert "searchText=shop%20cd&" in server.seen[0].query


def test_one_release_pipeline_is_asked_for_by_its_number(asking: Asking) -> None:
    server, transport = asking(json_answer(DEFINITION))
    assert release.definition(transport, P, 2).name == "shop-cd"
    assert server.seen[0].path == f"{HERE}/definitions/2"


def test_the_versions_of_a_build_artifact_are_its_good_builds(asking: Asking) -> None:
    build = {"id": 358, "buildNumber": "20190713.1", "status": "completed", "result": "succeeded"}
    server, transport = asking(json_answer(listing(build)))
    (found,) = release.artifact_versions(transport, P, SHOP)
    assert (found.id, found.number) == (358, "20190713.1")
    assert server.seen[0].path == "/acme/p-1/_apis/build/builds"
    assert "definitions=23&statusFilter=completed&resultFilter=succeeded%2CpartiallySucceeded" in server.seen[0].query


@pytest.mark.parametrize("source", [Source("acr", "GitHub", "23"), Source("a", "Build"), Source("a", "Build", "x")])
def test_the_versions_of_other_sources_are_not_listed(asking: Asking, source: Source) -> None:
    server, transport = asking(answer(500))
    assert release.artifact_versions(transport, P, source) == ()
    assert server.seen == []


def test_a_release_is_created_with_the_chosen_versions(asking: Asking) -> None:
    server, transport = asking(json_answer(RELEASE))
    versions = {"shop": ("358", "20190713.1")}
    made = release.create_release(
        transport, P, 2, versions=versions, description="By hand", manual_environments=["Live"]
    )
    assert made == WHOLE_RELEASE
    assert (server.seen[0].method, server.seen[0].path) == ("POST", f"{HERE}/releases")
    assert server.seen[0].json() == {
        "definitionId": 2,
        "description": "By hand",
        "artifacts": [{"alias": "shop", "instanceReference": {"id": "358", "name": "20190713.1"}}],
        "isDraft": False,
        "reason": "manual",
        "manualEnvironments": ["Live"],
    }


def test_a_release_without_wishes_leaves_them_to_azure_devops(asking: Asking) -> None:
    server, transport = asking(json_answer(RELEASE))
    release.create_release(transport, P, 2)
    body = server.seen[0].json()
    assert isinstance(body, dict)
    assert (body["artifacts"], body["manualEnvironments"]) == ([], None)


Change = Callable[[Transport], object]


def create(transport: Transport) -> object:
    return release.create_release(transport, P, 2)


def deploy(transport: Transport) -> object:
    return release.deploy(transport, P, 178, 2149, comment="now")


def cancel(transport: Transport) -> object:
    return release.cancel(transport, P, 178, 2149, comment="stop")


def approve(transport: Transport) -> object:
    return release.approve(transport, P, 3577, comments="Good to go")


def reject(transport: Transport) -> object:
    return release.reject(transport, P, 3577, comments="No")


@pytest.mark.parametrize(("change", "status", "comment"), [(deploy, "inProgress", "now"), (cancel, "canceled", "stop")])
def test_an_environment_is_deployed_or_stopped(asking: Asking, change: Change, status: str, comment: str) -> None:
    server, transport = asking(json_answer(ENVIRONMENT))
    assert change(transport) == WHOLE_ENVIRONMENT
    assert (server.seen[0].method, server.seen[0].path) == ("PATCH", f"{HERE}/releases/178/environments/2149")
    assert server.seen[0].json() == {"status": status, "comment": comment}
    assert server.seen[0].query == "api-version=7.1-preview"


@pytest.mark.parametrize(
    ("change", "status", "comments"), [(approve, "approved", "Good to go"), (reject, "rejected", "No")]
)
def test_an_approval_is_decided_with_a_comment(asking: Asking, change: Change, status: str, comments: str) -> None:
    server, transport = asking(json_answer(APPROVAL))
    assert change(transport) == WHOLE_APPROVAL
    assert (server.seen[0].method, server.seen[0].path) == ("PATCH", f"{HERE}/approvals/3577")
    assert server.seen[0].json() == {"status": status, "comments": comments}


def refusal(status: int, message: str, type_key: str) -> bytes:
    return json_answer({"message": message, "typeKey": type_key}, status=status)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (refusal(403, "VS402904: Access denied", "UnauthorizedRequestException"), errors.AccessDenied),
        (refusal(404, "VS402936: does not exist", "ReleaseDefinitionNotFoundException"), errors.NotFound),
        (refusal(400, "VS402964: Transitioning", "InvalidRequestException"), errors.Rejected),
        (refusal(400, "Latest version", "ArtifactVersionUnavailableException"), errors.Rejected),
        (
            refusal(403, "Creation of classic release pipelines is disabled for x.", "SomeException"),
            errors.ReleasesDisabled,
        ),
        (answer(401, b""), errors.EmptyRefusal),
        (answer(429, b"", ("Retry-After", "9")), errors.Throttled),
    ],
)
@pytest.mark.parametrize("change", [create, deploy, cancel, approve, reject])
def test_a_refused_change_says_why(
    asking: Asking, change: Change, said: bytes, kind: type[errors.AzureDevOpsError]
) -> None:
    server, transport = asking(said)
    with pytest.raises(errors.AzureDevOpsError) as raised:
        change(transport)
    assert type(raised.value) is kind
    assert len(server.seen) == 1


@pytest.mark.parametrize("change", [create, deploy, cancel, approve, reject])
def test_no_change_is_repeated_when_the_connection_breaks(
    serve: Serve, transport: MakeTransport, change: Change
) -> None:
    server = serve(lambda _seen, wire: wire.reset())
    with pytest.raises(errors.ConnectionFailed):
        change(transport(server.url))
    assert len(server.seen) == 1


def test_deployments_are_read_with_what_they_belong_to(asking: Asking) -> None:
    item = {
        "id": 79,
        "deploymentStatus": "notDeployed",
        "operationStatus": "PhaseFailed",
        "attempt": 3,
        "reason": "manual",
        "requestedBy": MAYA,
        "queuedOn": "0001-01-01T00:00:00",
        "startedOn": AT,
        "completedOn": AT,
        **REFERENCES,
    }
    server, transport = asking(json_answer(listing(item), (NEXT, "78")))
    page = release.deployments_page(
        transport,
        P,
        definition_id=2,
        stage_id=10,
        status=DeploymentStatus.NOT_DEPLOYED,
        latest_attempts_only=True,
        continuation="99",
        top=5,
    )
    assert page.continuation == "78"
    assert page.items == (
        Deployment(
            id=79,
            status=DeploymentStatus.NOT_DEPLOYED,
            operation="phaseFailed",
            attempt=3,
            reason="manual",
            release_id=178,
            release_name="Release-132",
            definition_id=2,
            definition_name="shop-cd",
            environment_id=2149,
            environment_name="Test",
            requested_by=IDENTITY,
            started_at=MOMENT,
            completed_at=MOMENT,
        ),
    )
    assert server.seen[0].query == (
        "$top=5&queryOrder=descending&definitionId=2&definitionEnvironmentId=10&deploymentStatus=notDeployed"
        "&latestAttemptsOnly=true&continuationToken=99&api-version=7.1"
    )


@pytest.mark.parametrize("status", ["somethingNew", None, 3])
def test_a_state_of_a_deployment_or_approval_that_is_not_known_is_unknown(asking: Asking, status: object) -> None:
    _, transport = asking(
        json_answer(listing({"id": 1, "deploymentStatus": status})), json_answer(listing({"id": 1, "status": status}))
    )
    assert release.deployments_page(transport, P).items[0].status is DeploymentStatus.UNKNOWN
    assert release.approvals_page(transport, P).items[0].status is ApprovalStatus.UNKNOWN


def test_pending_approvals_are_read_page_by_page(asking: Asking) -> None:
    server, transport = asking(json_answer(listing(APPROVAL), (NEXT, "5")), json_answer(listing({"id": 5})))
    assert [one.id for page in release.approvals(transport, P) for one in page.items] == [3577, 5]
    assert server.seen[0].query == "top=100&statusFilter=pending&queryOrder=descending&api-version=7.1"
    assert "continuationToken=5&" in server.seen[1].query


def test_the_approvals_of_some_releases_are_asked_for_by_their_numbers(asking: Asking) -> None:
    server, transport = asking(json_answer(listing()))
    release.approvals_page(transport, P, status=ApprovalStatus.REJECTED, release_ids=[1, 2])
    assert "statusFilter=rejected&" in server.seen[0].query
    assert "releaseIdsFilter=1%2C2&" in server.seen[0].query


@pytest.mark.parametrize(
    ("said", "disabled"),
    [
        (json_answer({"disableClassicReleasePipelineCreation": True}), True),
        (json_answer({"disableClassicReleasePipelineCreation": False}), False),
        (json_answer({"disableClassicPipelineCreation": True}), None),
        (answer(401, b""), None),
        (refusal(403, "no", "AccessDeniedException"), None),
        (refusal(404, "no", "ProjectDoesNotExistException"), None),
        (answer(404, b"The controller for path", ("Content-Type", "text/plain")), None),
    ],
)
def test_whether_releases_are_switched_off_can_sometimes_be_told(
    asking: Asking, said: bytes, disabled: bool | None
) -> None:
    _, transport = asking(said)
    assert release.are_disabled(transport, P) is disabled


def test_an_outage_does_not_say_that_releases_are_switched_off(asking: Asking) -> None:
    _, transport = asking(answer(503, b""))
    with pytest.raises(errors.ServerError):
        release.are_disabled(transport, P)


@pytest.mark.parametrize("broken", [{}, {"id": 1}, {"id": "1", "name": "x"}])
def test_what_has_no_number_or_name_is_no_release_and_no_pipeline(asking: Asking, broken: dict[str, object]) -> None:
    _, transport = asking(json_answer(listing(broken)))
    with pytest.raises(errors.UnexpectedAnswer):
        release.releases_page(transport, P)
    with pytest.raises(errors.UnexpectedAnswer):
        release.definitions_page(transport, P)


def test_a_group_that_is_asked_is_told_from_a_person(asking: Asking) -> None:
    crew = {"id": "g-1", "displayName": "Release crew", "isContainer": True}
    _, transport = asking(json_answer(listing(APPROVAL | {"approver": crew})))
    (found,) = release.approvals_page(transport, P).items
    assert found.approver == Identity("g-1", "Release crew", is_group=True)
