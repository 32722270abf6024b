"""Operations that deploy stages and decide approvals."""

from http import HTTPStatus

from django.http import Http404, HttpResponse
from django.utils import timezone
from ninja import Router, Status

from api.authentication import ApiRequest
from api.v1 import release_representations as representations
from api.v1 import release_schemas as schemas
from api.v1.access import Access
from api.v1.delivery_schemas import RemoteId, RowId
from api.v1.releases import VIEW, find
from api.v1.remote import through
from api.v1.responses import LIVE_SECONDS, ONE, accepted, answers, follow
from connections.providers.azure_devops.release_models import Environment, Release
from delivery import models, operations
from delivery.releases import release_changes, release_reads
from delivery.releases.release_changes import Decision, Place
from history.record import actor_of

router = Router(tags=["Releases"])
_RELEASE = "/release-pipelines/{int:release_pipeline_id}/releases/{int:release_id}"
_STAGE = answers(HTTPStatus.ACCEPTED, schemas.ChangedStage, HTTPStatus.CONFLICT, *ONE, has_body=True)
_APPROVAL = answers(HTTPStatus.ACCEPTED, schemas.DecidedApproval, HTTPStatus.CONFLICT, *ONE, has_body=True)
_LOCATION = accepted("release")
_MAY_DEPLOY = Access(operations.DEPLOY_STAGE.permission, shows=VIEW)
_MAY_DECIDE = Access(operations.APPROVE_DEPLOYMENT.permission, shows=VIEW)


@router.post(
    f"{_RELEASE}/stages/{{int:stage_id}}/deploy",
    auth=_MAY_DEPLOY,
    response=_STAGE,
    openapi_extra=_LOCATION,
    summary="Deploy a stage",
)
def deploy_stage(
    request: ApiRequest,
    response: HttpResponse,
    release_pipeline_id: RowId,
    release_id: RemoteId,
    stage_id: RemoteId,
    body: schemas.CommentInput,
) -> Status[schemas.ChangedStage]:
    """Start to deploy a release to a stage. Azure DevOps refuses it in other states with `stage_moved_on`."""
    row = find(request.caller, release_pipeline_id)
    return _change(operations.DEPLOY_STAGE, request, response, row, release_id, stage_id, body.comment)


@router.post(
    f"{_RELEASE}/stages/{{int:stage_id}}/cancel",
    auth=_MAY_DEPLOY,
    response=_STAGE,
    openapi_extra=_LOCATION,
    summary="Cancel the deployment of a stage",
)
def cancel_deployment(
    request: ApiRequest,
    response: HttpResponse,
    release_pipeline_id: RowId,
    release_id: RemoteId,
    stage_id: RemoteId,
    body: schemas.CommentInput,
) -> Status[schemas.ChangedStage]:
    """Cancel a deployment that runs or waits."""
    row = find(request.caller, release_pipeline_id)
    return _change(operations.CANCEL_DEPLOYMENT, request, response, row, release_id, stage_id, body.comment)


@router.post(
    f"{_RELEASE}/approvals/{{int:approval_id}}/approve",
    auth=_MAY_DECIDE,
    response=_APPROVAL,
    openapi_extra=_LOCATION,
    summary="Approve a deployment",
)
def approve_deployment(
    request: ApiRequest,
    response: HttpResponse,
    release_pipeline_id: RowId,
    release_id: RemoteId,
    approval_id: RemoteId,
    body: schemas.CommentInput,
) -> Status[schemas.DecidedApproval]:
    """Approve on behalf of the token's owner."""
    row = find(request.caller, release_pipeline_id)
    return _decide(operations.APPROVE_DEPLOYMENT, request, response, row, release_id, approval_id, body.comment)


@router.post(
    f"{_RELEASE}/approvals/{{int:approval_id}}/reject",
    auth=_MAY_DECIDE,
    response=_APPROVAL,
    openapi_extra=_LOCATION,
    summary="Reject a deployment",
)
def reject_deployment(
    request: ApiRequest,
    response: HttpResponse,
    release_pipeline_id: RowId,
    release_id: RemoteId,
    approval_id: RemoteId,
    body: schemas.CommentInput,
) -> Status[schemas.DecidedApproval]:
    """Reject on behalf of the token's owner."""
    row = find(request.caller, release_pipeline_id)
    return _decide(operations.REJECT_DEPLOYMENT, request, response, row, release_id, approval_id, body.comment)


def _change(
    act: operations.Operation,
    request: ApiRequest,
    response: HttpResponse,
    row: models.ReleasePipeline,
    release_id: int,
    stage_id: int,
    comment: str,
) -> Status[schemas.ChangedStage]:
    connection, now = row.project.connection, timezone.now()
    with through(connection):
        release = _release(row, release_id)
        stage = next((stage for stage in release.environments if stage.id == stage_id), None)
        if stage is None:
            raise Http404
        place = Place.of(release, stage)
        changed = release_changes.change_stage(act, row.project, place, comment=comment, by=actor_of(request), now=now)
    url = _follow(response, row, release_id)
    shown = representations.stage(changed, connection.identity_id).model_dump()
    return Status(HTTPStatus.ACCEPTED, schemas.ChangedStage(**shown, url=url))


def _decide(
    act: operations.Operation,
    request: ApiRequest,
    response: HttpResponse,
    row: models.ReleasePipeline,
    release_id: int,
    approval_id: int,
    comment: str,
) -> Status[schemas.DecidedApproval]:
    connection, decision = row.project.connection, Decision(approval_id, comment)
    with through(connection):
        release = _release(row, release_id)
        place = next((Place.of(release, stage) for stage in release.environments if _has(stage, approval_id)), None)
        if place is None:
            raise Http404
        by, now = actor_of(request), timezone.now()
        decided = release_changes.decide(act, row.project, place, decision, by=by, now=now)
    url = _follow(response, row, release_id)
    shown = representations.approval(decided, connection.identity_id).model_dump()
    return Status(HTTPStatus.ACCEPTED, schemas.DecidedApproval(**shown, url=url))


def _release(row: models.ReleasePipeline, release_id: int) -> Release:
    release = release_reads.one_release(row.project, release_id)
    if not release_reads.is_of(row, release):
        raise Http404
    return release


def _has(stage: Environment, approval_id: int) -> bool:
    return any(approval.id == approval_id for approval in stage.approvals)


def _follow(response: HttpResponse, row: models.ReleasePipeline, release_id: int) -> str:
    url = representations.release_url(row, release_id)
    follow(response, url, seconds=LIVE_SECONDS)
    return url
