"""Read the release pipelines of a project with their newest releases and pending approvals, and write them down."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.core.cache import caches
from django.db import transaction

from connections.azure_devops import release
from connections.azure_devops.client import AzureDevOpsClient
from connections.azure_devops.release_types import Approval, Definition, Release
from connections.models.columns import upsert
from delivery.actions.reading import CACHE
from delivery.models import Project, ReleasePipeline
from delivery.stages import stage_of, whole_of

WAITING_KEPT = 5
BATCH = 500
_NEWEST_AT_ONCE = 100
_ASK_AGAIN = 3600
_FIELDS = (
    "name",
    "path",
    "web_url",
    "stages",
    "seen_at",
    "gone_at",
    "newest_id",
    "newest_name",
    "newest_at",
    "newest_by",
    "newest_version",
    "newest_url",
    "newest_stages",
    "whole",
    "pending",
    "waiting",
)


def read_release_pipelines(client: AzureDevOpsClient, project: Project, now: datetime) -> None:
    """Read every release pipeline: three requests, or one where there is none. Raises `AzureDevOpsError`."""
    pages = list(release.definitions(client.transport, project.azure_id, with_latest=True))
    found = [definition for page in pages for definition in page.items]
    is_whole = not any(page.left_out for page in pages)
    if not found:
        _keep(project, [], switched_off=_are_switched_off(client, project), now=now)
        return
    newest = {one.definition_id: one for one in _newest(client, project, found)}
    pending: dict[int | None, list[Approval]] = defaultdict(list)
    for page in release.approvals(client.transport, project.azure_id):
        for one in page.items:
            pending[one.definition_id].append(one)
    rows = [_row(project, one, newest.get(one.id), pending.get(one.id, []), now) for one in found]
    _keep(project, rows, switched_off=None, now=now, is_whole=is_whole)


def _newest(client: AzureDevOpsClient, project: Project, found: Sequence[Definition]) -> Iterable[Release]:
    """The newest release of each, oldest first where there are several."""
    ids = [one.latest_id for one in found if one.latest_id is not None]
    if ids:
        return release.releases_by_ids(client.transport, project.azure_id, ids)
    # Nothing was ever released, or the server does not name the newest ones.
    return reversed(release.releases_page(client.transport, project.azure_id, top=_NEWEST_AT_ONCE).items)


def _are_switched_off(client: AzureDevOpsClient, project: Project) -> bool | None:
    """Whether classic releases are switched off; asked once an hour with a token that may not know."""
    connection = project.connection
    key = f"release-settings:{connection.pk}:{connection.token_set_at.timestamp()}"
    if caches[CACHE].get(key):
        return None
    found = release.are_disabled(client.transport, project.azure_id)
    if found is None:
        caches[CACHE].set(key, value=True, timeout=_ASK_AGAIN)
    return found


def _row(
    project: Project, found: Definition, newest: Release | None, pending: list[Approval], now: datetime
) -> ReleasePipeline:
    row = ReleasePipeline(project=project, azure_id=found.id, seen_at=now)
    row.name, row.path, row.web_url = found.name[:256], found.path[:400], (found.web_url or "")[:2000]
    row.stages = [{"name": one.name} for one in found.stages]
    row.pending = len(pending)
    row.waiting = [_waits(one) for one in pending[:WAITING_KEPT]]
    if newest is not None:
        _take(row, newest)
    return row


def _take(row: ReleasePipeline, newest: Release) -> None:
    versions = (one.version for one in newest.artifacts if one.version)
    row.newest_id, row.newest_name, row.newest_at = newest.id, newest.name[:256], newest.created_at
    row.newest_by = newest.created_by.display_name[:256] if newest.created_by else ""
    row.newest_version = ", ".join(versions)[:400]
    row.newest_url = (newest.web_url or "")[:2000]
    row.newest_stages = [{"name": one.name, "state": stage_of(one)} for one in newest.environments]
    row.whole = whole_of(newest)


def _waits(one: Approval) -> dict[str, object]:
    return {
        "release_id": one.release_id,
        "release": one.release_name or "",
        "stage": one.environment_name or "",
        "who": one.approver.display_name if one.approver else "",
        "since": one.created_at.isoformat() if one.created_at else None,
    }


def _keep(
    project: Project, rows: list[ReleasePipeline], *, switched_off: bool | None, now: datetime, is_whole: bool = True
) -> None:
    """Insert or update, and mark what is gone, in a constant number of queries.

    Of a list with items that could not be read nothing is marked gone.
    """
    with transaction.atomic():
        upsert(ReleasePipeline, rows, unique_fields=("project", "azure_id"), update_fields=_FIELDS, batch=BATCH)
        if is_whole:
            project.release_pipelines.filter(gone_at=None, seen_at__lt=now).update(gone_at=now)
        if project.releases_off is not switched_off:
            Project.objects.filter(pk=project.pk).update(releases_off=switched_off)
