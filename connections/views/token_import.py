"""Import tokens: a person signs in at Microsoft, and what Azure DevOps says about their tokens is matched here."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages as flash
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from connections import token_import_reads as reads
from connections.actions import import_tokens, renew_sign_in
from connections.actions.refusals import CannotRenew
from connections.domain.renewal import labels_of
from connections.domain.token_entries import NONE, Pick
from connections.models import Connection, TokenImport
from connections.old_tokens import users_of
from connections.providers.azure_devops.personal_tokens import TokenEntry
from connections.renewal_forms import ImportForm
from connections.token_import_reads import StoredToken
from connections.views.common import person, to_microsoft
from connections.views.renewal import may_renew
from connections.views.renewal_words import problem_of
from core.query_strings import with_values
from history.record import actor_of

PER_PAGE = 25
_PICK = "token-"


@never_cache
@require_http_methods(["GET", "POST"])
@may_renew
def token_import_page(request: HttpRequest) -> HttpResponse:
    """GET /code-repositories/token-import/: what was read and matched; POST takes the step that is named."""
    step = _STEPS.get(request.POST.get("step", "")) if request.method == "POST" else None
    if step is None:
        chosen = request.GET.getlist("organization")
        return _page(request, ImportForm(initial={"organizations": chosen} if chosen else None))
    try:
        return step(request)
    except CannotRenew as refused:
        flash.error(request, refused.message)
    return redirect("connections:token-import")


def _page(request: HttpRequest, form: ImportForm) -> HttpResponse:
    imports, words = _imports(request), request.GET.get("q", "")
    page = Paginator(reads.groups(imports, words), PER_PAGE).get_page(request.GET.get("page"))
    rows = [_row(stored) for stored in reads.stored_tokens(page.object_list)]
    context = {
        "form": form,
        "imports": [_import_row(imported) for imported in imports],
        "page": page,
        "rows": rows,
        "asks": any(row["asks"] for row in rows),
        "q": words,
        "query": with_values(request.GET),
    }
    return render(request, "connections/token_import.html", context)


def _imports(request: HttpRequest) -> list[TokenImport]:
    return reads.imports_of(person(request), now=timezone.now())


def _import_row(imported: TokenImport) -> dict[str, Any]:
    facts = {"organization": imported.organization}
    problem = problem_of(imported.problem, imported.server, **facts) if imported.problem else None
    return {"imported": imported, "problem": problem, "count": len(imported.entries)}


def _row(stored: StoredToken) -> dict[str, Any]:
    return {
        "stored": stored,
        "connection": stored.head,
        "entry": _entry(stored.entry) if stored.entry else None,
        "picked": stored.known.authorization_id if stored.known else "",
        "fitting": [candidate for candidate in stored.candidates if candidate.fits],
        "others": [candidate for candidate in stored.candidates if not candidate.fits],
        "asks": bool(stored.candidates) or (stored.known is not None and stored.known.is_picked),
    }


def _entry(entry: TokenEntry) -> dict[str, Any]:
    organizations = entry.organizations
    return {
        "name": entry.name,
        "valid_to": entry.valid_to,
        "scopes": labels_of(sorted(entry.scopes)),
        "reach": "All accessible organizations" if organizations is None else _only(len(organizations)),
    }


def _only(number: int) -> str:
    return "This organization only" if number == 1 else f"{number} organizations"


def _sign_in(request: HttpRequest) -> HttpResponse:
    form = ImportForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    server, organizations = form.chosen()
    address = renew_sign_in.begin_import(server, organizations, person=person(request), now=timezone.now())
    return to_microsoft(request, address, "Import tokens")


def _review(request: HttpRequest) -> HttpResponse:
    picked = import_tokens.check_picks(_picks(request), _imports(request))
    users: dict[str, list[Connection]] = {}
    for connection in users_of({connection.stored_credential.fingerprint for _, connection, _ in picked}):
        users.setdefault(connection.stored_credential.fingerprint, []).append(connection)
    rows = [
        {
            "connection": connection,
            "connections": users[connection.stored_credential.fingerprint],
            "entry": _entry(entry) if entry else None,
            "id": entry.id if entry else NONE,
            "fits": entry is None or reads.fits(connection, entry),
        }
        for _, connection, entry in picked
    ]
    return render(request, "connections/token_import_review.html", {"rows": rows})


def _use(request: HttpRequest) -> HttpResponse:
    changed = import_tokens.use_picks(_picks(request), _imports(request), by=actor_of(request), now=timezone.now())
    count = f"{len(changed)} connection{'' if len(changed) == 1 else 's'}"
    flash.success(request, f"Date, scopes and organizations of {count} are now as Azure DevOps says.")
    return redirect("connections:token-import")


def _forget(request: HttpRequest) -> HttpResponse:
    import_tokens.forget(person(request))
    flash.success(request, "The list of your tokens is deleted here. What was matched stays.")
    return redirect("connections:token-import")


def _picks(request: HttpRequest) -> list[Pick]:
    """What was chosen, by the connection that stands for the stored token."""
    chosen = ((name.removeprefix(_PICK), value) for name, value in request.POST.items() if name.startswith(_PICK))
    return [
        Pick(int(number), str(value))
        for number, value in chosen
        if value and number.isascii() and number.isdecimal() and len(number) < 19
    ]


_STEPS: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "sign-in": _sign_in,
    "review": _review,
    "use": _use,
    "forget": _forget,
}
