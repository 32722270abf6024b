"""Projects. https://learn.microsoft.com/rest/api/azure/devops/core/projects"""

import uuid
from typing import Any
from urllib.parse import quote

from sandbox import error_responses, permissions
from sandbox.http_messages import Answer, ErrorResponse, Request, error, json_answer, listing
from sandbox.ids import instant, stable_id
from sandbox.state import Project

PAGE_CAP = 100
USABLE = "wellFormed"
STATES = ("deleting", "new", USABLE, "createPending", "all", "unchanged", "deleted")
_CORE = "Microsoft.TeamFoundation.Core.WebApi"


def project_json(request: Request, project: Project) -> dict[str, Any]:
    """A project in a list or as part of other JSON. An empty description is absent."""
    body: dict[str, Any] = {
        "id": project.id,
        "name": project.name,
        "url": f"{request.here}/_apis/projects/{project.id}",
        "state": project.state,
        "revision": project.revision,
        "visibility": project.visibility,
        "lastUpdateTime": instant(project.updated_at),
    }
    if project.description:
        body["description"] = project.description
    return body


def projects(request: Request, _names: dict[str, str]) -> Answer:
    """List the projects that the person sees, in no particular order, in pages."""
    state = request.choice("stateFilter", STATES, USABLE)
    visible = [project for project in request.organization.visible(request.person) if _fits(project, state)]
    start = max(request.number("continuationToken", request.number("$skip", 0)), 0)
    top = min(max(request.number("$top", PAGE_CAP), 1), PAGE_CAP)
    page = visible[start : start + top]
    more = str(start + top) if start + top < len(visible) else None
    return listing(request, [project_json(request, project) for project in page], continuation=more)


def _fits(project: Project, state: str) -> bool:
    return project.state != "deleted" if state == "all" else project.state == state


def project(request: Request, names: dict[str, str]) -> Answer:
    """Read one project by name or id, in any state, with links and its team."""
    requested = _visible(request, names["project"])
    if requested is None or requested.state == "deleted":
        raise ErrorResponse(_unknown(request, names["project"]))
    body = project_json(request, requested)
    body["_links"] = {
        "self": {"href": body["url"]},
        "collection": {"href": f"{request.here}/_apis/projectCollections/{request.organization.id}"},
        "web": {"href": f"{request.here}/{quote(requested.name)}"},
    }
    team = stable_id("team", requested.id)
    body["defaultTeam"] = {"id": team, "name": f"{requested.name} Team", "url": f"{body['url']}/teams/{team}"}
    if request.flag("includeCapabilities"):
        body["capabilities"] = {
            "versioncontrol": {"sourceControlType": "Git", "gitEnabled": "True", "tfvcEnabled": "False"}
        }
    return json_answer(request, body)


def find_project(request: Request, names: dict[str, str], *, unknown_id: int = 404) -> Project:
    """The project that a path names.

    Raises `ErrorResponse` with a 404 that does not say whether it exists; `unknown_id` is the status for an id.
    """
    requested = _visible(request, names["project"])
    if requested is None or requested.state != USABLE:
        raise ErrorResponse(_unknown(request, names["project"], unknown_id=unknown_id))
    request.project = requested
    permissions.require_readable(request)
    return requested.opened()


def usable_projects(request: Request) -> list[Project]:
    """Every project that the person can use."""
    return [project.opened() for project in request.organization.visible(request.person) if project.state == USABLE]


def _visible(request: Request, name_or_id: str) -> Project | None:
    folded = name_or_id.casefold()
    visible = request.organization.visible(request.person)
    return next((project for project in visible if folded == project.id or folded == project.name.casefold()), None)


def _unknown(request: Request, name_or_id: str, *, unknown_id: int = 404) -> Answer:
    if request.person is None:
        return error_responses.wrong_token(request)
    if _is_id(name_or_id):
        text = (
            f"VS800075: The project with id 'vstfs:///Classification/TeamProject/{name_or_id}' does not exist, "
            "or you do not have permission to access it."
        )
        return error(request, unknown_id, text, "ProjectDoesNotExistException", _CORE)
    text = (
        f"TF200016: The following project does not exist: {name_or_id}. Verify that the name of the project is "
        "correct and that the project exists on the specified Azure DevOps Server."
    )
    return error(request, 404, text, "ProjectDoesNotExistWithNameException", _CORE)


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
