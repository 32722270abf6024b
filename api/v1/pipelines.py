"""Operations on pipelines and their builds."""

from datetime import datetime
from http import HTTPStatus

from django.http import Http404, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Status

from api import reads, waiting
from api.authentication import ApiRequest, Caller
from api.v1 import cursors
from api.v1 import delivery_representations as representations
from api.v1 import delivery_schemas as schemas
from api.v1.access import Access
from api.v1.errors import require_known
from api.v1.idempotent_requests import IdempotencyKey, execute_once
from api.v1.links import next_page
from api.v1.remote import RemoteFailure, live_value, through
from api.v1.responses import LINK, LIVE_SECONDS, ONE, accepted, answers, follow, followed, retry_after
from api.v1.schemas import Prefer, Waiting
from api.waiting import NO_WAIT, Wait
from connections.providers.azure_devops.errors import NotFound
from core.storable_text import storable_text
from delivery import live_views, models, operations
from delivery.builds import build_changes, build_reads
from delivery.live import polling
from delivery.live.items import BuildList, BuildView
from delivery.reads import Filters
from delivery.remote_read import RemoteReadError
from history.record import actor_of

router = Router(tags=["Pipelines and builds"])
VIEW = "delivery.view_pipeline"


@router.get(
    "/pipelines",
    auth=Access(VIEW),
    response=answers(HTTPStatus.OK, schemas.PipelineList),
    openapi_extra=LINK,
    summary="List pipelines",
)
def list_pipelines(
    request: ApiRequest, response: HttpResponse, filters: Query[schemas.PipelineFilters]
) -> schemas.PipelineList:
    """List pipelines by name as they were last read, filtered as on the Builds page.

    Listing pipelines also refreshes them in the background.
    """
    require_known(request, filters)
    asked = Filters(
        q=storable_text(filters.q), state=filters.state, connection=filters.connection, project=filters.project
    )
    found = reads.pipelines(request.caller.token, asked)
    page = cursors.page_by_name(found, of="pipelines", cursor=filters.cursor, limit=filters.limit)
    fresh = freshness({row.project_id for row in page.rows}, polling.BUILDS)
    return schemas.PipelineList(
        pipelines=[representations.pipeline(row) for row in page.rows],
        next=next_page(request, response, page.next_cursor),
        **fresh.model_dump(),
    )


def freshness(project_ids: set[int], kind: str) -> schemas.Freshness:
    """Subscribe to the projects of a page, and say how old their lists are."""
    return representations.freshness(live_views.freshness(live_views.subscribe(project_ids, kind)))


@router.get(
    "/pipelines/{int:pipeline_id}",
    auth=Access(VIEW),
    response=answers(HTTPStatus.OK, schemas.Pipeline, *ONE),
    summary="Get a pipeline",
)
def get_pipeline(request: ApiRequest, pipeline_id: schemas.RowId) -> schemas.Pipeline:
    """Return a pipeline as it was last read."""
    return representations.pipeline(_find(request.caller, pipeline_id))


@router.get(
    "/pipelines/{int:pipeline_id}/branches",
    auth=Access(VIEW),
    response=answers(HTTPStatus.OK, schemas.BranchList, HTTPStatus.CONFLICT, *ONE),
    summary="List branches to run a pipeline on",
)
def list_branches(request: ApiRequest, pipeline_id: schemas.RowId) -> schemas.BranchList:
    """List branches to choose from, the default one first. There may be more: any branch can be run."""
    pipeline = _find(request.caller, pipeline_id)
    with through(pipeline.project.connection):
        return schemas.BranchList(branches=list(build_reads.suggested_branches(pipeline)))


@router.get(
    "/pipelines/{int:pipeline_id}/builds",
    auth=Access(VIEW),
    response=answers(HTTPStatus.OK, schemas.BuildList, HTTPStatus.CONFLICT, *ONE),
    openapi_extra=LINK,
    summary="List builds",
)
def list_builds(
    request: ApiRequest, response: HttpResponse, pipeline_id: schemas.RowId, filters: Query[cursors.RemotePaging]
) -> schemas.BuildList:
    """List the builds of a pipeline, newest first. Azure DevOps decides how many a page has."""
    require_known(request, filters)
    pipeline = _find(request.caller, pipeline_id)
    of = f"builds {pipeline.pk}"
    after, read_at = cursors.remote_position(filters.cursor, of=of), None
    if after:
        with through(pipeline.project.connection):
            page = build_reads.older_builds(pipeline, after)
    else:
        page, read_at = live_value(
            pipeline.project, polling.PIPELINE_BUILDS, pipeline.azure_id, BuildList, is_over=lambda _: True
        )
    return schemas.BuildList(
        builds=[representations.build(build, pipeline.pk) for build in page.items],
        read_at=read_at or timezone.now(),
        next=next_page(request, response, cursors.remote_cursor(page.continuation, of=of)),
    )


