"""Files and folders by their ids in Git. https://learn.microsoft.com/rest/api/azure/devops/git/trees"""

from typing import Any

from sandbox.git import GIT_SERVER, find_repository, repository_url
from sandbox.http_messages import Answer, ErrorResponse, Request, error, json_answer, raw
from sandbox.repositories import Repository, Tree, blob_id, children, folders, tree_id, tree_object
from sandbox.state import Project
from sandbox.zips import download, wants_zip, zip_answer

FORMATS = ("json", "octetStream", "text", "zip")
OCTETS = "application/octet-stream"


def _not_there(request: Request, repository: Repository, sha: str) -> Answer:
    text = f"TF401029: The object with ID {sha} could not be found in the repository {repository.name}."
    return error(request, 404, text, "GitObjectDoesNotExistException", GIT_SERVER)


def _links(request: Request, project: Project, repository: Repository, here: str) -> dict[str, Any]:
    return {"self": {"href": here}, "repository": {"href": repository_url(request, project, repository)}}


def blob(request: Request, names: dict[str, str]) -> Answer:
    """Read a file by the id of its content: its size as JSON, the content itself, or a zip file."""
    project, repository = find_repository(request, names)
    sha = names["sha"].lower()
    content = _find_blob(request, repository, sha)
    name = request.query.get("fileName") or sha
    if wants_zip(request):
        return zip_answer(request, name, {name: content})
    usual = "json" if request.wants_json and not request.flag("download") else "octetStream"
    if request.choice("$format", FORMATS, usual) != "json":
        answer = raw(request, content, OCTETS)
        return download(answer, name) if request.flag("download") else answer
    here = f"{repository_url(request, project, repository)}/blobs/{sha}"
    body = {
        "objectId": sha,
        "size": len(content),
        "url": here,
        "_links": _links(request, project, repository, here),
    }
    return json_answer(request, body)


def blobs(request: Request, names: dict[str, str]) -> Answer:
    """Read the files with certain ids as a zip file, each named by its id. A read, although it is a POST."""
    _, repository = find_repository(request, names)
    files = {sha.lower(): _find_blob(request, repository, sha.lower()) for sha in request.texts()}
    return zip_answer(request, request.query.get("filename") or repository.name, files)


def _find_blob(request: Request, repository: Repository, sha: str) -> bytes:
    """The content with this id. Raises `ErrorResponse`."""
    contents = (content for commit in repository.commits.values() for content in commit.tree.values())
    content = next((content for content in contents if blob_id(content) == sha), None)
    if content is None:
        raise ErrorResponse(_not_there(request, repository, sha))
    return content


def tree(request: Request, names: dict[str, str]) -> Answer:
    """Read a folder by its id: its items, with `recursive` all below it, as JSON; or all below it as a zip file."""
    project, repository = find_repository(request, names)
    sha = names["sha"].lower()
    trees = ((commit.tree, folder) for commit in repository.commits.values() for folder in folders(commit.tree))
    match = next((pair for pair in trees if tree_id(*pair) == sha), None)
    if match is None:
        raise ErrorResponse(_not_there(request, repository, names["sha"]))
    files, folder = match
    if wants_zip(request):
        begin = folder.rstrip("/") + "/"
        below = {path.removeprefix(begin): content for path, content in files.items() if path.startswith(begin)}
        return zip_answer(request, request.query.get("fileName") or sha, below)
    return json_answer(request, _tree_json(request, project, repository, files, folder))


def _tree_json(request: Request, project: Project, repository: Repository, files: Tree, folder: str) -> dict[str, Any]:
    here = f"{repository_url(request, project, repository)}/trees/{tree_id(files, folder)}"
    entries = _entries(request, project, repository, files, folder, deep=request.flag("recursive"))
    links = _links(request, project, repository, here)
    links["treeEntries"] = [{"href": entry["url"]} for entry in entries]
    return {
        "objectId": tree_id(files, folder),
        "url": here,
        "treeEntries": entries,
        "size": len(tree_object(files, folder)),
        "_links": links,
    }


def _entries(
    request: Request, project: Project, repository: Repository, files: Tree, folder: str, *, deep: bool
) -> list[dict[str, Any]]:
    here, begin = repository_url(request, project, repository), folder.rstrip("/") + "/"
    entries: list[dict[str, Any]] = []
    for path, is_folder in children(files, folder).items():
        sha = tree_id(files, path) if is_folder else blob_id(files[path])
        kind = "tree" if is_folder else "blob"
        entry = {
            "objectId": sha,
            "relativePath": path.removeprefix(begin),
            "mode": "40000" if is_folder else "100644",
            "gitObjectType": kind,
            "url": f"{here}/{kind}s/{sha}",
            "size": len(tree_object(files, path)) if is_folder else len(files[path]),
        }
        entries.append(entry)
        if is_folder and deep:
            inside = _entries(request, project, repository, files, path, deep=True)
            name = entry["relativePath"]
            entries += [below | {"relativePath": f"{name}/{below['relativePath']}"} for below in inside]
    return entries
