"""Update token: the new token is tested and compared while the old one stays in use."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from connections import clients, reads
from connections.actions import versions
from connections.actions.refusals import CannotRotate
from connections.actions.rotate import compare, credentials_for, extend, rotate
from connections.actions.verify_credential import VerificationResult, kept_result, verify_new
from connections.domain.form_versions import Conflict
from connections.domain.rotation_plan import BulkRotation
from connections.domain.verification import Report
from connections.filters import WithinForm
from connections.forms import ExpiryForm, RotateForm, VerifyReplacementForm
from connections.models import Connection
from connections.old_tokens import application_of, of_the_same_application, replaced_tokens
from connections.views.common import (
    guide_context,
    leave_form,
    messages_only,
    person,
    rotation_step_url,
    shown_version,
    tokens_page_of,
    warn_of_violations,
    whole_page,
)
from connections.views.connection_detail import find
from connections.views.kept_input import kept_input
from connections.views.old_tokens import old_token_view
from connections.views.report_presenter import ReportView
from connections.views.token_panel import (
    ComparisonView,
    TokenPanel,
    comparison_rows,
    date_words,
    expiry_words,
    facts_of,
    has_new_result,
    new_token_report,
    replacement,
    result_after,
)
from history.record import actor_of

may_rotate = permission_required("connections.rotate_connection", raise_exception=True)
hide_token = sensitive_post_parameters("token", "certificate_password")


@hide_token
@never_cache
@require_http_methods(["GET", "POST"])
@may_rotate
def update_token(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the form; POST replaces the token, or shows the error."""
    connection = find(pk)
    if request.method == "GET":
        return _page(request, connection, _empty_form(connection, kept_input(request)))
    form = RotateForm(request.POST, request.FILES, **_known(connection))
    if not form.is_valid():
        return messages_only(request, _page(request, connection, form, tested=_kept(request, connection, form)))
    new = replacement(form)
    try:
        rotate(
            connection,
            new,
            person=person(request),
            by=actor_of(request),
            now=timezone.now(),
            drawn_from=request.POST.get("version", ""),
        )
    except CannotRotate as refused:
        return _refused(request, connection, form, refused)
    warn_of_violations(request, connection, new.token)
    return leave_form(request, reverse("connections:token-updated", args=[connection.pk]))


def _refused(request: HttpRequest, connection: Connection, form: RotateForm, refused: CannotRotate) -> HttpResponse:
    if refused.conflicts:
        return whole_page(request, _page(request, find(connection.pk), form, conflicts=refused.conflicts))
    form.add_error(form.field_for(refused.field) or None, refused.message)
    page = _page(request, connection, form, tested=result_after(refused, _kept(request, connection, form)))
    return page if has_new_result(refused) else messages_only(request, page)


