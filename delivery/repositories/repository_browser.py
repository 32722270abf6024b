"""What a repository's page shows: branches, commits, folders and files, read on demand."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from django.conf import settings

from connections.providers.azure_devops import errors, git
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.transport import Transport
from delivery.domain.text_files import NotEditable, TextFormat, decode
from delivery.models import Repository
from delivery.remote_read import RemoteReadError, cached, open_client

Value = TypeVar("Value")
Arguments = ParamSpec("Arguments")
COMMITS_PER_PAGE = 20
BRANCHES_SHOWN = 100
BRANCHES_OFFERED = 10


@dataclass(frozen=True, slots=True)
class Branches:
    """Branches by name, the default one first. `complete` is False when there are more than are shown."""

    items: tuple[git.Branch, ...]
    default: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Commits:
    """One page of a branch's commits; `older` is how many to skip for the next, or None."""

    items: tuple[git.Commit, ...]
    older: int | None


def default_branch(repository: Repository) -> str:
    """The branch that Azure DevOps names as the default now; empty when nothing was ever pushed.

    Raises `RemoteReadError`.
    """
    found = _cached(repository, "repository", git.repository)
    return (found.default_branch or "").removeprefix(git.HEADS)


def branches(repository: Repository, *, beginning: str = "") -> Branches:
    """The branches whose names begin so. Raises `RemoteReadError`."""
    page = _cached(repository, "branches", git.branches_page, beginning=beginning, top=BRANCHES_SHOWN)
    default = _default_if_known(repository)
    in_order = sorted(page.items, key=lambda branch: (branch.name != default, branch.name.casefold()))
    return Branches(tuple(in_order), default, page.continuation is None)


def _default_if_known(repository: Repository) -> str:
    """The default branch, as it was listed last where Azure DevOps does not tell now: the branches are shown anyway."""
    try:
        return default_branch(repository)
    except RemoteReadError:
        return repository.branch


def others_if_missing(repository: Repository, branch: str) -> tuple[str, ...] | None:
    """Branches to choose instead of one that does not exist, such as a deleted default; None when it does exist.

    Raises `RemoteReadError`.
    """
    if any(found.name == branch for found in branches(repository, beginning=branch).items):
        return None
    return tuple(found.name for found in branches(repository).items[:BRANCHES_OFFERED])


def commits(repository: Repository, branch: str, *, skip: int = 0) -> Commits:
    """One page of commits, newest first. Raises `RemoteReadError`."""
    # One more than is shown says whether there are older ones.
    found = _cached(repository, "commits", git.commits, branch, top=COMMITS_PER_PAGE + 1, skip=skip)
    older = skip + COMMITS_PER_PAGE if len(found) > COMMITS_PER_PAGE else None
    return Commits(found[:COMMITS_PER_PAGE], older)


def commit(repository: Repository, commit_id: str) -> git.Commit:
    """One commit with its full message. Raises `RemoteReadError`."""
    return _cached(repository, "commit", git.commit, commit_id)


def folder(repository: Repository, branch: str, path: str) -> tuple[git.Entry, ...]:
    """What is directly in a folder. Raises `RemoteReadError`."""
    return _cached(repository, "folder", git.folder, branch, path)


def file(repository: Repository, branch: str, path: str) -> git.File:
    """One file. Raises `RemoteReadError`, with "file_too_large" beyond FILE_MAX_BYTES."""
    return _cached(repository, "file", _file, branch, path)


def _file(transport: Transport, project: str, repository: str, branch: str, path: str) -> git.File:
    try:
        return git.file(transport, project, repository, branch, path, max_bytes=settings.FILE_MAX_BYTES)
    except errors.AnswerTooLarge:
        raise RemoteReadError("file_too_large") from None


def _cached(
    repository: Repository,
    what: str,
    read: Callable[Concatenate[Transport, str, str, Arguments], Value],
    *args: Arguments.args,
    **options: Arguments.kwargs,
) -> Value:
    """What `read` returns for this repository, cached under these arguments."""
    project, name = _place(repository)
    return cached(
        repository.project.connection,
        (what, name, args, options),
        lambda client: read(client.transport, project, name, *args, **options),
    )


@dataclass(frozen=True, slots=True)
class EditableFile:
    """The text of a file for a form, and what is needed to write its bytes back."""

    text: str
    object_id: str
    text_format: TextFormat


def file_to_edit(repository: Repository, branch: str, path: str) -> EditableFile:
    """One file as it is now, never from memory. Raises `RemoteReadError`, also with why it cannot be edited here."""
    with open_client(repository.project.connection) as client:
        return read_editable(client, _place(repository), branch, path)


def read_editable(client: AzureDevOpsClient, place: tuple[str, str], branch: str, path: str) -> EditableFile:
    """The same with a client in hand. Raises `RemoteReadError` and `AzureDevOpsError`."""
    try:
        found = git.exact_file(client.transport, *place, branch, path, max_bytes=settings.FILE_MAX_BYTES)
    except errors.AnswerTooLarge:
        raise RemoteReadError("file_too_large") from None
    if found.held_token:
        # What the person would see has a mark where the token stands; committed, it would replace it.
        raise RemoteReadError("file_holds_token")
    if found.is_symlink:
        raise RemoteReadError("file_is_link")
    try:
        text, text_format = decode(bytes(found.content) if isinstance(found.content, bytes) else b"")
    except NotEditable as reason:
        raise RemoteReadError(reason.code) from None
    return EditableFile(text, found.object_id, text_format)


def _place(repository: Repository) -> tuple[str, str]:
    return repository.project.azure_id, repository.azure_id
