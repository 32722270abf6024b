"""Close, reopen and delete an entry of the register."""

from typing import Any

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from connections import register_reads
from connections.actions import register_versions
from connections.actions.refusals import CannotChangeEntry
from connections.actions.register_entries import close_entry, delete_entry, reopen_entry
from connections.models import RegisterEntry
from connections.register_forms import CloseForm
from connections.views.common import shown_version
from connections.views.register import find, may_change
from history.record import actor_of

may_delete = permission_required("connections.delete_registerentry", raise_exception=True)


@never_cache
@require_http_methods(["GET", "POST"])
@may_change
def close_page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET asks why; POST closes the entry."""
    entry, refused = find(pk), None
    form = CloseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        entered = (form.cleaned_data["reason"], form.cleaned_data["closed_note"])
        drawn_from = request.POST.get("version", "")
        try:
            close_entry(pk, *entered, by=actor_of(request), now=timezone.now(), drawn_from=drawn_from)
        except CannotChangeEntry as error:
            entry, refused = find(pk), error
            form.add_error(error.field or None, error.message)
        else:
            flash.success(request, f"Closed “{entry.name}”. It is no longer watched.")
            return redirect(entry)
    context = _context(request, entry, register_versions.CLOSE, refused)
    is_overdue = register_reads.is_overdue(entry, today=timezone.localdate())
    return render(request, "connections/register/close.html", {**context, "form": form, "is_overdue": is_overdue})


@never_cache
@require_POST
@may_change
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: watch the entry again."""
    entry = find(pk)
    drawn_from = request.POST.get("version", "")
    try:
        reopen_entry(pk, by=actor_of(request), now=timezone.now(), drawn_from=drawn_from)
    except CannotChangeEntry:
        # Someone else reopened it.
        return redirect(entry)
    flash.success(request, f"Reopened “{entry.name}”.")
    return redirect(entry)


@never_cache
@require_http_methods(["GET", "POST"])
@may_delete
def delete_page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET asks for confirmation; POST deletes the entry."""
    entry, refused = find(pk), None
    if request.method == "POST":
        drawn_from = request.POST.get("version", "")
        try:
            delete_entry(pk, by=actor_of(request), now=timezone.now(), drawn_from=drawn_from)
        except CannotChangeEntry as error:
            entry, refused = find(pk), error
        else:
            flash.success(request, f"Deleted “{entry.name}” from the register.")
            return redirect("connections:register")
    context = _context(request, entry, register_versions.DELETE, refused)
    return render(request, "connections/register/delete.html", context)


def _context(
    request: HttpRequest, entry: RegisterEntry, fields: tuple[str, ...], refused: CannotChangeEntry | None
) -> dict[str, Any]:
    conflicts = refused.conflicts if refused else ()
    current = register_versions.version(entry, fields)
    version = shown_version(request, current, has_conflict=bool(conflicts))
    return {"entry": entry, "conflicts": conflicts, "version": version}
