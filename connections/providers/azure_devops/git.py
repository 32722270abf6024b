"""Git repositories: read and change branches, commits, folders and files.

`project` and `repository` are ids or names; ids survive a rename.
"""

import base64
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.git_models import HEADS as HEADS
from connections.providers.azure_devops.git_models import Branch as Branch
from connections.providers.azure_devops.git_models import Commit as Commit
from connections.providers.azure_devops.git_models import Entry as Entry
from connections.providers.azure_devops.git_models import File as File
from connections.providers.azure_devops.git_models import Push as Push
from connections.providers.azure_devops.git_models import Repository as Repository
from connections.providers.azure_devops.models import Page
from connections.providers.azure_devops.paging import every_page
from connections.providers.azure_devops.parsing import (
    flag,
    instant,
    mapping,
    objects,
    optional_number,
    optional_text,
    read_page,
    text_of,
    web_link,
)
from connections.providers.azure_devops.responses import Response, fit_to_show
from connections.providers.azure_devops.transport import BYTES, Transport, successful

# The object id of a ref that does not exist. https://learn.microsoft.com/rest/api/azure/devops/git/refs/update-refs
NOTHING = "0" * 40
LARGEST_FILE = 1024 * 1024


def _path(project: str, repository: str, *more: str) -> tuple[str, ...]:
    return (project, "_apis", "git", "repositories", repository, *more)


def repositories(transport: Transport, project: str, *, max_bytes: int) -> tuple[Repository, ...]:
    """All readable repositories of a project, including disabled ones."""
    return repositories_page(transport, project, max_bytes=max_bytes).items


def repositories_page(transport: Transport, project: str, *, max_bytes: int) -> Page[Repository]:
    """The same, with the number of unreadable ones. The list has no paging, so the answer has its own size limit."""
    # https://learn.microsoft.com/rest/api/azure/devops/git/repositories/list
    answer = transport.get((project, "_apis", "git", "repositories"), max_bytes=max_bytes)
    return read_page(answer, read_repository)


def repository(transport: Transport, project: str, repository: str) -> Repository:
    """One repository. Raises `NotFound`, also if it is disabled."""
    # https://learn.microsoft.com/rest/api/azure/devops/git/repositories/get-repository
    return read_repository(transport.get(_path(project, repository)).json_object())


def read_repository(item: dict[str, Any]) -> Repository:
    """Read a repository. Older servers do not tell whether it is disabled."""
    return Repository(
        id=text_of(item, "id"),
        name=text_of(item, "name"),
        default_branch=optional_text(item, "defaultBranch"),
        size=optional_number(item, "size"),
        is_disabled=flag(item, "isDisabled"),
        remote_url=web_link(item, "remoteUrl"),
        ssh_url=optional_text(item, "sshUrl"),
        web_url=web_link(item, "webUrl"),
    )


def branches_page(
    transport: Transport,
    project: str,
    repository: str,
    *,
    beginning: str = "",
    continuation: str | None = None,
    top: int = 1000,
) -> Page[Branch]:
    """One page of the branches whose short names start with `beginning`."""
    query = {"filter": f"heads/{beginning}", "$top": str(top), "continuationToken": continuation}
    # https://learn.microsoft.com/rest/api/azure/devops/git/refs/list
    answer = transport.get(_path(project, repository, "refs"), query=query)
    return read_page(answer, read_branch, is_wanted=_may_be_branch)


def _may_be_branch(item: dict[str, Any]) -> bool:
    """Whether a ref is a branch, or has no name."""
    name = optional_text(item, "name")
    return name is None or name.startswith(HEADS)


def branches(transport: Transport, project: str, repository: str, *, beginning: str = "") -> Iterator[Page[Branch]]:
    """Every page of branches."""

    def ask(continuation: str | None) -> Page[Branch]:
        return branches_page(transport, project, repository, beginning=beginning, continuation=continuation)

    return every_page(ask, seconds=transport.limits.list_seconds, key=attrgetter("name"))


def branch(transport: Transport, project: str, repository: str, name: str) -> Branch:
    """One branch by its short name. Raises `NotFound`, and `ListIncomplete` if there are too many."""
    for page in branches(transport, project, repository, beginning=name):
        for item in page.items:
            if item.name == name:
                return item
    raise errors.NotFound(detail="no such branch")


def read_branch(item: dict[str, Any]) -> Branch:
    """Read a branch."""
    return Branch(
        name=text_of(item, "name").removeprefix(HEADS),
        commit=text_of(item, "objectId"),
        is_locked=flag(item, "isLocked"),
    )


