"""Classic releases. https://learn.microsoft.com/rest/api/azure/devops/release"""

from typing import Any

from sandbox.build import person_json
from sandbox.core import find_project
from sandbox.wire import Answer, Request, error, json_answer, listing
from sandbox.world import Approval, Project, Release, ReleaseDefinition, ReleaseEnvironment, instant, stable_id

USUAL_PAGE = 50
_SERVER = "Microsoft.VisualStudio.Services.ReleaseManagement.Data.Exceptions"


def _project(request: Request, names: dict[str, str]) -> Project | Answer:
    return find_project(request, names["project"])


def _page(request: Request, items: list[Any]) -> tuple[list[Any], str | None]:
    """Pages that continue after the number of the last item."""
    after = request.number("continuationToken", 0)
    left = [one for one in items if one.id >= after] if after else items
    top = max(request.number("$top", USUAL_PAGE), 1)
    return left[:top], str(left[top].id) if len(left) > top else None


def definitions(request: Request, names: dict[str, str]) -> Answer:
    """Release definitions."""
    project = _project(request, names)
    if isinstance(project, Answer):
        return project
    page, more = _page(request, project.release_definitions)
    return listing(request, [_definition(request, project, one) for one in page], continuation=more)


def _definition(request: Request, project: Project, definition: ReleaseDefinition) -> dict[str, Any]:
    here = f"{request.base_url}/{request.organization.name}/{project.id}"
    return {
        "id": definition.id,
        "name": definition.name,
        "path": "\\",
        "isDeleted": False,
        "source": "userInterface",
        "url": f"{here}/_apis/Release/definitions/{definition.id}",
        "_links": {"web": {"href": f"{here}/_release?definitionId={definition.id}"}},
    }


def releases(request: Request, names: dict[str, str]) -> Answer:
    """Releases; with their environments when asked."""
    project = _project(request, names)
    if isinstance(project, Answer):
        return project
    page, more = _page(request, project.releases)
    expand = "environments" in request.query.get("$expand", "")
    return listing(request, [_release(request, project, one, expand=expand) for one in page], continuation=more)


def _release(request: Request, project: Project, release: Release, *, expand: bool) -> dict[str, Any]:
    here = f"{request.base_url}/{request.organization.name}/{project.id}"
    found = {
        "id": release.id,
        "name": release.name,
        "status": release.status,
        "createdOn": instant(release.created_at),
        "modifiedOn": instant(release.created_at),
        "createdBy": person_json(request, release.person),
        "modifiedBy": person_json(request, release.person),
        "reason": "manual",
        "keepForever": False,
        "releaseDefinition": {"id": release.definition.id, "name": release.definition.name},
        "projectReference": {"id": project.id, "name": project.name},
        "url": f"{here}/_apis/Release/releases/{release.id}",
        "_links": {"web": {"href": f"{here}/_release?releaseId={release.id}"}},
    }
    if expand:
        found["environments"] = [_environment(release, one) for one in release.environments]
    return found


def _environment(release: Release, environment: ReleaseEnvironment) -> dict[str, Any]:
    return {
        "id": environment.id,
        "releaseId": release.id,
        "name": environment.name,
        "status": environment.status,
        "rank": environment.rank,
        "definitionEnvironmentId": environment.rank,
    }


_DEPLOYMENT = {
    "succeeded": ("succeeded", "approved"),
    "rejected": ("failed", "rejected"),
    "inProgress": ("inProgress", "phaseInProgress"),
}


def deployments(request: Request, names: dict[str, str]) -> Answer:
    """What was deployed to which environment."""
    project = _project(request, names)
    if isinstance(project, Answer):
        return project
    found = [
        {
            "id": environment.id,
            "release": {"id": release.id, "name": release.name},
            "releaseDefinition": {"id": release.definition.id, "name": release.definition.name},
            "releaseEnvironment": {"id": environment.id, "name": environment.name},
            "attempt": 1,
            "deploymentStatus": _DEPLOYMENT[environment.status][0],
            "operationStatus": _DEPLOYMENT[environment.status][1],
            "requestedBy": person_json(request, release.person),
            "queuedOn": instant(release.created_at),
            "startedOn": instant(release.created_at),
        }
        for release in project.releases
        for environment in release.environments
        if environment.status in _DEPLOYMENT
    ]
    return listing(request, found)


def approvals(request: Request, names: dict[str, str]) -> Answer:
    """Approvals in the asked state; pending when it is not said."""
    project = _project(request, names)
    if isinstance(project, Answer):
        return project
    wanted = request.query.get("statusFilter", "pending")
    found = [_approval(request, one) for one in project.approvals if one.status == wanted]
    return listing(request, found)


def _approval(request: Request, approval: Approval) -> dict[str, Any]:
    return {
        "id": approval.id,
        "revision": 1,
        "approver": person_json(request, approval.approver),
        "approvalType": "preDeploy",
        "createdOn": instant(approval.created_at),
        "status": approval.status,
        "isAutomated": False,
        "attempt": 1,
        "rank": 1,
        "release": {"id": approval.release.id, "name": approval.release.name},
        "releaseDefinition": {
            "id": approval.release.definition.id,
            "name": approval.release.definition.name,
        },
        "releaseEnvironment": {"id": approval.environment.id, "name": approval.environment.name},
    }


def _denied(request: Request) -> Answer:
    text = (
        f"VS402904: Access denied: User {stable_id('denied')} does not have manage releases permission. "
        "Contact your release manager."
    )
    return error(request, 403, text, "UnauthorizedRequestException", "Microsoft.TeamFoundation.Framework.Server")


def update_release(request: Request, names: dict[str, str]) -> Answer:
    """Change one release: here only its status."""
    project = _project(request, names)
    if isinstance(project, Answer):
        return project
    if request.powerless:
        return _denied(request)
    release = next((one for one in project.releases if str(one.id) == names["id"]), None)
    if release is None:
        text = f"VS402861: Release with ID: {names['id']} does not exist."
        return error(request, 404, text, "ReleaseNotFoundException", _SERVER)
    release.status = (request.json() or {}).get("status", release.status)
    return json_answer(request, _release(request, project, release, expand=True))


def update_approval(request: Request, names: dict[str, str]) -> Answer:
    """Approve or reject."""
    project = _project(request, names)
    if isinstance(project, Answer):
        return project
    if request.powerless:
        return _denied(request)
    approval = next((one for one in project.approvals if str(one.id) == names["id"]), None)
    if approval is None:
        text = f"VS402881: Approval with ID {names['id']} does not exist."
        return error(request, 404, text, "ReleaseManagementObjectNotFoundException", _SERVER)
    approval.status = (request.json() or {}).get("status", approval.status)
    return json_answer(request, _approval(request, approval))
