"""The History page with all events, and their export as CSV."""

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.query_strings import with_query, with_values
from history import event_types, queries
from history.export import csv_response
from history.forms import HistoryForm
from history.models import Event
from history.queries import EventPage

may_see = permission_required("history.view_all_events", raise_exception=True)
_PAGE_PARAMETERS = ("before", "after", "end")


@never_cache
@require_safe
@may_see
def everything(request: HttpRequest) -> HttpResponse:
    """GET /history/: events, newest first. Filters and page are in the URL."""
    form = HistoryForm(request.GET)
    form.is_valid()
    filters = form.shown()
    page = _page(queries.events(filters), request.GET)
    now = timezone.now()
    context = {
        "form": form,
        "hides_automatic": filters.by_people,
        "automatic_url": _url("history:all", request.GET, automatic="on"),
        "filtered": any(form.cleaned_data.values()),
        "page": page,
        "rows": event_types.event_rows(page.events),
        "links": _links(page, request.GET),
        "export_url": _url("history:csv", request.GET),
        "seals": queries.seal_state(now=now),
        "people": queries.people_to_suggest(),
        "connections": event_types.subject_kind("connection").suggestions(),
    }
    return render(request, "history/everything.html", context)


@require_safe
@may_see
def export(request: HttpRequest) -> StreamingHttpResponse:
    """GET /history.csv: the same events as CSV, always with the automatic ones."""
    form = HistoryForm(request.GET)
    form.is_valid()
    return csv_response(queries.events(form.filters()), name=f"history-{timezone.localdate():%Y-%m-%d}.csv")


def _page(selected: QuerySet[Event], parameters: QueryDict) -> EventPage:
    if before := queries.read_edge(parameters.get("before", "")):
        return queries.older(selected, before)
    if after := queries.read_edge(parameters.get("after", "")):
        return queries.newer(selected, after)
    return queries.oldest(selected) if parameters.get("end") == "oldest" else queries.newest(selected)


def _links(page: EventPage, parameters: QueryDict) -> dict[str, str]:
    links = {}
    if page.newer:
        links["newest"] = _url("history:all", parameters)
        links["newer"] = _url("history:all", parameters, after=page.newer)
    if page.older:
        links["older"] = _url("history:all", parameters, before=page.older)
        links["oldest"] = _url("history:all", parameters, end="oldest")
    return links


def _url(name: str, parameters: QueryDict, **page: Any) -> str:
    query = with_values(parameters, **dict.fromkeys(_PAGE_PARAMETERS, "") | {key: str(at) for key, at in page.items()})
    return with_query(reverse(name), query)