def commits(
    transport: Transport, project: str, repository: str, branch: str, *, top: int = 50, skip: int = 0
) -> tuple[Commit, ...]:
    """Commits of a branch, newest first, after the first `skip`. Fewer than `top` means that there are no more."""
    query = {
        "searchCriteria.itemVersion.version": branch,
        "searchCriteria.itemVersion.versionType": "branch",
        "searchCriteria.$top": str(top),
        "searchCriteria.$skip": str(skip),
    }
    # https://learn.microsoft.com/rest/api/azure/devops/git/commits/get-commits
    answer = transport.get(_path(project, repository, "commits"), query=query)
    return read_page(answer, read_commit).items


def commit(transport: Transport, project: str, repository: str, commit: str) -> Commit:
    """One commit with its full message."""
    # https://learn.microsoft.com/rest/api/azure/devops/git/commits/get
    return read_commit(transport.get(_path(project, repository, "commits", commit)).json_object())


def read_commit(item: dict[str, Any]) -> Commit:
    """Read a commit."""
    author, parents = mapping(item, "author"), item.get("parents")
    return Commit(
        id=text_of(item, "commitId"),
        comment=optional_text(item, "comment") or "",
        is_shortened=flag(item, "commentTruncated"),
        author=optional_text(author, "name"),
        authored_at=instant(author, "date"),
        parents=tuple(parent for parent in parents if isinstance(parent, str)) if isinstance(parents, list) else (),
        web_url=web_link(item, "remoteUrl"),
    )


def _at(branch: str) -> dict[str, str]:
    return {"versionDescriptor.version": branch, "versionDescriptor.versionType": "branch"}


def folder(transport: Transport, project: str, repository: str, branch: str, path: str = "/") -> tuple[Entry, ...]:
    """The direct entries of a folder on a branch: folders first, then files, by name.

    Raises `NotFound` if the folder does not exist or the repository is empty.
    """
    query = {"scopePath": _clean(path), "recursionLevel": "OneLevel", **_at(branch)}
    # https://learn.microsoft.com/rest/api/azure/devops/git/items/list
    answer = transport.get(_path(project, repository, "items"), query=query)
    entries = read_page(answer, read_entry).items
    if any(entry.path == _clean(path) and not entry.is_folder for entry in entries):
        raise errors.NotFound(detail="a file, not a folder")
    inside = (entry for entry in entries if entry.path != _clean(path))
    return tuple(sorted(inside, key=lambda entry: (not entry.is_folder, entry.name.casefold())))


def read_entry(item: dict[str, Any]) -> Entry:
    """Read an entry of a list of items. https://learn.microsoft.com/rest/api/azure/devops/git/items/list#gititem"""
    kind = (optional_text(item, "gitObjectType") or "").lower()
    is_submodule = kind == "commit"
    return Entry(
        path=text_of(item, "path"),
        object_id=optional_text(item, "objectId") or "",
        is_folder=not is_submodule and (flag(item, "isFolder") or kind == "tree"),
        is_submodule=is_submodule,
        is_symlink=flag(item, "isSymLink"),
    )


def file(
    transport: Transport, project: str, repository: str, branch: str, path: str, *, max_bytes: int = LARGEST_FILE
) -> File:
    """What a file holds at a branch. Raises `AnswerTooLarge`, and `NotFound` also when it is a folder."""
    query = {
        "path": _clean(path),
        "includeContent": "true",
        "includeContentMetadata": "true",
        "$format": "json",
        **_at(branch),
    }
    # https://learn.microsoft.com/rest/api/azure/devops/git/items/get
    answer = transport.get(_path(project, repository, "items"), query=query, max_bytes=max_bytes)
    item = answer.json_object()
    entry = read_entry(item)
    if entry.is_folder or entry.is_submodule:
        raise errors.NotFound(detail="not a file", activity_id=answer.activity_id)
    text = item.get("content")
    # Binary content is also sent as text, so its bytes are requested separately.
    is_text = isinstance(text, str) and "\0" not in text and not flag(mapping(item, "contentMetadata"), "isBinary")
    raw = None if is_text else _raw(transport, _path(project, repository, "items"), branch, path, max_bytes)
    return File(
        path=text_of(item, "path"),
        object_id=optional_text(item, "objectId") or "",
        content=raw.body if raw else str(text),
        held_token=answer.held_token or (raw is not None and raw.held_token),
    )


