"""Convert release pipelines and releases to response schemas."""

from datetime import datetime
from typing import Any

from api.v1 import release_schemas as schemas
from api.v1.delivery_representations import project, read_problem
from api.v1.links import address
from connections.providers.azure_devops import release_models as azure
from connections.providers.organization import Identity
from delivery import models
from delivery.domain.stages import ReleaseState, StageState, asked, is_settled, release_state, stage_of
from delivery.releases.release_changes import is_of_another
from delivery.releases.release_reads import Offer


def release_pipeline(row: models.ReleasePipeline) -> schemas.ReleasePipeline:
    """A release pipeline with its newest release."""
    return schemas.ReleasePipeline(
        id=row.pk,
        azure_id=row.azure_id,
        name=row.name,
        folder=row.path,
        project=project(row.project),
        state=ReleaseState(row.whole) if row.newest_id is not None else None,
        newest_release=_newest_release(row),
        pending_approvals=row.pending,
        web_url=row.web_url,
        gone_at=row.gone_at,
        url=address("delivery:release-pipeline", row.project_id, row.azure_id),
    )


def _newest_release(row: models.ReleasePipeline) -> schemas.NewestRelease | None:
    if row.newest_id is None:
        return None
    return schemas.NewestRelease(
        id=row.newest_id,
        name=row.newest_name,
        version=row.newest_version or None,
        created_at=row.newest_at,
        created_by=row.newest_by or None,
        stages=[_stage_ref(stage) for stage in row.newest_stages],
    )


def _stage_ref(stored: dict[str, Any]) -> schemas.StageRef:
    state = StageState(stored.get("state", StageState.NOT_STARTED))
    return schemas.StageRef(name=str(stored.get("name", "")), state=state)


def artifact_choice(offer: Offer, server: str) -> schemas.ArtifactChoice:
    """An artifact with the versions that can be chosen."""
    return schemas.ArtifactChoice(
        alias=offer.source.alias,
        kind=offer.source.kind,
        pipeline=offer.source.definition_name,
        versions=[
            schemas.Version(id=build.id, number=build.number, branch=build.branch, finished_at=build.finished_at)
            for build in offer.versions
        ],
        problem=read_problem(offer.problem, server) if offer.problem else None,
    )


def release(found: azure.Release, row: models.ReleasePipeline, *, now: datetime) -> schemas.Release:
    """A release of a pipeline."""
    identity_id = row.project.connection.identity_id
    return schemas.Release(
        id=found.id,
        name=found.name,
        release_pipeline_id=row.pk,
        state=release_state(found),
        is_settled=is_settled(found, now=now),
        description=found.description,
        reason=found.reason,
        created_by=_name(found.created_by),
        created_at=found.created_at,
        stages=[stage(environment, identity_id) for environment in found.environments],
        artifacts=[
            schemas.Artifact(
                alias=artifact.alias,
                kind=artifact.kind,
                version=artifact.version,
                branch=artifact.branch,
                commit=artifact.commit,
            )
            for artifact in found.artifacts
        ],
        web_url=found.web_url,
        url=release_url(row, found.id),
    )


def release_url(row: models.ReleasePipeline, release_id: int) -> str:
    """Where to follow a release."""
    return address("v1:get_release", row.pk, release_id)


def stage(environment: azure.Environment, identity_id: str) -> schemas.Stage:
    """A stage; `identity_id` is the token's owner in Azure DevOps."""
    return schemas.Stage(
        id=environment.id,
        name=environment.name,
        state=stage_of(environment),
        minutes=environment.minutes,
        changed_at=environment.changed_at,
        approvals=[approval(request, identity_id) for request in asked(environment)],
        attempts=[_attempt(attempt) for attempt in environment.attempts],
    )


def approval(found: azure.Approval, identity_id: str) -> schemas.Approval:
    """An approval; `identity_id` is the token's owner in Azure DevOps."""
    return schemas.Approval(
        id=found.id,
        status=found.status,
        kind=found.kind,
        approver=_name(found.approver),
        is_group=found.approver is not None and found.approver.is_group,
        is_of_another=is_of_another(found, identity_id),
        decided_by=_name(found.decided_by),
        comments=found.comments,
        attempt=found.attempt,
        created_at=found.created_at,
        changed_at=found.changed_at,
    )


def _attempt(found: azure.Attempt) -> schemas.Attempt:
    return schemas.Attempt(
        number=found.number,
        status=found.status,
        operation=found.operation,
        requested_by=_name(found.requested_by),
        queued_at=found.queued_at,
        changed_at=found.changed_at,
    )


def _name(person: Identity | None) -> str | None:
    return person.display_name if person else None
