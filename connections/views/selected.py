"""Actions on the connections that are ticked in the list: audit, update, hand over, disable."""

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from connections import reads
from connections.actions import audit_runs, versions
from connections.actions.selected import disable_selected
from connections.domain.rotation_plan import BulkRotation, RotationStep
from connections.filters import WithinForm
from connections.forms import NewOwnerForm
from connections.models import Connection
from connections.views.common import (
    confirm_selected,
    enqueue_or_warn,
    hand_over_selected,
    rotation_step_url,
    row_ids,
)
from history.record import actor_of

_CONFIRM = "connections/selected.html"


def _chosen(request: HttpRequest) -> list[Connection]:
    """The ticked connections that still exist, in their order; what is not a number is ignored."""
    return reads.connections_by_id(row_ids(request.POST, "connection"))


def _none_chosen(request: HttpRequest) -> HttpResponse:
    is_any = bool(_chosen(request))
    words = "The ticked connections are disabled. Enable them first." if is_any else "Choose at least one connection."
    flash.error(request, words)
    return redirect("connections:list")


@require_POST
@permission_required("connections.audit_connection", raise_exception=True)
def audit_chosen(request: HttpRequest) -> HttpResponse:
    """POST: audit the ticked connections now, and show the run."""
    from connections.tasks import audit_due

    enabled = [connection.pk for connection in _chosen(request) if not connection.disabled]
    if not enabled:
        return _none_chosen(request)
    run = audit_runs.start_chosen(enabled, by=actor_of(request), now=timezone.now())
    enqueue_or_warn(request, audit_due, warning="The audit starts once it is back.")
    return redirect("connections:audit-run", pk=run.pk)


@require_POST
@permission_required("connections.rotate_connection", raise_exception=True)
def update_chosen(request: HttpRequest) -> HttpResponse:
    """POST: update the tokens of the ticked connections, one after the other."""
    steps: list[RotationStep] = [(connection.pk,) for connection in _chosen(request) if not connection.disabled]
    if not steps:
        return _none_chosen(request)
    return redirect(rotation_step_url(BulkRotation.starting(steps, now=timezone.now(), within=WithinForm.DEFAULT)))


@require_POST
@permission_required("connections.disable_connection", raise_exception=True)
def disable_chosen(request: HttpRequest) -> HttpResponse:
    """POST: ask for confirmation, then disable the ticked connections."""
    connections = [connection for connection in _chosen(request) if not connection.disabled]
    if not connections:
        return _none_chosen(request)
    if "confirmed" not in request.POST:
        rows = [(connection, versions.version(connection, versions.DISABLE)) for connection in connections]
        return confirm_selected(request, _CONFIRM, rows, verb="Disable", noun="connection")
    drawn_from = {connection.pk: request.POST.get(f"version-{connection.pk}", "") for connection in connections}
    outcome = disable_selected(connections, by=actor_of(request), now=timezone.now(), drawn_from=drawn_from)
    for name, reason in outcome.refused:
        flash.error(request, f"{name} was not disabled. {reason}")
    if outcome.changed:
        flash.success(request, f"Disabled: {', '.join(outcome.changed)}. Credentials are kept but not used.")
    return redirect("connections:list")


@require_POST
@permission_required("people.manage_people", raise_exception=True)
def hand_over_chosen(request: HttpRequest) -> HttpResponse:
    """POST: ask for the new owner, then hand the ticked connections over."""
    connections = _chosen(request)
    if not connections:
        return _none_chosen(request)
    form = NewOwnerForm(request.POST if "confirmed" in request.POST else None)
    return hand_over_selected(request, connections, form, template=_CONFIRM, noun="connection", page="connections:list")
