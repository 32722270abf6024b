"""Code Repositories: the list of connections."""

from dataclasses import dataclass
from datetime import date, datetime

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from connections import clients, queries
from connections.filters import FilterForm
from connections.models import Connection
from connections.status import Expiry
from connections.views import horizon
from connections.views.display import Chip, states


@dataclass(frozen=True, slots=True)
class Row:
    """One connection in the list."""

    name: str
    url: str
    provider_label: str
    provider_icon: str
    organization: str
    server_name: str
    projects_summary: str
    chip: Chip
    health_chip: Chip
    expiry_chip: Chip
    expires_on: date | None
    expires_text: str
    checked_at: datetime | None
    owner_name: str
    owner_active: bool
    update_url: str
    is_default: bool


def projects_summary(connection: Connection, count: int) -> str:
    """How many projects a connection covers."""
    if connection.all_projects:
        return "All projects"
    return "1 project" if count == 1 else f"{count} projects"


@require_safe
@permission_required("connections.view_connection", raise_exception=True)
def listing(request: HttpRequest) -> HttpResponse:
    """GET /code-repositories/: search, filters, order and page stand in the URL."""
    today = timezone.localdate()
    form = FilterForm(request.GET, statuses=queries.STATUS_CHOICES)
    form.is_valid()
    chosen = {name: form.cleaned_data.get(name, "") for name in ("q", "status", "provider", "sort")}
    filters = queries.Filters(**chosen, on=form.cleaned_data.get("on"))
    page = queries.page_of_connections(filters, request.GET.get("page"), today=today)
    rows = [_row(one, today) for one in page.object_list]
    standing = queries.standing(today=today)
    timeline = queries.expiry_timeline(ended=standing.ended, today=today)
    others = request.GET.copy()
    others.pop("page", None)
    any_day = others.copy()
    any_day.pop("on", None)
    context = {
        "page": page,
        "rows": rows,
        "filters": form,
        "filtered": filters.any,
        "place_label": " or ".join(clients.places()).capitalize(),
        "total": page.paginator.count,
        "attention_count": standing.attention,
        "attention_url": f"{reverse('connections:list')}?status={queries.ATTENTION}",
        "can_add": request.user.has_perm("connections.add_connection"),
        "can_rotate": request.user.has_perm("connections.rotate_connection"),
        "can_audit": request.user.has_perm("connections.audit_connection"),
        "can_see_runs": request.user.has_perm("connections.view_auditrun"),
        "add_url": reverse("connections:add"),
        "query": others.urlencode(),
        "on": filters.on,
        "any_day_query": any_day.urlencode(),
        "timeline": timeline,
        "bars": horizon.bars(timeline),
        "days": horizon.days(timeline),
        "ended_url": f"{reverse('connections:list')}?status={Expiry.EXPIRED}",
    }
    return render(request, "connections/list.html", context)


def _row(connection: Connection, today: date) -> Row:
    state = states(connection, today=today)
    return Row(
        name=connection.name,
        url=connection.get_absolute_url(),
        provider_label="Azure DevOps",
        provider_icon="cloud",
        organization=connection.organization,
        server_name=connection.server,
        projects_summary=projects_summary(connection, connection.chosen_count),  # type: ignore[attr-defined]
        chip=state.chip,
        health_chip=state.health,
        expiry_chip=state.expiry,
        expires_on=connection.expires_on,
        expires_text=state.expires_text,
        checked_at=connection.checked_at,
        owner_name=connection.owner.get_full_name() or connection.owner.get_username(),
        owner_active=connection.owner.is_active,
        update_url=reverse("connections:update-token", args=[connection.pk]),
        is_default=connection.is_default,
    )


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """GET /: the product begins at its list."""
    return redirect("connections:list")