@router.post(
    "/pipelines/{int:pipeline_id}/builds",
    auth=Access(operations.RUN_PIPELINE.permission, shows=VIEW),
    response=answers(HTTPStatus.ACCEPTED, schemas.Build, HTTPStatus.CONFLICT, *ONE, has_body=True),
    openapi_extra=accepted("build"),
    summary="Run a pipeline",
)
def run_pipeline(
    request: ApiRequest,
    response: HttpResponse,
    pipeline_id: schemas.RowId,
    body: schemas.RunInput,
    idempotency_key: IdempotencyKey = None,
) -> Status[schemas.Build]:
    """Queue a build on a branch.

    After `outcome_unknown` the build may have been queued: check the builds before you send another request.
    """
    pipeline, by = _find(request.caller, pipeline_id), actor_of(request)
    with through(pipeline.project.connection):
        queued = execute_once(
            request,
            idempotency_key,
            lambda: build_changes.run_pipeline(pipeline, body.branch, by=by, now=timezone.now()),
            id_of=lambda build: build.id,
            find=lambda build_id: build_reads.build(pipeline, build_id),
        )
    shown = representations.build(queued, pipeline.pk)
    follow(response, shown.url, seconds=LIVE_SECONDS)
    return Status(HTTPStatus.ACCEPTED, shown)


@router.get(
    "/pipelines/{int:pipeline_id}/builds/{int:build_id}",
    auth=Access(VIEW),
    response=answers(HTTPStatus.OK, schemas.BuildDetail, HTTPStatus.CONFLICT, *ONE),
    openapi_extra=followed("the build runs"),
    summary="Follow a build",
)
def get_build(
    request: ApiRequest,
    response: HttpResponse,
    pipeline_id: schemas.RowId,
    build_id: schemas.RemoteId,
    options: Query[Waiting],
    prefer: Prefer = None,
) -> schemas.BuildDetail:
    """Return a build with its steps. With `wait`, respond when it is over, or when that time is over."""
    require_known(request, options)
    wait = waiting.requested(response, options.wait, prefer)
    pipeline = _find(request.caller, pipeline_id)
    view, read_at = _build(pipeline, build_id, wait=wait)
    if not view.build.is_over:
        retry_after(response, LIVE_SECONDS)
    return representations.build_detail(view, pipeline.pk, read_at)


@router.post(
    "/pipelines/{int:pipeline_id}/builds/{int:build_id}/cancel",
    auth=Access(operations.CANCEL_BUILD.permission, shows=VIEW),
    response=answers(HTTPStatus.ACCEPTED, schemas.Build, HTTPStatus.CONFLICT, *ONE),
    openapi_extra=accepted("build"),
    summary="Cancel a build",
)
def cancel_build(
    request: ApiRequest, response: HttpResponse, pipeline_id: schemas.RowId, build_id: schemas.RemoteId
) -> Status[schemas.Build]:
    """Ask Azure DevOps to cancel a build. One that has ended otherwise is refused with `build_over`."""
    pipeline = _find(request.caller, pipeline_id)
    with through(pipeline.project.connection):
        cancelled = build_changes.cancel_build(pipeline, build_id, by=actor_of(request), now=timezone.now())
    shown = representations.build(cancelled, pipeline.pk)
    follow(response, shown.url, seconds=LIVE_SECONDS)
    return Status(HTTPStatus.ACCEPTED, shown)


@router.get(
    "/pipelines/{int:pipeline_id}/builds/{int:build_id}/logs/{int:log_id}",
    auth=Access(VIEW),
    response=answers(HTTPStatus.OK, schemas.LogPart, HTTPStatus.CONFLICT, *ONE),
    summary="Read a log",
)
def get_log(
    request: ApiRequest,
    pipeline_id: schemas.RowId,
    build_id: schemas.RemoteId,
    log_id: schemas.RemoteId,
    filters: Query[schemas.LogFilters],
) -> schemas.LogPart:
    """Return at most 1,000 lines of the log of a step. Continue with `next` as `first`, until `is_over`."""
    require_known(request, filters)
    pipeline = _find(request.caller, pipeline_id)
    view, read_at = _build(pipeline, build_id)
    with through(pipeline.project.connection):
        part = build_reads.log_part(pipeline, build_id, log_id, first=filters.first, as_of=read_at)
    return representations.log_part(part, is_over=view.build.is_over)


def _find(caller: Caller, pipeline_id: int) -> models.Pipeline:
    pipeline = reads.pipeline(caller.token, pipeline_id)
    if pipeline is None:
        raise Http404
    return pipeline


def _build(pipeline: models.Pipeline, build_id: int, *, wait: Wait = NO_WAIT) -> tuple[BuildView, datetime | None]:
    view, read_at = live_value(
        pipeline.project,
        polling.BUILD,
        build_id,
        BuildView,
        is_over=lambda view: view.build.is_over,
        wait=wait,
    )
    if not build_reads.is_of(pipeline, view.build):
        raise RemoteFailure(pipeline.project.connection, RemoteReadError(NotFound.code))
    return view, read_at
