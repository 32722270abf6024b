"""Git. https://learn.microsoft.com/rest/api/azure/devops/git"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from sandbox.build import person_json
from sandbox.core import find_project, project_json
from sandbox.wire import Answer, Request, error, json_answer, listing
from sandbox.world import Commit, Project, Repository, instant, stable_id, stable_sha

USUAL_PAGE = 100
NOTHING = "0" * 40
_SERVER = "Microsoft.TeamFoundation.Git.Server"


def repository_json(request: Request, project: Project, repository: Repository) -> dict[str, Any]:
    """A repository; an empty one has no default branch."""
    organization = request.organization.name
    here = f"{request.base_url}/{organization}/{project.id}/_apis/git/repositories/{repository.id}"
    web = f"{organization}/{quote(project.name)}/_git/{quote(repository.name)}"
    scheme, _, host = request.base_url.partition("://")
    found: dict[str, Any] = {
        "id": repository.id,
        "name": repository.name,
        "url": here,
        "project": project_json(request, project),
        "size": repository.size,
        "remoteUrl": f"{scheme}://{organization}@{host}/{web}",
        "sshUrl": f"git@ssh.dev.azure.com:v3/{organization}/{quote(project.name)}/{quote(repository.name)}",
        "webUrl": f"{request.base_url}/{web}",
        "isDisabled": repository.disabled,
        "isInMaintenance": False,
    }
    if repository.default_branch and repository.branches:
        found["defaultBranch"] = repository.default_branch
    return found


def all_repositories(request: Request, _names: dict[str, str]) -> Answer:
    """Every repository of every visible project; there is no paging."""
    visible = [one for one in request.organization.visible(request.person) if one.state == "wellFormed"]
    return listing(
        request, [repository_json(request, project, one) for project in visible for one in project.repositories]
    )


def repositories(request: Request, names: dict[str, str]) -> Answer:
    """The repositories of one project, disabled ones too."""
    project = find_project(request, names["project"])
    if isinstance(project, Answer):
        return project
    return listing(request, [repository_json(request, project, one) for one in project.repositories])


def _not_found(request: Request, name: str) -> Answer:
    text = (
        f"TF401019: The Git repository with name or identifier {name} does not exist or you do not have "
        "permissions for the operation you are attempting."
    )
    return error(request, 404, text, "GitRepositoryNotFoundException", _SERVER)


def _denied(request: Request, permission: str) -> Answer:
    person = request.person.id if request.person else ""
    text = (
        f"TF401027: You need the Git '{permission}' permission to perform this action. "
        f"Details: identity '{person}', scope 'repository'."
    )
    return error(request, 403, text, "GitNeedsPermissionException", _SERVER)


def _find(request: Request, names: dict[str, str], *, changing: str = "") -> tuple[Project, Repository] | Answer:
    """The repository of an address. `changing` names the permission that a change needs."""
    project = find_project(request, names["project"])
    if isinstance(project, Answer):
        return project
    if changing and request.powerless:
        return _denied(request, changing)
    wanted = names["repository"].casefold()
    for repository in project.repositories:
        if wanted in (repository.id, repository.name.casefold()) and not repository.disabled:
            return project, repository
    return _not_found(request, names["repository"])


def repository(request: Request, names: dict[str, str]) -> Answer:
    """One repository."""
    found = _find(request, names)
    return found if isinstance(found, Answer) else json_answer(request, repository_json(request, *found))


def update_repository(request: Request, names: dict[str, str]) -> Answer:
    """Rename, or choose another default branch."""
    found = _find(request, names, changing="EditPolicies")
    if isinstance(found, Answer):
        return found
    body = request.json() or {}
    found[1].name = body.get("name", found[1].name)
    found[1].default_branch = body.get("defaultBranch", found[1].default_branch)
    return json_answer(request, repository_json(request, *found))


def create_repository(request: Request, names: dict[str, str]) -> Answer:
    """A new, empty repository."""
    project = find_project(request, names["project"])
    if isinstance(project, Answer):
        return project
    if request.powerless:
        return _denied(request, "CreateRepository")
    name = (request.json() or {}).get("name")
    if not name:
        return error(request, 400, "Value cannot be null. Parameter name: name", "ArgumentNullException", "System")
    if any(one.name.casefold() == name.casefold() for one in project.repositories):
        text = f"TF400948: A Git repository with the name {name} already exists."
        return error(request, 409, text, "GitRepositoryNameAlreadyExistsException", _SERVER)
    new = Repository(stable_id(request.organization.name, project.name, name, "new"), name)
    project.repositories.append(new)
    return json_answer(request, repository_json(request, project, new), status=201)


def refs(request: Request, names: dict[str, str]) -> Answer:
    """Branches, in pages; `filter` begins after "refs/"."""
    found = _find(request, names)
    if isinstance(found, Answer):
        return found
    begins = f"refs/{request.query.get('filter', '')}"
    fitting = sorted(item for item in found[1].branches.items() if item[0].startswith(begins))
    start = request.number("continuationToken", 0)
    top = min(max(request.number("$top", USUAL_PAGE), 1), 1000)
    creator = next(iter(found[1].commits.values())).author if found[1].commits else None
    items = [
        {"name": name, "objectId": sha, "creator": person_json(request, creator) if creator else {}, "url": ""}
        for name, sha in fitting[start : start + top]
    ]
    more = str(start + top) if start + top < len(fitting) else None
    return listing(request, items, continuation=more)


def update_refs(request: Request, names: dict[str, str]) -> Answer:
    """Create, move and delete branches. Answers 200 even when one of them failed."""
    found = _find(request, names, changing="CreateBranch")
    if isinstance(found, Answer):
        return found
    results = [_update_ref(found[1], one) for one in request.json() or []]
    return listing(request, results)


def _update_ref(repository: Repository, wish: dict[str, Any]) -> dict[str, Any]:
    name, old, new = wish.get("name", ""), wish.get("oldObjectId", NOTHING), wish.get("newObjectId", NOTHING)
    current = repository.branches.get(name, NOTHING)
    status = "succeeded" if current == old else "staleOldObjectId"
    if status == "succeeded" and new not in repository.commits and new != NOTHING:
        status = "unresolvableToCommit"
    if status == "succeeded" and new == NOTHING:
        repository.branches.pop(name, None)
    elif status == "succeeded":
        repository.branches[name] = new
    return {
        "name": name,
        "oldObjectId": old,
        "newObjectId": new,
        "repositoryId": repository.id,
        "updateStatus": status,
        "success": status == "succeeded",
    }


def _head(repository: Repository, branch: str) -> Commit | None:
    name = f"refs/heads/{branch}" if branch else repository.default_branch or ""
    return repository.commits.get(repository.branches.get(name, ""))


def commits(request: Request, names: dict[str, str]) -> Answer:
    """The commits of a branch, newest first."""
    found = _find(request, names)
    if isinstance(found, Answer):
        return found
    commit = _head(found[1], request.query.get("searchCriteria.itemVersion.version", ""))
    history = []
    while commit is not None:
        history.append(commit)
        commit = found[1].commits.get(commit.parents[0]) if commit.parents else None
    skip = request.number("$skip", request.number("searchCriteria.$skip", 0))
    top = request.number("$top", request.number("searchCriteria.$top", USUAL_PAGE))
    return listing(request, [_commit_json(request, *found, one) for one in history[skip : skip + top]])


def _commit_json(request: Request, project: Project, repository: Repository, commit: Commit) -> dict[str, Any]:
    who = {"name": commit.author.name, "email": commit.author.upn, "date": instant(commit.at)}
    here = f"{request.base_url}/{request.organization.name}"
    web = f"{here}/{quote(project.name)}/_git/{quote(repository.name)}"
    return {
        "commitId": commit.id,
        "author": who,
        "committer": who,
        "comment": commit.comment,
        "changeCounts": {"Add": 1, "Edit": 0, "Delete": 0},
        "url": f"{here}/_apis/git/repositories/{repository.id}/commits/{commit.id}",
        "remoteUrl": f"{web}/commit/{commit.id}",
    }


def items(request: Request, names: dict[str, str]) -> Answer:
    """Files and folders below a path, or one file with its text."""
    found = _find(request, names)
    if isinstance(found, Answer):
        return found
    commit = _head(found[1], request.query.get("versionDescriptor.version", ""))
    path = "/" + (request.query.get("scopePath") or request.query.get("path") or "/").strip("/")
    if commit is not None and path in commit.tree:
        return _file(request, commit, path)
    below = path.rstrip("/") + "/"
    inside = sorted(one for one in commit.tree if one.startswith(below)) if commit else []
    if commit is None or not inside:
        text = (
            f"TF401174: The item {path} could not be found in the repository {found[1].name} at the version specified."
        )
        return error(request, 404, text, "GitItemNotFoundException", _SERVER)
    folders = {below + one[len(below) :].split("/")[0] for one in inside if "/" in one[len(below) :]}
    files = [one for one in inside if "/" not in one[len(below) :]]
    entries = [_item(commit, path, folder=True)]
    entries += [_item(commit, one, folder=True) for one in sorted(folders)]
    return listing(request, entries + [_item(commit, one, folder=False) for one in files])


def _item(commit: Commit, path: str, *, folder: bool) -> dict[str, Any]:
    found = {
        "objectId": stable_sha(commit.id, path),
        "gitObjectType": "tree" if folder else "blob",
        "commitId": commit.id,
        "path": path,
        "url": "",
    }
    return {**found, "isFolder": True} if folder else found


def _file(request: Request, commit: Commit, path: str) -> Answer:
    item = _item(commit, path, folder=False)
    if request.query.get("includeContent", "").lower() == "true":
        raw = commit.tree[path]
        item["content"] = raw.decode("utf-8", errors="replace")
        item["contentMetadata"] = {"fileName": path.rsplit("/", 1)[-1], "isBinary": b"\0" in raw}
    return json_answer(request, item)


def push(request: Request, names: dict[str, str]) -> Answer:
    """Commit files to a branch."""
    found = _find(request, names, changing="GenericContribute")
    if isinstance(found, Answer):
        return found
    project, repository = found
    body = request.json() or {}
    if not body.get("refUpdates") or not body.get("commits") or request.person is None:
        return error(request, 400, "Value cannot be null. Parameter name: push", "ArgumentNullException", "System")
    wish = body["refUpdates"][0]
    current = repository.branches.get(wish["name"], NOTHING)
    if wish.get("oldObjectId", NOTHING) != current:
        text = (
            f"TF401028: The reference '{wish['name']}' has already been updated by another client, so you cannot "
            "update it. Please try again."
        )
        return error(request, 409, text, "GitReferenceStaleException", _SERVER)
    commit = _commit(repository, body["commits"][0], current, request)
    repository.commits[commit.id] = commit
    repository.branches[wish["name"]] = commit.id
    repository.default_branch = repository.default_branch or wish["name"]
    answer = {
        "pushId": len(repository.commits),
        "date": instant(commit.at),
        "pushedBy": person_json(request, request.person),
        "commits": [_commit_json(request, project, repository, commit)],
        "refUpdates": [{"name": wish["name"], "oldObjectId": current, "newObjectId": commit.id}],
        "repository": repository_json(request, project, repository),
    }
    return json_answer(request, answer, status=201)


def _commit(repository: Repository, wish: dict[str, Any], parent: str, request: Request) -> Commit:
    before = repository.commits.get(parent)
    tree = dict(before.tree) if before else {}
    for change in wish.get("changes", []):
        path = "/" + change["item"]["path"].lstrip("/")
        if change.get("changeType") == "delete":
            tree.pop(path, None)
        else:
            tree[path] = change.get("newContent", {}).get("content", "").encode()
    assert request.person is not None  # noqa: S101  (the caller looked)
    sha = stable_sha(repository.id, parent, len(repository.commits), wish.get("comment", ""))
    parents = (parent,) if before else ()
    return Commit(sha, request.person, datetime.now(UTC), wish.get("comment", ""), parents, tree)
