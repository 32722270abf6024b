"""Edit a connection: name, projects, token details and mail recipients."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from connections import clients, notification_reads
from connections.actions import versions
from connections.actions.edit import Changes, edit, find_project_of, project_choices
from connections.actions.read_dates import is_date_entered
from connections.actions.refusals import CannotEdit
from connections.domain.form_versions import Conflict
from connections.forms import EditForm, FindProjectForm
from connections.models import Connection
from connections.views.add_connection import checkboxes
from connections.views.common import shown_version, warn_of_violations
from connections.views.connection_detail import find
from history.record import actor_of

may_change = permission_required("connections.change_connection", raise_exception=True)


@never_cache
@require_http_methods(["GET", "POST"])
@may_change
def edit_page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the form with the projects that the token can see; POST saves."""
    connection = find(pk)
    if request.method == "GET":
        return _page(request, connection, EditForm(initial=_initial(connection), **_known(connection)))
    form = EditForm(request.POST, **_known(connection))
    if not form.is_valid():
        return _page(request, connection, form)
    changes = Changes(
        name=form.cleaned_data["name"],
        expires_on=form.cleaned_data["expires_on"] if form.asks_date else connection.expires_on,
        token_reach=form.cleaned_data.get("token_reach", connection.token_reach),
        projects=form.selected_projects(),
        extra_recipients=form.cleaned_data["extra_recipients"],
    )
    try:
        changed = edit(
            connection,
            changes,
            by=actor_of(request),
            now=timezone.now(),
            drawn_from=request.POST.get("version", ""),
        )
    except CannotEdit as refused:
        if refused.conflicts:
            return _conflict(request, find(pk), refused.conflicts)
        form.add_error(refused.field or None, refused.message)
        return _page(request, find(pk), form)
    flash.success(request, "Changes saved." if changed else "Nothing was changed.")
    if "expires_on" in changed:
        warn_of_violations(request, connection)
    return redirect(connection)


@never_cache
@require_POST
@may_change
def find_missing_project(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: why a project is not in the list."""
    connection = find(pk)
    finder = FindProjectForm(request.POST)
    answer = find_project_of(connection, finder.cleaned_data["project_name"]) if finder.is_valid() else None
    return _page(
        request,
        connection,
        EditForm(request.POST, **_known(connection)),
        finder=finder,
        answer=answer,
    )


_INPUTS = {
    "expires_on": ("expires", "expires_on"),
    "projects": ("projects_mode", "projects"),
}


def _conflict(request: HttpRequest, connection: Connection, conflicts: Sequence[Conflict]) -> HttpResponse:
    """The form again: changed fields as submitted, all others with their current values."""
    chosen = [project.id for project in connection.limited_to()]
    current = {**_initial(connection), "projects": chosen}
    data = request.POST.copy()
    for conflict in conflicts:
        for name in _INPUTS.get(conflict.field, (conflict.field,)) if conflict.is_untouched else ():
            value = current[name]
            data.setlist(name, value if isinstance(value, list) else [str(value or "")])
    form = EditForm(data, **_known(connection))
    return _page(request, connection, form, conflicts=conflicts)


def _known(connection: Connection) -> dict[str, Any]:
    """What decides which fields the form has."""
    credential = connection.credential()
    return {
        "place": clients.place_of(connection.server),
        "of_application": bool(credential.principal),
        "asks_date": is_date_entered(connection),
    }


def _initial(connection: Connection) -> dict[str, Any]:
    return {
        "name": connection.name,
        "expires": "date" if connection.expires_on else "unknown",
        "expires_on": connection.expires_on,
        "token_reach": connection.token_reach,
        "extra_recipients": connection.extra_recipients,
        "projects_mode": "all" if connection.all_projects else "some",
    }


def _page(
    request: HttpRequest,
    connection: Connection,
    form: EditForm,
    *,
    finder: FindProjectForm | None = None,
    answer: object = None,
    conflicts: Sequence[Conflict] = (),
) -> HttpResponse:
    # Computed before the slow request to Azure DevOps, so that it belongs to the values in the form.
    version = shown_version(request, versions.version(connection, versions.EDIT), has_conflict=bool(conflicts))
    offered = project_choices(connection)
    checked = form.data.getlist("projects") if isinstance(form.data, QueryDict) else offered.chosen
    context = {
        "connection": connection,
        "place": clients.place_of(connection.server),
        "form": form,
        "conflicts": conflicts,
        "version": version,
        "project_choices": checkboxes(offered.projects, checked),
        "projects_problem": offered.problem,
        "projects_incomplete": not offered.is_complete,
        "project_finder": finder or FindProjectForm(),
        "project_answer": answer,
        "channel_choices": notification_reads.channel_choices(connection.channels.all()),
        "find_project_url": reverse("connections:find-project", args=[connection.pk]),
    }
    return render(request, "connections/edit.html", context)
