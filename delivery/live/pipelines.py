"""Read the pipelines of a project with their newest builds, and store them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from connections.providers.azure_devops import build as azure
from connections.providers.azure_devops import errors
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.paging import Listed, read_all
from delivery.domain.build_states import UNDER_WAY, State, state_of
from delivery.live.stored_pipelines import store
from delivery.models import Pipeline, PollSubscription, Project

RECENT = 8


def read_pipelines(client: AzureDevOpsClient, subscription: PollSubscription, now: datetime) -> None:
    """Read every pipeline; builds are requested only where something is new. Raises `AzureDevOpsError`.

    The list of pipelines names the newest build of each, so a poll of a project in which nothing happened is one
    request. Raises `ListIncomplete` when not everything could be read; what was read is stored nevertheless.
    """
    project = subscription.project
    definitions = read_all(azure.definitions(client.transport, project.azure_id, with_latest=True))
    known = {pipeline.azure_id: pipeline for pipeline in project.pipelines.all()}
    new = (definition.id for definition in definitions.items if _has_changed(definition, known.get(definition.id)))
    changed = dict.fromkeys(new)
    newest: Listed[azure.Build] = Listed(())
    if changed:
        newest = azure.latest_builds(client.transport, project.azure_id, list(changed), each=RECENT)
    builds: dict[int, list[azure.Build]] = defaultdict(list)
    for build in newest.items:
        builds[build.definition_id].append(build)
    if not newest.complete:
        # Of a pipeline whose builds were not reached, the list of pipelines itself names the newest.
        builds |= {
            definition.id: [definition.latest]
            for definition in definitions.items
            if definition.id in changed and definition.id not in builds and definition.latest
        }
    rows = [_row(project, definition, known.get(definition.id), now) for definition in definitions.items]
    for row in rows:
        _apply_builds(row, builds.get(row.azure_id, ()), are_all=newest.complete)
    store(project.pipelines.all(), rows, is_whole=definitions.is_whole, now=now)
    if not (definitions.complete and newest.complete):
        raise errors.ListIncomplete


def _has_changed(definition: azure.Definition, known: Pipeline | None) -> bool:
    if known is None:
        return True
    if definition.latest is None:
        # It never ran, its builds were removed, or the server is too old to say: one that is under way is read.
        return known.state in UNDER_WAY or known.state in ("", State.UNKNOWN)
    return (definition.latest.id, state_of(definition.latest)) != (known.build_id, known.state)


def _row(project: Project, definition: azure.Definition, known: Pipeline | None, now: datetime) -> Pipeline:
    row = known or Pipeline(project=project, azure_id=definition.id, state=State.NONE)
    row.name, row.folder, row.queue_status = definition.name, definition.path, definition.queue_status
    row.web_url, row.seen_at, row.gone_at = definition.web_url or "", now, None
    return row


def _apply_builds(row: Pipeline, builds: Sequence[azure.Build], *, are_all: bool) -> None:
    """Put the newest builds onto the row, the newest first. Unless they `are_all`, those known before follow."""
    if not builds:
        return
    newest, ids = builds[0], {build.id for build in builds}
    earlier = [] if are_all else [known for known in row.recent if known[0] not in ids]
    row.recent = [*([build.id, build.number, state_of(build)] for build in builds), *earlier][:RECENT]
    row.state, row.build_id, row.build_number = state_of(newest), newest.id, newest.number
    row.branch = newest.branch or ""
    row.requested_for = newest.requested_for.display_name if newest.requested_for else ""
    row.queued_at, row.started_at, row.finished_at = newest.queued_at, newest.started_at, newest.finished_at
