"""Operations on release pipelines and releases."""

from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus

from django.http import Http404, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Status

from api import reads, waiting
from api.authentication import ApiRequest, Caller
from api.v1 import cursors
from api.v1 import release_representations as representations
from api.v1 import release_schemas as schemas
from api.v1.access import Access
from api.v1.delivery_schemas import RemoteId, RowId
from api.v1.errors import require_known
from api.v1.idempotent_requests import IdempotencyKey, execute_once
from api.v1.links import next_page
from api.v1.pipelines import freshness
from api.v1.remote import RemoteFailure, live_value, through
from api.v1.responses import LINK, LIVE_SECONDS, ONE, accepted, answers, follow, followed, retry_after
from api.v1.schemas import Prefer, Waiting
from api.waiting import Wait
from connections.actions.refusals import Refused
from connections.providers.azure_devops.errors import NotFound
from connections.providers.azure_devops.release_models import Release
from core.storable_text import storable_text
from delivery import models, operations
from delivery.domain.stages import is_settled
from delivery.live import polling
from delivery.live.items import ReleaseList
from delivery.reads import Filters
from delivery.releases import release_changes, release_reads
from delivery.releases.release_changes import NewRelease
from delivery.remote_read import RemoteReadError
from history.record import actor_of

router = Router(tags=["Releases"])
VIEW = "delivery.view_releasepipeline"


@router.get(
    "/release-pipelines",
    auth=Access(VIEW),
    response=answers(HTTPStatus.OK, schemas.ReleasePipelineList),
    openapi_extra=LINK,
    summary="List release pipelines",
)
def list_release_pipelines(
    request: ApiRequest, response: HttpResponse, filters: Query[schemas.ReleasePipelineFilters]
) -> schemas.ReleasePipelineList:
    """List release pipelines by name as they were last read, filtered as on the Releases page.

    Listing release pipelines also refreshes them in the background.
    """
    require_known(request, filters)
    asked = Filters(
        q=storable_text(filters.q), state=filters.state, connection=filters.connection, project=filters.project
    )
    found = reads.release_pipelines(request.caller.token, asked)
    page = cursors.page_by_name(found, of="release pipelines", cursor=filters.cursor, limit=filters.limit)
    fresh = freshness({row.project_id for row in page.rows}, polling.RELEASES)
    return schemas.ReleasePipelineList(
        release_pipelines=[representations.release_pipeline(row) for row in page.rows],
        next=next_page(request, response, page.next_cursor),
        **fresh.model_dump(),
    )


@router.get(
    "/release-pipelines/{int:release_pipeline_id}",
    auth=Access(VIEW),
    response=answers(HTTPStatus.OK, schemas.ReleasePipeline, *ONE),
    summary="Get a release pipeline",
)
def get_release_pipeline(request: ApiRequest, release_pipeline_id: RowId) -> schemas.ReleasePipeline:
    """Return a release pipeline as it was last read."""
    return representations.release_pipeline(find(request.caller, release_pipeline_id))


@router.get(
    "/release-pipelines/{int:release_pipeline_id}/choices",
    auth=Access(VIEW),
    response=answers(HTTPStatus.OK, schemas.ReleaseChoices, HTTPStatus.CONFLICT, *ONE),
    summary="List what a release can consist of",
)
def list_release_choices(request: ApiRequest, release_pipeline_id: RowId) -> schemas.ReleaseChoices:
    """Return the artifacts with the versions that can be chosen, and the names of the stages."""
    row = find(request.caller, release_pipeline_id)
    with through(row.project.connection):
        definition = release_reads.pipeline(row.project, row.azure_id)
        offers = release_reads.offers(row.project, definition)
    server = row.project.connection.server
    return schemas.ReleaseChoices(
        artifacts=[representations.artifact_choice(offer, server) for offer in offers],
        stages=[stage.name for stage in definition.stages],
    )


@router.get(
    "/release-pipelines/{int:release_pipeline_id}/releases",
    auth=Access(VIEW),
    response=answers(HTTPStatus.OK, schemas.ReleaseList, HTTPStatus.CONFLICT, *ONE),
    openapi_extra=LINK,
    summary="List releases",
)
def list_releases(
    request: ApiRequest, response: HttpResponse, release_pipeline_id: RowId, filters: Query[cursors.RemotePaging]
) -> schemas.ReleaseList:
    """List the releases of a pipeline, newest first. Azure DevOps decides how many a page has."""
    require_known(request, filters)
    row, now = find(request.caller, release_pipeline_id), timezone.now()
    of = f"releases {row.pk}"
    after, read_at = cursors.remote_position(filters.cursor, of=of), None
    if after:
        with through(row.project.connection):
            page = release_reads.releases_of(row.project, row.azure_id, after=after)
    else:
        page, read_at = live_value(
            row.project, polling.PIPELINE_RELEASES, row.azure_id, ReleaseList, is_over=lambda _: True
        )
    return schemas.ReleaseList(
        releases=[representations.release(release, row, now=now) for release in page.items],
        read_at=read_at or now,
        next=next_page(request, response, cursors.remote_cursor(page.continuation, of=of)),
    )


