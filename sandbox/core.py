"""Projects. https://learn.microsoft.com/rest/api/azure/devops/core/projects"""

from typing import Any

from sandbox.wire import Answer, Request, error, json_answer, listing
from sandbox.world import Project, instant

PAGE_CAP = 100
_CORE = "Microsoft.TeamFoundation.Core.WebApi"
_USUAL_STATE = "wellFormed"


def project_json(request: Request, project: Project) -> dict[str, Any]:
    """A project in a list or inside something else; an empty description is absent."""
    found: dict[str, Any] = {
        "id": project.id,
        "name": project.name,
        "url": f"{request.base_url}/{request.organization.name}/_apis/projects/{project.id}",
        "state": project.state,
        "revision": project.revision,
        "visibility": project.visibility,
        "lastUpdateTime": instant(project.updated_at),
    }
    if project.description:
        found["description"] = project.description
    return found


def projects(request: Request, _names: dict[str, str]) -> Answer:
    """The projects that the person sees, in pages."""
    wanted = request.query.get("stateFilter", _USUAL_STATE)
    visible = [one for one in request.organization.visible(request.person) if _fits(one, wanted)]
    visible.sort(key=lambda one: one.name.casefold())
    start = request.number("continuationToken", request.number("$skip", 0))
    top = min(max(request.number("$top", PAGE_CAP), 1), PAGE_CAP)
    page = visible[start : start + top]
    more = str(start + top) if start + top < len(visible) else None
    return listing(request, [project_json(request, one) for one in page], continuation=more)


def _fits(project: Project, wanted: str) -> bool:
    if wanted.lower() == "all":
        return project.state != "deleted"
    return project.state.lower() == wanted.lower()


def project(request: Request, names: dict[str, str]) -> Answer:
    """One project by name or id, with links and its team."""
    found = find_project(request, names["project"])
    if isinstance(found, Answer):
        return found
    here = f"{request.base_url}/{request.organization.name}"
    body = project_json(request, found)
    body["_links"] = {
        "self": {"href": body["url"]},
        "web": {"href": f"{here}/{found.name}"},
    }
    return json_answer(request, body)


def find_project(request: Request, name_or_id: str) -> Project | Answer:
    """The project of an address, or a 404 that does not say whether it exists."""
    for project in request.organization.visible(request.person):
        if name_or_id.casefold() in (project.name.casefold(), project.id) and project.state == _USUAL_STATE:
            return project
    if len(name_or_id) == 36 and name_or_id.count("-") == 4:
        text = (
            f"VS800075: The project with id 'vstfs:///Classification/TeamProject/{name_or_id}' does not exist, "
            "or you do not have permission to access it."
        )
        return error(request, 404, text, "ProjectDoesNotExistException", _CORE)
    text = (
        f"TF200016: The following project does not exist: {name_or_id}. Verify that the name of the project is "
        "correct and that the project exists on the specified Azure DevOps Server."
    )
    return error(request, 404, text, "ProjectDoesNotExistWithNameException", _CORE)
