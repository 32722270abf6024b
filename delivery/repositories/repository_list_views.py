"""Repositories: the list over all connections, and how it is kept fresh."""

from typing import Any

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from connections.input_rules import NAME_LENGTH
from connections.models import Connection
from connections.views.cells import joined
from connections.views.common import problem_about
from core.tasks import BrokerUnavailable, enqueue
from delivery import connection_names, live_views, reads
from delivery.forms import FilterForm
from delivery.operations import CREATE_REPOSITORY, check_allowed
from delivery.page_decorators import read_page
from delivery.repositories.repository_rows import RepositoryRow, repository_rows
from delivery.same_things import page_of_each
from delivery.sync.sync import request_sync
from history.record import actor_of


@read_page("delivery.view_repository")
def listing(request: HttpRequest) -> HttpResponse:
    """GET /repositories/: search, filters, order and page stand in the URL."""
    form = FilterForm(request.GET, states=reads.STATES)
    filters = live_views.chosen(form)
    number, columns = request.GET.get("page"), RepositoryRow._fields
    page, via = page_of_each(reads.repositories, filters, number, row=RepositoryRow, columns=columns)
    connection = reads.connection(filters.connection)
    everywhere = urlencode({"q": filters.q, "state": filters.state, "sort": filters.sort})
    context = {
        "rows": joined(repository_rows(page, via)),
        "connection": connection,
        "incomplete": sorted(reads.incomplete_project_lists(filters.connection).values(), key=str.casefold),
        "all_url": f"{reverse('delivery:repositories')}?{everywhere}",
        **live_views.list_context(request, form, filters, page),
        **(sync_status_context(request, connection) if connection else {}),
    }
    return render(request, "delivery/repositories.html", context)


@read_page("delivery.view_repository")
def suggest_connections(request: HttpRequest) -> HttpResponse:
    """GET /repositories/connection-names/: the names that contain what someone types, as options."""
    names = connection_names.suggested(request.GET.get("connection_name", "")[:NAME_LENGTH])
    return render(request, "delivery/connection_names.html", {"connection_names": names})


def sync_status_context(request: HttpRequest, connection: Connection) -> dict[str, Any]:
    """How the copy of one connection stands, for `delivery/sync_status.html`."""
    holdings = reads.sync_status(connection)
    sync_state = holdings.sync_state
    problem = problem_about(connection, sync_state.problem, activity_id=sync_state.activity_id) if sync_state else None
    return {
        "holdings": holdings,
        "sync_state": sync_state,
        "sync_problem": problem if sync_state and sync_state.problem else None,
        "can_refresh": request.user.has_perm("delivery.refresh_repository"),
        "refresh_url": reverse("delivery:refresh", args=[connection.pk]),
        "repositories_url": repositories_url(connection),
        "new_repository": check_allowed(connection, CREATE_REPOSITORY),
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
        flash.warning(request, f"{connection.name} is disabled. Enable it to sync its repositories.")
        return redirect(connection)
    from delivery.tasks import refresh_due

    request_sync(connection, by=actor_of(request), now=timezone.now())
    try:
        # The clock would come by itself; this only saves the wait.
        enqueue(refresh_due)
    except BrokerUnavailable:
        flash.warning(request, "The message broker is unavailable. The sync starts once it is back.")
    return redirect(repositories_url(connection))
