"""Operations on connections."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.utils import timezone
from ninja import Path, Query, Router, Status
from pydantic import Field

from api import reads as token_reads
from api.authentication import ApiRequest, Caller
from api.v1 import cursors, preconditions, representations, schemas
from api.v1.access import VIEW, Access
from api.v1.connection_tests import credentials_of
from api.v1.credentials import credential_in
from api.v1.errors import require_known
from api.v1.idempotent_requests import IdempotencyKey, store_once
from api.v1.links import address, next_page
from api.v1.preconditions import IfMatch
from api.v1.responses import CHANGE, ONE, answers, headers
from connections import reads
from connections.actions import versions
from connections.actions.audit import audit
from connections.actions.connect import ConnectRequest, connect
from connections.actions.disconnect import disconnect, set_disabled
from connections.actions.edit import Changes, edit
from connections.actions.rotate import Comparison, Replacement, rotate
from connections.actions.verify_credential import Credentials
from connections.input_rules import typed_name
from connections.models import Connection
from connections.old_tokens import replaced_tokens
from core.storable_text import storable_text
from history.record import actor_of

router = Router(tags=["Connections"])
ConnectionId = Annotated[int, Path(ge=1, le=2**63 - 1)]
_ETAG = {"ETag": "Version of the connection, for If-Match."}


class ConnectionFilters(schemas.Paging):
    """Search, filters and order, as on the page."""

    q: str = Field("", max_length=200, description="Words in name, organization or identity.")
    status: Literal[
        "",
        "attention",
        "healthy",
        "limited",
        "rejected",
        "unreachable",
        "not_checked",
        "disabled",
        "week",
        "soon",
        "expired",
        "not_recorded",
        "reach_unknown",
        "owner_left",
    ] = ""
    provider: Literal["", "azure_devops"] = ""
    on: schemas.Day | None = Field(None, description="Only those whose token expires on this day.")
    sort: Literal["", "expiry", "checked"] = Field(
        "",
        description="By name, unless this says otherwise. In the other orders, a row that changes between two requests "
        "can be missing or appear twice.",
    )


@router.get(
    "/connections",
    auth=Access(VIEW),
    response=answers(HTTPStatus.OK, schemas.ConnectionList),
    openapi_extra=headers(HTTPStatus.OK, Link="The next page, if there is one."),
    summary="List connections",
)
def list_connections(
    request: ApiRequest, response: HttpResponse, filters: Query[ConnectionFilters]
) -> schemas.ConnectionList:
    """List connections, filtered and sorted as on the Code Repositories page."""
    require_known(request, filters)
    asked = reads.Filters(
        q=storable_text(filters.q),
        status=filters.status,
        provider=filters.provider,
        sort=filters.sort,
        on=filters.on,
    )
    found = reads.connections(asked, today=timezone.localdate())
    found = token_reads.open_to(request.caller.token, found)
    page = cursors.page_sorted(found, of="connections", sort=filters.sort, cursor=filters.cursor, limit=filters.limit)
    return schemas.ConnectionList(
        connections=[representations.connection(row, request.caller) for row in page.rows],
        next=next_page(request, response, page.next_cursor),
    )


@router.get(
    "/connections/{int:connection_id}",
    auth=Access(VIEW),
    response=answers(HTTPStatus.OK, schemas.Connection, *ONE),
    openapi_extra=headers(HTTPStatus.OK, **_ETAG),
    summary="Get a connection",
)
def get_connection(request: ApiRequest, response: HttpResponse, connection_id: ConnectionId) -> schemas.Connection:
    """Return a connection. Use its ETag in If-Match."""
    return _shown(find(request.caller, connection_id), request.caller, response)


@router.get(
    "/connections/{int:connection_id}/capabilities",
    auth=Access(VIEW),
    response=answers(HTTPStatus.OK, schemas.CapabilityList, *ONE),
    summary="List the capabilities of a connection",
)
def list_capabilities(request: ApiRequest, connection_id: ConnectionId) -> schemas.CapabilityList:
    """Return what its token can do, according to the latest audits."""
    return representations.capabilities(find(request.caller, connection_id))


@router.post(
    "/connections",
    auth=Access("connections.add_connection", all_connections=True, shows=VIEW),
    response=answers(HTTPStatus.CREATED, schemas.ChangedConnection, HTTPStatus.CONFLICT, *ONE, has_body=True),
    openapi_extra=headers(HTTPStatus.CREATED, Location="The connection.", **_ETAG),
    summary="Connect an organization",
)
def create_connection(
    request: ApiRequest,
    response: HttpResponse,
    body: schemas.ConnectionInput,
    idempotency_key: IdempotencyKey = None,
) -> Status[schemas.ChangedConnection]:
    """The credential is tested, then stored with the connection, whose owner is the owner of the API token."""
    credentials = credentials_of(body, now=timezone.now())
    row = store_once(
        request,
        idempotency_key,
        partial(_connect, request, body, credentials),
        find=partial(find, request.caller),
        column="connection_id",
    )
    response.headers["Location"] = address("v1:get_connection", row.pk)
    shown = _shown(row, request.caller, response)
    warnings = representations.policy_warnings(row, credentials.token)
    return Status(HTTPStatus.CREATED, schemas.ChangedConnection(**shown.model_dump(), warnings=warnings))


def _connect(
    request: ApiRequest,
    body: schemas.ConnectionInput,
    credentials: Credentials,
    on_stored: Callable[[Connection], object] | None,
) -> Connection:
    asked = ConnectRequest(
        name=body.name,
        expires_on=body.expires_on,
        token_reach=body.token_reach,
        projects=body.projects,
        accept_limited=body.accept_limited,
    )
    owner, now = request.caller.owner, timezone.now()
    return connect(credentials, asked, owner=owner, by=actor_of(request), now=now, on_stored=on_stored)


@router.put(
    "/connections/{int:connection_id}",
    auth=Access("connections.change_connection", shows=VIEW),
    response=answers(HTTPStatus.OK, schemas.Connection, *CHANGE, has_body=True),
    openapi_extra=headers(HTTPStatus.OK, **_ETAG),
    summary="Update a connection",
)
def update_connection(
    request: ApiRequest,
    response: HttpResponse,
    connection_id: ConnectionId,
    body: schemas.SettingsInput,
    if_match: IfMatch = None,
) -> schemas.Connection:
    """Replace its settings. A repeated update that changes nothing succeeds."""
    row = find(request.caller, connection_id)
    changes = Changes(
        name=body.name,
        expires_on=body.expires_on,
        token_reach=body.token_reach,
        projects=body.projects,
        extra_recipients="\n".join(body.extra_recipients),
    )
    edit(row, changes, by=actor_of(request), now=timezone.now(), drawn_from=preconditions.required(if_match))
    return _shown(find(request.caller, connection_id), request.caller, response)


@router.put(
    "/connections/{int:connection_id}/token",
    auth=Access("connections.rotate_connection", shows=VIEW),
    response=answers(HTTPStatus.OK, schemas.RotatedConnection, *CHANGE, has_body=True),
    openapi_extra=headers(HTTPStatus.OK, **_ETAG),
    summary="Update the token of a connection",
)
def rotate_token(
    request: ApiRequest,
    response: HttpResponse,
    connection_id: ConnectionId,
    body: schemas.TokenInput,
    if_match: IfMatch = None,
) -> schemas.RotatedConnection:
    """The new credential is tested and compared while the old one stays in use, then swapped in one step."""
    row, version, now = find(request.caller, connection_id), preconditions.required(if_match), timezone.now()
    new = Replacement(
        token=credential_in(body, now=now),
        expires_on=body.expires_on,
        token_reach=body.token_reach or "",
        accept_limited=body.accept_limited,
    )
    owner: User = request.caller.owner
    comparison: Comparison = rotate(row, new, person=owner, by=actor_of(request), now=now, drawn_from=version)
    row = find(request.caller, connection_id)
    shown = _shown(row, request.caller, response)
    return schemas.RotatedConnection(
        **shown.model_dump(),
        warnings=representations.policy_warnings(row, new.token),
        same_person=comparison.same_person,
        lost=list(comparison.lost),
        gained=list(comparison.gained),
        old_token=next((representations.old_token(old, request.caller) for old in replaced_tokens([row])), None),
    )


@router.post(
    "/connections/{int:connection_id}/test",
    auth=Access("connections.test_connection", shows=VIEW),
    response=answers(HTTPStatus.OK, schemas.TestResult, *ONE),
    summary="Test a connection",
)
def test_connection(request: ApiRequest, connection_id: ConnectionId) -> schemas.TestResult:
    """Verify the stored token now, and store the result."""
    row = find(request.caller, connection_id)
    report = audit(row, by=actor_of(request), now=timezone.now(), interactive=True)
    return representations.report(report, server=row.server, organization=row.organization)


@router.post(
    "/connections/{int:connection_id}/disable",
    auth=Access("connections.disable_connection", shows=VIEW),
    response=answers(HTTPStatus.OK, schemas.Connection, *CHANGE),
    openapi_extra=headers(HTTPStatus.OK, **_ETAG),
    summary="Disable a connection",
)
def disable_connection(
    request: ApiRequest, response: HttpResponse, connection_id: ConnectionId, if_match: IfMatch = None
) -> schemas.Connection:
    """Stop using the connection; its token stays stored. Disabling twice is not an error."""
    return _set_disabled(request, response, connection_id, if_match, disabled=True)


@router.post(
    "/connections/{int:connection_id}/enable",
    auth=Access("connections.disable_connection", shows=VIEW),
    response=answers(HTTPStatus.OK, schemas.Connection, *CHANGE),
    openapi_extra=headers(HTTPStatus.OK, **_ETAG),
    summary="Enable a connection",
)
def enable_connection(
    request: ApiRequest, response: HttpResponse, connection_id: ConnectionId, if_match: IfMatch = None
) -> schemas.Connection:
    """Use the connection again. Enabling twice is not an error."""
    return _set_disabled(request, response, connection_id, if_match, disabled=False)


@router.delete(
    "/connections/{int:connection_id}",
    auth=Access("connections.delete_connection", shows=VIEW),
    response=answers(HTTPStatus.OK, schemas.OldToken, *CHANGE),
    summary="Disconnect",
)
def delete_connection(request: ApiRequest, connection_id: ConnectionId, if_match: IfMatch = None) -> schemas.OldToken:
    """Delete the connection and the stored token; its history is kept. The response names the token to revoke."""
    row, version = find(request.caller, connection_id), preconditions.required(if_match)
    name = typed_name(row.name, row.pk)
    old = disconnect(row, confirmed_name=name, by=actor_of(request), now=timezone.now(), drawn_from=version)
    return representations.old_token(old, request.caller)


def find(caller: Caller, connection_id: int) -> Connection:
    """A connection that the token may access. Raises `ConnectionGone`."""
    row = token_reads.connection(caller.token, connection_id)
    if row is None:
        raise versions.gone()
    return row


def _set_disabled(
    request: ApiRequest, response: HttpResponse, connection_id: int, if_match: str | None, *, disabled: bool
) -> schemas.Connection:
    row = find(request.caller, connection_id)
    version = preconditions.optional(if_match)
    set_disabled(row, disabled=disabled, by=actor_of(request), now=timezone.now(), drawn_from=version)
    return _shown(find(request.caller, connection_id), request.caller, response)


def _shown(row: Connection, caller: Caller, response: HttpResponse) -> schemas.Connection:
    shown = representations.connection(row, caller)
    preconditions.write_version(response, shown.version)
    return shown
