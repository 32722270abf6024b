"""Folders and files of a repository by their paths. https://learn.microsoft.com/rest/api/azure/devops/git/items"""

import mimetypes
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from sandbox.git import GIT_SERVER, find_repository, repository_url
from sandbox.git_commits import commit_at, commit_json
from sandbox.git_objects import FORMATS, OCTETS
from sandbox.http_messages import Answer, ErrorResponse, Request, argument_wrong, error, json_answer, listing, raw
from sandbox.repositories import Commit, Repository, Tree, blob_id, children, has_folder, tree_id
from sandbox.state import Project
from sandbox.zips import download, wants_zip, zip_answer

_RECURSION = ("none", "oneLevel", "oneLevelPlusNestedEmptyFolders", "full")


def items(request: Request, names: dict[str, str]) -> Answer:
    """Read one item at a `path`, or list the items below a `scopePath`; either as a zip file of everything below."""
    project, repository = find_repository(request, names)
    commit = commit_at(request, repository, "versionDescriptor.")
    depth = request.choice("recursionLevel", _RECURSION, "none")
    if "path" in request.query:
        if depth != "none":
            text = (
                'Cannot specify a "recursionLevel" other than "None" when providing a single item "path". Use the '
                '"scopePath" query parameter filter instead to get a collection of items.'
            )
            raise ErrorResponse(argument_wrong(request, text))
        return _one_item(request, project, repository, commit, _clean(request.query["path"]))
    scope = _clean(request.query.get("scopePath", "/"))
    _must_exist(request, repository, commit, scope)
    if wants_zip(request):
        return _zipped(request, repository, commit.tree, scope)
    paths = [scope, *_below(commit.tree, scope, deep=depth == "full")] if depth != "none" else [scope]
    written = [item_json(request, project, repository, commit, path, commit.tree) for path in paths]
    if request.flag("includeLinks"):
        written = [item | {"_links": _links(request, project, repository, item)} for item in written]
    return listing(request, written)


def _zipped(request: Request, repository: Repository, tree: Tree, path: str) -> Answer:
    """A zip file of a file, or of all files below a folder, with paths relative to the folder."""
    begin = path.rstrip("/") + "/"
    files = {file.removeprefix(begin): content for file, content in tree.items() if file.startswith(begin)}
    name = path.rsplit("/", 1)[-1]
    files = files or {name: tree[path]}
    unix = request.flag("zipForUnix")
    return zip_answer(request, name or repository.name, files, for_unix=unix, content_type=OCTETS)


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
    raise ErrorResponse(error(request, 404, text, "GitItemNotFoundException", GIT_SERVER))


def _below(tree: Tree, folder: str, *, deep: bool) -> Iterator[str]:
    if folder in tree:
        return
    for path, is_folder in children(tree, folder).items():
        yield path
        if is_folder and deep:
            yield from _below(tree, path, deep=True)


def item_json(
    request: Request, project: Project, repository: Repository, commit: Commit, path: str, tree: Tree
) -> dict[str, Any]:
    """A file or folder in a list."""
    here = repository_url(request, project, repository)
    is_folder = path not in tree
    body: dict[str, Any] = {
        "objectId": tree_id(tree, path) if is_folder else blob_id(tree[path]),
        "gitObjectType": "tree" if is_folder else "blob",
        "commitId": commit.id,
        "path": path,
        "url": f"{here}/items{quote(path)}?versionType=Commit&version={commit.id}&versionOptions=None",
    }
    if is_folder:
        body["isFolder"] = True
    if request.flag("includeContentMetadata"):
        body["contentMetadata"] = _metadata(path, None if is_folder else tree[path])
    if request.flag("latestProcessedChange"):
        body["latestProcessedChange"] = commit_json(request, project, repository, commit)
    return body


def _metadata(path: str, content: bytes | None) -> dict[str, Any]:
    name = path.rsplit("/", 1)[1]
    if content is None:
        return {"fileName": name}
    kind = mimetypes.guess_type(name)[0] or ("application/octet-stream" if b"\0" in content else "text/plain")
    metadata: dict[str, Any] = {
        "encoding": -1 if b"\0" in content else 65001,
        "contentType": kind,
        "fileName": name,
        "extension": name.rpartition(".")[2] if "." in name else "",
    }
    if b"\0" in content:
        metadata["isBinary"] = True
    if kind.startswith("image/"):
        metadata["isImage"] = True
    return metadata


def _one_item(request: Request, project: Project, repository: Repository, commit: Commit, path: str) -> Answer:
    _must_exist(request, repository, commit, path)
    if wants_zip(request):
        return _zipped(request, repository, commit.tree, path)
    usual = "json" if request.wants_json else "octetStream"
    form = "octetStream" if request.flag("download") else request.choice("$format", FORMATS, usual)
    if form != "json" and path in commit.tree:
        content_type = OCTETS if form == "octetStream" else "text/plain; charset=utf-8"
        answer = raw(request, commit.tree[path], content_type)
        return download(answer, path.rsplit("/", 1)[-1]) if request.flag("download") else answer
    body = item_json(request, project, repository, commit, path, commit.tree)
    if request.flag("includeContent") and path in commit.tree:
        # Binary content is returned as text too; only the metadata reveals it.
        body["content"] = commit.tree[path].decode("utf-8-sig", errors="replace")
    body["_links"] = _links(request, project, repository, body)
    return json_answer(request, body)


def _links(request: Request, project: Project, repository: Repository, item: dict[str, Any]) -> dict[str, Any]:
    here, kind = repository_url(request, project, repository), item["gitObjectType"]
    return {
        "self": {"href": item["url"]},
        "repository": {"href": here},
        kind: {"href": f"{here}/{kind}s/{item['objectId']}"},
    }
