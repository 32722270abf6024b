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

from connections import clients
from connections.actions.connect import ConnectRequest, connect
from connections.actions.find_project import find_before_connecting
from connections.actions.refusals import CannotConnect
from connections.actions.verify_credential import Credentials, VerificationResult, kept_result, verify_new
from connections.domain.problems.notices import Notice
from connections.domain.verification import Report
from connections.forms import ConnectForm, FindProjectForm, VerifyForm
from connections.models import Connection
from connections.providers.azure_devops.models import Project
from connections.providers.azure_devops.provider import AZURE_DEVOPS
from connections.providers.organization import ProjectRef
from connections.providers.registry import BY_SLUG, PROVIDERS
from connections.views.common import guide_context, leave_form, messages_only, person, warn_of_violations
from connections.views.kept_input import kept_input, kept_projects
from connections.views.report_presenter import ReportView
from connections.views.token_panel import (
    TokenPanel,
    date_words,
    expiry_words,
    facts_of,
    has_new_result,
    new_token_report,
    result_after,
)
from history.record import actor_of

may_add = permission_required("connections.add_connection", raise_exception=True)
hide_token = sensitive_post_parameters("token", "client_secret", "certificate_password")


@require_safe
@may_add
def pick_provider(request: HttpRequest) -> HttpResponse:
    """GET /code-repositories/add/: cards in a form; a choice leads to the provider's page."""
    choice = request.GET.get("provider")
    if choice in BY_SLUG:
        return redirect(f"connections:add-{choice}")
    return render(request, "connections/add.html", {"providers": PROVIDERS})


@hide_token
@never_cache
@require_http_methods(["GET", "POST"])
@may_add
def connect_page(request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST connects, or shows the error beside its field."""
    if request.method == "GET":
        return _page(request, ConnectForm(initial=kept_input(request)))
    form = ConnectForm(request.POST, request.FILES)
    if not form.is_valid():
        return messages_only(request, _page(request, form, tested=_kept(request, form)))
    now = timezone.now()
    try:
        connection = connect(_credentials(form), _wishes(form), owner=person(request), by=actor_of(request), now=now)
    except CannotConnect as refused:
        form.add_error(form.field_for(refused.field) or None, refused.message)
        page = _page(request, form, tested=result_after(refused, _kept(request, form)))
        return page if has_new_result(refused) else messages_only(request, page)
    flash.success(request, f"{connection.name} is now connected to {connection.organization}.")
    warn_of_violations(request, connection, form.cleaned_data["token"])
    return leave_form(request, connection.get_absolute_url())


@hide_token
@never_cache
@require_POST
@may_add
def test_connection(request: HttpRequest) -> HttpResponse:
    """POST: test the token, and return the page with the result but without the token."""
    form = VerifyForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form)
    tested = verify_new(_credentials(form), by=person(request), now=timezone.now())
    return _page(request, form, tested=tested)


@hide_token
@never_cache
@require_POST
@may_add
def find_missing_project(request: HttpRequest) -> HttpResponse:
    """POST: why a project is not in the list."""
    form = VerifyForm(request.POST, request.FILES)
    finder = FindProjectForm(request.POST)
    if not (form.is_valid() and finder.is_valid()):
        return messages_only(request, _page(request, form, tested=_kept(request, form), finder=finder))
    name, key = finder.cleaned_data["project_name"], form.cleaned_data.get("verification_key", "")
    tested, answer = find_before_connecting(
        _credentials(form), name, verification_key=key, by=person(request), now=timezone.now()
    )
    return _page(request, form, tested=tested, finder=finder, answer=answer)


def _credentials(form: ConnectForm) -> Credentials:
    projects = tuple(map(ProjectRef, form.selected_projects() or ()))
    return Credentials(form.server_choice(), form.cleaned_data["organization"], form.cleaned_data["token"], projects)


def _wishes(form: ConnectForm) -> ConnectRequest:
    cleaned = form.cleaned_data
    return ConnectRequest(
        name=cleaned["name"],
        expires_on=cleaned["expires_on"],
        token_reach=Connection.Reach.ONE if form.is_by_application else cleaned.get("token_reach", ""),
        projects=form.selected_projects(),
        accept_limited=cleaned["accept_limited"],
        verification_key=cleaned["verification_key"],
    )


def _kept(request: HttpRequest, form: ConnectForm) -> VerificationResult | None:
    """The result of an earlier test of these credentials, to show again after an error elsewhere in the form."""
    cleaned = form.cleaned_data
    if not {"organization", "token"} <= cleaned.keys() or (("server" in form.fields) and "server" not in cleaned):
        return None
    key = cleaned.get("verification_key", "")
    return kept_result(key, _credentials(form), by=person(request), now=timezone.now())


def _page(
    request: HttpRequest,
    form: ConnectForm,
    *,
    tested: VerificationResult | None = None,
    finder: FindProjectForm | None = None,
    answer: Notice | None = None,
) -> HttpResponse:
    report = tested.report if tested else None
    context: dict[str, Any] = {
        "form": form,
        "panel": _panel(form, tested),
        "project_choices": checkboxes(report.projects if report else (), request.POST.getlist("projects")),
        "projects_incomplete": report is not None and report.accepted and not report.projects_complete,
        "project_finder": finder or FindProjectForm(),
        "project_answer": answer,
        "find_project_url": reverse("connections:find-project-new"),
        "kept_projects": kept_projects(request) if not form.is_bound else [],
        "samples": clients.sample_tokens(),
        **guide_context(),
    }
    return render(request, AZURE_DEVOPS.connect_template, context)


def _panel(form: ConnectForm, tested: VerificationResult | None) -> TokenPanel:
    return TokenPanel(
        test_url=reverse("connections:test-new"),
        leave_url=reverse("connections:list"),
        submit_label="Connect Azure DevOps",
        submit_icon="plug",
        accept_verb="Connect",
        submit_url=reverse("connections:add-azure-devops"),
        expires=expiry_words(form),
        date_read=date_words([tested.report] if tested else []),
        facts=facts_of(form),
        verification_key=tested.verification_key if tested else "",
        reports=[_report(form, tested.report)] if tested else [],
    )


def _report(form: ConnectForm, report: Report) -> ReportView:
    server, organization = form.server_choice(), form.cleaned_data["organization"].name
    where = server.tokens_page(organization)
    return new_token_report(report, form, server=server.name, organization=organization, tokens_page=where)


def checkboxes(projects: Iterable[Project], checked: Iterable[str]) -> list[dict[str, Any]]:
    """The projects a person may choose, with those already ticked."""
    ticked = set(checked)
    return [{"id": project.id, "name": project.name, "checked": project.id in ticked} for project in projects]
