"""Read the release pipelines of a project with their newest releases and pending approvals, and store them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.core.cache import caches
from django.db import transaction

from connections.providers.azure_devops import errors, release
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.paging import Listed, read_all
from connections.providers.azure_devops.release_models import Approval, Definition, Release
from core.columns import upsert
from delivery.domain.stages import release_state, stage_of
from delivery.models import PollSubscription, Project, ReleasePipeline
from delivery.remote_read import CACHE

WAITING_KEPT = 5
BATCH = 500
_NEWEST_AT_ONCE = 100
_UNKNOWN_FOR = 3600
_OF_THE_NEWEST = (
    "newest_id",
    "newest_name",
    "newest_at",
    "newest_by",
    "newest_version",
    "newest_url",
    "newest_stages",
    "whole",
)
_FIELDS = ("name", "path", "web_url", "stages", "seen_at", "gone_at", *_OF_THE_NEWEST, "pending", "waiting")


def read_release_pipelines(client: AzureDevOpsClient, subscription: PollSubscription, now: datetime) -> None:
    """Read every release pipeline: three requests, or one where there is none. Raises `AzureDevOpsError`.

    Raises `ListIncomplete` when not everything could be read; what was read is stored nevertheless.
    """
    project = subscription.project
    definitions = read_all(release.definitions(client.transport, project.azure_id, with_latest=True))
    if not definitions.items and definitions.complete:
        _store(project, [], switched_off=_are_switched_off(client, project), is_whole=True, now=now)
        return
    newest = _newest(client, project, definitions.items)
    by_pipeline = {item.definition_id: item for item in newest.items}
    approvals = read_all(release.approvals(client.transport, project.azure_id))
    pending: dict[int | None, list[Approval]] = defaultdict(list)
    for approval in approvals.items:
        pending[approval.definition_id].append(approval)
    rows = [
        _row(project, definition, by_pipeline.get(definition.id), pending.get(definition.id, []), now)
        for definition in definitions.items
    ]
    if not newest.complete:
        _keep_known_releases(project, [row for row in rows if row.azure_id not in by_pipeline])
    _store(project, rows, switched_off=None, is_whole=definitions.is_whole, now=now)
    if not (definitions.complete and newest.complete and approvals.complete):
        raise errors.ListIncomplete


def _newest(client: AzureDevOpsClient, project: Project, definitions: Sequence[Definition]) -> Listed[Release]:
    """The newest release of each, oldest first where there are several."""
    ids = [definition.latest_id for definition in definitions if definition.latest_id is not None]
    if ids:
        return release.releases_by_ids(client.transport, project.azure_id, ids)
    # Nothing was ever released, or the server does not name the newest ones.
    newest_first = release.releases_page(client.transport, project.azure_id, top=_NEWEST_AT_ONCE).items
    return Listed(newest_first[::-1])


def _are_switched_off(client: AzureDevOpsClient, project: Project) -> bool | None:
    """Whether classic releases are switched off; None, and read once an hour, where the token does not tell."""
    connection = project.connection
    key = f"release-settings:{connection.pk}:{connection.token_set_at.timestamp()}"
    if caches[CACHE].get(key):
        return None
    are_disabled = release.are_disabled(client.transport, project.azure_id)
    if are_disabled is None:
        caches[CACHE].set(key, value=True, timeout=_UNKNOWN_FOR)
    return are_disabled


def _row(
    project: Project, definition: Definition, newest: Release | None, pending: list[Approval], now: datetime
) -> ReleasePipeline:
    row = ReleasePipeline(project=project, azure_id=definition.id, seen_at=now)
    row.name, row.path, row.web_url = definition.name[:256], definition.path[:400], (definition.web_url or "")[:2000]
    row.stages = [{"name": stage.name} for stage in definition.stages]
    row.pending = len(pending)
    row.waiting = [_pending(approval) for approval in pending[:WAITING_KEPT]]
    if newest is not None:
        _apply_newest(row, newest)
    return row


def _keep_known_releases(project: Project, rows: Iterable[ReleasePipeline]) -> None:
    """Keep the newest release of these as it is stored: whether there is a newer one was not read."""
    by_id = {row.azure_id: row for row in rows}
    for known in project.release_pipelines.all():
        if known.azure_id in by_id:
            for name in _OF_THE_NEWEST:
                setattr(by_id[known.azure_id], name, getattr(known, name))


def _apply_newest(row: ReleasePipeline, newest: Release) -> None:
    versions = (artifact.version for artifact in newest.artifacts if artifact.version)
    row.newest_id, row.newest_name, row.newest_at = newest.id, newest.name[:256], newest.created_at
    row.newest_by = newest.created_by.display_name[:256] if newest.created_by else ""
    row.newest_version = ", ".join(versions)[:400]
    row.newest_url = (newest.web_url or "")[:2000]
    row.newest_stages = [
        {"name": environment.name, "state": stage_of(environment)} for environment in newest.environments
    ]
    row.whole = release_state(newest)


def _pending(approval: Approval) -> dict[str, object]:
    return {
        "release_id": approval.release_id,
        "release": approval.release_name or "",
        "stage": approval.environment_name or "",
        "who": approval.approver.display_name if approval.approver else "",
        "since": approval.created_at.isoformat() if approval.created_at else None,
    }


def _store(
    project: Project, rows: list[ReleasePipeline], *, switched_off: bool | None, is_whole: bool, now: datetime
) -> None:
    """Insert or update, and mark what is gone, in a constant number of queries.

    Of a list that was not read whole nothing is marked gone.
    """
    with transaction.atomic():
        upsert(ReleasePipeline, rows, unique_fields=("project", "azure_id"), update_fields=_FIELDS, batch=BATCH)
        if is_whole:
            project.release_pipelines.filter(gone_at=None, seen_at__lt=now).update(gone_at=now)
        if project.releases_off is not switched_off:
            Project.objects.filter(pk=project.pk).update(releases_off=switched_off)
