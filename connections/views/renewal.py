"""Renew a token: its owner signs in at Microsoft, and everything else happens here."""

from collections.abc import Callable

from django.contrib import messages as flash
from django.contrib.auth.decorators import login_not_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from connections import bulk_renewal_reads, clients, renewal_reads, token_import_reads
from connections.actions import finish_sign_in as finish
from connections.actions import renew_sign_in, renewal_swap
from connections.actions.refusals import CannotRenew
from connections.domain.renewal import RenewalRequest, State
from connections.models import Connection, LeakedToken, Renewal
from connections.renewal_forms import DaysForm, RenewForm
from connections.views.common import person, to_microsoft, tokens_page_of
from connections.views.connection_detail import find
from connections.views.leak_revocation import say_what_was_revoked
from connections.views.renewal_words import CHIPS, view_of
from core.query_strings import with_values
from core.secrets import Secret
from history.record import actor_of

may_renew = permission_required("connections.rotate_connection", raise_exception=True)


@never_cache
@require_http_methods(["GET", "POST"])
@may_renew
def renew_page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /code-repositories/<id>/renew/: what will happen; POST sends the person to Microsoft."""
    connection = find(pk)
    form = RenewForm(request.POST or None, verdicts=connection.verdicts())
    if request.method == "POST" and form.is_valid():
        try:
            address = renew_sign_in.begin_renewal(
                connection, RenewalRequest(*form.wanted()), person=person(request), now=timezone.now()
            )
        except CannotRenew as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        else:
            return to_microsoft(request, address, connection.name)
    context = {
        "connection": connection,
        "form": form,
        "is_offered": clients.can_renew(connection),
        "pending": renewal_reads.pending_of(connection),
        "tokens_page": tokens_page_of(connection),
    }
    return render(request, "connections/renew.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@may_renew
def extend_page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /code-repositories/<id>/extend/: what will happen; POST sends the person to Microsoft."""
    connection = find(pk)
    form = DaysForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            address = renew_sign_in.begin_extension(
                connection, form.cleaned_data["days"], person=person(request), now=timezone.now()
            )
        except CannotRenew as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        else:
            return to_microsoft(request, address, connection.name)
    context = {
        "connection": connection,
        "form": form,
        "is_offered": clients.can_renew(connection),
        "known_token": renewal_reads.known_token(connection),
        "place_key": token_import_reads.key_of(connection),
    }
    return render(request, "connections/extend.html", context)


@never_cache
@require_safe
@sensitive_variables()
@login_not_required
def finish_sign_in(request: HttpRequest) -> HttpResponse:
    """GET: the person returns from Microsoft. Does what they signed in for, and leaves the address with the code."""
    parameters = _taken_from_address(request)
    if not request.user.is_authenticated:
        # The sign-in would keep the code in its own address.
        return redirect("connections:renewals")
    return _after_sign_in(request, parameters)


def _taken_from_address(request: HttpRequest) -> QueryDict:
    """What came in the address, which nothing that reports on the request finds there any more."""
    parameters, request.GET = request.GET, QueryDict()
    request.META["QUERY_STRING"] = ""
    # What gunicorn and other servers add.
    for name in {"RAW_URI", "REQUEST_URI"} & request.META.keys():
        request.META[name] = str(request.META[name]).partition("?")[0]
    return parameters


@may_renew
@sensitive_variables()
def _after_sign_in(request: HttpRequest, parameters: QueryDict) -> HttpResponse:
    user, state = person(request), parameters.get("state", "")
    try:
        if "code" not in parameters:
            error, description = parameters.get("error", ""), parameters.get("error_description", "")
            raise finish.refused_sign_in(state, error=error, description=description, person=user, now=timezone.now())
        result = finish.finish_sign_in(
            state, Secret(str(parameters["code"])), person=user, by=actor_of(request), clock=timezone.now
        )
    except CannotRenew as cannot:
        flash.error(request, cannot.message)
        return redirect(cannot.back or "connections:renewals")
    if isinstance(result, Connection):
        flash.success(request, _extended(result))
    elif isinstance(result, LeakedToken):
        say_what_was_revoked(request, result)
    return redirect(result) if result else redirect("connections:renewals")


