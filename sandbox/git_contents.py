"""What is in a repository: commits, folders, files. https://learn.microsoft.com/rest/api/azure/devops/git"""

import mimetypes
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from sandbox.git import GIT_SERVER, USUAL_PAGE, find_repository, repository_url, web_url
from sandbox.ids import instant, moment
from sandbox.repositories import Commit, Repository, Tree, blob_id, changes, children, has_folder, tree_id
from sandbox.wire import Answer, Refused, Request, error, json_answer, listing, person_json, raw
from sandbox.world import Project

_RECURSION = ("none", "oneLevel", "oneLevelPlusNestedEmptyFolders", "full")
_FORMATS = ("json", "octetStream", "text", "zip")
_OCTETS = "application/octet-stream"


def _commit_at(request: Request, repository: Repository, prefix: str) -> Commit:
    """The commit that a version of the query means, the default branch without one. Raises `Refused`."""
    version = request.query.get(f"{prefix}version", "")
    kind = request.query.get(f"{prefix}versionType") or "branch"
    if not repository.refs:
        text = f"VS403403: Cannot find any branches for the {repository.name} repository."
        raise Refused(error(request, 404, text, "GitItemNotFoundException", GIT_SERVER))
    ref = {"branch": f"refs/heads/{version}", "tag": f"refs/tags/{version}"}.get(kind, "")
    sha = repository.refs.get(ref, "") if ref else version
    found = repository.commits.get(sha) if version else repository.head
    if found is None:
        raise Refused(_unresolvable(request, repository, kind, version))
    return found


def _unresolvable(request: Request, repository: Repository, kind: str, version: str) -> Answer:
    text = (
        f"TF401175:The version descriptor <{kind.title()}: {version} > could not be resolved to a version in the "
        f"repository {repository.name}"
    )
    return error(request, 404, text, "GitUnresolvableToCommitException", GIT_SERVER)


def commits(request: Request, names: dict[str, str]) -> Answer:
    """The commits of a branch, newest first."""
    project, repository = find_repository(request, names)
    # Inferred: an empty repository has an empty history, not a missing one.
    start = _commit_at(request, repository, "searchCriteria.itemVersion.") if repository.refs else None
    skip = max(request.number("$skip", request.number("searchCriteria.$skip", 0)), 0)
    top = max(request.number("$top", request.number("searchCriteria.$top", USUAL_PAGE)), 0)
    fitting = list(_fitting(request, repository, start))[skip : skip + top]
    return listing(request, [commit_json(request, project, repository, one) for one in fitting])


def _fitting(request: Request, repository: Repository, start: Commit | None) -> Iterator[Commit]:
    author = request.query.get("searchCriteria.author", "").casefold()
    path = request.query.get("searchCriteria.itemPath", "").rstrip("/")
    since = moment(request.query.get("searchCriteria.fromDate", ""))
    until = moment(request.query.get("searchCriteria.toDate", ""))
    for commit in repository.history(start):
        who = f"{commit.author.name} {commit.author.upn}".casefold()
        at_path = not path or any(one == path or one.startswith(path + "/") for one in repository.differences(commit))
        in_time = (since is None or commit.at >= since) and (until is None or commit.at <= until)
        if author in who and at_path and in_time:
            yield commit


def _author_json(commit: Commit) -> dict[str, Any]:
    # Git keeps whole seconds.
    return {"name": commit.author.name, "email": commit.author.upn, "date": instant(commit.at.replace(microsecond=0))}


def commit_url(request: Request, project: Project, repository: Repository, commit: Commit) -> str:
    """Where calls reach a commit."""
    return f"{repository_url(request, project, repository)}/commits/{commit.id}"


def commit_json(request: Request, project: Project, repository: Repository, commit: Commit) -> dict[str, Any]:
    """A commit of a list, with the first line of its message."""
    first, *more = commit.comment.split("\n", 1)
    differences = list(repository.differences(commit).values())
    found: dict[str, Any] = {
        "commitId": commit.id,
        "author": _author_json(commit),
        "committer": _author_json(commit),
        "comment": first,
        "changeCounts": {kind.title(): differences.count(kind) for kind in ("add", "edit", "delete")},
        "url": commit_url(request, project, repository, commit),
        "remoteUrl": f"{web_url(request, project, repository)}/commit/{commit.id}",
    }
    return found | {"commentTruncated": True} if more else found


