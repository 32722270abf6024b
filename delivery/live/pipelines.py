"""Read the pipelines of a project with their newest builds, and write them down."""

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
from delivery.models import Pipeline, Project

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


def read_pipelines(client: AzureDevOpsClient, project: Project, now: datetime) -> None:
    """Read every pipeline; builds are asked for only where something is new. Raises `AzureDevOpsError`.

    The list of pipelines names the newest build of each, so that a look at a quiet project is one request. Raises
    `ListIncomplete` when not everything could be read; then what was read is written all the same.
    """
    found = read_all(azure.definitions(client.transport, project.azure_id, with_latest=True))
    known = {pipeline.azure_id: pipeline for pipeline in project.pipelines.all()}
    stirred = [definition.id for definition in found.items if _is_news(definition, known.get(definition.id))]
    newest: Listed[azure.Build] = Listed(())
    if stirred:
        newest = azure.latest_builds(client.transport, project.azure_id, stirred, each=RECENT)
    builds: dict[int, list[azure.Build]] = defaultdict(list)
    for build in newest.items:
        builds[build.definition_id].append(build)
    if not newest.complete:
        # Of a pipeline whose builds were not reached, the list of pipelines itself names the newest.
        builds |= {
            definition.id: [definition.latest]
            for definition in found.items
            if definition.id not in builds and definition.latest
        }
    rows = [
        _row(project, definition, known.get(definition.id), builds.get(definition.id), now)
        for definition in found.items
    ]
    with transaction.atomic():
        upsert_pipelines(rows)
        if found.is_whole:
            project.pipelines.filter(gone_at=None, seen_at__lt=now).update(gone_at=now)
    if not (found.complete and newest.complete):
        raise errors.ListIncomplete


def _is_news(found: azure.Definition, known: Pipeline | None) -> bool:
    if known is None:
        return True
    if found.latest is None:
        # It never ran, its builds were removed, or the server is too old to say: one that is under way is looked at.
        return known.state in UNDER_WAY or known.state in ("", State.UNKNOWN)
    return (found.latest.id, state_of(found.latest)) != (known.build_id, known.state)


def _row(
    project: Project, found: azure.Definition, known: Pipeline | None, builds: list[azure.Build] | None, now: datetime
) -> Pipeline:
    row = known or Pipeline(project=project, azure_id=found.id)
    row.name, row.folder, row.queue_status = found.name, found.path, found.queue_status
    row.web_url, row.seen_at, row.gone_at = found.web_url or "", now, None
    if builds is not None or known is None:
        apply_builds(row, builds or [])
    return row


def apply_builds(row: Pipeline, builds: Iterable[azure.Build]) -> None:
    """Put the newest builds onto the row, the newest first. The caller saves."""
    newest = list(builds)[:RECENT]
    row.recent = [[build.id, build.number, state_of(build)] for build in newest]
    row.state = state_of(newest[0]) if newest else State.NONE
    one = newest[0] if newest else None
    row.build_id = one.id if one else None
    row.build_number = one.number[:256] if one else ""
    row.branch = (one.branch or "")[:512] if one else ""
    row.requested_for = (one.requested_for.display_name if one.requested_for else "")[:256] if one else ""
    row.queued_at = one.queued_at if one else None
    row.started_at = one.started_at if one else None
    row.finished_at = one.finished_at if one else None


def upsert_pipelines(rows: list[Pipeline]) -> None:
    """Insert or update, in a constant number of queries."""
    for row in rows:
        row.pk = None
    upsert(Pipeline, rows, unique_fields=("project", "azure_id"), update_fields=_FIELDS, batch=BATCH)