def _extended(connection: Connection) -> str:
    until = f"{connection.expires_on:%-d %b %Y}" if connection.expires_on else "later"
    return f"The token of {connection.name} is the same and expires on {until} now, as Azure DevOps says."


@never_cache
@require_safe
@may_renew
def renewals(request: HttpRequest) -> HttpResponse:
    """GET /code-repositories/renewals/?q=&page=: the renewals, those of which something remains to be done first."""
    words = request.GET.get("q", "")
    page = renewal_reads.page_of_renewals(words, request.GET.get("page"))
    rows = [{"renewal": renewal, "chip": CHIPS[State(renewal.state)]} for renewal in page]
    context = {
        "page": page,
        "rows": rows,
        "q": words,
        "query": with_values(request.GET),
        "unfinished": bulk_renewal_reads.unfinished(),
    }
    return render(request, "connections/renewals.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@may_renew
def renewal_page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /code-repositories/renewals/<id>/: how far it is; POST takes the step that is named."""
    renewal = renewal_reads.renewal(pk)
    if renewal is None:
        raise Http404
    if request.method == "POST":
        return _take_step(request, renewal)
    context = {
        "renewal": renewal,
        "shown": view_of(renewal, now=timezone.now(), chooses_again="choose" in request.GET),
        "is_offered": clients.can_sign_in(renewal.server),
        "tokens_page": clients.tokens_page(renewal.server, renewal.organization),
        "now": timezone.now(),
    }
    return render(request, "connections/renewal.html", context)


def _take_step(request: HttpRequest, renewal: Renewal) -> HttpResponse:
    step = _STEPS.get(request.POST.get("step", ""))
    try:
        if step is not None:
            return step(request, renewal)
    except CannotRenew as refused:
        flash.error(request, refused.message)
    return redirect(renewal)


def _sign_in(request: HttpRequest, renewal: Renewal) -> HttpResponse:
    address = renew_sign_in.begin_settling(renewal, person=person(request), now=timezone.now())
    return to_microsoft(request, address, renewal.connection_name)


def _use(request: HttpRequest, renewal: Renewal) -> HttpResponse:
    renewal_swap.use_new_token(
        renewal,
        person=person(request),
        by=actor_of(request),
        clock=timezone.now,
        accept_less=request.POST.get("accept_less") == "1",
    )
    flash.success(request, f"{renewal.connection_name} now uses the new token.")
    return redirect(renewal)


def _discard(request: HttpRequest, renewal: Renewal) -> HttpResponse:
    renewal_swap.discard(renewal, by=actor_of(request), now=timezone.now())
    return redirect(renewal)


def _pick(request: HttpRequest, renewal: Renewal) -> HttpResponse:
    renewal_swap.pick_old_token(renewal, request.POST.get("entry", ""), by=actor_of(request), now=timezone.now())
    return redirect(renewal)


def _keep(request: HttpRequest, renewal: Renewal) -> HttpResponse:
    renewal_swap.keep_old_token(renewal, by=actor_of(request), now=timezone.now())
    return redirect(renewal)


def _ask(request: HttpRequest, renewal: Renewal) -> HttpResponse:
    renewal_swap.ask_now(renewal, now=timezone.now())
    flash.info(request, "We ask Azure DevOps within a minute whether it still accepts the old token.")
    return redirect(renewal)


_STEPS: dict[str, Callable[[HttpRequest, Renewal], HttpResponse]] = {
    "sign-in": _sign_in,
    "use": _use,
    "discard": _discard,
    "pick": _pick,
    "keep": _keep,
    "ask": _ask,
}