def commit(request: Request, names: dict[str, str]) -> Answer:
    """One commit, with its whole message, its parents and who pushed it."""
    project, repository = find_repository(request, names)
    found = _named_commit(request, repository, names["commit"])
    body = whole_commit_json(request, project, repository, found)
    top = request.number("changeCount", 0)
    if top > 0:
        body["changes"] = _changes_json(request, project, repository, found)[:top]
    body["push"] = {
        "pushedBy": person_json(request, found.author),
        "pushId": list(repository.commits).index(found.id) + 1,
        "date": instant(found.at),
    }
    return json_answer(request, body)


def whole_commit_json(request: Request, project: Project, repository: Repository, commit: Commit) -> dict[str, Any]:
    """A commit by itself."""
    here, web = commit_url(request, project, repository, commit), web_url(request, project, repository)
    return {
        "treeId": tree_id(commit.tree),
        "commitId": commit.id,
        "author": _author_json(commit),
        "committer": _author_json(commit),
        "comment": commit.comment,
        "parents": list(commit.parents),
        "url": here,
        "remoteUrl": f"{web}/commit/{commit.id}",
        "_links": {
            "self": {"href": here},
            "repository": {"href": repository_url(request, project, repository)},
            "web": {"href": f"{web}/commit/{commit.id}"},
            "changes": {"href": f"{here}/changes"},
        },
    }


def commit_changes(request: Request, names: dict[str, str]) -> Answer:
    """What a commit changed."""
    project, repository = find_repository(request, names)
    found = _named_commit(request, repository, names["commit"])
    counts = list(repository.differences(found).values())
    body = {
        "changeCounts": {kind.title(): counts.count(kind) for kind in ("add", "edit", "delete") if kind in counts},
        "changes": _changes_json(request, project, repository, found),
    }
    return json_answer(request, body)


def _named_commit(request: Request, repository: Repository, sha: str) -> Commit:
    found = repository.commits.get(sha.lower())
    if found is None:
        raise Refused(_unresolvable(request, repository, "commit", sha))
    return found


def _changes_json(request: Request, project: Project, repository: Repository, commit: Commit) -> list[dict[str, Any]]:
    before = repository.tree_before(commit)
    return [
        {
            "item": _item_json(request, project, repository, commit, path, before if kind == "delete" else commit.tree),
            "changeType": kind,
        }
        for path, kind in changes(before, commit.tree).items()
    ]


def items(request: Request, names: dict[str, str]) -> Answer:
    """One item at a `path`, or the items below a `scopePath`."""
    project, repository = find_repository(request, names)
    found = _commit_at(request, repository, "versionDescriptor.")
    if "path" in request.query:
        return _one_item(request, project, repository, found, _clean(request.query["path"]))
    scope = _clean(request.query.get("scopePath", "/"))
    _must_exist(request, repository, found, scope)
    depth = request.choice("recursionLevel", _RECURSION, "none")
    paths = [scope, *_below(found.tree, scope, deep=depth == "full")] if depth != "none" else [scope]
    return listing(request, [_item_json(request, project, repository, found, one, found.tree) for one in paths])


def _clean(path: str) -> str:
    return "/" + path.strip("/")


def _must_exist(request: Request, repository: Repository, commit: Commit, path: str) -> None:
    if path in commit.tree or has_folder(commit.tree, path):
        return
    version = request.query.get("versionDescriptor.version") or (repository.default_branch or "").rsplit("/", 1)[-1]
    text = (
        f"TF401174: The item '{path}' could not be found in the repository '{repository.name}' at the version "
        f"specified by '<Branch: {version} >' (resolved to commit '{commit.id}')"
    )
    raise Refused(error(request, 404, text, "GitItemNotFoundException", GIT_SERVER))


def _below(tree: Tree, folder: str, *, deep: bool) -> Iterator[str]:
    if folder in tree:
        return
    for path, is_folder in children(tree, folder).items():
        yield path
        if is_folder and deep:
            yield from _below(tree, path, deep=True)


