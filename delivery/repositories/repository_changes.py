"""Write in Azure DevOps: a new repository, a new branch, one text file."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings

from connections.providers.azure_devops import errors, git
from connections.providers.azure_devops.client import AzureDevOpsClient
from delivery import input_rules, operations
from delivery.domain.text_files import NEW_FILE, TextFormat
from delivery.models import Project, Repository
from delivery.remote_change import ChangeRequest, execute
from delivery.remote_read import RemoteReadError, refusing_invalid_input
from delivery.repositories.repository_browser import read_editable
from delivery.sync.upsert import upsert_repository
from history.record import Actor

# So often we look again when somebody else pushed just before us.
_OUTCOME_LOOKUPS = 3


def create_repository(project: Project, name: str, *, by: Actor, now: datetime) -> Repository:
    """A new, empty repository. Raises `RemoteReadError`."""
    with refusing_invalid_input():
        name = input_rules.repository_name(name)
    attempt = ChangeRequest(
        operations.CREATE_REPOSITORY,
        project.connection,
        f"{name} in {project.name}",
        by,
        now,
        {"project_id": project.azure_id, "name": name},
    )

    def do(client: AzureDevOpsClient) -> git.Repository:
        if look(client) is not None:
            raise errors.NameTaken(detail="there is such a repository")
        return git.create_repository(client.transport, project.azure_id, name=name)

    def look(client: AzureDevOpsClient) -> git.Repository | None:
        # There was no empty one of this name before.
        try:
            found = git.repository(client.transport, project.azure_id, name)
        except (errors.NotFound, errors.AccessDenied):
            return None
        return found if found.default_branch is None else None

    made = execute(attempt, do, look=look, ids=lambda done: {"repository_id": done.id})
    return upsert_repository(project, made, at=now)


def create_branch(repository: Repository, name: str, *, source: str, by: Actor, now: datetime) -> git.Branch:
    """A new branch where the branch `source` is now. Raises `RemoteReadError`."""
    with refusing_invalid_input():
        name, source = input_rules.branch_name(name), input_rules.branch_name(source)
    place = (repository.project.azure_id, repository.azure_id)
    attempt = _attempt(operations.CREATE_BRANCH, repository, f"{name} from {source} in {repository.name}", by, now)
    at: list[str] = []

    def do(client: AzureDevOpsClient) -> git.Branch:
        at.append(git.branch(client.transport, *place, source).commit)
        if look(client) is not None:
            raise errors.NameTaken(detail="there is such a branch")
        return git.create_branch(client.transport, *place, name=name, at=at[0])

    def look(client: AzureDevOpsClient) -> git.Branch | None:
        try:
            found = git.branch(client.transport, *place, name)
        except errors.NotFound:
            return None
        return found if at and found.commit == at[0] else None

    return execute(attempt, do, look=look, ids=lambda done: {"branch": done.ref, "commit": done.commit})


@dataclass(frozen=True, slots=True)
class FileCommit:
    """A file as it should be. `seen` is the object id of what the person saw, empty for a file that is not there.

    Lines of `content` may end in any way: the file keeps the way in which its lines end, and its byte order mark.
    """

    branch: str
    path: str
    content: str
    comment: str
    seen: str = ""


def commit_file(repository: Repository, wish: FileCommit, *, by: Actor, now: datetime) -> git.Push:
    """Commit one text file to a branch.

    Somebody else's push just before is met by looking again: the file is committed on top when it is still the one
    that the person saw. Raises `RemoteReadError`, with "file_changed" or "file_exists" when it is not, and with
    "file_holds_token" when the file holds the token in use, which nobody is shown.
    """
    with refusing_invalid_input():
        wish = replace(
            wish,
            branch=input_rules.branch_name(wish.branch),
            path=input_rules.file_path(wish.path, is_new=not wish.seen),
            content=input_rules.file_content(wish.content, longest=settings.FILE_MAX_BYTES),
            comment=input_rules.commit_message(wish.comment),
        )
    attempt = _attempt(
        operations.COMMIT_FILE, repository, f"{wish.path} on {wish.branch} in {repository.name}", by, now
    )
    work = _Commit(repository, wish)
    push = execute(attempt, work.do, look=work.look, ids=lambda done: {"push_id": done.id, "commit": done.commit})
    # The first branch that is pushed becomes the default one.
    Repository.objects.filter(pk=repository.pk, default_branch="").update(default_branch=git.HEADS + wish.branch)
    return push


class _Commit:
    """One wish, tried on top of the newest commit of its branch."""

    def __init__(self, repository: Repository, wish: FileCommit) -> None:
        self.repository = repository
        self.wish = wish
        self.place = (repository.project.azure_id, repository.azure_id)
        self.at = git.NOTHING

    def do(self, client: AzureDevOpsClient) -> git.Push:
        for _ in range(_OUTCOME_LOOKUPS - 1):
            try:
                return self.push(client)
            except errors.Conflict:
                continue
        return self.push(client)

    def push(self, client: AzureDevOpsClient) -> git.Push:
        self.at = self.head(client)
        present, text_format = self.present(client)
        if present != self.wish.seen:
            raise RemoteReadError("file_changed" if self.wish.seen else "file_exists")
        return git.push_file(
            client.transport,
            *self.place,
            branch=self.wish.branch,
            at=self.at,
            path=self.wish.path,
            content=text_format.encode(self.wish.content),
            comment=self.wish.comment,
            exists=bool(present),
        )

    def head(self, client: AzureDevOpsClient) -> str:
        """Where the branch is now; nowhere, in a repository to which nothing was ever pushed."""
        try:
            return git.branch(client.transport, *self.place, self.wish.branch).commit
        except errors.NotFound:
            if git.repository(client.transport, *self.place).default_branch is None:
                return git.NOTHING
            raise

    def present(self, client: AzureDevOpsClient) -> tuple[str, TextFormat]:
        """The object id of the file at the branch now, empty when there is none, and the format that it keeps."""
        if self.at == git.NOTHING:
            return "", NEW_FILE
        try:
            found = read_editable(client, self.place, self.wish.branch, self.wish.path)
        except errors.NotFound:
            return "", NEW_FILE
        return found.object_id, found.text_format

    def look(self, client: AzureDevOpsClient) -> git.Push | None:
        """Whether the branch is now at a commit of ours on top of where it was."""
        head = self.head(client)
        if head == self.at:
            return None
        newest = git.commit(client.transport, *self.place, head)
        if newest.comment.strip() == self.wish.comment.strip() and self.at in (*newest.parents, git.NOTHING):
            return git.Push(0, self.wish.branch, head)
        raise errors.Conflict(detail="the branch has changed in the meantime")


def _attempt(act: operations.Operation, repository: Repository, what: str, by: Actor, now: datetime) -> ChangeRequest:
    detail = {"repository_id": repository.azure_id, "repository": repository.name}
    return ChangeRequest(act, repository.project.connection, what, by, now, detail)
