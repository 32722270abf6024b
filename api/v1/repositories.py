"""Operations on repositories, and the sync that reads them."""

from http import HTTPStatus

from django.http import Http404, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Status

from api import reads, waiting
from api.authentication import ApiRequest
from api.v1 import cursors
from api.v1 import delivery_representations as representations
from api.v1 import delivery_schemas as schemas
from api.v1.access import Access
from api.v1.connections import ConnectionId, find
from api.v1.errors import require_known
from api.v1.links import next_page
from api.v1.remote import RemoteFailure
from api.v1.responses import JOB_SECONDS, LINK, ONE, accepted, answers, followed, retry_after, start
from api.v1.schemas import Prefer, Waiting
from connections.models import Connection
from core.storable_text import storable_text
from core.tasks import enqueue
from delivery import reads as delivery_reads
from delivery.reads import Filters
from delivery.remote_read import RemoteReadError
from delivery.sync.sync import request_sync
from history.record import actor_of

router = Router(tags=["Repositories"])
VIEW = "delivery.view_repository"
_RUNNING = (schemas.SyncProgress.WAITING, schemas.SyncProgress.RUNNING)


@router.get(
    "/repositories",
    auth=Access(VIEW),
    response=answers(HTTPStatus.OK, schemas.RepositoryList),
    openapi_extra=LINK,
    summary="List repositories",
)
def list_repositories(
    request: ApiRequest, response: HttpResponse, filters: Query[schemas.RepositoryFilters]
) -> schemas.RepositoryList:
    """List repositories by name, filtered as on the Repositories page."""
    require_known(request, filters)
    asked = Filters(q=storable_text(filters.q), state=filters.state, connection=filters.connection)
    found = reads.repositories(request.caller.token, asked)
    page = cursors.page_by_name(found, of="repositories", cursor=filters.cursor, limit=filters.limit)
    return schemas.RepositoryList(
        repositories=[representations.repository(row) for row in page.rows],
        next=next_page(request, response, page.next_cursor),
    )


@router.get(
    "/repositories/{int:repository_id}",
    auth=Access(VIEW),
    response=answers(HTTPStatus.OK, schemas.Repository, *ONE),
    summary="Get a repository",
)
def get_repository(request: ApiRequest, repository_id: schemas.RowId) -> schemas.Repository:
    """Return a repository as it was last synced."""
    row = reads.repository(request.caller.token, repository_id)
    if row is None:
        raise Http404
    return representations.repository(row)


@router.get(
    "/connections/{int:connection_id}/sync",
    auth=Access(VIEW),
    response=answers(HTTPStatus.OK, schemas.Sync, *ONE),
    openapi_extra=followed("the sync runs"),
    summary="Follow the sync of a connection",
)
def get_sync(
    request: ApiRequest,
    response: HttpResponse,
    connection_id: ConnectionId,
    options: Query[Waiting],
    prefer: Prefer = None,
) -> schemas.Sync:
    """Return the progress of the latest sync. With `wait`, respond when it has ended, or when that time is over."""
    require_known(request, options)
    wait = waiting.requested(response, options.wait, prefer)
    connection = find(request.caller, connection_id)
    shown = waiting.follow(lambda: _sync(connection), lambda sync: sync.state not in _RUNNING, wait=wait)
    return _followed(shown, response)


@router.post(
    "/connections/{int:connection_id}/sync",
    auth=Access("delivery.refresh_repository", shows=VIEW),
    response=answers(HTTPStatus.ACCEPTED, schemas.RequestedSync, HTTPStatus.CONFLICT, *ONE),
    openapi_extra=accepted("sync"),
    summary="Sync a connection",
)
def start_sync(
    request: ApiRequest, response: HttpResponse, connection_id: ConnectionId
) -> Status[schemas.RequestedSync]:
    """Read its projects and repositories again. If a sync is already running, it is returned instead."""
    from delivery.tasks import refresh_due

    connection = find(request.caller, connection_id)
    if connection.disabled:
        raise RemoteFailure(connection, RemoteReadError("connection_disabled"))
    request_sync(connection, by=actor_of(request), now=timezone.now())
    otherwise = "The sync begins when the scheduler and a worker are back."
    warnings = start(lambda: enqueue(refresh_due), otherwise=otherwise)
    shown = _followed(_sync(connection), response)
    response.headers["Location"] = shown.url
    return Status(HTTPStatus.ACCEPTED, schemas.RequestedSync(**shown.model_dump(), warnings=warnings))


def _sync(connection: Connection) -> schemas.Sync:
    return representations.sync(connection, delivery_reads.sync_status(connection), now=timezone.now())


def _followed(shown: schemas.Sync, response: HttpResponse) -> schemas.Sync:
    if shown.state in _RUNNING:
        retry_after(response, JOB_SECONDS)
    return shown
