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
    project, found = find_build(request, names, changing="Stop builds")
    wanted = str(request.fields().get("status", "")).lower()
    if wanted == "cancelling" and found.state(request.now).status in ("notStarted", "inProgress"):
        found.canceled_at, found.canceled_by = request.now, request.person
    return json_answer(request, build_json(request, project, found))


def delete(request: Request, names: dict[str, str]) -> Answer:
    """Delete a build. Lists omit it from then on, unless deleted builds are requested."""
    _, found = find_build(request, names, changing="Delete builds")
    if found.deleted_at is None:
        found.deleted_at, found.deleted_by = request.now, request.person
    return empty(request)


def queue(request: Request, names: dict[str, str]) -> Answer:
    """Queue a build of the definition in the body, or in the query if there is no body; answers 200, not 201."""
    project = find_project(request, names, unknown_id=400)
    if request.permission_first:
        require(request, project, None, "Queue builds")
    body = request.fields()
    if not body and request.query.get("definitionId"):
        body = {"definition": {"id": request.number("definitionId", 0)}}
    wanted = body.get("definition")
    if wanted is None:
        raise ErrorResponse(argument_missing(request, "build.Definition"))
    if not isinstance(wanted, dict):
        raise ErrorResponse(invalid_body(request))
    found = find_definition(request, project, str(wanted.get("id", "")))
    require(request, project, found, "Queue builds")
    branch, sha = str(body.get("sourceBranch") or ""), str(body.get("sourceVersion") or "")
    build = begin(request, project, found, branch, sha, reason=_reason(request, body.get("reason")))
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


def _reason(request: Request, wish: Any) -> str:
    # Inferred: a build has one reason, which is manual by default.
    if wish in (None, "", "none"):
        return "manual"
    if wish not in _REASONS:
        raise ErrorResponse(invalid_body(request))
    return str(wish)


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
