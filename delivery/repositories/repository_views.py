"""A repository's page: clone addresses, and panels that are each read on demand and fail alone."""

import re
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from connections.providers.azure_devops import git
from delivery import operations, reads
from delivery.models import Repository
from delivery.page_decorators import read_page
from delivery.remote_problems import remote_problem
from delivery.remote_read import RemoteReadError
from delivery.repositories import repository_browser

LONGEST = 2000


def find(pk: int) -> Repository:
    """The repository, or a 404 page."""
    return get_object_or_404(reads.repositories_in_full(), pk=pk)


_COMMIT_ID = re.compile(r"[0-9a-fA-F]{40}")


@read_page("delivery.view_repository")
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /repositories/<id>/: `branch` and `path` stand in the URL. The panels follow by themselves."""
    return _render(request, find(pk), {})


@read_page("delivery.view_repository")
def files(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the folder or the file at `path`; a folder's path ends with a slash."""
    repository = find(pk)
    branch, path = _asked(request, repository)

    def read() -> dict[str, Any]:
        if path.endswith("/"):
            entries = repository_browser.folder(repository, branch, path)
            return {"entries": [_entry(repository, branch, entry) for entry in entries], "file": None}
        file = repository_browser.file(repository, branch, path)
        warning = (
            remote_problem(repository.project.connection, RemoteReadError("file_holds_token"))
            if file.held_token
            else None
        )
        return {"entries": None, "file": _file(file), "file_warning": warning}

    return _panel(request, repository, "files", read)


@read_page("delivery.view_repository")
def commits(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: one page of the branch's commits; `skip` leaves out the newest."""
    repository = find(pk)
    branch, _ = _asked(request, repository)
    text = request.GET.get("skip", "")
    skip = min(int(text), 1_000_000) if text.isdecimal() and text.isascii() and len(text) < 8 else 0

    def read() -> dict[str, Any]:
        found = repository_browser.commits(repository, branch, skip=skip)
        return {"commits": found, "newer": max(skip - repository_browser.COMMITS_PER_PAGE, 0) if skip else None}

    return _panel(request, repository, "commits", read)


@read_page("delivery.view_repository")
def commit_page(request: HttpRequest, pk: int, commit_id: str) -> HttpResponse:
    """GET /repositories/<id>/commits/<commit>/: one commit with its full message."""
    repository = find(pk)
    if not _COMMIT_ID.fullmatch(commit_id):
        raise Http404
    context: dict[str, Any] = {"repository": repository, "connection": repository.project.connection}
    try:
        context["commit"] = repository_browser.commit(repository, commit_id)
    except RemoteReadError as failure:
        context["problem"] = remote_problem(repository.project.connection, failure)
    return render(request, "delivery/commit.html", context | {"commit_id": commit_id})


@read_page("delivery.view_repository")
def branches(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the branches whose names begin with `beginning`, the true default one first."""
    repository = find(pk)
    beginning = request.GET.get("beginning", "")[:LONGEST]
    return _panel(
        request, repository, "branches", lambda: {"found": repository_browser.branches(repository, beginning=beginning)}
    )


def _asked(request: HttpRequest, repository: Repository) -> tuple[str, str]:
    branch = request.GET.get("branch", "")[:LONGEST] or repository.branch
    path = "/" + request.GET.get("path", "")[:LONGEST].lstrip("/")
    return branch, path


def _panel(
    request: HttpRequest, repository: Repository, panel: str, read: Callable[[], dict[str, Any]]
) -> HttpResponse:
    """A page with one panel in it, from which a browser with JavaScript takes the panel alone."""
    try:
        shown: dict[str, Any] = read()
    except RemoteReadError as trouble:
        shown = {"problem": remote_problem(repository.project.connection, trouble)}
        if trouble.code == "not_found" and panel != "branches":
            shown |= _without_branch(request, repository)
    return _render(request, repository, {"panel": panel, "read_at": timezone.now(), **shown})


def _without_branch(request: HttpRequest, repository: Repository) -> dict[str, Any]:
    """What to show instead where it is the branch that is not found; nothing when it is something else."""
    branch, _ = _asked(request, repository)
    try:
        others = repository_browser.others_if_missing(repository, branch)
    except RemoteReadError:
        return {}
    if others is None:
        return {}
    offered = [(name, page_url(repository, name)) for name in others]
    return {
        "problem": remote_problem(repository.project.connection, RemoteReadError("branch_not_found")),
        "other_branches": offered,
    }


def _render(request: HttpRequest, repository: Repository, shown: dict[str, Any]) -> HttpResponse:
    branch, path = _asked(request, repository)
    readable = not (repository.gone_at or repository.disabled or repository.is_empty)
    context = {
        "repository": repository,
        "project": repository.project,
        "connection": repository.project.connection,
        "branch": branch,
        "path": path,
        "crumbs": _crumbs(repository, branch, path),
        "panels": [_placeholder(repository, name, branch, path) for name in PANELS] if readable else [],
        "branch_leave": operations.check_allowed(repository.project.connection, operations.CREATE_BRANCH),
        "commit_leave": operations.check_allowed(repository.project.connection, operations.COMMIT_FILE),
        "can_write": request.user.has_perm(operations.COMMIT_FILE.permission) and not repository.gone_at,
        "connection_url": repository.project.connection.get_absolute_url(),
        "commit_label": "Add a file" if path.endswith("/") else "Edit this file",
        "write_query": urlencode({"branch": branch, "path": path}),
        "here": repository.get_absolute_url(),
        "beginning": request.GET.get("beginning", "")[:LONGEST],
        **shown,
    }
    return render(request, "delivery/repository.html", context)


PANELS = {"files": "Files", "commits": "Commits", "branches": "Branches"}


def _placeholder(repository: Repository, name: str, branch: str, path: str) -> dict[str, str]:
    query = {"branch": branch, "path": path} if name == "files" else {"branch": branch}
    url = reverse(f"delivery:{name}", args=[repository.pk])
    return {"name": name, "title": PANELS[name], "url": f"{url}?{urlencode(query)}"}


def page_url(repository: Repository, branch: str, path: str = "/") -> str:
    """The repository's page at a branch and a path."""
    return f"{repository.get_absolute_url()}?{urlencode({'branch': branch, 'path': path})}"


def _crumbs(repository: Repository, branch: str, path: str) -> list[tuple[str, str]]:
    parts = [part for part in path.split("/") if part]
    found = [(repository.name, page_url(repository, branch))]
    for index, part in enumerate(parts):
        below = "/" + "/".join(parts[: index + 1])
        is_file = index == len(parts) - 1 and not path.endswith("/")
        found.append((part, page_url(repository, branch, below if is_file else below + "/")))
    return found


def _entry(repository: Repository, branch: str, entry: git.Entry) -> dict[str, Any]:
    path = entry.path + "/" if entry.is_folder else entry.path
    kind = "folder" if entry.is_folder else "submodule" if entry.is_submodule else "file"
    return {
        "name": entry.name,
        "kind": "link" if entry.is_symlink else kind,
        "commit": entry.object_id if entry.is_submodule else "",
        # A submodule's content lies in another repository.
        "url": "" if entry.is_submodule else page_url(repository, branch, path),
    }


def _file(file: git.File) -> dict[str, Any]:
    if isinstance(file.content, bytes):
        return {"binary": True, "size": len(file.content), "path": file.path}
    lines = file.content.splitlines()
    size = len(file.content.encode())
    return {"binary": False, "text": file.content, "lines": len(lines), "size": size, "path": file.path}
