"""Starting, cancelling and deleting builds. https://learn.microsoft.com/rest/api/azure/devops/build/builds"""

from typing import Any

from sandbox.build import ASSEMBLY, WEB_API, build_json, find_build, find_definition, require
from sandbox.core import find_project
from sandbox.enumerations import enumeration
from sandbox.http_messages import (
    Answer,
    ErrorResponse,
    Request,
    argument_missing,
    empty,
    envelope,
    invalid_body,
    json_answer,
)
from sandbox.pipelines import Build, Definition
from sandbox.state import Project

_REASONS = [name for name, number in enumeration("BuildReason").members.items() if number.bit_count() == 1]


def update(request: Request, names: dict[str, str]) -> Answer:
    """Cancel a build, which continues for a moment as `cancelling`."""
    project, requested = find_build(request, names, changing="Stop builds")
    status = str(request.fields().get("status", "")).lower()
    if status == "cancelling" and requested.state(request.now).status in ("notStarted", "inProgress"):
        requested.canceled_at, requested.canceled_by = request.now, request.person
    return json_answer(request, build_json(request, project, requested))


def delete(request: Request, names: dict[str, str]) -> Answer:
    """Delete a build. Lists omit it from then on, unless deleted builds are requested."""
    _, requested = find_build(request, names, changing="Delete builds")
    if requested.deleted_at is None:
        requested.deleted_at, requested.deleted_by = request.now, request.person
    return empty(request)


def queue(request: Request, names: dict[str, str]) -> Answer:
    """Queue a build of the definition in the body, or in the query if there is no body; answers 200, not 201."""
    project = find_project(request, names, unknown_id=400)
    if request.permission_first:
        require(request, project, None, "Queue builds")
    body = request.fields()
    if not body and request.query.get("definitionId"):
        body = {"definition": {"id": request.number("definitionId", 0)}}
    reference = body.get("definition")
    if reference is None:
        raise ErrorResponse(argument_missing(request, "build.Definition"))
    if not isinstance(reference, dict):
        raise ErrorResponse(invalid_body(request))
    definition = find_definition(request, project, str(reference.get("id", "")))
    require(request, project, definition, "Queue builds")
    branch, sha = str(body.get("sourceBranch") or ""), str(body.get("sourceVersion") or "")
    build = begin(request, project, definition, branch, sha, reason=_reason(request, body.get("reason")))
    return json_answer(request, build_json(request, project, build))


def begin(
    request: Request, project: Project, definition: Definition, branch: str, sha: str, *, reason: str = "manual"
) -> Build:
    """Add a build of a branch, by default the default branch, at a commit, by default the newest.

    Raises `ErrorResponse` if it cannot be queued.
    """
    branch = branch or definition.repository.default_branch or ""
    branch = branch if branch.startswith("refs/") else f"refs/heads/{branch}"
    sha = sha or definition.repository.refs.get(branch, "")
    _validate(request, definition, branch, sha)
    number = len([build for build in project.builds if build.queued_at.date() == request.now.date()]) + 1
    person = request.person or definition.author
    name = f"{request.now:%Y%m%d}.{number}"
    build = Build(project.new_id(), name, definition, branch, sha, person, request.now, definition.outcome, reason)
    project.builds.append(build)
    return build


def _reason(request: Request, reason: Any) -> str:
    # Inferred: a build has one reason, which is manual by default.
    if reason in (None, "", "none"):
        return "manual"
    if reason not in _REASONS:
        raise ErrorResponse(invalid_body(request))
    return str(reason)


def _validate(request: Request, definition: Definition, branch: str, sha: str) -> None:
    problem = ""
    if definition.queue_status == "disabled":
        problem = f"The build pipeline {definition.name} is disabled."
    elif sha not in definition.repository.commits or branch not in definition.repository.refs:
        problem = (
            f"Could not get the latest source version for repository {definition.repository.name} hosted on Azure "
            f"Repos using ref {branch}."
        )
    if problem:
        text = "Could not queue the build because there were validation errors or warnings."
        body = envelope(text, "BuildRequestValidationFailedException", WEB_API, ASSEMBLY)
        body["customProperties"] = {"ValidationResults": [{"result": "error", "message": problem}]}
        raise ErrorResponse(json_answer(request, body, status=400))
