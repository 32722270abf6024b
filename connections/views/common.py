"""Helpers shared by several pages: the current user, links to Azure DevOps, policy warnings."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.models import User
from django.forms import Form
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from connections import clients
from connections.actions import enforce_policy
from connections.actions.refusals import CannotChange, Refused
from connections.actions.transfer_ownership import OwnershipTransfer, transfer_ownership
from connections.domain import rotation_plan
from connections.domain.problems import catalogue
from connections.domain.problems.notices import Notice
from connections.domain.rotation_plan import BulkRotation
from connections.models import Connection, RegisterEntry, StoredTokenPolicy
from connections.providers.azure_devops.models import Server
from connections.providers.azure_devops.provider import AZURE_DEVOPS
from connections.providers.credential import Credential
from connections.views.presenters import ProblemView, problem_view
from connections.views.report_presenter import plain_http_notice
from core.htmx import is_htmx
from core.tasks import BrokerUnavailable, enqueue
from history.record import actor_of

if TYPE_CHECKING:
    from celery import Task


def shown_version(request: HttpRequest, current: str, *, has_conflict: bool, name: str = "version") -> str:
    """The version for a form: the submitted one, or the current one for a new form or after a conflict was shown."""
    return current if has_conflict or name not in request.POST else request.POST[name]


def leave_form(request: HttpRequest, url: str) -> HttpResponse:
    """Go to a page after a form was accepted. htmx would load it into the form, so it gets the address instead."""
    return HttpResponseClientRedirect(url) if is_htmx(request) else redirect(url)


def to_microsoft(request: HttpRequest, address: str, name: str) -> HttpResponse:
    """Leave for the sign-in page. Our content security policy lets links lead there, but not forms."""
    if is_htmx(request):
        return HttpResponseClientRedirect(address)
    return render(request, "connections/to_microsoft.html", {"address": address, "name": name})


def messages_only(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """A page with a form that was refused, of which htmx takes only the messages beside the fields."""
    if is_htmx(request):
        # Of a larger part, htmx would move the preserved token input out of the page.
        response.headers["HX-Reswap"], response.headers["HX-Reselect"] = "none", "#form_errors"
    return response


def whole_page(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """A page of which htmx takes everything, although the form asked for a part. The token stays in its field."""
    if is_htmx(request):
        response.headers["HX-Retarget"] = response.headers["HX-Reselect"] = "#main"
    return response


def ask_again(
    request: HttpRequest, connection: Connection, refused: Refused, *, act: str, version: str
) -> HttpResponse:
    """409 for a button on an outdated page: show both values, and the button again."""
    context = {"connection": connection, "conflicts": refused.conflicts, "act": act, "version": version}
    return render(request, "connections/conflict.html", context, status=409)


def enqueue_or_warn(request: HttpRequest, task: "Task[[], Any]", *, warning: str) -> bool:
    """Enqueue a task that the scheduler starts anyway, to save the wait. Warns if the broker is unavailable."""
    try:
        enqueue(task)
    except BrokerUnavailable:
        flash.warning(request, f"The message broker is unavailable. {warning}")
        return False
    return True


def person(request: HttpRequest) -> User:
    """The current user. Every page except sign-in requires one."""
    return cast("User", request.user)


def rotation_step_url(rotation: BulkRotation, name: str = "rotation-step") -> str:
    """The page of a bulk rotation's step, which holds in its address all that is known of it."""
    steps = rotation_plan.write(rotation.steps)
    known = {"within": rotation.within, "since": rotation.since, "at": rotation.at, "steps": steps}
    query = urlencode(known, safe=",")
    return f"{reverse(f'connections:{name}')}?{query}"


def tokens_page_of(connection: Connection) -> str:
    """The page where tokens of the connection's organization are created and revoked; empty for an unknown server."""
    return clients.tokens_page(connection.server, connection.organization)


def problem_about(
    connection: Connection,
    code: str,
    *,
    activity_id: str | None = None,
    host: str = "",
    retry_after: float | None = None,
) -> ProblemView:
    """A problem with a connection, worded for its server, with links."""
    has_page = catalogue.problem(code).link == "tokens" and not connection.credential().principal
    return problem_view(
        code,
        tokens_page=tokens_page_of(connection) if has_page else "",
        activity_id=activity_id,
        place=clients.place_of(connection.server),
        facts=catalogue.Facts(
            host=host,
            organization=connection.organization,
            retry_after=retry_after,
            object_id=connection.identity_account if code == "principal_not_added" else "",
        ),
    )


