"""Write what a listing showed: a constant number of queries for each project, whatever its size."""

from collections.abc import Iterable
from datetime import datetime

from connections.models import Connection
from connections.providers.azure_devops import git
from connections.providers.azure_devops import models as azure
from core.columns import upsert
from delivery.models import Project, Repository

BATCH = 500
_PROJECT_FIELDS = ("name", "description", "visibility", "last_updated_at", "seen_at", "gone_at")
_REPOSITORY_FIELDS = ("name", "default_branch", "size", "disabled", "web_url", "https_url", "ssh_url", "gone_at")


def upsert_projects(connection: Connection, found: Iterable[azure.Project], *, at: datetime) -> None:
    """Insert or update by Azure DevOps' id, so that a rename is a rename."""
    upsert(
        Project,
        (
            Project(
                connection=connection,
                azure_id=project.id,
                name=project.name,
                description=project.description or "",
                visibility=project.visibility or "",
                last_updated_at=project.last_updated_at,
                seen_at=at,
            )
            for project in found
        ),
        unique_fields=("connection", "azure_id"),
        update_fields=_PROJECT_FIELDS,
        batch=BATCH,
    )


def upsert_repositories(
    project: Project, found: Iterable[git.Repository], *, at: datetime, is_whole: bool = True
) -> None:
    """The same for the list of one project; only what changed is written.

    What is not in the list is marked gone if `is_whole`: else it may be what could not be read.
    """
    known = {row[0]: row[1:] for row in project.repositories.values_list("azure_id", *_REPOSITORY_FIELDS)}
    listed = {repository.id: repository for repository in found}
    _upsert(
        _row(project, repository, at)
        for repository in listed.values()
        if known.get(repository.id) != _shown(repository)
    )
    if not is_whole:
        return
    gone = [azure_id for azure_id, (*_, gone_at) in known.items() if gone_at is None and azure_id not in listed]
    for start in range(0, len(gone), BATCH):
        project.repositories.filter(azure_id__in=gone[start : start + BATCH]).update(gone_at=at)


def upsert_repository(project: Project, found: git.Repository, *, at: datetime) -> Repository:
    """One repository by itself, as after it was created."""
    _upsert([_row(project, found, at)])
    return project.repositories.get(azure_id=found.id)


def _row(project: Project, repository: git.Repository, at: datetime) -> Repository:
    shown = dict(zip(_REPOSITORY_FIELDS, _shown(repository), strict=True))
    return Repository(project=project, azure_id=repository.id, added_at=at, **shown)


def _shown(repository: git.Repository) -> tuple[str | int | bool | None, ...]:
    """What is kept of a listed repository, as _REPOSITORY_FIELDS names it."""
    urls = (repository.web_url or "", repository.remote_url or "", repository.ssh_url or "")
    return (repository.name, repository.default_branch or "", repository.size or 0, repository.is_disabled, *urls, None)


def _upsert(rows: Iterable[Repository]) -> None:
    upsert(
        Repository,
        rows,
        unique_fields=("project", "azure_id"),
        update_fields=_REPOSITORY_FIELDS,
        batch=BATCH,
    )


def mark_unseen_projects_gone(connection: Connection, *, listed_at: datetime) -> None:
    """After a complete listing: what it did not show is gone, and so are the repositories in it."""
    unseen = connection.projects.filter(gone_at=None, seen_at__lt=listed_at)
    Repository.objects.filter(project__in=unseen, gone_at=None).update(gone_at=listed_at)
    unseen.update(gone_at=listed_at)
