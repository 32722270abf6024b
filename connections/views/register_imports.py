"""Import a file into the register: the form, the preview with errors line by line, and the progress."""

from typing import Any

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connections import register_reads
from connections.actions import register_imports
from connections.actions.refusals import CannotChangeEntry
from connections.actions.register_imports import ImportOptions
from connections.models import RegisterImport
from connections.register_files import UnreadableFile
from connections.register_forms import ImportForm
from connections.register_rules import FIELDS
from connections.views.common import enqueue_or_warn, person
from history.record import actor_of

may_import = permission_required(
    ("connections.add_registerentry", "connections.change_registerentry"), raise_exception=True
)


@never_cache
@require_http_methods(["GET", "POST"])
@sensitive_variables("content")
@may_import
def import_page(request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST reads a file and leads to its preview."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file, chosen = form.cleaned_data["file"], form.cleaned_data
        options = ImportOptions(person(request), chosen["on_existing"], chosen["slashes"] == "month")
        try:
            content = file.read()
            started = register_imports.begin(
                content, file.name or "", options, by=actor_of(request), now=timezone.now()
            )
        except UnreadableFile as error:
            form.add_error("file", error.message)
        else:
            _work(request, started)
            return redirect("connections:register-import", started.pk)
    return render(request, "connections/register/import.html", {"form": form, "columns": FIELDS})


def _work(request: HttpRequest, waiting: RegisterImport) -> None:
    """Do it now if it takes no time; otherwise a worker does it, and the page shows the progress."""
    from connections.tasks import import_register

    if waiting.lines <= register_imports.AT_ONCE:
        register_imports.work(waiting.pk, clock=timezone.now)
    else:
        enqueue_or_warn(request, import_register, warning="The file is read once it is back.")


def _find(request: HttpRequest, pk: int) -> RegisterImport:
    """One's own import. Raises `EntryGone`, which becomes a 404 page."""
    found = register_reads.import_of(person(request), pk)
    if found is None:
        raise register_imports.gone()
    return found


@never_cache
@require_safe
@may_import
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /code-repositories/register/import/<id>/: the progress, the preview, or the result."""
    current = _find(request, pk)
    context: dict[str, Any] = {
        "current": current,
        "percent": 100 * current.lines_done // current.lines if current.lines else 0,
        # Not while a worker adds to them: the page asks again every two seconds.
        "page": None if current.is_busy else register_reads.page_of_errors(current, request.GET.get("page")),
        "rows": register_reads.first_rows(current) if current.state == RegisterImport.State.READY else [],
        "query": "",
        "now": timezone.now(),
    }
    return render(request, "connections/register/import_preview.html", context)


@never_cache
@require_POST
@may_import
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: import the lines without errors."""
    _find(request, pk)
    try:
        started = register_imports.start(pk, by=actor_of(request), now=timezone.now())
    except CannotChangeEntry as refused:
        flash.error(request, refused.message)
    else:
        _work(request, started)
    return redirect("connections:register-import", pk)


@never_cache
@require_POST
@may_import
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: forget a file that was not imported."""
    _find(request, pk)
    try:
        register_imports.discard(pk)
    except CannotChangeEntry as refused:
        flash.error(request, refused.message)
        return redirect("connections:register-import", pk)
    flash.success(request, "Discarded. Nothing was imported.")
    return redirect("connections:register")
