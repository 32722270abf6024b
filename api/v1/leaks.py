"""Operations on leaked credentials: declare one, and follow what happens to it."""

from http import HTTPStatus

from django.http import Http404, HttpResponse
from django.utils import timezone
from ninja import Query, Router
from pydantic import Field

from api import waiting
from api.authentication import ApiRequest
from api.v1 import cursors, register_schemas, schemas
from api.v1 import register_representations as representations
from api.v1.access import VIEW, Access
from api.v1.connections import ConnectionId, find
from api.v1.delivery_schemas import RowId
from api.v1.errors import require_known
from api.v1.links import next_page
from api.v1.register_representations import VIEW_REGISTER
from api.v1.responses import JOB_SECONDS, LINK, ONE, answers, followed, retry_after
from connections import leak_reads
from connections.actions.declare_entry_leak import declare_entry_leaked
from connections.actions.declare_leak import declare_stored_leaked, find_token
from connections.actions.declare_leak import declare_token_leaked as declare_leaked
from connections.models import LeakedToken
from connections.providers.azure_devops.identifiers import read_token
from connections.providers.credential import Credential
from history.record import actor_of

router = Router(tags=["Leaks"])
DECLARE = "connections.declare_leak"
WAITING = LeakedToken.State.WAITING
Shown = register_schemas.Leak


class LeakFilters(schemas.Paging):
    """Search, as on the page."""

    q: str = Field("", max_length=200, description="Words in organization, owner of the credential, or declared by.")


@router.get(
    "/leaks",
    auth=Access(DECLARE, all_connections=True, shows=VIEW),
    response=answers(HTTPStatus.OK, register_schemas.LeakList),
    openapi_extra=LINK,
    summary="List leaked credentials",
)
def list_leaks(request: ApiRequest, response: HttpResponse, filters: Query[LeakFilters]) -> register_schemas.LeakList:
    """List what was declared leaked, newest first. Entries need the permission to read the register."""
    require_known(request, filters)
    found = leak_reads.with_words(leak_reads.shown(with_entries=request.caller.may(VIEW_REGISTER)), filters.q)
    page = cursors.page_by_id(found, of="leaks", cursor=filters.cursor, limit=filters.limit, newest_first=True)
    return register_schemas.LeakList(
        leaks=[representations.leak_summary(row) for row in page.rows],
        next=next_page(request, response, page.next_cursor),
    )


@router.get(
    "/leaks/{int:leak_id}",
    auth=Access(VIEW, all_connections=True),
    response=answers(HTTPStatus.OK, Shown, *ONE),
    openapi_extra=followed("Azure DevOps is asked whether it still accepts the credential"),
    summary="Follow a leaked credential",
)
def get_leak(
    request: ApiRequest,
    response: HttpResponse,
    leak_id: RowId,
    options: Query[schemas.Waiting],
    prefer: schemas.Prefer = None,
) -> Shown:
    """Return whether it was proved dead, where it is used and what it could do. With `wait`, respond when that ends."""
    require_known(request, options)
    wait = waiting.requested(response, options.wait, prefer)
    row = waiting.follow(lambda: _find(request, leak_id), lambda row: row.state is not WAITING, wait=wait)
    if row.state is WAITING:
        retry_after(response, JOB_SECONDS)
    return representations.leak(row, request.caller)


@router.post(
    "/connections/{int:connection_id}/leak",
    auth=Access(DECLARE, all_connections=True, shows=VIEW),
    response=answers(HTTPStatus.OK, Shown, *ONE),
    summary="Declare the credential of a connection leaked",
)
def declare_connection_leaked(request: ApiRequest, connection_id: ConnectionId) -> Shown:
    """Stop every connection that stores it, permanently. Declared again, it returns the first declaration."""
    connection = find(request.caller, connection_id)
    return _shown(request, declare_stored_leaked(connection, by=actor_of(request), now=timezone.now()).pk)


@router.post(
    "/register/{int:entry_id}/leak",
    auth=Access(DECLARE, all_connections=True, shows=VIEW_REGISTER),
    response=answers(HTTPStatus.OK, Shown, *ONE),
    summary="Declare an entry of the register leaked",
)
def declare_register_entry_leaked(request: ApiRequest, entry_id: RowId) -> Shown:
    """Notify the people concerned. Declared again, it returns the first declaration."""
    declared = declare_entry_leaked(entry_id, by=actor_of(request), now=timezone.now())
    return _shown(request, declared.pk)


@router.post(
    "/leaks/find",
    auth=Access(DECLARE, all_connections=True, shows=VIEW),
    response=answers(HTTPStatus.OK, register_schemas.FoundToken, has_body=True),
    summary="Find where a token is stored",
)
def find_leaked_token(request: ApiRequest, body: register_schemas.LeakedTokenInput) -> register_schemas.FoundToken:
    """Compare a text with the stored tokens and client secrets. Nothing of it is kept."""
    return representations.found_token(find_token(_token(body)))


@router.post(
    "/leaks",
    auth=Access(DECLARE, all_connections=True, shows=VIEW),
    response=answers(HTTPStatus.OK, Shown, has_body=True),
    summary="Declare a token leaked",
)
def declare_token_leaked(request: ApiRequest, body: register_schemas.LeakedTokenInput) -> Shown:
    """Stop every connection that stores it, permanently. A token that no connection stores or stored is refused."""
    return _shown(request, declare_leaked(_token(body), by=actor_of(request), now=timezone.now()).pk)


def _token(body: register_schemas.LeakedTokenInput) -> Credential:
    return read_token(body.token.get_secret_value())


def _shown(request: ApiRequest, leak_id: int) -> Shown:
    return representations.leak(_find(request, leak_id), request.caller)


def _find(request: ApiRequest, leak_id: int) -> LeakedToken:
    row = leak_reads.shown(with_entries=request.caller.may(VIEW_REGISTER)).filter(pk=leak_id).first()
    if row is None:
        raise Http404
    return row
