"""Renew several connections in one sign-in at Microsoft, and see what became of each."""

from typing import Any

from django.contrib import messages as flash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from connections import bulk_renewal_reads, clients
from connections.actions import bulk_renew
from connections.actions.refusals import CannotRenew
from connections.domain import renewal as rules
from connections.domain.rotation_plan import MOST_CONNECTIONS
from connections.models import BulkRenewal, Connection
from connections.renewal_forms import DaysForm
from connections.views.bulk_renewal_words import row_of
from connections.views.common import person, row_ids, to_microsoft
from connections.views.renewal import may_renew
from connections.views.renewal_words import problem_of
from history.record import actor_of


@never_cache
@require_http_methods(["GET", "POST"])
@may_renew
def renew_several(request: HttpRequest) -> HttpResponse:
    """GET /code-repositories/bulk-renewals/start/?connection=: who can renew what; POST sends a person to Microsoft."""
    given = request.POST if request.method == "POST" else request.GET
    connections = bulk_renewal_reads.renewable(row_ids(given, "connection")[:MOST_CONNECTIONS])
    form = DaysForm(request.POST or None)
    if request.method == "POST" and connections and form.is_valid():
        by, days, now = actor_of(request), form.cleaned_data["days"], timezone.now()
        try:
            address = bulk_renew.begin(connections, days, person=person(request), by=by, now=now)
        except CannotRenew as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        else:
            return to_microsoft(request, address, "Renew several")
    if not connections:
        flash.error(request, "Choose at least one connection.")
        return redirect("connections:rotation")
    return render(request, "connections/renew_several.html", _choice(connections, form))


def _choice(connections: list[Connection], form: DaysForm) -> dict[str, Any]:
    choice = bulk_renewal_reads.choice(connections)
    return {
        "owners": [
            {
                "owner": owner,
                "rows": [(connection, _scopes(connection)) for connection in owner.connections],
                "form": form if form.is_bound else DaysForm(auto_id=f"owner{number}_%s"),
            }
            for number, owner in enumerate(choice.owners, start=1)
        ],
        "left_out": [(connection, problem_of(code, connection.server)) for connection, code in choice.left_out],
    }


def _scopes(connection: Connection) -> list[str]:
    return rules.labels_of(rules.needed_scopes(connection.verdicts()))


@never_cache
@require_http_methods(["GET", "POST"])
@may_renew
def bulk_renewal_page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /code-repositories/bulk-renewals/<id>/: what became of each; POST signs in again for what was not started."""
    bulk = bulk_renewal_reads.bulk_renewal(pk)
    if bulk is None:
        raise Http404
    if request.method == "POST":
        return _resume(request, bulk)
    rows = [row_of(item, server=bulk.server) for item in bulk_renewal_reads.items_of(bulk)]
    context = {
        "bulk": bulk,
        "rows": rows,
        "renewed": sum(row.renewal is not None and row.renewal.swapped_at is not None for row in rows),
        "waits": bulk_renewal_reads.can_continue(bulk),
        "is_offered": clients.can_sign_in(bulk.server),
    }
    return render(request, "connections/bulk_renewal.html", context)


def _resume(request: HttpRequest, bulk: BulkRenewal) -> HttpResponse:
    try:
        address = bulk_renew.resume(bulk, person=person(request), now=timezone.now())
    except CannotRenew as refused:
        flash.error(request, refused.message)
        return redirect(bulk)
    return to_microsoft(request, address, "Renew several")
