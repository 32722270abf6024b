"""Update token: the new one is tested and compared while the old one stays."""

from collections.abc import Sequence
from dataclasses import dataclass
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

from connections import clients
from connections.actions import versions
from connections.actions.enforce_policy import reuse_violations
from connections.actions.refusal_causes import with_cause_of_new
from connections.actions.refusals import CannotRotate
from connections.actions.rotate import Comparison, Replacement, compare, credentials_for, extend, rotate
from connections.actions.verify_credential import kept_report, verify_new
from connections.domain.form_versions import Conflict
from connections.domain.problems import catalogue
from connections.domain.verification import Report
from connections.forms import ExpiryForm, RotateForm, VerifyReplacementForm
from connections.models import Connection
from connections.old_tokens import replaced_tokens
from connections.providers.azure_devops.capabilities import BY_KEY
from connections.views.common import (
    guide_context,
    notices_about_server,
    person,
    shown_version,
    tokens_page_of,
    warn_of_violations,
)
from connections.views.connection_detail import find
from connections.views.old_tokens import old_token_view
from connections.views.report_presenter import report_view, token_notices
from history.record import actor_of

may_rotate = permission_required("connections.rotate_connection", raise_exception=True)
hide_token = sensitive_post_parameters("token")


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One thing about the old and the new token."""

    label: str
    old: str
    new: str
    tone: str
    icon: str


@hide_token
@never_cache
@require_http_methods(["GET", "POST"])
@may_rotate
def update_token(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the form; POST swaps the token, or says why not."""
    connection = find(pk)
    if request.method == "GET":
        return _page(request, connection, _empty_form(connection))
    form = RotateForm(request.POST, place=clients.place_of(connection.server))
    if not form.is_valid():
        return _page(request, connection, form, report=_in_hand(request, connection, form))
    cleaned = form.cleaned_data
    new = Replacement(
        token=cleaned["token"],
        expires_on=cleaned["expires_on"],
        token_reach=cleaned.get("token_reach", ""),
        accept_limited=cleaned["accept_limited"],
        verification_key=cleaned["verification_key"],
    )
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
        if refused.conflicts:
            return _page(request, find(pk), form, conflicts=refused.conflicts)
        form.add_error(refused.field or None, refused.message)
        if refused.tested is not None and refused.field != "token":
            # What to accept, and where to tick it, stands beside the result of a test.
            return _page(
                request,
                connection,
                form,
                report=refused.tested.report,
                verification_key=refused.tested.verification_key,
            )
        return _page(request, connection, form, report=_in_hand(request, connection, form))
    warn_of_violations(request, connection, new.token)
    return redirect("connections:token-updated", pk=connection.pk)


@hide_token
@never_cache
@require_POST
@may_rotate
def test_replacement(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: test the new token; the old one stays in use."""
    connection = find(pk)
    form = VerifyReplacementForm(request.POST, place=clients.place_of(connection.server))
    if not form.is_valid():
        return _page(request, connection, form)
    try:
        credentials = credentials_for(connection, form.cleaned_data["token"])
    except CannotRotate as refused:
        form.add_error(None, refused.message)
        return _page(request, connection, form)
    tested = verify_new(credentials, by=person(request), now=timezone.now())
    return _page(request, connection, form, report=tested.report, verification_key=tested.verification_key)


@never_cache
@require_POST
@may_rotate
def extend_token(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: "I extended the same token": a new date, after a check."""
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
            flash.success(request, f"The token of {connection.name} was checked and its new date is recorded.")
            warn_of_violations(request, connection)
            return redirect(connection)
    return _page(request, connection, _empty_form(connection), same=form)


@never_cache
@require_http_methods(["GET"])
@may_rotate
def token_updated(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: done; now revoke the old token, unless other connections still use it."""
    connection = find(pk)
    old_tokens = [old_token_view(old, request) for old in replaced_tokens([connection])]
    context = {"connection": connection, "old_tokens": old_tokens}
    return render(request, "connections/token_updated.html", context)


def _empty_form(connection: Connection) -> RotateForm:
    return RotateForm(place=clients.place_of(connection.server))


def _in_hand(request: HttpRequest, connection: Connection, form: RotateForm) -> Report | None:
    token = form.cleaned_data.get("token")
    if token is None:
        return None
    try:
        credentials = credentials_for(connection, token)
    except CannotRotate:
        return None
    verification_key = form.cleaned_data.get("verification_key", "")
    return kept_report(verification_key, credentials, by=person(request), now=timezone.now())


def _page(
    request: HttpRequest,
    connection: Connection,
    form: RotateForm,
    *,
    report: Report | None = None,
    verification_key: str = "",
    same: ExpiryForm | None = None,
    conflicts: Sequence[Conflict] = (),
    same_conflicts: Sequence[Conflict] = (),
) -> HttpResponse:
    tokens = tokens_page_of(connection)
    accepted = report if report is not None and report.accepted else None
    compared = comparison_rows(connection, compare(connection, accepted), accepted) if accepted else []
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
        "verification_key": verification_key or form.data.get("verification_key", ""),
        "report": _report(connection, form, report, tokens),
        "comparison": {"rows": compared} if compared else None,
        "token_is_dead": connection.is_token_dead(today=timezone.localdate()) and same is None,
        "same_token_form": same or ExpiryForm(prefix="same"),
        "token_needs_pasting": form.is_bound,
        "tokens_page": tokens,
        "update_url": reverse("connections:update-token", args=[connection.pk]),
        "test_url": reverse("connections:test-replacement", args=[connection.pk]),
        "extend_url": reverse("connections:extend-token", args=[connection.pk]),
        "cancel_url": connection.get_absolute_url(),
        **guide_context(connection),
    }
    return render(request, "connections/update_token.html", context)


def _report(connection: Connection, form: RotateForm, report: Report | None, tokens: str) -> Any:
    if report is None:
        return None
    place = clients.place_of(connection.server)
    notices = notices_about_server(connection.server) + token_notices(
        token_reach=Connection.Reach.at(place, form.cleaned_data.get("token_reach", "")),
        hint=form.hint(),
        breaches=reuse_violations(form.cleaned_data["token"], besides=connection.pk),
        today=timezone.localdate(),
    )
    reach = form.cleaned_data.get("token_reach", "")
    report = with_cause_of_new(report, place=place, token_reach=reach, today=timezone.localdate())
    return report_view(report, organization=connection.organization, tokens_page=tokens, place=place, notices=notices)


def comparison_rows(connection: Connection, comparison: Comparison, report: Report) -> list[ComparisonRow]:
    """The old token beside the new one, in words."""
    identity = report.identity.display_name if report.identity else ""
    place = clients.place_of(connection.server)
    good, warn = ("good", "check"), ("warn", "triangle-alert")
    return [
        ComparisonRow("Person", connection.identity_name, identity, *(good if comparison.same_person else warn)),
        ComparisonRow(
            place.capitalize(),
            connection.organization,
            connection.organization if comparison.same_organization else f"Another {place}",
            *(good if comparison.same_organization else ("bad", "x")),
        ),
        ComparisonRow("Scopes lost", "", _labels(comparison.lost), *(warn if comparison.lost else good)),
        ComparisonRow("Scopes gained", "", _labels(comparison.gained), *good),
    ]


def _labels(capabilities: tuple[str, ...]) -> str:
    names = [f"{catalogue.AREA_LABELS[BY_KEY[key].area]} {BY_KEY[key].level.lower()}" for key in capabilities]
    return ", ".join(names) or "None"
