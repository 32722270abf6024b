"""The page of a connection, and its actions: test, disable, make default, disconnect."""

from typing import Any

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections import clients, leak_reads, notification_reads, reads, renewal_reads, token_import_reads
from connections.actions import versions
from connections.actions.audit import audit
from connections.actions.disconnect import disconnect, set_disabled
from connections.actions.refusals import CannotChange, CannotDisconnect
from connections.actions.set_default import set_default
from connections.actions.unsubscribe import restart_reminders
from connections.domain.form_versions import Conflict
from connections.domain.problems.notices import Notice, notice
from connections.domain.renewal import labels_of
from connections.domain.verification import Report
from connections.domain.where_tried import project_names, some_of
from connections.forms import DisconnectForm
from connections.input_rules import typed_name
from connections.models import Connection
from connections.old_tokens import of_the_same_application, other_users_of, token_of
from connections.providers.credential import DateSource, Words, labelled
from connections.reads import ConnectionDetail
from connections.views.common import (
    ask_again,
    guide_context,
    notices_about_server,
    problem_about,
    shown_version,
    tokens_page_of,
)
from connections.views.connection_status import LEVELS, Action, matrix, status_of, verified_at
from connections.views.old_tokens import old_token_view
from connections.views.presenters import projects_summary, states, stored_groups
from connections.views.project_notices import hidden_projects_notices, rights_notices
from connections.views.report_presenter import global_token_notice, report_view, unknown_reach_notice
from history.event_types import event_row
from history.record import actor_of


def find(pk: int) -> Connection:
    """The connection. Raises `ConnectionGone`, which becomes a 404 page."""
    connection = reads.connection(pk)
    if connection is None:
        raise versions.gone()
    return connection


@never_cache
@require_safe
@permission_required("connections.view_connection", raise_exception=True)
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /code-repositories/<id>/."""
    return _page(request, find(pk))


@never_cache
@require_POST
@permission_required("connections.test_connection", raise_exception=True)
def test_stored(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: test the stored token, and return the page with the result."""
    connection = find(pk)
    report = audit(connection, by=actor_of(request), now=timezone.now(), interactive=True)
    return _page(request, connection, report=report)


