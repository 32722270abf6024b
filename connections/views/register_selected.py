"""Actions on the entries that are ticked in the register: close, hand over, delete."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from connections import register_reads
from connections.actions import register_versions
from connections.actions.refusals import CannotChangeEntry
from connections.actions.register_selected import close_selected, delete_selected
from connections.actions.selected import SelectedOutcome
from connections.models import RegisterEntry
from connections.register_forms import CloseForm, EntryOwnerForm
from connections.views.common import confirm_selected, hand_over_selected, row_ids, shown_version
from connections.views.register import may_change
from connections.views.register_states import may_delete
from history.record import actor_of

_CONFIRM = "connections/register/selected.html"


def _chosen(request: HttpRequest) -> list[RegisterEntry]:
    """The ticked entries that still exist, in their order; what is not a number is ignored."""
    return register_reads.entries_by_id(row_ids(request.POST, "entry"))


@never_cache
@require_POST
@may_change
def close_chosen(request: HttpRequest) -> HttpResponse:
    """POST: ask why, then close the ticked entries."""
    chosen = _chosen(request)
    entries = [entry for entry in chosen if not entry.is_closed]
    if not entries:
        return _none_chosen(request, "The ticked credentials are closed already." if chosen else "")
    form = CloseForm(request.POST if "confirmed" in request.POST else None)
    if form.is_valid():
        entered = (form.cleaned_data["reason"], form.cleaned_data["closed_note"])
        drawn_from = _drawn_from(request, entries)
        try:
            outcome = close_selected(entries, *entered, by=actor_of(request), now=timezone.now(), drawn_from=drawn_from)
        except CannotChangeEntry as refused:
            form.add_error(refused.field or None, refused.message)
        else:
            return _done(request, outcome, "closed")
    return _confirm(request, _versions(request, entries, register_versions.CLOSE), verb="Close", form=form)


@never_cache
@require_POST
@may_change
def hand_over_chosen(request: HttpRequest) -> HttpResponse:
    """POST: ask for the new owner, then hand the ticked entries over."""
    entries = _chosen(request)
    if not entries:
        return _none_chosen(request)
    form = EntryOwnerForm(request.POST if "confirmed" in request.POST else None)
    return hand_over_selected(request, entries, form, template=_CONFIRM, noun="credential", page="connections:register")


@never_cache
@require_POST
@may_delete
def delete_chosen(request: HttpRequest) -> HttpResponse:
    """POST: ask for confirmation, then delete the ticked entries."""
    entries = _chosen(request)
    if not entries:
        return _none_chosen(request)
    if "confirmed" not in request.POST:
        return _confirm(request, _versions(request, entries, register_versions.DELETE), verb="Delete")
    drawn_from = _drawn_from(request, entries)
    outcome = delete_selected(entries, by=actor_of(request), now=timezone.now(), drawn_from=drawn_from)
    return _done(request, outcome, "deleted")


def _none_chosen(request: HttpRequest, words: str = "") -> HttpResponse:
    flash.error(request, words or "Choose at least one credential.")
    return redirect("connections:register")


def _versions(
    request: HttpRequest, entries: Iterable[RegisterEntry], fields: tuple[str, ...]
) -> list[tuple[RegisterEntry, str]]:
    """The entries with the versions that a form about them carries."""
    current = ((entry, register_versions.version(entry, fields)) for entry in entries)
    return [
        (entry, shown_version(request, version, has_conflict=False, name=f"version-{entry.pk}"))
        for entry, version in current
    ]


def _drawn_from(request: HttpRequest, entries: Iterable[RegisterEntry]) -> dict[int, str]:
    return {entry.pk: request.POST.get(f"version-{entry.pk}", "") for entry in entries}


def _confirm(
    request: HttpRequest, rows: Sequence[tuple[RegisterEntry, object]], *, verb: str, **more: Any
) -> HttpResponse:
    return confirm_selected(request, _CONFIRM, rows, verb=verb, noun="credential", **more)


def _done(request: HttpRequest, outcome: SelectedOutcome, done: str) -> HttpResponse:
    for name, reason in outcome.refused:
        flash.error(request, f"{name} was not {done}. {reason}")
    if outcome.changed:
        flash.success(request, f"{done.capitalize()}: {', '.join(outcome.changed)}.")
    return redirect("connections:register")
