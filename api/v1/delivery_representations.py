"""Convert repositories, pipelines and builds to response schemas."""

from datetime import datetime

from api.v1 import delivery_schemas as schemas
from api.v1.links import address
from api.v1.schemas import ConnectionRef
from connections import clients
from connections.domain.problems import catalogue
from connections.models import Connection
from connections.providers.azure_devops import build as azure
from core.control_characters import without_control_characters
from delivery import models
from delivery.builds.build_reads import LogPart
from delivery.domain.build_states import State, state_of
from delivery.live.items import BuildView
from delivery.live_views import Freshness
from delivery.reads import SyncStatus


def read_problem(code: str, server: str, activity_id: str = "") -> schemas.ReadProblem:
    """A problem in the words of a server."""
    problem = catalogue.problem(code, place=clients.place_of(server))
    return schemas.ReadProblem(
        code=problem.code,
        title=problem.title,
        detail=f"{problem.explanation} {problem.next_step}".strip(),
        activity_id=activity_id or None,
    )


def project(row: models.Project) -> schemas.Project:
    """A project."""
    connection = row.connection
    reference = ConnectionRef(id=connection.pk, name=connection.name)
    return schemas.Project(id=row.pk, azure_id=row.azure_id, name=row.name, connection=reference)


def repository(row: models.Repository) -> schemas.Repository:
    """A repository."""
    return schemas.Repository(
        id=row.pk,
        azure_id=row.azure_id,
        name=row.name,
        project=project(row.project),
        default_branch=row.branch or None,
        is_empty=row.is_empty,
        is_disabled=row.disabled,
        size=row.size,
        web_url=row.web_url,
        https_url=row.https_url,
        ssh_url=row.ssh_url,
        added_at=row.added_at,
        gone_at=row.gone_at,
        url=address("delivery:repository", row.pk),
    )


def sync(connection: Connection, status: SyncStatus, *, now: datetime) -> schemas.Sync:
    """The sync of a connection."""
    state = status.sync_state
    problem = read_problem(state.problem, connection.server, state.activity_id) if state and state.problem else None
    return schemas.Sync(
        connection_id=connection.pk,
        state=_sync_progress(state, now),
        started_at=state.started_at if state else None,
        started_by=(state.started_by or None) if state else None,
        finished_at=state.finished_at if state else None,
        complete_at=state.complete_at if state else None,
        total=state.total if state else 0,
        done=state.done if state else 0,
        problem=problem,
        projects=status.projects,
        repositories=status.repositories,
        unreadable_projects=status.untold,
        url=address("v1:get_sync", connection.pk),
    )


def _sync_progress(state: models.SyncState | None, now: datetime) -> schemas.SyncProgress:
    if state is not None and state.under_way:
        return schemas.SyncProgress.RUNNING
    if state is not None and state.next_at <= now:
        return schemas.SyncProgress.WAITING
    has_finished = state is not None and state.finished_at is not None
    return schemas.SyncProgress.FINISHED if has_finished else schemas.SyncProgress.NEVER


def pipeline(row: models.Pipeline) -> schemas.Pipeline:
    """A pipeline with its newest builds."""
    return schemas.Pipeline(
        id=row.pk,
        azure_id=row.azure_id,
        name=row.name,
        folder=row.folder,
        project=project(row.project),
        state=State(row.state or State.NONE),
        queue_status=row.queue_status,
        newest_build=_newest_build(row),
        recent_builds=[
            schemas.BuildMark(id=build_id, number=number, state=State(state)) for build_id, number, state in row.recent
        ],
        web_url=row.web_url,
        gone_at=row.gone_at,
        url=address("delivery:pipeline", row.pk),
    )


def _newest_build(row: models.Pipeline) -> schemas.NewestBuild | None:
    if row.build_id is None:
        return None
    return schemas.NewestBuild(
        id=row.build_id,
        number=row.build_number,
        state=State(row.state),
        branch=row.branch or None,
        requested_for=row.requested_for or None,
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def freshness(found: Freshness) -> schemas.Freshness:
    """How old a list is."""
    return schemas.Freshness(
        read_at=found.read_at,
        problems=[read_problem(failure.code, failure.server, failure.activity_id) for failure in found.failures],
    )


def build(found: azure.Build, pipeline_id: int) -> schemas.Build:
    """A build."""
    return schemas.Build(
        id=found.id,
        number=found.number,
        pipeline_id=pipeline_id,
        state=state_of(found),
        is_over=found.is_over,
        reason=found.reason,
        branch=found.branch,
        commit=found.commit,
        requested_for=found.requested_for.display_name if found.requested_for else None,
        queued_at=found.queued_at,
        started_at=found.started_at,
        finished_at=found.finished_at,
        warnings=list(found.warnings),
        web_url=found.web_url,
        url=address("v1:get_build", pipeline_id, found.id),
    )


def build_detail(view: BuildView, pipeline_id: int, read_at: datetime | None) -> schemas.BuildDetail:
    """A build with its steps, without the checkpoints that Azure DevOps adds."""
    steps = [
        schemas.Step(
            kind=step.kind,
            name=step.name,
            depth=depth,
            state=step.state,
            result=step.result,
            started_at=step.started_at,
            finished_at=step.finished_at,
            log_id=step.log_id,
            errors=step.errors,
            warnings=step.warnings,
            issues=[schemas.StepIssue(kind=issue.kind, message=issue.message) for issue in step.issues],
        )
        for depth, step in view.steps
        if step.kind != "Checkpoint"
    ]
    shown = build(view.build, pipeline_id).model_dump()
    return schemas.BuildDetail(**shown, steps=steps, steps_problem=view.steps_problem or None, read_at=read_at)


def log_part(part: LogPart, *, is_over: bool) -> schemas.LogPart:
    """Lines of a log."""
    return schemas.LogPart(
        first=part.first,
        lines=[without_control_characters(line) for line in part.lines],
        next=part.next,
        has_more=part.more,
        is_over=is_over and not part.more,
    )
