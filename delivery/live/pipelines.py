"""Read the pipelines of a project with their newest builds, and store them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from connections.providers.azure_devops import build as azure
from connections.providers.azure_devops import errors
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.paging import Listed, read_all
from core.columns import upsert
from delivery.domain.build_states import UNDER_WAY, State, state_of
from delivery.models import Pipeline, PollSubscription, Project

RECENT = 8
BATCH = 500
_FIELDS = (
    "name",
    "folder",
    "queue_status",
    "web_url",
    "seen_at",
    "gone_at",
    "state",
    "build_id",
    "build_number",
    "branch",
    "requested_for",
    "queued_at",
    "started_at",
    "finished_at",
    "recent",
)


def read_pipelines(client: AzureDevOpsClient, subscription: PollSubscription, now: datetime) -> None:
    """Read every pipeline; builds are requested only where something is new. Raises `AzureDevOpsError`.

    The list of pipelines names the newest build of each, so a poll of a project in which nothing happened is one
    request. Raises `ListIncomplete` when not everything could be read; what was read is stored nevertheless.
    """
    project = subscription.project
    definitions = read_all(azure.definitions(client.transport, project.azure_id, with_latest=True))
    known = {pipeline.azure_id: pipeline for pipeline in project.pipelines.all()}
    changed = [definition.id for definition in definitions.items if _has_changed(definition, known.get(definition.id))]
    newest: Listed[azure.Build] = Listed(())
    if changed:
        newest = azure.latest_builds(client.transport, project.azure_id, changed, each=RECENT)
    builds: dict[int, list[azure.Build]] = defaultdict(list)
    for build in newest.items:
        builds[build.definition_id].append(build)
    if not newest.complete:
        # Of a pipeline whose builds were not reached, the list of pipelines itself names the newest.
        builds |= {
            definition.id: [definition.latest]
            for definition in definitions.items
            if definition.id not in builds and definition.latest
        }
    rows = [
        _row(project, definition, known.get(definition.id), builds.get(definition.id), now)
        for definition in definitions.items
    ]
    with transaction.atomic():
        upsert_pipelines(rows)
        if definitions.is_whole:
            project.pipelines.filter(gone_at=None, seen_at__lt=now).update(gone_at=now)
    if not (definitions.complete and newest.complete):
        raise errors.ListIncomplete


def _has_changed(definition: azure.Definition, known: Pipeline | None) -> bool:
    if known is None:
        return True
    if definition.latest is None:
        # It never ran, its builds were removed, or the server is too old to say: one that is under way is read.
        return known.state in UNDER_WAY or known.state in ("", State.UNKNOWN)
    return (definition.latest.id, state_of(definition.latest)) != (known.build_id, known.state)


def _row(
    project: Project,
    definition: azure.Definition,
    known: Pipeline | None,
    builds: list[azure.Build] | None,
    now: datetime,
) -> Pipeline:
    row = known or Pipeline(project=project, azure_id=definition.id)
    row.name, row.folder, row.queue_status = definition.name, definition.path, definition.queue_status
    row.web_url, row.seen_at, row.gone_at = definition.web_url or "", now, None
    if builds is not None or known is None:
        apply_builds(row, builds or [])
    return row


def apply_builds(row: Pipeline, builds: Iterable[azure.Build]) -> None:
    """Put the newest builds onto the row, the newest first. The caller saves."""
    newest = list(builds)[:RECENT]
    row.recent = [[build.id, build.number, state_of(build)] for build in newest]
    last = newest[0] if newest else None
    row.state = state_of(last) if last else State.NONE
    row.build_id = last.id if last else None
    row.build_number = last.number[:256] if last else ""
    row.branch = (last.branch or "")[:512] if last else ""
    row.requested_for = (last.requested_for.display_name if last.requested_for else "")[:256] if last else ""
    row.queued_at = last.queued_at if last else None
    row.started_at = last.started_at if last else None
    row.finished_at = last.finished_at if last else None


def upsert_pipelines(rows: list[Pipeline]) -> None:
    """Insert or update, in a constant number of queries."""
    for row in rows:
        row.pk = None
    upsert(Pipeline, rows, unique_fields=("project", "azure_id"), update_fields=_FIELDS, batch=BATCH)
