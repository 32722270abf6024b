"""Token policy: the rules that an administrator sets for every token."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from connections import policy_reads
from connections.actions import versions
from connections.actions.enforce_policy import set_token_policy
from connections.actions.refusals import CannotChange
from connections.domain.form_versions import Conflict
from connections.domain.token_policy import Rule, TokenPolicy
from connections.forms import TokenPolicyForm
from connections.models import StoredTokenPolicy
from connections.views.common import shown_version
from history.event_types import event_row
from history.record import actor_of

may_see = permission_required("connections.view_guardrails", raise_exception=True)
may_change = permission_required("connections.change_guardrails", raise_exception=True)


@never_cache
@require_safe
@may_see
def policy_page(request: HttpRequest) -> HttpResponse:
    """GET /code-repositories/guard-rails/: the current rules and their history."""
    policy = StoredTokenPolicy.now()
    initial = {name: getattr(policy, name) for name in TokenPolicyForm.base_fields}
    return _page(request, TokenPolicyForm(initial=initial))


@never_cache
@require_POST
@may_change
def change_policy(request: HttpRequest) -> HttpResponse:
    """POST: save the rules."""
    form = TokenPolicyForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    cleaned = form.cleaned_data
    policy = TokenPolicy(
        cleaned["longest_life_days"],
        Rule(cleaned["longest_life"]),
        Rule(cleaned["reuse"]),
        Rule(cleaned["missing_date"]),
    )
    drawn_from = request.POST.get("version", "")
    try:
        changed = set_token_policy(policy, by=actor_of(request), now=timezone.now(), drawn_from=drawn_from)
    except CannotChange as refused:
        return _page(request, form, conflicts=refused.conflicts)
    flash.success(request, "Policy saved." if changed else "Nothing was changed.")
    return redirect("connections:token-policy")


def _page(request: HttpRequest, form: TokenPolicyForm, *, conflicts: Sequence[Conflict] = ()) -> HttpResponse:
    version = versions.policy_version(StoredTokenPolicy.now())
    context: dict[str, Any] = {
        "conflicts": conflicts,
        "version": shown_version(request, version, has_conflict=bool(conflicts)),
        "form": form,
        "policy": StoredTokenPolicy.now(),
        "breaking": policy_reads.policy_violations(StoredTokenPolicy.now()),
        "events": [event_row(event) for event in policy_reads.events()],
    }
    return render(request, "connections/token_policy.html", context)
