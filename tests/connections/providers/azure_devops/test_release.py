"""Release pipelines, releases, deployments and approvals over a socket, on the release host."""

from collections.abc import Callable

import pytest

from connections.providers.azure_devops import errors, release
from connections.providers.azure_devops.release_models import EnvironmentStatus, Release, ReleaseStatus
from connections.providers.azure_devops.transport import Transport
from tests.connections.providers.azure_devops.conftest import Asking, MakeTransport, Serve
from tests.connections.providers.azure_devops.loopback import answer, json_answer, listing, refusal
from tests.connections.providers.azure_devops.releases import (
    APPROVAL,
    ENVIRONMENT,
    HERE,
    NEXT,
    RELEASE,
    WHOLE_APPROVAL,
    WHOLE_ENVIRONMENT,
    WHOLE_RELEASE,
    P,
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
        (answer(401, b"", ("WWW-Authenticate", "Basic realm=x")), errors.EmptyRefusal),
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


@pytest.mark.parametrize(
    ("said", "disabled"),
    [
        (json_answer({"disableClassicReleasePipelineCreation": True}), True),
        (json_answer({"disableClassicReleasePipelineCreation": False}), False),
        (json_answer({"disableClassicPipelineCreation": True}), None),
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


def test_a_token_without_the_scope_cannot_tell_of_any_project(asking: Asking) -> None:
    _, transport = asking(answer(401, b"", ("WWW-Authenticate", "Basic realm=x")))
    with pytest.raises(errors.EmptyRefusal):
        release.are_disabled(transport, P)


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
