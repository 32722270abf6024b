"""Classic releases: creating, deploying and approving them.

https://learn.microsoft.com/rest/api/azure/devops/release/releases
"""

from typing import Any

from sandbox import permissions
from sandbox.deployments import Approval, Environment, Release, ReleaseDefinition
from sandbox.http_messages import (
    Answer,
    ErrorResponse,
    Request,
    argument_missing,
    argument_wrong,
    error,
    invalid_body,
    json_answer,
)
from sandbox.pipelines import Build
from sandbox.release import (
    EXCEPTIONS,
    find_approval,
    find_definition,
    find_environment,
    find_release,
    not_found,
    refused,
    settled,
)
from sandbox.release_json import Writer
from sandbox.state import Project

_RUNNING = ("inProgress", "queued")


def _require(request: Request, right: str) -> None:
    if request.lacks(right):
        raise ErrorResponse(permissions.release_denied(request, right))


def _require_classic(request: Request) -> None:
    # Inferred: the answer of a service where creating classic releases is disabled is not documented.
    if request.organization.without_classic_releases:
        text = (
            "Creation of classic release pipelines is disabled for this organization. Contact your project collection "
            "administrator."
        )
        raise ErrorResponse(error(request, 403, text, "ClassicReleasePipelinesDisabledException", EXCEPTIONS))


def create(request: Request, names: dict[str, str]) -> Answer:
    """Create a release of a definition; answers 200, not 201."""
    project = settled(request, names)
    _require_classic(request)
    if request.permission_first:
        _require(request, "create releases")
    fields = request.fields()
    if fields.get("definitionId") is None:
        raise ErrorResponse(argument_missing(request, "releaseStartMetadata"))
    definition = find_definition(request, project, str(fields["definitionId"]))
    _require(request, "create releases")
    count = sum(release.definition is definition for release in project.releases)
    new = Release(
        project.new_id(),
        f"Release-{count + 1}",
        definition,
        request.person or definition.author,
        request.now,
        [Environment(project.new_id(), plan) for plan in definition.environments],
        _versions(request, project, definition, fields.get("artifacts") or []),
        str(fields.get("description") or ""),
        _reason(request, fields.get("reason") or "manual"),
        "draft" if fields.get("isDraft") is True else "active",
        _names(request, fields.get("manualEnvironments") or []),
    )
    project.releases.append(new)
    new.settle(request.now, project.new_id)
    return json_answer(request, Writer(request, project).release(new, environments=True, artifacts=True))


def _reason(request: Request, reason: Any) -> str:
    if reason not in ("none", "manual", "continuousIntegration", "schedule", "pullRequest"):
        raise ErrorResponse(invalid_body(request))
    return str(reason)


def _names(request: Request, value: Any) -> frozenset[str]:
    if not isinstance(value, list):
        raise ErrorResponse(invalid_body(request))
    return frozenset(str(name) for name in value)


def _versions(request: Request, project: Project, definition: ReleaseDefinition, entries: Any) -> dict[str, Build]:
    """The build for each alias: the requested one, otherwise the newest successful one. Raises `ErrorResponse`."""
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ErrorResponse(invalid_body(request))
    references = {str(entry.get("alias")): entry.get("instanceReference") for entry in entries}
    asked = {
        alias: str(reference.get("id", "")) for alias, reference in references.items() if isinstance(reference, dict)
    }
    versions = {}
    for source in definition.artifacts:
        good = [
            build
            for build in project.kept_builds
            if build.definition is source.definition
            and build.state(request.now).result in ("succeeded", "partiallySucceeded")
            and asked.get(source.alias, str(build.id)) == str(build.id)
        ]
        if not good:
            text = (
                f"Latest version information could not be loaded for artifact {source.alias}. This could be due to "
                "inaccessible artifact source or no version is available."
            )
            raise ErrorResponse(refused(request, text, "ArtifactVersionUnavailableException"))
        versions[source.alias] = good[-1]
    return versions