@hide_token
@never_cache
@require_POST
@may_rotate
def test_replacement(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: test the new token while the old one stays in use."""
    connection = find(pk)
    form = VerifyReplacementForm(request.POST, request.FILES, **_known(connection))
    if not form.is_valid():
        return _page(request, connection, form)
    try:
        credentials = credentials_for(connection, form.cleaned_data["token"])
    except CannotRotate as refused:
        form.add_error(None, refused.message)
        return _page(request, connection, form)
    tested = verify_new(credentials, by=person(request), now=timezone.now())
    return _page(request, connection, form, tested=tested)


@never_cache
@require_POST
@may_rotate
def extend_token(request: HttpRequest, pk: int) -> HttpResponse:
    """POST "I extended the same token": test the token, then save its new date."""
    connection = find(pk)
    form = ExpiryForm(request.POST, prefix="same")
    if form.is_valid():
        try:
            extend(
                connection,
                expires_on=form.cleaned_data["expires_on"],
                by=actor_of(request),
                now=timezone.now(),
                drawn_from=request.POST.get("version", ""),
            )
        except CannotRotate as refused:
            if refused.conflicts:
                connection = find(pk)
                form.add_error(None, refused.message)
                return _page(request, connection, _empty_form(connection), same=form, same_conflicts=refused.conflicts)
            form.add_error(None, refused.message)
        else:
            flash.success(request, f"The token of {connection.name} works, and its new expiry date is saved.")
            warn_of_violations(request, connection)
            return redirect(connection)
    return _page(request, connection, _empty_form(connection), same=form)


@never_cache
@require_http_methods(["GET"])
@may_rotate
def token_updated(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the confirmation, with a reminder to revoke the old token."""
    connection = find(pk)
    old_tokens = [old_token_view(old, request) for old in replaced_tokens([connection])]
    consumers = reads.consumers_of(connection)
    words = connection.credential().words
    context = {"connection": connection, "words": words, "old_tokens": old_tokens, "consumers": consumers}
    return render(request, "connections/token_updated.html", context)


def _empty_form(connection: Connection, initial: dict[str, Any] | None = None) -> RotateForm:
    return RotateForm(initial=initial, **_known(connection))


def _known(connection: Connection) -> dict[str, Any]:
    """What a form need not ask for."""
    return {"place": clients.place_of(connection.server), "application": application_of([connection])}


def _kept(request: HttpRequest, connection: Connection, form: RotateForm) -> VerificationResult | None:
    token = form.cleaned_data.get("token")
    if token is None:
        return None
    try:
        credentials = credentials_for(connection, token)
    except CannotRotate:
        return None
    key = form.cleaned_data.get("verification_key", "")
    return kept_result(key, credentials, by=person(request), now=timezone.now())


def _page(
    request: HttpRequest,
    connection: Connection,
    form: RotateForm,
    *,
    tested: VerificationResult | None = None,
    same: ExpiryForm | None = None,
    conflicts: Sequence[Conflict] = (),
    same_conflicts: Sequence[Conflict] = (),
) -> HttpResponse:
    tokens = tokens_page_of(connection)
    version, same_version = versions.version(connection, versions.ROTATE), versions.version(connection, versions.EXTEND)
    if form.is_bound:
        version = shown_version(request, version, has_conflict=bool(conflicts))
    if same is not None:
        same_version = shown_version(request, same_version, has_conflict=bool(same_conflicts))
    context: dict[str, Any] = {
        "connection": connection,
        "version": version,
        "same_version": same_version,
        "conflicts": conflicts,
        "same_conflicts": same_conflicts,
        "form": form,
        "panel": _panel(connection, form, tested, tokens),
        "token_is_dead": connection.is_token_dead(today=timezone.localdate()) and same is None,
        "same_token_form": same or ExpiryForm(prefix="same"),
        "tokens_page": tokens,
        "can_renew": clients.can_renew(connection),
        **_sharing(connection),
        "consumers": reads.consumers_of(connection),
        **guide_context(connection),
    }
    return render(request, "connections/update_token.html", context)


def _sharing(connection: Connection) -> dict[str, Any]:
    """The application, and the page on which its new secret is used for all its connections."""
    credential = connection.credential()
    others = of_the_same_application(connection, credential)
    enabled = [connection.pk, *(other.pk for other in others if not other.disabled)]
    steps = BulkRotation.starting([tuple(enabled)], now=timezone.now(), within=WithinForm.DEFAULT)
    return {
        "application": connection.application,
        "words": credential.words,
        "shared_by": others,
        "shared_url": rotation_step_url(steps) if len(enabled) > 1 else "",
    }


def _panel(connection: Connection, form: RotateForm, tested: VerificationResult | None, tokens_page: str) -> TokenPanel:
    return TokenPanel(
        test_url=reverse("connections:test-replacement", args=[connection.pk]),
        submit_url=reverse("connections:update-token", args=[connection.pk]),
        leave_url=connection.get_absolute_url(),
        submit_label=f"Update {form.words.name}",
        expires=expiry_words(form),
        date_read=date_words([tested.report] if tested else []),
        facts=facts_of(form),
        verification_key=tested.verification_key if tested else "",
        reports=[_report(connection, form, tested.report, tokens_page)] if tested else [],
        comparisons=[_comparison(connection, tested.report)] if tested and tested.report.accepted else [],
    )


def _report(connection: Connection, form: RotateForm, report: Report, tokens_page: str) -> ReportView:
    return new_token_report(
        report,
        form,
        server=connection.server,
        organization=connection.organization,
        tokens_page=tokens_page,
        besides=connection.pk,
    )


def _comparison(connection: Connection, report: Report) -> ComparisonView:
    rows = comparison_rows(connection, compare(connection, report), report)
    return ComparisonView(f"Compared with the {connection.credential().words.name} in use", rows)