@require_POST
@permission_required("connections.disable_connection", raise_exception=True)
def disable(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: disable the connection."""
    return _set_disabled(
        request, pk, disabled=True, act="Disable", result="is disabled. Its credential is kept but not used."
    )


@require_POST
@permission_required("connections.disable_connection", raise_exception=True)
def enable(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: enable the connection."""
    return _set_disabled(request, pk, disabled=False, act="Enable", result="is enabled.")


def _set_disabled(request: HttpRequest, pk: int, *, disabled: bool, act: str, result: str) -> HttpResponse:
    connection = find(pk)
    drawn_from = request.POST.get("version", "")
    try:
        set_disabled(connection, disabled=disabled, by=actor_of(request), now=timezone.now(), drawn_from=drawn_from)
    except CannotChange as refused:
        version = versions.version(find(pk), versions.DISABLE)
        return ask_again(request, connection, refused, act=act, version=version)
    flash.success(request, f"{connection.name} {result}")
    return redirect(connection)


@require_POST
@permission_required("connections.change_connection", raise_exception=True)
def choose_default(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: make this the connection that forms preselect."""
    connection = find(pk)
    drawn_from = request.POST.get("version", "")
    try:
        changed = set_default(connection, by=actor_of(request), now=timezone.now(), drawn_from=drawn_from)
    except CannotChange as refused:
        version = versions.version(connection, versions.DEFAULT)
        return ask_again(request, connection, refused, act="Make default", version=version)
    if changed:
        flash.success(request, f"{connection.name} is now the default connection.")
    return redirect(connection)


@require_POST
@permission_required("connections.change_connection", raise_exception=True)
def resume_reminders(request: HttpRequest, pk: int, muted: int) -> HttpResponse:
    """POST: resume reminders about this connection for an address that stopped them."""
    connection = find(pk)
    stopped = get_object_or_404(notification_reads.muted_about(connection), pk=muted)
    restart_reminders(stopped, by=actor_of(request), now=timezone.now())
    flash.success(request, f"{stopped.address} will get reminders again.")
    return redirect(connection)


@require_http_methods(["GET", "POST"])
@permission_required("connections.delete_connection", raise_exception=True)
def disconnect_page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET asks for confirmation; POST deletes the connection and its token."""
    connection = find(pk)
    form = DisconnectForm(request.POST or None)
    conflicts: tuple[Conflict, ...] = ()
    if request.method == "POST" and form.is_valid():
        try:
            name = connection.name
            old = disconnect(
                connection,
                confirmed_name=form.cleaned_data["confirm_name"],
                by=actor_of(request),
                now=timezone.now(),
                drawn_from=request.POST.get("version", ""),
            )
        except CannotDisconnect as refused:
            connection, conflicts = find(pk), refused.conflicts
            form.add_error(refused.field or None, refused.message)
        else:
            # Of an identity of this server, nothing is left to delete.
            old_tokens = [] if connection.never_expires else [old_token_view(old, request)]
            return render(request, "connections/disconnected.html", {"name": name, "old_tokens": old_tokens})
    context = {
        "connection": connection,
        "form": form,
        "conflicts": conflicts,
        "version": shown_version(
            request, versions.version(connection, versions.DISCONNECT), has_conflict=bool(conflicts)
        ),
        "still_used_by": token_of(connection).still_used_by,
        "words": connection.credential().words,
        "name_to_type": typed_name(connection.name, connection.pk),
    }
    return render(request, "connections/disconnect.html", context)


def _page(request: HttpRequest, connection: Connection, *, report: Report | None = None) -> HttpResponse:
    shown = reads.detail(connection, today=timezone.localdate())
    tokens, place = tokens_page_of(connection), clients.place_of(connection.server)
    credential = connection.credential()
    application = credential if credential.principal else None
    groups = stored_groups(connection, is_principal=application is not None)
    status = status_of(
        connection,
        shown.capabilities,
        user=request.user,
        tokens_page=tokens,
        today=timezone.localdate(),
        words=credential.words,
    )
    context: dict[str, Any] = {
        "connection": connection,
        "shown": shown,
        "state": states(connection, today=timezone.localdate()),
        "status": status,
        "also_used_by": () if application else other_users_of(credential),
        "application": application,
        "facts": labelled(credential.facts),
        "words": credential.words,
        "is_principal": application is not None,
        "shared_by": of_the_same_application(connection, credential),
        "can_renew": clients.is_renewable(credential, connection.server)
        and request.user.has_perm("connections.rotate_connection"),
        "renewals": renewal_reads.pending_of(connection),
        **_facts_of_token(connection, is_date_entered=credential.date_source is DateSource.PERSON),
        "has_date_of_its_own": credential.date_source is DateSource.CREDENTIAL,
        "projects_summary": projects_summary(len(shown.projects), of_all=connection.all_projects),
        "organization_url": tokens.removesuffix("/_usersSettings/tokens"),
        "tokens_page": tokens,
        "problem": _problem(connection),
        "leak": leak_reads.leak_of(connection),
        "notices": _notices(
            connection,
            shown,
            can_change=request.user.has_perm("connections.change_connection"),
            words=credential.words,
            asks_for_date=status.action != Action.DATE,
        )
        # A new report has the same notices.
        + (_notices_about_projects(connection, shown, is_principal=bool(application)) if report is None else []),
        "groups": groups,
        "levels": LEVELS,
        "matrix": matrix(groups),
        "verified_at": verified_at(groups),
        "tried_in": some_of(
            project_names(capability_state.project_verdicts() for capability_state in shown.capabilities)
        ),
        "events": [event_row(event) for event in shown.events],
        "report": report_view(report, organization=connection.organization, tokens_page=tokens, place=place)
        if report
        else None,
        "disable_version": versions.version(connection, versions.DISABLE),
        "default_version": versions.version(connection, versions.DEFAULT),
        "place": place,
        **guide_context(connection),
    }
    return render(request, "connections/detail.html", context)


def _facts_of_token(connection: Connection, *, is_date_entered: bool) -> dict[str, Any]:
    """Where the expiry date comes from, and what Azure DevOps says about the token."""
    known, extension = renewal_reads.known_token(connection), renewal_reads.extension_of(connection)
    return {
        "known_token": known,
        "extension": extension,
        "is_extending": extension is not None and renewal_reads.is_running(extension, now=timezone.now()),
        "known_scopes": labels_of(known.scope.split()) if known else [],
        "is_date_entered": is_date_entered,
        "place_key": token_import_reads.key_of(connection),
    }


def _problem(connection: Connection) -> Any:
    if not connection.problem:
        return None
    return problem_about(
        connection, connection.problem, activity_id=connection.activity_id, host=connection.problem_host
    )


def _notices(
    connection: Connection, shown: ConnectionDetail, *, can_change: bool, words: Words, asks_for_date: bool
) -> list[Notice]:
    notices = notices_about_server(connection.server)
    if connection.token_reach == Connection.Reach.ALL:
        notices.append(global_token_notice(timezone.localdate()))
    elif shown.asks_for_reach:
        notices.append(unknown_reach_notice(connection, can_change=can_change))
    if connection.expires_on is None and asks_for_date:
        link = reverse("connections:edit", args=[connection.pk]) if can_change else ""
        notices.append(notice("date_missing", link_url=link, credential=words.name, shown=words.date_shown))
    if connection.consecutive_failures and not connection.problem:
        notices.append(notice("not_reached_once"))
    return notices


def _notices_about_projects(connection: Connection, shown: ConnectionDetail, *, is_principal: bool) -> list[Notice]:
    """Notices about permissions and projects, from the last check."""
    notices = rights_notices(
        {state.capability: state.project_verdicts() for state in shown.capabilities},
        person=connection.identity_name,
        is_principal=is_principal,
    )
    untried = next((state.doubt for state in shown.capabilities if state.is_untried), "")
    if untried:
        problem = problem_about(connection, untried)
        text = f"{problem.explanation} {problem.next_step}"
        notices.append(Notice(problem.code, "warn", "eye-off", problem.title, text))
        return notices
    return notices + hidden_projects_notices(shown.hidden_projects)
