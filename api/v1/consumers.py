"""Operations on what uses the credential of a connection."""

from collections.abc import Iterable
from http import HTTPStatus

from django.http import HttpResponse
from django.utils import timezone
from ninja import Router

from api.authentication import ApiRequest
from api.v1 import preconditions, register_schemas
from api.v1 import register_representations as representations
from api.v1.access import VIEW, Access
from api.v1.connections import ConnectionId, find
from api.v1.preconditions import IfMatch
from api.v1.responses import CHANGE, ONE, answers, headers
from connections import register_rules
from connections.actions.refusals import CannotEdit, Refused, refusing_invalid_input
from connections.actions.used_by import set_used_by
from history.record import actor_of

router = Router(tags=["Connections"])
_ETAG = {"ETag": "Version of the list, for If-Match."}


@router.get(
    "/connections/{int:connection_id}/used-by",
    auth=Access(VIEW),
    response=answers(HTTPStatus.OK, register_schemas.UsedBy, *ONE),
    openapi_extra=headers(HTTPStatus.OK, **_ETAG),
    summary="List what uses the credential of a connection",
)
def get_used_by(request: ApiRequest, response: HttpResponse, connection_id: ConnectionId) -> register_schemas.UsedBy:
    """Return the pipelines, services and scripts that use it. Use the ETag in If-Match."""
    return _shown(request, response, connection_id)


@router.put(
    "/connections/{int:connection_id}/used-by",
    auth=Access("connections.change_connection", shows=VIEW),
    response=answers(HTTPStatus.OK, register_schemas.UsedBy, *CHANGE, has_body=True),
    openapi_extra=headers(HTTPStatus.OK, **_ETAG),
    summary="Update what uses the credential of a connection",
)
def update_used_by(
    request: ApiRequest,
    response: HttpResponse,
    connection_id: ConnectionId,
    body: register_schemas.UsedByInput,
    if_match: IfMatch = None,
) -> register_schemas.UsedBy:
    """Replace the list. Contacts are notified when the credential is replaced or declared leaked."""
    row, version = find(request.caller, connection_id), preconditions.required(if_match)
    text = consumers_text(body.used_by, refusal=CannotEdit)
    set_used_by(row.pk, text, by=actor_of(request), now=timezone.now(), drawn_from=version)
    return _shown(request, response, connection_id)


def consumers_text(entered: Iterable[register_schemas.ConsumerInput], *, refusal: type[Refused]) -> str:
    """The lines that people would enter on a page for these consumers. Raises `refusal`."""
    with refusing_invalid_input(refusal):
        lines = [
            register_rules.in_parts(consumer.name, consumer.url or "", consumer.contact or "") for consumer in entered
        ]
    return register_rules.consumers_text(lines)


def _shown(request: ApiRequest, response: HttpResponse, connection_id: int) -> register_schemas.UsedBy:
    shown = representations.used_by(find(request.caller, connection_id))
    preconditions.write_version(response, shown.version)
    return shown