@router.post(
    "/release-pipelines/{int:release_pipeline_id}/releases",
    auth=Access(operations.CREATE_RELEASE.permission, shows=VIEW),
    response=answers(HTTPStatus.ACCEPTED, schemas.Release, HTTPStatus.CONFLICT, *ONE, has_body=True),
    openapi_extra=accepted("release"),
    summary="Create a release",
)
def create_release(
    request: ApiRequest,
    response: HttpResponse,
    release_pipeline_id: RowId,
    body: schemas.ReleaseInput,
    idempotency_key: IdempotencyKey = None,
) -> Status[schemas.Release]:
    """Create a release of the chosen versions. Its stages are deployed as the pipeline says.

    After `outcome_unknown` the release may have been created: check the releases before you send another request.
    """
    row, by, now = find(request.caller, release_pipeline_id), actor_of(request), timezone.now()
    with through(row.project.connection):
        created = execute_once(
            request,
            idempotency_key,
            lambda: release_changes.create_release(row.project, _new_release(row, body), by=by, now=now),
            id_of=lambda release: release.id,
            find=lambda release_id: release_reads.one_release(row.project, release_id),
        )
    shown = representations.release(created, row, now=now)
    follow(response, shown.url, seconds=LIVE_SECONDS)
    return Status(HTTPStatus.ACCEPTED, shown)


def _new_release(row: models.ReleasePipeline, body: schemas.ReleaseInput) -> NewRelease:
    definition = release_reads.pipeline(row.project, row.azure_id)
    unknown = sorted({*body.manual_stages} - {stage.name for stage in definition.stages})
    if unknown:
        raise Refused("stage_unknown", f"The pipeline has no stage named {unknown[0]}.", field="manual_stages")
    offers = release_reads.offers(row.project, definition) if body.versions else ()
    versions = {choice.alias: _version(offers, choice.alias, choice.version) for choice in body.versions}
    return NewRelease(definition.id, definition.name, versions, body.description, tuple(body.manual_stages))


def _version(offers: Iterable[release_reads.Offer], alias: str, number: str) -> tuple[str, str]:
    """Id and number of a version that is offered now: what cannot be checked is not sent."""
    chosen = release_reads.offered_version((offer for offer in offers if offer.source.alias == alias), number)
    if chosen is None:
        raise Refused("artifact_unavailable", f"{alias} has no version {number} to choose.", field="versions")
    return chosen[1]


@router.get(
    "/release-pipelines/{int:release_pipeline_id}/releases/{int:release_id}",
    auth=Access(VIEW),
    response=answers(HTTPStatus.OK, schemas.FollowedRelease, HTTPStatus.CONFLICT, *ONE),
    openapi_extra=followed("the release is not settled"),
    summary="Follow a release",
)
def get_release(
    request: ApiRequest,
    response: HttpResponse,
    release_pipeline_id: RowId,
    release_id: RemoteId,
    options: Query[Waiting],
    prefer: Prefer = None,
) -> schemas.FollowedRelease:
    """Return a release. With `wait`, respond when nothing changes until someone acts, or when that time is over."""
    require_known(request, options)
    wait = waiting.requested(response, options.wait, prefer)
    row = find(request.caller, release_pipeline_id)
    found, read_at = _live_release(row, release_id, wait=wait)
    shown = representations.release(found, row, now=timezone.now())
    if not shown.is_settled:
        retry_after(response, LIVE_SECONDS)
    return schemas.FollowedRelease(**shown.model_dump(), read_at=read_at)


def find(caller: Caller, release_pipeline_id: int) -> models.ReleasePipeline:
    """A release pipeline that the token may access. Raises `Http404`."""
    row = reads.release_pipeline(caller.token, release_pipeline_id)
    if row is None:
        raise Http404
    return row


def _live_release(row: models.ReleasePipeline, release_id: int, *, wait: Wait) -> tuple[Release, datetime | None]:
    found, read_at = live_value(
        row.project,
        polling.RELEASE,
        release_id,
        Release,
        is_over=lambda release: is_settled(release, now=timezone.now()),
        wait=wait,
    )
    if not release_reads.is_of(row, found):
        raise RemoteFailure(row.project.connection, RemoteReadError(NotFound.code))
    return found, read_at
