"""A connection's history: every event, filtered, paged, and as CSV."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from connections import queries
from connections.views.connection import find
from history.export import csv_response
from history.models import Event
from history.words import event_row

may_see = permission_required(("connections.view_connection", "history.view_event"), raise_exception=True)


@require_safe
@may_see
def history(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /code-repositories/<id>/history/: newest first; `kind` filters."""
    connection = find(pk)
    kinds = queries.kinds_of_events(connection)
    kind = request.GET.get("kind", "")
    kind = kind if kind in kinds else ""
    page = queries.page_of_events(connection, kind, request.GET.get("page"))
    query = urlencode({"kind": kind}) if kind else ""
    export = reverse("connections:history-csv", args=[connection.pk])
    context = {
        "connection": connection,
        "page": page,
        "rows": [event_row(event) for event in page.object_list],
        "kind": kind,
        "kinds": [(one, event_row(Event(kind=one)).label) for one in kinds],
        "query": query,
        "export_url": f"{export}?{query}" if query else export,
    }
    return render(request, "connections/history.html", context)


@require_safe
@may_see
def export(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """GET /code-repositories/<id>/history.csv: the same events, streamed."""
    connection = find(pk)
    events = queries.events_of(connection)
    kind = request.GET.get("kind", "")
    return csv_response(events.filter(kind=kind) if kind else events, name=f"history-{connection.pk}.csv")