def notices_about_server(name: str) -> list[Notice]:
    """Security warnings about the server."""
    return (
        [plain_http_notice(name)]
        if any(server.shows_tokens for server in clients.servers() if server.name == name)
        else []
    )


def warn_of_violations(request: HttpRequest, connection: Connection, token: Credential | None = None) -> None:
    """Show a warning for each policy rule that the accepted token violates."""
    violations = enforce_policy.violations_of(
        expires_on=connection.expires_on, now=timezone.now(), token=token, besides=connection.pk
    )
    for violation in violations:
        problem = catalogue.problem(violation.code)
        flash.warning(request, problem.full)


def _row(server: Server) -> dict[str, Any]:
    return {
        "name": server.name,
        "place": server.place,
        "url": server.url,
        "shows_tokens": server.shows_tokens,
        "tokens_page": server.tokens_page(f"your-{server.place}"),
    }


def guide_context(connection: Connection | None = None) -> dict[str, Any]:
    """Context of pages with instructions, limited to the server of the connection if one is given."""
    servers = [server for server in clients.servers() if connection is None or server.name == connection.server]
    return {
        "provider": AZURE_DEVOPS,
        "policy": StoredTokenPolicy.now(),
        "servers": [_row(server) for server in servers],
        "places": list(dict.fromkeys(server.place for server in servers)) or ["organization"],
        "sandbox": clients.sandbox(),
        "token_name": f"MFE Orchestrator {timezone.localdate():%Y-%m}",
        "test_limit": int(settings.AZURE_DEVOPS_TEST_LIMIT),
        "support_url": settings.SUPPORT_URL,
    }


def row_ids(query: QueryDict, name: str) -> list[int]:
    """The ids of rows that a form or an address names; what no id can be is left out."""
    return [int(text) for text in query.getlist(name) if text.isascii() and text.isdecimal() and len(text) < 19]


def confirm_selected(
    request: HttpRequest,
    template: str,
    rows: Sequence[tuple[Connection | RegisterEntry, object]],
    *,
    verb: str,
    noun: str,
    **more: Any,
) -> HttpResponse:
    """Ask before an action on ticked rows. Each comes with the version that the action depends on."""
    title = f"{verb} {len(rows)} {noun}{'' if len(rows) == 1 else 's'}"
    return render(request, template, {"title": title, "verb": verb, "rows": rows, **more})


def hand_over_selected(
    request: HttpRequest,
    owned: Sequence[Connection | RegisterEntry],
    form: Form,
    *,
    template: str,
    noun: str,
    page: str,
) -> HttpResponse:
    """Ask for the new owner of ticked rows, then hand these over and return to their `page`."""
    if form.is_valid():
        person, shown = form.cleaned_data["to"], _owners_shown(request.POST, owned)
        try:
            outcome = transfer_ownership(owned, to=person, by=actor_of(request), now=timezone.now(), drawn_from=shown)
        except CannotChange as refused:
            form.add_error(refused.field, refused.message)
        else:
            _flash_transfer(request, outcome, to=person, noun=noun)
            return redirect(page)
    rows = [(item, item.owner_id) for item in owned]
    return confirm_selected(request, template, rows, verb="Hand over", noun=noun, form=form)


def _owners_shown(query: QueryDict, owned: Iterable[Connection | RegisterEntry]) -> dict[int, int]:
    """The owners that the page showed before a transfer, by the ids of what they own."""
    shown = {item.pk: row_ids(query, f"version-{item.pk}") for item in owned}
    return {pk: ids[0] for pk, ids in shown.items() if ids}


def _flash_transfer(request: HttpRequest, outcome: OwnershipTransfer, *, to: User, noun: str) -> None:
    """Say what was transferred to a new owner, and what was not."""
    for name in outcome.changed_meanwhile:
        flash.error(request, f"{name} was not handed over, because someone changed it in the meantime.")
    if outcome.moved:
        count = f"1 {noun} now belongs" if outcome.moved == 1 else f"{outcome.moved} {noun}s now belong"
        flash.success(request, f"{count} to {to.get_full_name() or to.get_username()}.")
