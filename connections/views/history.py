"""A connection's history: every event, filtered, paged, and as CSV."""

import csv
from collections.abc import Iterator

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from connections import queries
from connections.views.common import event_row
from connections.views.connection import find
from history.models import Event

may_see = permission_required(("connections.view_connection", "history.view_event"), raise_exception=True)
# A cell that begins like a formula is run by spreadsheets.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


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


class _Line:
    """What csv writes to: hands each line on instead of keeping it."""

    def write(self, line: str) -> str:
        return line


@require_safe
@may_see
def export(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """GET /code-repositories/<id>/history.csv: the same events, streamed."""
    connection = find(pk)
    events = queries.events_of(connection)
    kind = request.GET.get("kind", "")
    events = events.filter(kind=kind) if kind else events
    writer = csv.writer(_Line())

    def lines() -> Iterator[str]:
        yield writer.writerow(("when", "what", "who", "address", "details"))
        for event in events.iterator(chunk_size=500):
            row = event_row(event)
            cells = (event.at.isoformat(), row.label, row.actor, event.address or "", row.detail)
            yield writer.writerow([_harmless(cell) for cell in cells])

    name = f"history-{connection.pk}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8", headers=headers)


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
