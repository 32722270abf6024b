"""Leaked tokens: declare one, find where a pasted one is stored, and follow what happens to it."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections import clients, leak_reads
from connections.actions import declare_leak
from connections.actions.declare_entry_leak import declare_entry_leaked
from connections.actions.refusals import CannotDeclareLeak
from connections.domain.problems import catalogue
from connections.domain.problems.problem import duration_in_words
from connections.filters import PeriodForm
from connections.forms import LeakForm
from connections.models import LeakedToken
from connections.views import register
from connections.views.connection_detail import find
from connections.views.leak_revocation import may_revoke
from connections.views.old_tokens import old_token_view
from core.query_strings import with_values
from history.event_types import event_rows
from history.record import actor_of

may_declare = permission_required("connections.declare_leak", raise_exception=True)
_SEES_REGISTER = "connections.view_registerentry"
_PERIOD = timedelta(days=90)


@never_cache
@require_safe
@may_declare
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /code-repositories/<id>/leaked/: what declaring the token of this connection leaked does."""
    connection = find(pk)
    found = declare_leak.find_stored(connection)
    if found.leak is not None:
        return redirect("connections:leak", pk=found.leak.pk)
    return render(request, "connections/declare_leak.html", {"connection": connection, "found": found})


@never_cache
@require_http_methods(["GET", "POST"])
@permission_required(("connections.declare_leak", _SEES_REGISTER), raise_exception=True)
def declare_entry(request: HttpRequest, pk: int) -> HttpResponse:
    """GET asks whether the credential of a register entry leaked; POST declares it."""
    entry = register.find(pk)
    known = leak_reads.leak_of_entry(entry)
    if known is None and request.method == "GET":
        return render(request, "connections/register/declare_leak.html", {"entry": entry})
    declared = known or declare_entry_leaked(pk, by=actor_of(request), now=timezone.now())
    return redirect("connections:leak", pk=declared.pk)


@require_POST
@may_declare
def declare(request: HttpRequest) -> HttpResponse:
    """POST: declare the token leaked for which the key in the form stands."""
    try:
        leak = declare_leak.declare_leak(request.POST.get("key", ""), by=actor_of(request), now=timezone.now())
    except CannotDeclareLeak as refused:
        return _check_page(request, LeakForm(), refused=refused.message)
    return redirect("connections:leak", pk=leak.pk)


@never_cache
@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("token")
@sensitive_variables("form")
@may_declare
def check(request: HttpRequest) -> HttpResponse:
    """GET shows the field and the declarations; POST shows where a pasted token is stored. It is not kept."""
    form = LeakForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        found = declare_leak.find_token(form.cleaned_data["token"])
        return _check_page(request, LeakForm(), found=found, looks_unusual=form.looks_unusual())
    return _check_page(request, form)


def _check_page(request: HttpRequest, form: LeakForm, **result: Any) -> HttpResponse:
    words = request.GET.get("q", "")
    page = leak_reads.page_of_leaks(leak_reads.shown_to(request.user), words, request.GET.get("page"))
    links = {"page_url": reverse("connections:check-leak"), "query": with_values(request.GET)}
    context = {"form": form, "page": page, "q": words, **links, **result}
    return render(request, "connections/check_leak.html", context)


@never_cache
@require_safe
@permission_required("connections.view_connection", raise_exception=True)
def leak(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /code-repositories/leaks/<id>/?since=: what happens to a leaked token, and what it could do and did."""
    declared = get_object_or_404(leak_reads.shown_to(request.user), pk=pk)
    uses = leak_reads.uses_of(declared)
    context: dict[str, Any] = {
        "leak": declared,
        "uses": uses,
        "consumers": leak_reads.consumers_of(declared, uses) if request.user.has_perm(_SEES_REGISTER) else [],
        "words": declared.words,
        "old": old_token_view(leak_reads.old_token_of(declared, uses), request),
        "took": duration_in_words(declared.took.total_seconds()) if declared.took else "",
        "answer": catalogue.problem(declared.last_answer).title if declared.last_answer else "",
        "place": clients.place_of(declared.server),
        "can_revoke": may_revoke(request, declared),
        "now": timezone.now(),
    }
    if declared.connections and request.user.has_perm("history.view_event"):
        context |= _done_with(request, declared)
    return render(request, "connections/leak.html", context)


def _done_with(request: HttpRequest, declared: LeakedToken) -> dict[str, Any]:
    until = timezone.localdate(declared.declared_at)
    form = PeriodForm(request.GET)
    since, _ = form.period(default=(until - _PERIOD, until))
    events = leak_reads.done_with(declared, since=since, until=until)
    return {
        "period": PeriodForm(initial={"since": since}),
        "since": since,
        "done": event_rows(events[: leak_reads.MOST_EVENTS]),
        "has_more": len(events) > leak_reads.MOST_EVENTS,
        "most": leak_reads.MOST_EVENTS,
    }
