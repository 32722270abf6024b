"""Builds. https://learn.microsoft.com/rest/api/azure/devops/build"""

from datetime import UTC, datetime
from typing import Any

from sandbox.core import find_project, project_json
from sandbox.wire import Answer, Request, error, json_answer, listing
from sandbox.world import Build, Definition, Person, Project, instant

USUAL_PAGE = 1000
_WEB_API = "Microsoft.TeamFoundation.Build.WebApi"


def person_json(request: Request, person: Person) -> dict[str, Any]:
    """A person inside something else."""
    return {
        "displayName": person.name,
        "id": person.id,
        "uniqueName": person.upn,
        "url": f"{request.base_url}/{request.organization.name}/_apis/Identities/{person.id}",
    }


def definition_json(request: Request, project: Project, definition: Definition) -> dict[str, Any]:
    """A definition as lists show it."""
    here = f"{request.base_url}/{request.organization.name}/{project.id}"
    return {
        "id": definition.id,
        "name": definition.name,
        "path": definition.path,
        "type": "build",
        "queueStatus": definition.queue_status,
        "revision": 1,
        "createdDate": instant(project.updated_at),
        "project": project_json(request, project),
        "url": f"{here}/_apis/build/Definitions/{definition.id}?revision=1",
        "_links": {"web": {"href": f"{here}/_build/definition?definitionId={definition.id}"}},
    }


def build_json(request: Request, project: Project, build: Build) -> dict[str, Any]:
    """A build; what is not known yet is absent."""
    here = f"{request.base_url}/{request.organization.name}/{project.id}"
    found: dict[str, Any] = {
        "id": build.id,
        "buildNumber": build.number,
        "status": build.status,
        "queueTime": instant(build.queued_at),
        "reason": build.reason,
        "sourceBranch": build.branch,
        "sourceVersion": build.definition.repository.branches.get(build.branch, ""),
        "definition": definition_json(request, project, build.definition),
        "project": project_json(request, project),
        "requestedFor": person_json(request, build.person),
        "requestedBy": person_json(request, build.person),
        "url": f"{here}/_apis/build/Builds/{build.id}",
        "_links": {"web": {"href": f"{here}/_build/results?buildId={build.id}"}},
        "validationResults": [],
        "tags": [],
    }
    optional = {"result": build.result, "startTime": build.started_at, "finishTime": build.finished_at}
    for key, value in optional.items():
        if value is not None:
            found[key] = instant(value) if isinstance(value, datetime) else value
    return found


def _page(request: Request, items: list[Any]) -> tuple[list[Any], str | None]:
    start = request.number("continuationToken", 0)
    top = max(request.number("$top", USUAL_PAGE), 1)
    page = items[start : start + top]
    return page, str(start + top) if start + top < len(items) else None


def definitions(request: Request, names: dict[str, str]) -> Answer:
    """Build definitions, in pages."""
    project = find_project(request, names["project"])
    if isinstance(project, Answer):
        return project
    page, more = _page(request, project.definitions)
    return listing(request, [definition_json(request, project, one) for one in page], continuation=more)


def builds(request: Request, names: dict[str, str]) -> Answer:
    """Builds, newest first, in pages."""
    project = find_project(request, names["project"])
    if isinstance(project, Answer):
        return project
    wanted = {part for part in request.query.get("definitions", "").split(",") if part}
    fitting = [one for one in reversed(project.builds) if not wanted or str(one.definition.id) in wanted]
    page, more = _page(request, fitting)
    return listing(request, [build_json(request, project, one) for one in page], continuation=more)


def _find(request: Request, names: dict[str, str]) -> tuple[Project, Build] | Answer:
    project = find_project(request, names["project"])
    if isinstance(project, Answer):
        return project
    found = next((one for one in project.builds if str(one.id) == names["id"]), None)
    if found is None:
        text = f"The requested build {names['id']} could not be found."
        return error(request, 404, text, "BuildNotFoundException", _WEB_API)
    return project, found


def build(request: Request, names: dict[str, str]) -> Answer:
    """One build."""
    found = _find(request, names)
    return found if isinstance(found, Answer) else json_answer(request, build_json(request, *found))


def _denied(request: Request, right: str) -> Answer:
    name = request.person.name if request.person else "Nobody"
    text = (
        f"TF215106: Access denied. {name} needs {right} permissions for build pipeline 1 in team project to perform "
        "the action. For more information, contact the Azure DevOps administrator."
    )
    return error(request, 403, text, "AccessDeniedException", _WEB_API)


def update(request: Request, names: dict[str, str]) -> Answer:
    """Cancel a build."""
    project = find_project(request, names["project"])
    if isinstance(project, Answer):
        return project
    if request.powerless:
        return _denied(request, "Stop builds")
    found = _find(request, names)
    if isinstance(found, Answer):
        return found
    wanted = (request.json() or {}).get("status")
    if wanted == "cancelling" and found[1].status != "completed":
        found[1].status, found[1].result = "completed", "canceled"
        found[1].finished_at = datetime.now(UTC)
    return json_answer(request, build_json(request, *found))


def queue(request: Request, names: dict[str, str]) -> Answer:
    """Run a definition; answers 200, not 201."""
    project = find_project(request, names["project"])
    if isinstance(project, Answer):
        return project
    if request.powerless:
        return _denied(request, "Queue builds")
    body = request.json()
    wanted = body.get("definition", {}).get("id") if isinstance(body, dict) else None
    definition = next((one for one in project.definitions if one.id == wanted), None)
    if definition is None or request.person is None:
        text = "Value cannot be null. Parameter name: build.Definition"
        return error(request, 400, text, "ArgumentNullException", "System")
    number = max((one.id for one in project.builds), default=0) + 1
    branch = body.get("sourceBranch") or definition.repository.default_branch or "refs/heads/main"
    new = Build(number, f"sandbox.{number}", definition, branch, request.person, datetime.now(UTC))
    project.builds.append(new)
    return json_answer(request, build_json(request, project, new))
