"""Write what listings showed: a constant number of queries for several projects, whatever their size."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max

from connections.models import Connection
from connections.providers.azure_devops import git
from connections.providers.azure_devops import models as azure
from connections.providers.azure_devops.models import Page
from core.bulk_upsert import upsert_values
from core.columns import upsert
from delivery.models import Project, Repository

BATCH = 500
_PROJECT_FIELDS = ("name", "description", "visibility", "last_updated_at", "seen_at", "gone_at")
_REPOSITORY_FIELDS = ("name", "default_branch", "size", "disabled", "web_url", "https_url", "ssh_url", "gone_at")
_REPOSITORY_KEY = ("project", "azure_id")
_REPOSITORY_COLUMNS = (*_REPOSITORY_KEY, *_REPOSITORY_FIELDS, "added_at")


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


@dataclass(frozen=True, slots=True)
class Listing:
    """What Azure DevOps answered about the repositories of a project; `found` is None where it named a problem.

    `asked_at` is shortly before it was asked.
    """

    project: Project
    asked_at: datetime
    found: Page[git.Repository] | None
    problem: str = ""
    activity_id: str = ""


def newest_repository() -> int:
    """The id of the repository that was stored last; 0 if there is none."""
    return Repository.objects.aggregate(newest=Max("pk"))["newest"] or 0


def upsert_repositories(listings: Iterable[Listing], *, at: datetime, newest: int) -> None:
    """The same for the repositories of some projects; only what changed is written.

    What is not in the list of its project is marked gone, unless items of the list could not be read: it may be one
    of them. Nor is one with a later id than `newest`, which may have been created since the list was read.
    """
    lists = {listing.project.pk: listing.found for listing in listings if listing.found is not None}
    listed = {
        (project, repository.id): _shown(repository) for project, found in lists.items() for repository in found.items
    }
    known = {row[1:3]: row for row in _stored(lists)}
    changed = [(*key, *shown, at) for key, shown in listed.items() if key not in known or known[key][3:] != shown]
    _upsert(changed)
    gone = [
        pk
        for key, (pk, project, _, *_, gone_at) in known.items()
        if gone_at is None and pk <= newest and key not in listed and not lists[project].left_out
    ]
    for start in range(0, len(gone), BATCH):
        Repository.objects.filter(pk__in=gone[start : start + BATCH]).update(gone_at=at)


def _stored(projects: Iterable[int]) -> Iterable[tuple[Any, ...]]:
    """Id, project, Azure DevOps' id and what is shown of each repository of these projects."""
    stored = Repository.objects.filter(project__in=list(projects)).order_by()
    return stored.values_list("pk", *_REPOSITORY_KEY, *_REPOSITORY_FIELDS)


def note_listed(listings: Iterable[Listing], *, at: datetime) -> None:
    """Record on each project when it was listed, and what was the problem if there was one."""
    listed = []
    for listing in listings:
        if listing.problem:
            project = Project.objects.filter(pk=listing.project.pk)
            project.update(listed_at=at, problem=listing.problem, activity_id=listing.activity_id)
        else:
            listed.append(listing.project.pk)
    if listed:
        Project.objects.filter(pk__in=listed).update(listed_at=at, problem="", activity_id="")


def upsert_repository(project: Project, found: git.Repository, *, at: datetime) -> Repository:
    """One repository by itself, as after it was created."""
    _upsert([(project.pk, found.id, *_shown(found), at)])
    return project.repositories.get(azure_id=found.id)


def _shown(repository: git.Repository) -> tuple[str | int | bool | None, ...]:
    """What is kept of a listed repository, as _REPOSITORY_FIELDS names it."""
    urls = (repository.web_url or "", repository.remote_url or "", repository.ssh_url or "")
    return (repository.name, repository.default_branch or "", repository.size or 0, repository.is_disabled, *urls, None)


def _upsert(rows: Sequence[tuple[Any, ...]]) -> None:
    upsert_values(
        Repository, _REPOSITORY_COLUMNS, rows, unique_fields=_REPOSITORY_KEY, update_fields=_REPOSITORY_FIELDS
    )


def mark_unseen_projects_gone(connection: Connection, *, listed_at: datetime) -> None:
    """After a complete listing: what it did not show is gone, and so are the repositories in it."""
    unseen = connection.projects.filter(gone_at=None, seen_at__lt=listed_at)
    Repository.objects.filter(project__in=unseen, gone_at=None).update(gone_at=listed_at)
    unseen.update(gone_at=listed_at)
