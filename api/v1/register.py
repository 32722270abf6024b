"""Operations on the register: credentials that are watched and not stored."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Literal

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router, Status
from pydantic import Field

from api.authentication import ApiRequest
from api.v1 import cursors, preconditions, register_schemas, schemas
from api.v1 import register_representations as representations
from api.v1.access import Access
from api.v1.consumers import consumers_text
from api.v1.delivery_schemas import RowId
from api.v1.errors import require_known
from api.v1.idempotent_requests import IdempotencyKey, store_once
from api.v1.links import address, next_page
from api.v1.preconditions import IfMatch
from api.v1.register_representations import VIEW_REGISTER
from api.v1.responses import CHANGE, LINK, ONE, answers, headers
from connections import reads, register_reads
from connections.actions import register_versions
from connections.actions.refusals import CannotChangeEntry
from connections.actions.register_entries import (
    EntryInput,
    add_entry,
    change_entry,
    close_entry,
    delete_entry,
    reopen_entry,
)
from connections.models import RegisterEntry
from connections.register_reads import EntryFilters
from core.storable_text import storable_text
from history.record import actor_of

router = Router(tags=["Register"])
_ADD, _CHANGE, _DELETE = (f"connections.{verb}_registerentry" for verb in ("add", "change", "delete"))
_ETAG = {"ETag": "Version of the entry, for If-Match."}
Shown = register_schemas.RegisterEntry


class RegisterFilters(schemas.Paging):
    """Search, filters and order, as on the page."""

    q: str = Field("", max_length=200, description="Words in name, organization, owner outside or purpose.")
    status: Literal["", "attention", "week", "soon", "expired", "not_recorded", "owner_left", "open", "closed"] = ""
    kind: Literal["", "pat", "client_secret", "certificate", "ssh_key", "service_connection", "other"] = ""
    on: schemas.Day | None = Field(None, description="Only those that expire on this day.")
    sort: Literal["", "expiry"] = Field(
        "",
        description="By name, unless this says otherwise. In the other order, an entry that changes between two "
        "requests can be missing or appear twice.",
    )


@router.get(
    "/register",
    auth=Access(VIEW_REGISTER, all_connections=True),
    response=answers(HTTPStatus.OK, register_schemas.RegisterEntryList),
    openapi_extra=LINK,
    summary="List the register",
)
def list_register_entries(
    request: ApiRequest, response: HttpResponse, filters: Query[RegisterFilters]
) -> register_schemas.RegisterEntryList:
    """List credentials that are watched and not stored, filtered as on the Register page."""
    require_known(request, filters)
    asked = EntryFilters(
        q=storable_text(filters.q), status=filters.status, kind=filters.kind, sort=filters.sort or "name", on=filters.on
    )
    found = register_reads.in_full(register_reads.entries(asked, today=timezone.localdate()))
    page = cursors.page_sorted(found, of="register", sort=filters.sort, cursor=filters.cursor, limit=filters.limit)
    return register_schemas.RegisterEntryList(
        entries=[representations.register_entry(row) for row in page.rows],
        next=next_page(request, response, page.next_cursor),
    )


@router.get(
    "/register/{int:entry_id}",
    auth=Access(VIEW_REGISTER, all_connections=True),
    response=answers(HTTPStatus.OK, Shown, *ONE),
    openapi_extra=headers(HTTPStatus.OK, **_ETAG),
    summary="Get an entry of the register",
)
def get_register_entry(request: ApiRequest, response: HttpResponse, entry_id: RowId) -> Shown:
    """Return an entry. Use its ETag in If-Match."""
    return _shown(entry_id, response)


@router.post(
    "/register",
    auth=Access(_ADD, all_connections=True, shows=VIEW_REGISTER),
    response=answers(HTTPStatus.CREATED, Shown, HTTPStatus.CONFLICT, *ONE, has_body=True),
    openapi_extra=headers(HTTPStatus.CREATED, Location="The entry.", **_ETAG),
    summary="Add an entry to the register",
)
def create_register_entry(
    request: ApiRequest,
    response: HttpResponse,
    body: register_schemas.NewRegisterEntry,
    idempotency_key: IdempotencyKey = None,
) -> Status[Shown]:
    """Add a credential that is watched. Texts that look like a secret are refused."""
    row = store_once(request, idempotency_key, partial(_add, request, body), find=find)
    response.headers["Location"] = address("v1:get_register_entry", row.pk)
    return Status(HTTPStatus.CREATED, _shown(row.pk, response))


def _add(
    request: ApiRequest,
    body: register_schemas.NewRegisterEntry,
    on_stored: Callable[[RegisterEntry], object] | None,
) -> RegisterEntry:
    owner = request.caller.owner if body.owner is None else _person(body.owner)
    return add_entry(_entered(body, owner), by=actor_of(request), now=timezone.now(), on_stored=on_stored)


@router.put(
    "/register/{int:entry_id}",
    auth=Access(_CHANGE, all_connections=True, shows=VIEW_REGISTER),
    response=answers(HTTPStatus.OK, Shown, *CHANGE, has_body=True),
    openapi_extra=headers(HTTPStatus.OK, **_ETAG),
    summary="Update an entry of the register",
)
def update_register_entry(
    request: ApiRequest,
    response: HttpResponse,
    entry_id: RowId,
    body: register_schemas.RegisterEntryInput,
    if_match: IfMatch = None,
) -> Shown:
    """Replace its fields. A repeated update that changes nothing succeeds."""
    owner = find(entry_id).owner
    if body.owner != owner.get_username():
        owner = _person(body.owner)
    version = preconditions.required(if_match)
    change_entry(entry_id, _entered(body, owner), by=actor_of(request), now=timezone.now(), drawn_from=version)
    return _shown(entry_id, response)


@router.post(
    "/register/{int:entry_id}/close",
    auth=Access(_CHANGE, all_connections=True, shows=VIEW_REGISTER),
    response=answers(HTTPStatus.OK, Shown, *CHANGE, has_body=True),
    openapi_extra=headers(HTTPStatus.OK, **_ETAG),
    summary="Close an entry of the register",
)
def close_register_entry(
    request: ApiRequest,
    response: HttpResponse,
    entry_id: RowId,
    body: register_schemas.ClosingInput,
    if_match: IfMatch = None,
) -> Shown:
    """Stop watching the credential, with a reason. Closing twice is not an error and changes nothing."""
    version = preconditions.optional(if_match)
    close_entry(entry_id, body.reason, body.note, by=actor_of(request), now=timezone.now(), drawn_from=version)
    return _shown(entry_id, response)


@router.post(
    "/register/{int:entry_id}/reopen",
    auth=Access(_CHANGE, all_connections=True, shows=VIEW_REGISTER),
    response=answers(HTTPStatus.OK, Shown, *CHANGE),
    openapi_extra=headers(HTTPStatus.OK, **_ETAG),
    summary="Reopen an entry of the register",
)
def reopen_register_entry(
    request: ApiRequest, response: HttpResponse, entry_id: RowId, if_match: IfMatch = None
) -> Shown:
    """Watch the credential again. Reopening twice is not an error."""
    version = preconditions.optional(if_match)
    reopen_entry(entry_id, by=actor_of(request), now=timezone.now(), drawn_from=version)
    return _shown(entry_id, response)


@router.delete(
    "/register/{int:entry_id}",
    auth=Access(_DELETE, all_connections=True),
    response=answers(HTTPStatus.NO_CONTENT, None, *CHANGE),
    summary="Delete an entry of the register",
)
def delete_register_entry(request: ApiRequest, entry_id: RowId, if_match: IfMatch = None) -> Status[None]:
    """Remove the entry; its history is kept. Closing it keeps the entry, too."""
    version = preconditions.required(if_match)
    delete_entry(entry_id, by=actor_of(request), now=timezone.now(), drawn_from=version)
    return Status(HTTPStatus.NO_CONTENT, None)


def find(entry_id: int) -> RegisterEntry:
    """The entry. Raises `EntryGone`."""
    row = register_reads.entry(entry_id)
    if row is None:
        raise register_versions.gone()
    return row


def _person(username: str) -> User:
    person = reads.active_user(username)
    if person is None:
        raise CannotChangeEntry("owner_unknown", "No active person has this username.", field="owner")
    return person


def _entered(body: register_schemas.NewRegisterEntry | register_schemas.RegisterEntryInput, owner: User) -> EntryInput:
    return EntryInput(
        name=body.name,
        kind=body.kind,
        owner=owner,
        expires_on=body.expires_on,
        organization=body.organization,
        outside_owner=body.outside_owner,
        purpose=body.purpose,
        used_by=consumers_text(body.used_by, refusal=CannotChangeEntry),
        scopes=body.scopes,
        extra_recipients="\n".join(body.extra_recipients),
        notes=body.notes,
    )


def _shown(entry_id: int, response: HttpResponse) -> Shown:
    shown = representations.register_entry(find(entry_id))
    preconditions.write_version(response, shown.version)
    return shown
