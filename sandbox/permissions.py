"""The 403 for people and principals who lack a right."""

from sandbox.http_messages import Answer, ErrorResponse, Request, error
from sandbox.rights import READ_CODE, VIEW_BUILDS, VIEW_RELEASES

_GIT = "Microsoft.TeamFoundation.Git.Server"
_BUILD = "Microsoft.TeamFoundation.Build.WebApi"
_BUILD_ASSEMBLY = "Microsoft.TeamFoundation.Build2.WebApi"
_FRAMEWORK = "Microsoft.TeamFoundation.Framework.Server"
_AREAS = {"git": READ_CODE, "build": VIEW_BUILDS, "pipelines": VIEW_BUILDS, "release": VIEW_RELEASES}

# The messages of refused ref updates, which are part of an answer with 200.
NO_FORCE_PUSH = "The user does not have force push permissions"
PULL_REQUEST_NEEDED = (
    "TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch."
)


def git_denied(request: Request, permission: str) -> Answer:
    """403 with TF401027."""
    identity = request.person.id if request.person is not None else ""
    text = (
        f"TF401027: You need the Git '{permission}' permission to perform this action. "
        f"Details: identity '{identity}', scope 'repository'."
    )
    return error(request, 403, text, "GitNeedsPermissionException", _GIT)


def pull_request_needed(request: Request) -> Answer:
    """403 for a push to a branch with policies."""
    return error(request, 403, PULL_REQUEST_NEEDED, "GitRefUpdateRejectedByPolicyException", _GIT)


def build_denied(request: Request, right: str, pipeline: str, project: str) -> Answer:
    """403 with TF215106; `pipeline` is a number and a name."""
    text = (
        f"TF215106: Access denied. {_name(request)} needs {right} permissions for build pipeline {pipeline} "
        f"in team project {project} to perform the action. For more information, contact the Azure DevOps "
        "administrator."
    )
    return error(request, 403, text, "AccessDeniedException", _BUILD, _BUILD_ASSEMBLY)


def release_denied(request: Request, right: str) -> Answer:
    """403 with VS402904."""
    text = (
        f"VS402904: Access denied: User {_name(request)} does not have {right} permission. "
        "Contact your release manager."
    )
    return error(request, 403, text, "UnauthorizedRequestException", _FRAMEWORK)


def require_readable(request: Request) -> None:
    """Raise `ErrorResponse` with a 403 if the area of the URL is closed to the person in this project."""
    area = next((part.lower() for part in request.path[2:] if part.lower() in _AREAS), "")
    if area and request.lacks(_AREAS[area]):
        raise ErrorResponse(_unreadable(request, area))


def _unreadable(request: Request, area: str) -> Answer:
    if area == "git":
        return git_denied(request, READ_CODE)
    if area == "release":
        return release_denied(request, VIEW_RELEASES)
    return build_denied(request, VIEW_BUILDS, "0:", request.path[1])


def denied(request: Request) -> Answer:
    """403 as the area of the URL words it, whatever the request."""
    path = [part.lower() for part in request.path]
    project = request.path[1] if len(path) > 1 else ""
    if "release" in path:
        return release_denied(request, "manage releases")
    if "build" in path:
        return build_denied(request, "Queue builds", "0:", project)
    return git_denied(request, "GenericContribute")


def _name(request: Request) -> str:
    return request.person.name if request.person is not None else ""
