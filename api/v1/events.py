"""Operations on the history."""

from dataclasses import replace
from http import HTTPStatus

from django.http import HttpResponse
from ninja import Query, Router
from pydantic import Field

from api.authentication import ApiRequest
from api.v1 import cursors, representations, schemas
from api.v1.access import VIEW, Access
from api.v1.connections import ConnectionId, find
from api.v1.errors import require_known
from api.v1.links import next_page
from api.v1.responses import LINK, ONE, answers
from connections import event_reads
from core.storable_text import storable_text
from history import queries
from history.forms import filters_of
from history.models import Event

router = Router(tags=["History"])


class ConnectionEventFilters(schemas.Paging):
    """Filters of the history of a connection, as on its page."""

    kind: str = Field("", max_length=64, description="Only this kind, for example connection.rotated.")
    actor: str = Field("", max_length=150, description="Only what this person or part of the product did.")
    since: schemas.Day | None = Field(None, description="The first day.")
    until: schemas.Day | None = Field(None, description="The last day.")


class EventFilters(schemas.Paging):
    """Search and filters, as on the History page."""

    q: str = Field("", max_length=200, description="Words in the names of subject and actor, or in the address.")
    kind: str = Field("", max_length=64, description="Only this kind, for example connection.rotated.")
    actor: str = Field("", max_length=150, description="Only what this person or part of the product did.")
    person: str = Field(
        "",
        max_length=150,
        description="The earlier name of actor, which takes precedence.",
        json_schema_extra={"deprecated": True},
    )
    connection: str = Field("", max_length=200, description="Only about connections that have or had this name.")
    since: schemas.Day | None = Field(None, description="The first day.")
    until: schemas.Day | None = Field(None, description="The last day.")
    automatic: bool = Field(True, description="false leaves out what the scheduler did.")


@router.get(
    "/connections/{int:connection_id}/events",
    auth=Access("history.view_event", shows=VIEW),
    response=answers(HTTPStatus.OK, schemas.EventList, *ONE),
    openapi_extra=LINK,
    summary="List the events of a connection",
)
def list_connection_events(
    request: ApiRequest, response: HttpResponse, connection_id: ConnectionId, filters: Query[ConnectionEventFilters]
) -> schemas.EventList:
    """List what happened to a connection, newest first."""
    require_known(request, filters)
    row = find(request.caller, connection_id)
    found = event_reads.filtered_events(
        row,
        kind=storable_text(filters.kind),
        actor=storable_text(filters.actor),
        since=filters.since,
        until=filters.until,
    )
    page = cursors.page_of_events(found, of=f"events {row.pk}", cursor=filters.cursor, limit=filters.limit)
    return _listed(request, response, page)


@router.get(
    "/events",
    auth=Access("history.view_all_events", all_connections=True),
    response=answers(HTTPStatus.OK, schemas.EventList),
    openapi_extra=LINK,
    summary="List all events",
)
def list_events(request: ApiRequest, response: HttpResponse, filters: Query[EventFilters]) -> schemas.EventList:
    """List the whole history, newest first, filtered as on the History page."""
    require_known(request, filters)
    words = {name: storable_text(getattr(filters, name)) for name in ("q", "kind", "connection")}
    actor = storable_text(filters.actor or filters.person)
    asked = filters_of(words | {"person": actor} | {"since": filters.since, "until": filters.until})
    found = queries.events(replace(asked, by_people=not filters.automatic))
    page = cursors.page_of_events(found, of="events", cursor=filters.cursor, limit=filters.limit)
    return _listed(request, response, page)


def _listed(request: ApiRequest, response: HttpResponse, page: cursors.Page[Event]) -> schemas.EventList:
    return schemas.EventList(
        events=representations.events(page.rows), next=next_page(request, response, page.next_cursor)
    )