def _item_json(
    request: Request, project: Project, repository: Repository, commit: Commit, path: str, tree: Tree
) -> dict[str, Any]:
    here = repository_url(request, project, repository)
    is_folder = path not in tree
    found: dict[str, Any] = {
        "objectId": tree_id(tree, path) if is_folder else blob_id(tree[path]),
        "gitObjectType": "tree" if is_folder else "blob",
        "commitId": commit.id,
        "path": path,
        "url": f"{here}/items{quote(path)}?versionType=Commit&version={commit.id}&versionOptions=None",
    }
    if is_folder:
        found["isFolder"] = True
    if request.flag("includeContentMetadata"):
        found["contentMetadata"] = _metadata(path, None if is_folder else tree[path])
    if request.flag("latestProcessedChange"):
        found["latestProcessedChange"] = commit_json(request, project, repository, commit)
    return found


def _metadata(path: str, content: bytes | None) -> dict[str, Any]:
    name = path.rsplit("/", 1)[1]
    if content is None:
        return {"fileName": name}
    kind = mimetypes.guess_type(name)[0] or ("application/octet-stream" if b"\0" in content else "text/plain")
    found: dict[str, Any] = {
        "encoding": -1 if b"\0" in content else 65001,
        "contentType": kind,
        "fileName": name,
        "extension": name.rpartition(".")[2] if "." in name else "",
    }
    if b"\0" in content:
        found["isBinary"] = True
    if kind.startswith("image/"):
        found["isImage"] = True
    return found


def _one_item(request: Request, project: Project, repository: Repository, commit: Commit, path: str) -> Answer:
    _must_exist(request, repository, commit, path)
    usual = "json" if request.wants_json else "octetStream"
    form = "octetStream" if request.flag("download") else request.choice("$format", _FORMATS, usual)
    if form != "json" and path in commit.tree:
        content = commit.tree[path]
        return raw(request, content, _OCTETS if form == "octetStream" else "text/plain; charset=utf-8")
    body = _item_json(request, project, repository, commit, path, commit.tree)
    if request.flag("includeContent") and path in commit.tree:
        # Content that is no text comes as text all the same, and only the metadata tells.
        body["content"] = commit.tree[path].decode("utf-8-sig", errors="replace")
    here = repository_url(request, project, repository)
    kind = "blob" if path in commit.tree else "tree"
    body["_links"] = {
        "self": {"href": body["url"]},
        "repository": {"href": here},
        kind: {"href": f"{here}/{kind}s/{body['objectId']}"},
    }
    return json_answer(request, body)


def blob(request: Request, names: dict[str, str]) -> Answer:
    """A file by the id of its content: its size as JSON, or the content itself."""
    project, repository = find_repository(request, names)
    wanted = names["sha"].lower()
    contents = (content for one in repository.commits.values() for content in one.tree.values())
    content = next((one for one in contents if blob_id(one) == wanted), None)
    if content is None:
        text = f"TF401029: The object with ID {names['sha']} could not be found in the repository {repository.name}."
        raise Refused(error(request, 404, text, "GitObjectDoesNotExistException", GIT_SERVER))
    usual = "json" if request.wants_json else "octetStream"
    if request.choice("$format", _FORMATS, usual) != "json":
        return raw(request, content, _OCTETS)
    here = f"{repository_url(request, project, repository)}/blobs/{wanted}"
    body = {
        "objectId": wanted,
        "size": len(content),
        "url": here,
        "_links": {"self": {"href": here}, "repository": {"href": repository_url(request, project, repository)}},
    }
    return json_answer(request, body)


def branch_stats(request: Request, names: dict[str, str]) -> Answer:
    """How far each branch is from the default one; with a `name` only that branch."""
    project, repository = find_repository(request, names)
    base = repository.head
    of_base = {one.id for one in repository.history(base)}
    branches = {
        name.removeprefix("refs/heads/"): repository.commits[sha]
        for name, sha in sorted(repository.refs.items())
        if name.startswith("refs/heads/")
    }
    wanted = request.query.get("name", "")
    if wanted and wanted not in branches:
        raise Refused(_unresolvable(request, repository, "branch", wanted))
    found = []
    for name in [wanted] if wanted else branches:
        own = {one.id for one in repository.history(branches[name])}
        found.append(
            {
                "commit": commit_json(request, project, repository, branches[name]),
                "name": name,
                "aheadCount": len(own - of_base),
                "behindCount": len(of_base - own),
                "isBaseVersion": f"refs/heads/{name}" == repository.default_branch,
            }
        )
    return json_answer(request, found[0]) if wanted else listing(request, found)
