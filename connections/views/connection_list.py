"""Code Repositories: the list of connections."""

from functools import lru_cache

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from connections import clients, reads
from connections.domain.expiry_chart import Timeline
from connections.filters import FilterForm
from connections.views.connection_rows import connection_rows


@require_safe
@permission_required("connections.view_connection", raise_exception=True)
def listing(request: HttpRequest) -> HttpResponse:
    """GET /code-repositories/: search, filters, order and page are in the URL."""
    today = timezone.localdate()
    form = FilterForm(request.GET, statuses=reads.status_choices())
    form.is_valid()
    chosen = {name: form.cleaned_data.get(name, "") for name in ("q", "status", "provider", "sort")}
    filters = reads.Filters(**chosen, on=form.cleaned_data.get("on"))
    page = reads.page_of_connections(filters, request.GET.get("page"), today=today)
    timeline = reads.expiry_timeline(today=today)
    others = request.GET.copy()
    others.pop("page", None)
    any_day = others.copy()
    any_day.pop("on", None)
    context = {
        "page": page,
        "rows": list(connection_rows(page, projects=reads.chosen_projects(page), today=today)),
        "filters": form,
        "filtered": filters.any,
        "place_label": " or ".join(clients.places()).capitalize(),
        "total": page.paginator.count,
        "counts": reads.counts(today=today),
        "can_rotate": request.user.has_perm("connections.rotate_connection"),
        "query": others.urlencode(),
        "on": filters.on,
        "any_day_query": any_day.urlencode(),
        "timeline": timeline,
        "chart": _chart(timeline),
        "days": _days(timeline),
    }
    return render(request, "connections/list.html", context)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """GET /: redirect to the list."""
    return redirect("connections:list")


# Cached: up to 91 days are rendered twice, and change only with connections and at midnight.
@lru_cache(maxsize=8)
def _chart(timeline: Timeline) -> SafeString:
    return render_to_string("connections/expiry_chart.html", {"timeline": timeline})


@lru_cache(maxsize=8)
def _days(timeline: Timeline) -> SafeString:
    return render_to_string("connections/expiry_days.html", {"timeline": timeline})