def update(request: Request, names: dict[str, str]) -> Answer:
    """Start a draft, or abandon a release."""
    project = settled(request, names)
    if request.permission_first:
        _require(request, "manage releases")
    requested = find_release(request, project, names)
    _require(request, "manage releases")
    status = str(request.fields().get("status") or requested.status).lower()
    if status not in ("draft", "active", "abandoned"):
        raise ErrorResponse(argument_wrong(request, f"The status '{status}' is not valid."))
    if status == "abandoned" and any(
        environment.status(request.now) in _RUNNING for environment in requested.environments
    ):
        text = "The release cannot be abandoned because a deployment is in progress."
        raise ErrorResponse(refused(request, text))
    requested.status = status
    requested.settle(request.now, project.new_id)
    return json_answer(request, Writer(request, project).release(requested, environments=True, artifacts=True))


def update_environment(request: Request, names: dict[str, str]) -> Answer:
    """Deploy an environment, or cancel its deployment."""
    project = settled(request, names)
    if request.permission_first:
        _require(request, "manage deployments")
    release = find_release(request, project, names)
    requested = find_environment(request, release, names)
    _require(request, "manage deployments")
    status, current = str(request.fields().get("status") or "").lower(), requested.status(request.now)
    if status not in ("inprogress", "canceled"):
        raise ErrorResponse(argument_wrong(request, f"The status '{status}' is not valid."))
    runs = current in _RUNNING
    if release.status != "active" or runs == (status == "inprogress"):
        to = "InProgress" if status == "inprogress" else "Canceled"
        state = current[:1].upper() + current[1:]
        text = f"VS402964: Transitioning of stage from state '{state}' to state '{to}' is not allowed."
        raise ErrorResponse(refused(request, text))
    if status == "inprogress":
        release.begin(requested, request.person or release.person, request.now, project.new_id, by_hand=True)
    else:
        _cancel(request, requested)
    return json_answer(request, Writer(request, project).environment(release, requested))


def _cancel(request: Request, environment: Environment) -> None:
    attempt = environment.attempts[-1]
    attempt.canceled_at, attempt.canceled_by = request.now, request.person
    for approval in attempt.approvals:
        if approval.status == "pending":
            approval.status, approval.decided_at = "canceled", request.now


def decide(request: Request, names: dict[str, str]) -> Answer:
    """Approve or reject a deployment."""
    project = settled(request, names)
    if request.permission_first:
        _require(request, "manage release approvers")
    match = find_approval(project, names["approval"])
    if match is None:
        text = f"Approval with ID {names['approval']} does not exist."
        raise ErrorResponse(not_found(request, text, "ReleaseManagementObjectNotFoundException"))
    _require(request, "manage release approvers")
    deployment, approval = match
    fields = request.fields()
    status = str(fields.get("status") or "").lower()
    if status not in ("approved", "rejected"):
        raise ErrorResponse(argument_wrong(request, f"The status '{status}' is not valid."))
    if approval.status != "pending":
        text = f"Approval with ID {approval.id} is no longer pending. Its status is {approval.status}."
        raise ErrorResponse(refused(request, text))
    _require_asked(request, approval)
    approval.status, approval.comments = status, str(fields.get("comments") or "")
    approval.decided_at, approval.decided_by = request.now, request.person
    approval.revision += 1
    if status == "rejected":
        _skip_others(deployment.attempt.approvals, request)
    return json_answer(
        request,
        Writer(request, project).approval(deployment.release, deployment.environment, deployment.attempt, approval),
    )


def _require_asked(request: Request, approval: Approval) -> None:
    # Inferred: the documentation says who can decide, but not how other people are refused.
    if approval.approver is not None and request.person is not None and approval.approver.id != request.person.id:
        text = f"Access denied: User {request.person.name} is not an approver of the approval with ID {approval.id}."
        raise ErrorResponse(error(request, 403, text, "UnauthorizedRequestException", EXCEPTIONS))


def _skip_others(approvals: list[Any], request: Request) -> None:
    for approval in approvals:
        if approval.status == "pending":
            approval.status, approval.decided_at = "skipped", request.now
