"""Repositories: the list over all connections, and how it is kept fresh."""

from typing import Any

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from connections.models import Connection
from connections.views.common import problem_about
from delivery import queries
from delivery.actions.refresh import ask_for_refresh
from delivery.forms import FilterForm
from delivery.rights import CREATE_REPOSITORY, leave
from history.record import actor_of
from orchestrator.ringing import NobodyHears, ring


@never_cache
@require_safe
@permission_required("delivery.view_repository", raise_exception=True)
def listing(request: HttpRequest) -> HttpResponse:
    """GET /repositories/: search, filters, order and page stand in the URL."""
    form = FilterForm(request.GET, states=queries.STATES)
    form.is_valid()
    form.offer("connection", queries.connections_to_choose())
    chosen = {name: form.cleaned_data.get(name) or "" for name in ("q", "state", "sort")}
    filters = queries.Filters(**chosen, connection=form.cleaned_data.get("connection"))
    page = queries.page_of_repositories(filters, request.GET.get("page"))
    others = request.GET.copy()
    others.pop("page", None)
    connection = Connection.objects.filter(pk=filters.connection).first() if filters.connection else None
    context = {
        "page": page,
        "filters": form,
        "filtered": filters.any,
        "total": page.paginator.count,
        "query": others.urlencode(),
        "connection": connection,
        "incomplete": sorted(queries.incomplete_project_lists(filters.connection).values(), key=str.casefold),
        "all_url": f"{reverse('delivery:repositories')}?{urlencode(chosen)}",
        **(holdings_context(request, connection) if connection else {}),
    }
    return render(request, "delivery/repositories.html", context)


def holdings_context(request: HttpRequest, connection: Connection) -> dict[str, Any]:
    """How the copy of one connection stands, for `delivery/holdings.html`."""
    holdings = queries.holdings(connection)
    inventory = holdings.inventory
    problem = problem_about(connection, inventory.problem, activity_id=inventory.activity_id) if inventory else None
    return {
        "holdings": holdings,
        "inventory": inventory,
        "inventory_problem": problem if inventory and inventory.problem else None,
        "can_refresh": request.user.has_perm("delivery.refresh_repository"),
        "refresh_url": reverse("delivery:refresh", args=[connection.pk]),
        "repositories_url": repositories_url(connection),
        "new_repository": leave(connection, CREATE_REPOSITORY),
        "can_create": request.user.has_perm(CREATE_REPOSITORY.permission),
        "new_repository_url": reverse("delivery:new-repository", args=[connection.pk]),
        "connection_url": connection.get_absolute_url(),
        "now": timezone.now(),
    }


def repositories_url(connection: Connection) -> str:
    """The list of one connection's repositories."""
    return f"{reverse('delivery:repositories')}?{urlencode({'connection': connection.pk})}"


@require_POST
@permission_required("delivery.refresh_repository", raise_exception=True)
def refresh(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: bring in this connection's projects and repositories anew."""
    connection = get_object_or_404(Connection, pk=pk)
    if connection.disabled:
        flash.warning(request, f"{connection.name} is disabled. Enable it to bring in its repositories.")
        return redirect(connection)
    from delivery.tasks import refresh_due

    ask_for_refresh(connection, by=actor_of(request), now=timezone.now())
    try:
        # The clock would come by itself; this only saves the wait.
        ring(refresh_due)
    except NobodyHears:
        flash.warning(request, "The broker cannot be reached. The refresh begins when the clock and a worker are back.")
    return redirect(repositories_url(connection))
