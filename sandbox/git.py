"""Git repositories and refs. https://learn.microsoft.com/rest/api/azure/devops/git"""

import re
from typing import Any
from urllib.parse import quote, unquote

from sandbox import permissions
from sandbox.core import find_project, project_json, usable_projects
from sandbox.http_messages import (
    Answer,
    ErrorResponse,
    Request,
    argument_missing,
    argument_wrong,
    error,
    json_answer,
    listing,
    person_json,
)
from sandbox.ids import stable_id
from sandbox.repositories import NOTHING, RefUpdate, Repository
from sandbox.state import Project

USUAL_PAGE = 100
LARGEST_PAGE = 1000
GIT_SERVER = "Microsoft.TeamFoundation.Git.Server"
_REF_NAME = re.compile(r"refs/(?:heads|tags)/[^\s~^:?*\[\\]+(?<![/.])")


def repository_url(request: Request, project: Project, repository: Repository) -> str:
    """The API URL of a repository."""
    return f"{request.here}/{project.id}/_apis/git/repositories/{repository.id}"


def web_url(request: Request, project: Project, repository: Repository) -> str:
    """The web page of a repository."""
    return f"{request.here}/{quote(project.name)}/_git/{quote(repository.name)}"


def repository_json(request: Request, project: Project, repository: Repository) -> dict[str, Any]:
    """A repository as JSON. An empty one has no default branch, and older servers return fewer properties."""
    web = web_url(request, project, repository)
    body: dict[str, Any] = {
        "id": repository.id,
        "name": repository.name,
        "url": repository_url(request, project, repository),
        "project": project_json(request, project),
        "size": repository.size,
        "remoteUrl": _clone_url(request, web),
        "sshUrl": _ssh_url(request, project, repository),
        "webUrl": web,
    }
    if repository.default_branch and repository.refs:
        body["defaultBranch"] = repository.default_branch
    if request.edition.tells_disabled:
        body["isDisabled"] = repository.disabled
    if request.edition.tells_maintenance:
        body["isInMaintenance"] = False
    return body


def _clone_url(request: Request, web: str) -> str:
    # The service puts the organization in the place of a username.
    return web.replace("://", f"://{request.organization.name}@", 1) if request.edition.hosted else web


def _ssh_url(request: Request, project: Project, repository: Repository) -> str:
    path = f"{quote(request.organization.name)}/{quote(project.name)}"
    if request.edition.hosted:
        return f"git@ssh.dev.azure.com:v3/{path}/{quote(repository.name)}"
    host, _, folder = request.base_url.partition("://")[2].partition("/")
    return f"ssh://{host.partition(':')[0]}:22/{folder}/{path}/_git/{quote(repository.name)}".replace("22//", "22/")


def all_repositories(request: Request, _names: dict[str, str]) -> Answer:
    """List every repository of every visible project; there is no paging."""
    return _listed(request, usable_projects(request))


def repositories(request: Request, names: dict[str, str]) -> Answer:
    """List the repositories of one project, including disabled ones."""
    return _listed(request, [find_project(request, names)])


def _listed(request: Request, projects: list[Project]) -> Answer:
    written = [
        repository_json(request, project, repository)
        for project in projects
        for repository in _visible_repositories(request, project)
    ]
    return listing(request, [_with_links(item) for item in written] if request.flag("includeLinks") else written)


def _visible_repositories(request: Request, project: Project) -> list[Repository]:
    """The repositories of a project. A Stakeholder sees only those of public projects."""
    is_stakeholder = request.organization.licence_of(request.person) == "stakeholder"
    return [] if is_stakeholder and project.visibility != "public" else project.repositories


def repository_not_found(request: Request, name: str) -> Answer:
    """404: missing, disabled or hidden."""
    text = (
        f"TF401019: The Git repository with name or identifier {name} does not exist or you do not have "
        "permissions for the operation you are attempting."
    )
    return error(request, 404, text, "GitRepositoryNotFoundException", GIT_SERVER)


def require(request: Request, permission: str) -> None:
    """Raise `ErrorResponse` with a 403 if the person, not the token, lacks a permission."""
    if request.lacks(permission):
        raise ErrorResponse(permissions.git_denied(request, permission))


def find_repository(
    request: Request, names: dict[str, str], *, changing: str = "", disabled_too: bool = False
) -> tuple[Project, Repository]:
    """The repository that a path names; without a project, only by its id.

    `changing` is the permission that a change requires. Raises `ErrorResponse`.
    """
    projects = [find_project(request, names)] if "project" in names else usable_projects(request)
    if changing and request.permission_first:
        require(request, changing)
    folded = names["repository"].casefold()
    for project in projects:
        for repository in _visible_repositories(request, project):
            named = "project" in names and folded == repository.name.casefold()
            if (named or folded == repository.id) and (disabled_too or not repository.disabled):
                request.project = project
                if changing:
                    require(request, changing)
                return project, repository
    raise ErrorResponse(repository_not_found(request, names["repository"]))


def _with_links(body: dict[str, Any]) -> dict[str, Any]:
    """The JSON of a repository, with links."""
    here = body["url"]
    links = {
        "self": {"href": here},
        "project": {"href": body["project"]["url"]},
        "web": {"href": body["webUrl"]},
        "ssh": {"href": body["sshUrl"]},
        "commits": {"href": f"{here}/commits"},
        "refs": {"href": f"{here}/refs"},
        "items": {"href": f"{here}/items"},
        "pushes": {"href": f"{here}/pushes"},
    }
    return body | {"_links": links}


def repository(request: Request, names: dict[str, str]) -> Answer:
    """Read one repository, with links."""
    return json_answer(request, _with_links(repository_json(request, *find_repository(request, names))))


