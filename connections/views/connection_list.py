"""Code Repositories: the list of connections."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_safe

from connections import reads
from connections.filters import FilterForm
from connections.list_counts import list_counts
from connections.list_order import WORST
from connections.views.cells import joined
from connections.views.common import person
from connections.views.connection_rows import Columns, connection_rows
from connections.views.first_steps import first_steps
from connections.views.list_controls import column_heads, connection_columns, place_label, strip
from connections.views.list_parts import ListParts

# Each of these is for an action on ticked connections.
_CHOSEN = (
    "connections.audit_connection",
    "connections.rotate_connection",
    "connections.disable_connection",
    "people.manage_people",
)


LIST = ListParts("connections:list", label="Connections", noun="credential", templates="connections")


@require_safe
@permission_required("connections.view_connection", raise_exception=True)
def listing(request: HttpRequest) -> HttpResponse:
    """GET /code-repositories/: search, filters, order and page are in the URL."""
    today = timezone.localdate()
    form = FilterForm(request.GET, statuses=reads.status_choices())
    form.is_valid()
    chosen = {name: form.cleaned_data.get(name, "") for name in ("q", "status", "provider", "sort")}
    filters = reads.Filters(**chosen | {"sort": chosen["sort"] or WORST}, on=form.cleaned_data.get("on"))
    counts = list_counts(today=today)
    page = reads.page_of_connections(filters, request.GET.get("page"), today=today, groups=counts.groups)
    timeline = reads.expiry_timeline(today=today)
    columns = Columns(
        place_label(),
        can_choose=any(map(request.user.has_perm, _CHOSEN)),
        can_rotate=request.user.has_perm("connections.rotate_connection"),
    )
    rows = connection_rows(page, projects=reads.chosen_projects(page), today=today, columns=columns)
    context = {
        "rows": joined(rows),
        "place_label": columns.place_label,
        "all_count": counts.total,
        "counts": counts,
        "strip_html": LIST.strip(strip(counts, timeline, status=filters.status, given=request.GET)),
        "heads_html": LIST.heads(column_heads(connection_columns(), filters.sort, request.GET)),
        "first_steps": first_steps(person(request), has_connections=bool(counts.total)),
        "can_rotate": columns.can_rotate,
        "can_choose": columns.can_choose,
        **LIST.context(page, filters, form, request.GET),
        "chart_html": LIST.chart(timeline),
    }
    return LIST.response(request, context)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """GET /: redirect to the list."""
    return redirect("connections:list")