def exact_file(
    transport: Transport, project: str, repository: str, branch: str, path: str, *, max_bytes: int = LARGEST_FILE
) -> File:
    """The bytes of a file and its object id, both of one commit. Raises `AnswerTooLarge` and `NotFound`."""
    items = _path(project, repository, "items")
    query = {"path": _clean(path), "$format": "json", **_at(branch)}
    # https://learn.microsoft.com/rest/api/azure/devops/git/items/get
    item = transport.get(items, query=query).json_object()
    entry, commit = read_entry(item), optional_text(item, "commitId")
    if entry.is_folder or entry.is_submodule:
        raise errors.NotFound(detail="not a file")
    raw = _raw(transport, items, branch, path, max_bytes, commit=commit)
    return File(entry.path, entry.object_id, raw.body, held_token=raw.held_token, is_symlink=entry.is_symlink)


def _raw(
    transport: Transport, items: tuple[str, ...], branch: str, path: str, max_bytes: int, *, commit: str | None = None
) -> Response:
    query = {"path": _clean(path), "$format": "octetStream", **_at(branch)}
    if commit is not None:
        query |= {"versionDescriptor.version": commit, "versionDescriptor.versionType": "commit"}
    # https://learn.microsoft.com/rest/api/azure/devops/git/items/get
    answer = transport.ask("GET", items, query=query, max_bytes=max_bytes, accept=BYTES)
    return successful(answer, content="bytes")


def _clean(path: str) -> str:
    return "/" + path.strip("/")


def push_file(
    transport: Transport,
    project: str,
    repository: str,
    *,
    branch: str,
    at: str,
    path: str,
    content: bytes,
    comment: str,
    exists: bool,
) -> Push:
    """Commit one file to a branch that is at the commit `at`; `NOTHING` creates the branch.

    `exists` says whether the file already exists. Raises `Conflict` if the branch has other commits, `BranchProtected`,
    `AccessDenied`, and `Rejected`, also if `exists` is wrong.
    """
    change = {
        "changeType": "edit" if exists else "add",
        "item": {"path": _clean(path)},
        # Not as text, because Azure DevOps would choose the encoding.
        "newContent": {"content": base64.b64encode(content).decode(), "contentType": "base64encoded"},
    }
    body = {
        "refUpdates": [{"name": HEADS + branch, "oldObjectId": at}],
        "commits": [{"comment": comment, "changes": [change]}],
    }
    # https://learn.microsoft.com/rest/api/azure/devops/git/pushes/create
    answer = successful(transport.ask("POST", _path(project, repository, "pushes"), json=body))
    return _read_push(answer, branch)


def _read_push(answer: Response, branch: str) -> Push:
    body = answer.json_object()
    updates, push_id = objects(body, "refUpdates"), optional_number(body, "pushId")
    if push_id is None or not updates:
        raise answer.unexpected("no push in the answer")
    return Push(push_id, branch, text_of(updates[0], "newObjectId"), instant(body, "date"))


def create_branch(transport: Transport, project: str, repository: str, *, name: str, at: str) -> Branch:
    """A new branch at a commit. Raises `Conflict` when there is already one, and `BranchNotUpdated`."""
    wish = [{"name": HEADS + name, "oldObjectId": NOTHING, "newObjectId": at}]
    # https://learn.microsoft.com/rest/api/azure/devops/git/refs/update-refs
    answer = successful(transport.ask("POST", _path(project, repository, "refs"), json=wish))
    results = answer.json_list()
    for result in results:
        _check(result, answer)
    if not results:
        raise answer.unexpected("no branch in the answer")
    return Branch(name=name, commit=text_of(results[0], "newObjectId"))


_REFUSALS: dict[str, type[errors.AzureDevOpsError]] = {
    "staleOldObjectId": errors.Conflict,
    "refNameConflict": errors.NameTaken,
    "writePermissionRequired": errors.AccessDenied,
    "createBranchPermissionRequired": errors.AccessDenied,
    "rejectedByPolicy": errors.BranchProtected,
    "locked": errors.BranchProtected,
}


def _check(result: dict[str, Any], answer: Response) -> None:
    """Raise the error of a ref update, which is part of a successful answer."""
    if flag(result, "success"):
        return
    status = (optional_text(result, "updateStatus") or "unknown")[:60]
    said = fit_to_show(optional_text(result, "customMessage") or "")
    kind = _REFUSALS.get(status, errors.BranchNotUpdated)
    raise kind(detail=status, status=answer.status, activity_id=answer.activity_id, said=said)


def create_repository(transport: Transport, project_id: str, *, name: str) -> Repository:
    """A new, empty repository in the project with this id. Raises `NameTaken`."""
    body = {"name": name, "project": {"id": project_id}}
    # https://learn.microsoft.com/rest/api/azure/devops/git/repositories/create
    answer = successful(transport.ask("POST", (project_id, "_apis", "git", "repositories"), json=body))
    return read_repository(answer.json_object())