def update_repository(request: Request, names: dict[str, str]) -> Answer:
    """Rename a repository, disable or enable it, or change its default branch."""
    project, requested = find_repository(request, names, changing="RenameRepository", disabled_too=True)
    fields = request.fields()
    branch = str(fields.get("defaultBranch") or requested.default_branch or "")
    if branch and branch != requested.default_branch and branch not in requested.refs:
        raise ErrorResponse(argument_wrong(request, f"The branch '{branch}' does not exist."))
    requested.name = str(fields.get("name") or requested.name)
    requested.default_branch = branch or None
    requested.disabled = fields.get("isDisabled", requested.disabled) is True
    return json_answer(request, repository_json(request, project, requested))


def create_repository(request: Request, names: dict[str, str]) -> Answer:
    """Create an empty repository."""
    project = find_project(request, names)
    require(request, "CreateRepository")
    name = request.fields().get("name")
    if not name or not isinstance(name, str):
        raise ErrorResponse(argument_missing(request, "name"))
    if any(repository.name.casefold() == name.casefold() for repository in project.repositories):
        text = f"TF400948: A Git repository with the name {name} already exists."
        raise ErrorResponse(error(request, 409, text, "GitRepositoryNameAlreadyExistsException", GIT_SERVER))
    new = Repository(stable_id(project.id, name, len(project.repositories)), name)
    project.repositories.append(new)
    return json_answer(request, repository_json(request, project, new), status=201)


def refs(request: Request, names: dict[str, str]) -> Answer:
    """List branches and tags, paged on request; `filter` starts after "refs/"."""
    project, requested = find_repository(request, names)
    token = unquote(request.query.get("continuationToken", ""))
    fitting = sorted(name for name in requested.refs if _fits(request, requested, name) and name >= token)
    top = request.number("$top", USUAL_PAGE if token else len(fitting))
    page = fitting[: min(max(top, 1), LARGEST_PAGE)]
    more = quote(fitting[len(page)]) if len(page) < len(fitting) else None
    return listing(request, [_ref_json(request, project, requested, name) for name in page], continuation=more)


def _fits(request: Request, repository: Repository, name: str) -> bool:
    """Whether a ref matches the query. Raises `ErrorResponse`."""
    begins, contains = request.query.get("filter", ""), request.query.get("filterContains", "")
    if request.flag("includeMyBranches"):
        if begins:
            text = "The includeMyBranches parameter cannot be combined with the filter parameter."
            raise ErrorResponse(argument_wrong(request, text))
        creator = repository.commits[repository.refs[name]].author
        is_own = request.person is not None and creator.id == request.person.id
        if not name.startswith("refs/heads/") or not (is_own or name == repository.default_branch):
            return False
    return name.startswith(f"refs/{begins}") and contains in name


def _ref_json(request: Request, project: Project, repository: Repository, name: str) -> dict[str, Any]:
    sha = repository.refs[name]
    here = repository_url(request, project, repository)
    written: dict[str, Any] = {
        "name": name,
        "objectId": sha,
        "creator": person_json(request, repository.commits[sha].author),
        "url": f"{here}/refs?filter={quote(name.removeprefix('refs/'), safe='')}",
    }
    if request.flag("includeLinks"):
        written["_links"] = {"self": {"href": written["url"]}, "repository": {"href": here}}
    return written


def update_refs(request: Request, names: dict[str, str]) -> Answer:
    """Create, move and delete branches. Answers 200 even if one of them failed."""
    _, requested = find_repository(request, names)
    results = [_update_ref(request, requested, update) for update in request.entries()]
    moved = [
        RefUpdate(result["name"], result["oldObjectId"], result["newObjectId"])
        for result in results
        if result["updateStatus"] == "succeeded"
    ]
    if moved and request.person is not None:
        requested.add_push(request.person, request.now, moved)
    return listing(request, results)


def _update_ref(request: Request, repository: Repository, update: dict[str, Any]) -> dict[str, Any]:
    name = str(update.get("name", ""))
    old, new = str(update.get("oldObjectId", NOTHING)), str(update.get("newObjectId", NOTHING))
    status, message = _ref_status(request, repository, name, old, new)
    if status == "succeeded" and new == NOTHING:
        del repository.refs[name]
    elif status == "succeeded":
        repository.refs[name] = new
    return {
        "repositoryId": repository.id,
        "name": name,
        "oldObjectId": old,
        "newObjectId": new,
        "isLocked": False,
        "updateStatus": status,
        "success": status.startswith("succeeded"),
        **({"customMessage": message} if message else {}),
    }


def _ref_status(request: Request, repository: Repository, name: str, old: str, new: str) -> tuple[str, str]:
    """The status of a ref update, and its message."""
    if not _REF_NAME.fullmatch(name):
        return "invalidRefName", ""
    if old == NOTHING and request.lacks("CreateBranch"):
        return "createBranchPermissionRequired", ""
    if old != NOTHING and request.lacks("GenericContribute"):
        return "writePermissionRequired", ""
    if repository.refs.get(name, NOTHING) != old:
        return "staleOldObjectId", ""
    if new != NOTHING and new not in repository.commits:
        return "unresolvableToCommit", ""
    if old != NOTHING and request.lacks("ForcePush") and not repository.contains(new, old):
        return "forcePushRequired", permissions.NO_FORCE_PUSH
    if name in repository.protected:
        return "rejectedByPolicy", permissions.PULL_REQUEST_NEEDED
    if new == NOTHING and name not in repository.refs:
        return "succeededNonExistentRef", ""
    return "succeeded", ""
