"""The register: the list of credentials that are watched and not stored, and the pages of an entry."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from connections import leak_reads, notification_reads, register_reads
from connections.actions import register_versions
from connections.actions.refusals import CannotChangeEntry
from connections.actions.register_entries import add_entry, change_entry
from connections.domain import expiry
from connections.domain.expiry_chart import Timeline
from connections.domain.form_versions import Conflict
from connections.list_order import WORST
from connections.models import RegisterEntry
from connections.register_forms import EntryForm, RegisterFilterForm, initial_of
from connections.register_reads import EntryCounts, EntryFilters
from connections.views.cells import joined
from connections.views.common import person, shown_version
from connections.views.list_controls import StripCount, column_heads, expiring, incomplete, strip_of
from connections.views.list_parts import ListParts
from connections.views.register_rows import kind_cell, register_rows, state_chips
from core.query_strings import with_query, with_values
from history.event_types import event_row
from history.record import actor_of

LIST = ListParts("connections:register", label="Credentials", noun="credential", templates="connections/register")
_COLUMNS = (
    ("Name", "name", "ascending"),
    ("Organization", "organization", "ascending"),
    ("Status", WORST, "descending"),
    ("Expires", "expiry", "ascending"),
    ("Owner", "owner", "ascending"),
)
# Each of these is for an action on ticked entries.
_PERMISSIONS_OF_ACTIONS = ("connections.change_registerentry", "connections.delete_registerentry")
may_see = permission_required("connections.view_registerentry", raise_exception=True)
may_add = permission_required("connections.add_registerentry", raise_exception=True)
may_change = permission_required("connections.change_registerentry", raise_exception=True)


def find(pk: int) -> RegisterEntry:
    """The entry. Raises `EntryGone`, which becomes a 404 page."""
    entry = register_reads.entry(pk)
    if entry is None:
        raise register_versions.gone()
    return entry


@require_safe
@may_see
def listing(request: HttpRequest) -> HttpResponse:
    """GET /code-repositories/register/: search, filters, order and page are in the URL."""
    today = timezone.localdate()
    form = RegisterFilterForm(request.GET)
    filters = filters_of(form)
    counts, timeline = register_reads.entry_counts(today=today), register_reads.expiry_timeline(today=today)
    page = register_reads.page_of_entries(filters, request.GET.get("page"), today=today, groups=counts.groups)
    ids = [row.pk for row in page]
    consumers, leaked = register_reads.consumer_counts(ids), register_reads.leaked(ids)
    can_choose = any(map(request.user.has_perm, _PERMISSIONS_OF_ACTIONS))
    rows = register_rows(page, consumers=consumers, leaked=leaked, today=today, can_choose=can_choose)
    context = {
        "rows": joined(rows),
        "all_count": counts.total,
        "can_choose": can_choose,
        "strip_html": LIST.strip(_strip(counts, timeline, request, filters.status)),
        "heads_html": LIST.heads(column_heads(_COLUMNS, filters.sort, request.GET)),
        "export_url": with_query(reverse("connections:register-csv"), with_values(request.GET)),
        **LIST.context(page, filters, form, request.GET),
        "chart_html": LIST.chart(timeline),
    }
    return LIST.response(request, context)


def filters_of(form: RegisterFilterForm) -> EntryFilters:
    """What was chosen; invalid values are ignored."""
    form.is_valid()
    chosen = {name: form.cleaned_data.get(name, "") for name in ("q", "status", "kind", "sort")}
    return EntryFilters(**chosen | {"sort": chosen["sort"] or WORST}, on=form.cleaned_data.get("on"))


def _strip(counts: EntryCounts, timeline: Timeline, request: HttpRequest, status: str) -> tuple[StripCount, ...]:
    rows = (*expiring(timeline), *incomplete(undated=counts.undated, owner_left=counts.owner_left))
    return strip_of(rows, status=status, given=request.GET)


@never_cache
@require_safe
@may_see
def entry_page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /code-repositories/register/<id>/."""
    entry, today = find(pk), timezone.localdate()
    context = {
        "entry": entry,
        "kind": kind_cell(entry.kind),
        "chips": state_chips(entry.expires_on, is_closed=entry.is_closed, today=today),
        "expires_text": expiry.in_words(entry.expires_on, today),
        "expires_tone": "quiet" if entry.is_closed else expiry.tone_of(entry.expires_on, today),
        "is_overdue": register_reads.is_overdue(entry, today=today),
        "owner_name": register_versions.called(entry.owner),
        "consumers": entry.consumers.all(),
        "leak": leak_reads.leak_of_entry(entry),
        "events": [event_row(event) for event in register_reads.events_of(entry)[: register_reads.RECENT_EVENTS]],
        "reopen_version": register_versions.version(entry, register_versions.REOPEN),
    }
    return render(request, "connections/register/entry.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@may_add
def add_page(request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST adds an entry."""
    form = EntryForm(request.POST or None, initial={"owner": person(request).pk})
    if request.method == "POST" and form.is_valid():
        try:
            entry = add_entry(form.entered(), by=actor_of(request), now=timezone.now())
        except CannotChangeEntry as refused:
            form.add_error(refused.field or None, refused.message)
        else:
            flash.success(request, "Added to the register.")
            return redirect(entry)
    return render(request, "connections/register/add.html", {"form": form})


@never_cache
@require_http_methods(["GET", "POST"])
@may_change
def edit_page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the form with the values of the entry; POST saves."""
    entry = find(pk)
    if request.method == "GET":
        return _edit_form(request, entry, EntryForm(initial=initial_of(entry), owner_id=entry.owner_id))
    form = EntryForm(request.POST, owner_id=entry.owner_id)
    if not form.is_valid():
        return _edit_form(request, entry, form)
    drawn_from = request.POST.get("version", "")
    try:
        changed = change_entry(pk, form.entered(), by=actor_of(request), now=timezone.now(), drawn_from=drawn_from)
    except CannotChangeEntry as refused:
        if refused.conflicts:
            return _conflict(request, find(pk), refused.conflicts)
        form.add_error(refused.field or None, refused.message)
        return _edit_form(request, entry, form)
    flash.success(request, "Changes saved." if changed else "Nothing was changed.")
    return redirect(entry)


def _conflict(request: HttpRequest, entry: RegisterEntry, conflicts: Sequence[Conflict]) -> HttpResponse:
    """The form again: changed fields as submitted, all others with their current values."""
    current, data = initial_of(entry), request.POST.copy()
    for conflict in conflicts:
        if conflict.is_untouched:
            data[conflict.field] = str(current[conflict.field] or "")
    return _edit_form(request, entry, EntryForm(data, owner_id=entry.owner_id), conflicts=conflicts)


def _edit_form(
    request: HttpRequest, entry: RegisterEntry, form: EntryForm, *, conflicts: Sequence[Conflict] = ()
) -> HttpResponse:
    current = register_versions.version(entry, register_versions.EDIT)
    context: dict[str, Any] = {
        "entry": entry,
        "form": form,
        "conflicts": conflicts,
        "version": shown_version(request, current, has_conflict=bool(conflicts)),
        "channel_choices": notification_reads.channel_choices(entry.channels.all()),
    }
    return render(request, "connections/register/edit.html", context)
