"""Guard rails: what an administrator sets for every token."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from connections import queries
from connections.actions import versions
from connections.actions.guard import set_rails
from connections.actions.refusals import CannotChange
from connections.form_versions import Conflict
from connections.forms import GuardRailsForm
from connections.models import GuardRails
from connections.rails import Rails, Rule
from connections.views.common import shown_version
from history.record import actor_of
from history.words import event_row

may_see = permission_required("connections.view_guardrails", raise_exception=True)
may_change = permission_required("connections.change_guardrails", raise_exception=True)


@never_cache
@require_safe
@may_see
def guard_rails(request: HttpRequest) -> HttpResponse:
    """GET /code-repositories/guard-rails/: the rules in force, and who changed them when."""
    rails = GuardRails.now()
    initial = {name: getattr(rails, name) for name in GuardRailsForm.base_fields}
    return _page(request, GuardRailsForm(initial=initial))


@never_cache
@require_POST
@may_change
def change_guard_rails(request: HttpRequest) -> HttpResponse:
    """POST: put new rules in force."""
    form = GuardRailsForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    given = form.cleaned_data
    wished = Rails(
        given["longest_life_days"], Rule(given["longest_life"]), Rule(given["reuse"]), Rule(given["missing_date"])
    )
    drawn_from = request.POST.get("version", "")
    try:
        changed = set_rails(wished, by=actor_of(request), now=timezone.now(), drawn_from=drawn_from)
    except CannotChange as refused:
        return _page(request, form, conflicts=refused.conflicts)
    flash.success(request, "The guard rails are in force." if changed else "Nothing was changed.")
    return redirect("connections:guard-rails")


def _page(request: HttpRequest, form: GuardRailsForm, *, conflicts: Sequence[Conflict] = ()) -> HttpResponse:
    version = versions.rails_version(GuardRails.now())
    context: dict[str, Any] = {
        "conflicts": conflicts,
        "version": shown_version(request, version, has_conflict=bool(conflicts)),
        "form": form,
        "rails": GuardRails.now(),
        "can_change": request.user.has_perm("connections.change_guardrails"),
        "breaking": queries.broken_rails(GuardRails.now()),
        "events": [event_row(event) for event in queries.events_of_guard_rails()],
    }
    return render(request, "connections/guard_rails.html", context)
