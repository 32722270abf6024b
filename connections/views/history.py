"""The history of a connection: filtered, paged, and as CSV."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from connections import event_reads
from connections.filters import HistoryFilterForm
from connections.models import Connection
from connections.views.connection_detail import find
from core.query_strings import with_query
from history.event_types import event_row
from history.export import csv_response
from history.models import Event

may_see = permission_required(("connections.view_connection", "history.view_event"), raise_exception=True)


@require_safe
@may_see
def history(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /code-repositories/<id>/history/: newest first, with filters in the URL."""
    connection = find(pk)
    form = _filters(request, connection)
    chosen = form.chosen()
    query = urlencode(chosen)
    hides_automatic = not {"automatic", "kind", "actor"} & chosen.keys()
    chosen.pop("automatic", None)
    found = event_reads.filtered_events(connection, **chosen, by_people=hides_automatic)
    page = event_reads.page_of_events(found, request.GET.get("page"))
    export = reverse("connections:history-csv", args=[connection.pk])
    context = {
        "connection": connection,
        "page": page,
        "rows": [event_row(event) for event in page.object_list],
        "form": form,
        "filtered": bool(chosen),
        "hides_automatic": hides_automatic,
        "query": query,
        "export_url": with_query(export, query),
    }
    return render(request, "connections/history.html", context)


def _filters(request: HttpRequest, connection: Connection) -> HistoryFilterForm:
    kinds = [(kind, event_row(Event(kind=kind)).type.label) for kind in event_reads.kinds_of_events(connection)]
    return HistoryFilterForm(request.GET, kinds=kinds, actors=event_reads.actors_of_events(connection))


@require_safe
@may_see
def export(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """GET /code-repositories/<id>/history.csv: the same events, always with the automatic ones, streamed."""
    connection = find(pk)
    chosen = _filters(request, connection).chosen()
    chosen.pop("automatic", None)
    return csv_response(event_reads.filtered_events(connection, **chosen), name=f"history-{connection.pk}.csv")
