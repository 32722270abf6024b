"""Add Repository: the provider picker and the Connect Azure DevOps page."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections.actions.connect import ConnectRequest, connect
from connections.actions.enforce_policy import reuse_violations
from connections.actions.find_project import Answer, find_project
from connections.actions.refusal_causes import with_cause_of_new
from connections.actions.refusals import CannotConnect
from connections.actions.verify_credential import Credentials, kept_report, verify_new
from connections.domain.verification import Report
from connections.forms import ConnectForm, FindProjectForm, VerifyForm
from connections.models import Connection
from connections.providers.azure_devops.models import Project, ProjectRef
from connections.providers.registry import BY_SLUG, PROVIDERS
from connections.views.common import guide_context, notices_about_server, person, tokens_page, warn_of_violations
from connections.views.report_presenter import report_view, token_notices
from history.record import actor_of

may_add = permission_required("connections.add_connection", raise_exception=True)
hide_token = sensitive_post_parameters("token")


@require_safe
@may_add
def pick_provider(request: HttpRequest) -> HttpResponse:
    """GET /code-repositories/add/: cards in a form; a choice leads to the provider's page."""
    choice = request.GET.get("provider")
    if choice in BY_SLUG:
        return redirect(f"connections:add-{choice}")
    return render(request, "connections/add.html", {"providers": PROVIDERS, "cancel_url": reverse("connections:list")})


@hide_token
@never_cache
@require_http_methods(["GET", "POST"])
@may_add
def connect_page(request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST connects, or shows why not beside the field."""
    if request.method == "GET":
        return _page(request, ConnectForm())
    form = ConnectForm(request.POST)
    if not form.is_valid():
        return _page(request, form, report=_report_in_hand(request, form))
    now = timezone.now()
    try:
        connection = connect(_credentials(form), _wishes(form), owner=person(request), by=actor_of(request), now=now)
    except CannotConnect as refused:
        form.add_error(refused.field or None, refused.message)
        if refused.tested is None or refused.field == "token":
            # Beside the token stands all that there is to say.
            return _page(request, form, report=_report_in_hand(request, form))
        return _page(request, form, report=refused.tested.report, verification_key=refused.tested.verification_key)
    flash.success(request, f"{connection.name} is connected to {connection.organization}.")
    warn_of_violations(request, connection, form.cleaned_data["token"])
    return redirect(connection)


@hide_token
@never_cache
@require_POST
@may_add
def test_connection(request: HttpRequest) -> HttpResponse:
    """POST: try the token; the whole page comes back, with the result in it and without the token."""
    form = VerifyForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    tested = verify_new(_credentials(form), by=person(request), now=timezone.now())
    return _page(request, form, report=tested.report, verification_key=tested.verification_key)


@hide_token
@never_cache
@require_POST
@may_add
def find_missing_project(request: HttpRequest) -> HttpResponse:
    """POST: why a project is not in the list."""
    form = VerifyForm(request.POST)
    finder = FindProjectForm(request.POST)
    answer = None
    report = None
    if form.is_valid():
        verification_key, credentials, now = form.cleaned_data["verification_key"], _credentials(form), timezone.now()
        report = kept_report(verification_key, credentials, by=person(request), now=now)
        report = report or verify_new(credentials, by=person(request), now=now).report
        if finder.is_valid():
            answer = find_project(_credentials(form), finder.cleaned_data["project_name"], report)
    return _page(request, form, report=report, finder=finder, answer=answer)


def _credentials(form: ConnectForm) -> Credentials:
    projects = tuple(map(ProjectRef, form.wanted_projects() or ()))
    return Credentials(form.server_choice(), form.cleaned_data["organization"], form.cleaned_data["token"], projects)


def _wishes(form: ConnectForm) -> ConnectRequest:
    cleaned = form.cleaned_data
    return ConnectRequest(
        name=cleaned["name"],
        expires_on=cleaned["expires_on"],
        token_reach=cleaned.get("token_reach", ""),
        projects=form.wanted_projects(),
        accept_limited=cleaned["accept_limited"],
        verification_key=cleaned["verification_key"],
    )


def _report_in_hand(request: HttpRequest, form: ConnectForm) -> Report | None:
    """After a mistake elsewhere on the page, the result of a test stays, if it is for these credentials."""
    cleaned = form.cleaned_data
    if not {"organization", "token"} <= cleaned.keys() or (("server" in form.fields) and "server" not in cleaned):
        return None
    verification_key = cleaned.get("verification_key", "")
    return kept_report(verification_key, _credentials(form), by=person(request), now=timezone.now())


def _page(
    request: HttpRequest,
    form: ConnectForm,
    *,
    report: Report | None = None,
    verification_key: str = "",
    finder: FindProjectForm | None = None,
    answer: Answer | None = None,
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "verification_key": verification_key or form.data.get("verification_key", ""),
        "report": _report(form, report),
        "project_choices": project_choices(report.projects if report else (), request.POST.getlist("projects")),
        "projects_incomplete": report is not None and report.accepted and not report.projects_complete,
        "project_finder": finder or FindProjectForm(),
        "project_answer": answer,
        "token_needs_pasting": form.is_bound,
        "connect_url": reverse("connections:add-azure-devops"),
        "test_url": reverse("connections:test-new"),
        "find_project_url": reverse("connections:find-project-new"),
        "cancel_url": reverse("connections:list"),
        **guide_context(),
    }
    return render(request, "connections/connect.html", context)


def _report(form: ConnectForm, report: Report | None) -> Any:
    if report is None:
        return None
    credentials = _credentials(form)
    where = tokens_page(credentials.server, credentials.organization.name)
    place = credentials.server.place
    notices = notices_about_server(credentials.server.name)
    notices += token_notices(
        token_reach=Connection.Reach.at(place, form.cleaned_data.get("token_reach", "")),
        hint=form.hint(),
        breaches=reuse_violations(credentials.token),
        today=timezone.localdate(),
    )
    name = credentials.organization.name
    reach = form.cleaned_data.get("token_reach", "")
    report = with_cause_of_new(report, place=place, token_reach=reach, today=timezone.localdate())
    return report_view(report, organization=name, tokens_page=where, place=place, notices=notices)


def project_choices(projects: Iterable[Project], checked: Iterable[str]) -> list[dict[str, Any]]:
    """The projects a person may choose, with those already ticked."""
    ticked = set(checked)
    return [{"id": one.id, "name": one.name, "checked": one.id in ticked} for one in projects]
