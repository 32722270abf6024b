"""Read the release pipelines of a project with their newest releases and pending approvals, and store them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.core.cache import caches
from django.db import transaction

from connections.providers.azure_devops import errors, release
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.paging import Listed, read_all
from connections.providers.azure_devops.release_models import Approval, Definition, Release
from delivery.domain.stages import release_state, stage_of
from delivery.live.stored_pipelines import store
from delivery.models import PollSubscription, Project, ReleasePipeline
from delivery.remote_read import CACHE

WAITING_KEPT = 5
_NEWEST_AT_ONCE = 100
_UNKNOWN_FOR = 3600


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
    # Of a pipeline whose newest release was not reached, the one that is stored is kept: it may still be the newest.
    known = {} if newest.complete else {row.azure_id: row for row in project.release_pipelines.all()}
    rows = [
        _row(
            known.get(definition.id) or ReleasePipeline(project=project, azure_id=definition.id),
            definition,
            by_pipeline.get(definition.id),
            pending.get(definition.id, []),
            now,
        )
        for definition in definitions.items
    ]
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
    """Whether classic releases are switched off; None, and read once an hour, where that is unknown.

    A missing scope hides it in all projects of the connection; another refusal says nothing about other projects.
    """
    connection = project.connection
    of_connection = f"release-settings:{connection.pk}:{connection.token_set_at.timestamp()}"
    of_project = f"{of_connection}:{project.pk}"
    if caches[CACHE].get_many([of_connection, of_project]):
        return None
    try:
        are_disabled, unknown = release.are_disabled(client.transport, project.azure_id), of_project
    except errors.EmptyRefusal:
        are_disabled, unknown = None, of_connection
    if are_disabled is None:
        caches[CACHE].set(unknown, value=True, timeout=_UNKNOWN_FOR)
    return are_disabled


def _row(
    row: ReleasePipeline, definition: Definition, newest: Release | None, pending: list[Approval], now: datetime
) -> ReleasePipeline:
    row.name, row.path, row.web_url = definition.name, definition.path, definition.web_url or ""
    row.seen_at, row.gone_at = now, None
    row.stages = [{"name": stage.name} for stage in definition.stages]
    row.pending = len(pending)
    row.waiting = [_pending(approval) for approval in pending[:WAITING_KEPT]]
    if newest is not None:
        _apply_newest(row, newest)
    return row


def _apply_newest(row: ReleasePipeline, newest: Release) -> None:
    versions = (artifact.version for artifact in newest.artifacts if artifact.version)
    row.newest_id, row.newest_name, row.newest_at = newest.id, newest.name, newest.created_at
    row.newest_by = newest.created_by.display_name if newest.created_by else ""
    row.newest_version = ", ".join(versions)
    row.newest_url = newest.web_url or ""
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
    with transaction.atomic():
        store(project.release_pipelines.all(), rows, is_whole=is_whole, now=now)
        if project.releases_off is not switched_off:
            Project.objects.filter(pk=project.pk).update(releases_off=switched_off)
