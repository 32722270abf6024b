"""Bulk rotation: update all tokens that expire soon, one step at a time."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections import clients, reads, rotation_reads
from connections.actions import versions
from connections.actions.bulk_rotate import (
    BulkVerification,
    Swapped,
    bulk_rotate,
    kept_for_bulk,
    tests_of_refused,
    verify_for_bulk,
)
from connections.actions.refusals import CannotRotate
from connections.domain.rotation_plan import BulkRotation, RotationStep
from connections.filters import WithinForm
from connections.forms import RotateForm, VerifyReplacementForm
from connections.models import Connection
from connections.old_tokens import application_of
from connections.views.common import (
    guide_context,
    leave_form,
    messages_only,
    person,
    rotation_step_url,
    row_ids,
    shown_version,
    tokens_page_of,
    warn_of_violations,
    whole_page,
)
from connections.views.kept_input import kept_input
from connections.views.old_tokens import old_token_view
from connections.views.presenters import states
from connections.views.report_presenter import ReportView
from connections.views.token_panel import (
    ComparisonView,
    TokenPanel,
    comparison_rows,
    date_words,
    expiry_words,
    facts_of,
    new_token_report,
    replacement,
)
from history.record import actor_of

may_rotate = permission_required("connections.rotate_connection", raise_exception=True)
hide_token = sensitive_post_parameters("token", "certificate_password")


def _renewing_is_set_up() -> bool:
    return any(clients.can_sign_in(server.name) for server in clients.servers())


@require_safe
@may_rotate
def rotation(request: HttpRequest) -> HttpResponse:
    """GET /code-repositories/rotation/: the tokens that expire within the number of days in the URL."""
    form = WithinForm(request.GET)
    rotation_plan = rotation_reads.plan(within=form.days(), today=timezone.localdate())
    context = {
        "form": form,
        "within": form.days(),
        "plan": rotation_plan,
        "words": rotation_plan.words,
        "renewing_is_set_up": _renewing_is_set_up(),
        "groups": [
            (group, [(connection, _state(connection)) for connection in group.connections])
            for group in rotation_plan.groups()
        ],
    }
    return render(request, "connections/rotation.html", context)


@require_safe
@may_rotate
def plan(request: HttpRequest) -> HttpResponse:
    """GET: turn the selection into steps, and go to the first."""
    within = WithinForm(request.GET).days()
    ticked = {name: set(row_ids(request.GET, name)) for name in ("connection", "together", "shared")}
    rotation_plan = rotation_reads.plan(within=within, today=timezone.localdate())
    steps = rotation_plan.steps(ticked["connection"], together=ticked["together"], shared=ticked["shared"])
    if not steps:
        flash.error(request, "Choose at least one connection.")
        return redirect(_plan_url(within))
    return redirect(rotation_step_url(BulkRotation.starting(steps, now=timezone.now(), within=within)))


def _plan_url(within: int) -> str:
    return f"{reverse('connections:rotation')}?{urlencode({'within': within})}"


def _bulk_rotation(request: HttpRequest) -> BulkRotation:
    at = next(iter(row_ids(request.GET, "at")), 1)
    since = next(iter(row_ids(request.GET, "since")), 0)
    return BulkRotation.read(request.GET.get("steps", ""), at=at, since=since, within=WithinForm(request.GET).days())


@hide_token
@never_cache
@require_http_methods(["GET", "POST"])
@may_rotate
def rotation_step(request: HttpRequest) -> HttpResponse:
    """GET shows a step, or the summary after the last one; POST tests the new token and replaces the old one."""
    here = _bulk_rotation(request)
    connections = reads.enabled(here.step)
    if not here.step:
        return _end(request, here)
    if request.method == "GET" or not connections:
        return _page(request, here, connections, _form(connections, kept_input(request)))
    form = RotateForm(request.POST, request.FILES, **_known(connections))
    if not form.is_valid():
        return messages_only(request, _page(request, here, connections, form, tested=_kept(request, connections, form)))
    try:
        swapped = bulk_rotate(
            connections,
            replacement(form),
            person=person(request),
            by=actor_of(request),
            now=timezone.now(),
            drawn_from={connection.pk: request.POST.get(f"version-{connection.pk}", "") for connection in connections},
        )
    except CannotRotate as refused:
        form.add_error(form.field_for(refused.field) or None, refused.message)
        return messages_only(request, _page(request, here, connections, form, tested=_kept(request, connections, form)))
    return _after(request, here, swapped, form)


def _form(connections: Sequence[Connection], initial: dict[str, Any]) -> RotateForm:
    """The empty form of a step."""
    reach = rotation_reads.usual_reach(connections)
    return RotateForm(initial={"token_reach": reach} | initial, **_known(connections))


def _known(connections: Sequence[Connection]) -> dict[str, Any]:
    """What a form need not ask for."""
    return {"place": rotation_reads.place_of_step(connections), "application": application_of(connections)}


def _after(request: HttpRequest, here: BulkRotation, swapped: list[Swapped], form: RotateForm) -> HttpResponse:
    """Go to the next step, or show the form again for the connections that failed."""
    done = [outcome.connection for outcome in swapped if outcome.refusal is None]
    failed = [outcome for outcome in swapped if outcome.refusal is not None]
    if done:
        names = ", ".join(connection.name for connection in done)
        flash.success(request, f"{names} now {'uses' if len(done) == 1 else 'use'} the new {form.words.name}.")
        warn_of_violations(request, done[0], form.cleaned_data["token"])
    if not failed:
        return leave_form(request, rotation_step_url(here.at_step(here.at + 1)))
    rest = [outcome.connection for outcome in failed]
    narrowed = here.narrowed_to(_ids(rest), done=_ids(done))
    tested, key = tests_of_refused(failed)
    return whole_page(request, _page(request, narrowed, rest, form, tested=tested, failed=failed, verification_key=key))


def _ids(connections: Sequence[Connection]) -> RotationStep:
    return tuple(connection.pk for connection in connections)


def _kept(request: HttpRequest, connections: Sequence[Connection], form: RotateForm) -> list[BulkVerification]:
    """The results of an earlier test of this token, to show again after an error elsewhere in the form."""
    token = form.cleaned_data.get("token")
    if token is None:
        return []
    key = form.cleaned_data.get("verification_key", "")
    return kept_for_bulk(connections, token, key, person=person(request), now=timezone.now())


@hide_token
@never_cache
@require_POST
@may_rotate
def verify_step(request: HttpRequest) -> HttpResponse:
    """POST: test the new token for each connection of the step. The old tokens stay in use."""
    here = _bulk_rotation(request)
    connections = reads.enabled(here.step)
    form = VerifyReplacementForm(request.POST, request.FILES, **_known(connections))
    if not connections or not form.is_valid():
        return _page(request, here, connections, form)
    token = form.cleaned_data["token"]
    tested, key = verify_for_bulk(connections, token, person=person(request), now=timezone.now())
    return _page(request, here, connections, form, tested=tested, verification_key=key)


def _page(
    request: HttpRequest,
    here: BulkRotation,
    connections: Sequence[Connection],
    form: RotateForm,
    *,
    tested: Sequence[BulkVerification] = (),
    failed: Sequence[Swapped] = (),
    verification_key: str = "",
) -> HttpResponse:
    today = timezone.localdate()
    consumers = reads.consumers_by_connection(connections)
    conflicting = {outcome.connection.pk for outcome in failed if outcome.refusal and outcome.refusal.conflicts}
    context: dict[str, Any] = {
        "round": here,
        "done": here.at - 1,
        "total": len(here.steps),
        "rows": [
            {
                "connection": connection,
                "state": states(connection, today=today),
                "consumers": consumers[connection.pk],
                "token_is_dead": connection.is_token_dead(today=today),
                "can_renew": len(connections) == 1 and clients.can_renew(connection),
                "version": shown_version(
                    request,
                    versions.version(connection, versions.ROTATE),
                    has_conflict=connection.pk in conflicting,
                    name=f"version-{connection.pk}",
                ),
            }
            for connection in connections
        ],
        "token_pages": sorted({(connection.organization, tokens_page_of(connection)) for connection in connections}),
        "form": form,
        "application": form.application,
        "words": rotation_reads.words_of(connections),
        "panel": _panel(here, form, tested, count=len(connections), key=verification_key),
        "failed": failed,
        "walk_url": rotation_step_url(here),
        "skip_url": rotation_step_url(here.at_step(here.at + 1)),
        "back_url": rotation_step_url(here.at_step(here.at - 1)) if here.at > 1 else "",
        "plan_url": _plan_url(here.within),
        **guide_context(),
    }
    return render(request, "connections/rotation_step.html", context)


def _panel(
    here: BulkRotation, form: RotateForm, tested: Sequence[BulkVerification], *, count: int, key: str
) -> TokenPanel:
    return TokenPanel(
        test_url=rotation_step_url(here, "verify-step"),
        submit_url=rotation_step_url(here),
        leave_url=rotation_step_url(here.at_step(here.at + 1)),
        leave_label="Skip",
        submit_label=f"Update {form.words.name}" if count == 1 else f"Update {count} connections",
        expires=expiry_words(form),
        date_read=date_words(test.report for test in tested),
        facts=facts_of(form),
        verification_key=key or form.data.get("verification_key", ""),
        reports=_reports(tested, form),
        comparisons=[
            _comparison(bulk_verification)
            for bulk_verification in tested
            if bulk_verification.comparison or bulk_verification.refusal
        ],
    )


def _comparison(tested: BulkVerification) -> ComparisonView:
    title = f"{tested.connection.name}, compared with the {tested.connection.credential().words.name} in use"
    if tested.comparison and tested.report:
        return ComparisonView(title, comparison_rows(tested.connection, tested.comparison, tested.report))
    return ComparisonView(title, refusal=tested.refusal.message if tested.refusal else "")


def _reports(tested: Sequence[BulkVerification], form: RotateForm) -> list[ReportView]:
    """Each distinct report once. Connections to one organization have several if they cover different projects."""
    by_report = {
        id(bulk_verification.report): (bulk_verification.report, bulk_verification.connection)
        for bulk_verification in tested
        if bulk_verification.report
    }
    return [
        new_token_report(
            report,
            form,
            server=connection.server,
            organization=connection.organization,
            tokens_page=tokens_page_of(connection),
            besides=connection.pk if len(tested) == 1 else None,
        )
        for report, connection in by_report.values()
    ]


def _end(request: HttpRequest, here: BulkRotation) -> HttpResponse:
    """The summary: which connections were updated, read from the database."""
    outcome = rotation_reads.outcome(here)
    consumers = reads.consumers_by_connection(outcome.connections)
    rows = [
        {
            "connection": connection,
            "updated": connection.pk in outcome.updated,
            "state": _state(connection),
            "consumers": consumers[connection.pk],
        }
        for connection in outcome.connections
    ]
    context = {
        "rows": rows,
        "updated": len(outcome.updated),
        "words": rotation_reads.words_of(outcome.connections),
        "has_consumers": any(row["updated"] and row["consumers"] for row in rows),
        "old_tokens": [old_token_view(old, request) for old in outcome.old_tokens],
        "again_url": rotation_step_url(here.again_with(outcome.left)) if outcome.left else "",
        "plan_url": _plan_url(here.within),
    }
    return render(request, "connections/rotation_done.html", context)


def _state(connection: Connection) -> Any:
    return states(connection, today=timezone.localdate())
