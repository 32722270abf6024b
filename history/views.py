"""The History page: everything that was done, over all connections and people, and as CSV."""

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from history import event_types, queries
from history.export import csv_response
from history.forms import HistoryForm
from history.models import Event
from history.queries import EventPage

may_see = permission_required("history.view_all_events", raise_exception=True)
_PLACE = ("before", "after", "end")


@never_cache
@require_safe
@may_see
def everything(request: HttpRequest) -> HttpResponse:
    """GET /history/: newest first. Filters and place stand in the address."""
    form = HistoryForm(request.GET)
    form.is_valid()
    page = _page(queries.events(form.filters()), request.GET)
    now = timezone.now()
    context = {
        "form": form,
        "filtered": any(form.cleaned_data.values()),
        "page": page,
        "rows": event_types.event_rows(page.events),
        "links": _links(page, request.GET),
        "export_url": _address("history:csv", request.GET),
        "seals": queries.seal_state(now=now),
        "people": queries.people_to_suggest(),
        "connections": event_types.subject_kind("connection").suggestions(),
    }
    return render(request, "history/everything.html", context)


@require_safe
@may_see
def export(request: HttpRequest) -> StreamingHttpResponse:
    """GET /history.csv: the same events, streamed."""
    form = HistoryForm(request.GET)
    form.is_valid()
    return csv_response(queries.events(form.filters()), name=f"history-{timezone.localdate():%Y-%m-%d}.csv")


def _page(found: QuerySet[Event], asked: QueryDict) -> EventPage:
    if before := queries.read_edge(asked.get("before", "")):
        return queries.older(found, before)
    if after := queries.read_edge(asked.get("after", "")):
        return queries.newer(found, after)
    return queries.oldest(found) if asked.get("end") == "oldest" else queries.newest(found)


def _links(page: EventPage, asked: QueryDict) -> dict[str, str]:
    found = {}
    if page.newer:
        found["newest"] = _address("history:all", asked)
        found["newer"] = _address("history:all", asked, after=page.newer)
    if page.older:
        found["older"] = _address("history:all", asked, before=page.older)
        found["oldest"] = _address("history:all", asked, end="oldest")
    return found


def _address(name: str, asked: QueryDict, **place: Any) -> str:
    query = asked.copy()
    for key in _PLACE:
        query.pop(key, None)
    for key, value in place.items():
        query[key] = str(value)
    return f"{reverse(name)}?{query.urlencode()}" if query else reverse(name)
