"""Audits: start one of all connections, follow its progress, cancel it, and list earlier ones."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from connections import audit_reads, clients
from connections.actions import audit_runs
from connections.domain.durations import in_units
from connections.domain.problems import catalogue
from connections.models import AuditedConnection, AuditRun
from connections.views.common import enqueue_or_warn
from connections.views.presenters import HEALTH_CHIPS, Chip
from history.record import actor_of

may_see = permission_required("connections.view_auditrun", raise_exception=True)
may_audit = permission_required("connections.audit_connection", raise_exception=True)
_WAITING = Chip("Waiting", "circle-dashed", "quiet")
_CANCELLED = Chip("Not checked", "circle-minus", "quiet")


@never_cache
@require_safe
@may_see
def list_runs(request: HttpRequest) -> HttpResponse:
    """GET /code-repositories/audits/: the latest runs, started by the scheduler or by people."""
    page = audit_reads.page_of_runs(request.GET.get("page"))
    context = {"page": page, "rows": [(run, _duration(run)) for run in page], "query": ""}
    return render(request, "connections/runs.html", context)


@require_POST
@may_audit
def start(request: HttpRequest) -> HttpResponse:
    """POST: audit all now, or show the run that is still in progress."""
    from connections.tasks import audit_due

    run = audit_runs.start_by_hand(by=actor_of(request), now=timezone.now())
    enqueue_or_warn(request, audit_due, warning="The audit starts once it is back.")
    return redirect("connections:audit-run", pk=run.pk)


@require_POST
@may_audit
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: cancel a run. Checks in progress are still completed."""
    run = get_object_or_404(AuditRun, pk=pk)
    if audit_runs.cancel(run, now=timezone.now()):
        flash.success(request, "Audit cancelled. Completed checks are kept.")
    return redirect("connections:audit-run", pk=run.pk)


@never_cache
@require_safe
@may_see
def run_page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /code-repositories/audits/<id>/: progress while it runs, findings after."""
    run = get_object_or_404(AuditRun, pk=pk)
    page = audit_reads.findings_of(run, request.GET.get("page"))
    context: dict[str, Any] = {
        "run": run,
        "progress": audit_reads.progress(run),
        "page": page,
        "rows": _rows(page.object_list),
        "query": "",
        "now": timezone.now(),
        "duration": _duration(run),
    }
    return render(request, "connections/run.html", context)


def _duration(run: AuditRun) -> str:
    """How long a finished run took, such as "4.2 s" or "3 min 10 s"."""
    if run.finished_at is None:
        return ""
    return in_units((run.finished_at - run.started_at).total_seconds(), decimals=1)


def _title(audited: AuditedConnection) -> str:
    if not audited.problem:
        return ""
    place = clients.place_of(audited.connection.server) if audited.connection else "organization"
    return catalogue.problem(audited.problem, place=place).title


def _rows(found: Iterable[AuditedConnection]) -> list[dict[str, Any]]:
    state = AuditedConnection.State
    chips: dict[str, Chip] = {str(health): chip for health, chip in HEALTH_CHIPS.items()}
    special: dict[str, Chip] = {state.WAITING.value: _WAITING, state.CANCELLED.value: _CANCELLED}
    return [
        {
            "name": audited.name,
            "url": audited.connection.get_absolute_url() if audited.connection else "",
            "chip": special.get(audited.state) or chips.get(audited.health, _WAITING),
            "problem": _title(audited),
            "finished_at": audited.finished_at,
        }
        for audited in found
    ]
