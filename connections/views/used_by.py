"""What uses the credential of a connection: its form."""

from collections.abc import Sequence

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from connections.actions import versions
from connections.actions.refusals import CannotEdit
from connections.actions.used_by import set_used_by
from connections.domain.form_versions import Conflict
from connections.register_forms import ConsumersForm
from connections.views.common import shown_version
from connections.views.connection_detail import find
from history.record import actor_of


@never_cache
@require_http_methods(["GET", "POST"])
@permission_required("connections.change_connection", raise_exception=True)
def used_by_page(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the form; POST saves."""
    connection = find(pk)
    conflicts: Sequence[Conflict] = ()
    form = ConsumersForm(request.POST or None, initial={"used_by": versions.used_by_of(connection).value})
    if request.method == "POST" and form.is_valid():
        drawn_from = request.POST.get("version", "")
        try:
            entered = form.cleaned_data["used_by"]
            changed = set_used_by(pk, entered, by=actor_of(request), now=timezone.now(), drawn_from=drawn_from)
        except CannotEdit as refused:
            conflicts = refused.conflicts
            form.add_error(refused.field or None, refused.message)
        else:
            flash.success(request, "Changes saved." if changed else "Nothing was changed.")
            return redirect(connection)
    version = shown_version(request, versions.version(find(pk), versions.USED_BY), has_conflict=bool(conflicts))
    words = connection.credential().words
    context = {"connection": connection, "words": words, "form": form, "conflicts": conflicts, "version": version}
    return render(request, "connections/used_by.html", context)
