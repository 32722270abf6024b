"""Pages about the REST API: a person's tokens, and everyone's for administrators."""

from functools import lru_cache
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from api import reads
from api.actions.manage_tokens import CannotCreateToken, NewToken, create_token, revoke_token
from api.forms import TokenForm
from api.models import ApiToken
from api.scopes import LABELS
from core.secrets import Secret
from history.record import actor_of

if TYPE_CHECKING:
    from api.reference import Reference

may_manage = permission_required("people.manage_people", raise_exception=True)


@never_cache
@require_http_methods(["GET", "POST"])
@sensitive_variables("secret")
def tokens(request: HttpRequest) -> HttpResponse:
    """GET /account/api-tokens/ shows one's own tokens; POST creates one and shows its text, this once."""
    owner = cast("User", request.user)
    form = TokenForm(request.POST or None, owner=owner)
    if request.method == "POST" and form.is_valid():
        try:
            token, secret = create_token(
                NewToken(**form.cleaned_data), owner=owner, by=actor_of(request), now=timezone.now()
            )
        except CannotCreateToken as refused:
            form.add_error(refused.field or None, refused.message)
        else:
            return _page(request, TokenForm(owner=owner), created=token, secret=secret)
    return _page(request, form)


@never_cache
@require_safe
@may_manage
def all_tokens(request: HttpRequest) -> HttpResponse:
    """GET /people/api-tokens/: everyone's tokens."""
    page = reads.page_of_tokens(request.GET.get("page"))
    context = {"page": page, "rows": [_row(token) for token in page], "query": ""}
    return render(request, "api/all_tokens.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """GET asks; POST revokes one's own token, or anyone's with the permission to manage people."""
    token = reads.token(pk)
    if token is None:
        raise Http404
    is_own = token.owner_id == request.user.pk
    if not (is_own or request.user.has_perm("people.manage_people")):
        raise PermissionDenied
    back_url = reverse("api:tokens" if is_own else "api:all-tokens")
    if request.method == "GET":
        return render(request, "api/revoke.html", {"token": token, "is_own": is_own, "back_url": back_url})
    revoke_token(token, by=actor_of(request), now=timezone.now())
    flash.success(request, f"The API token “{token.name}” is revoked.")
    return redirect(back_url)


@require_safe
def show_reference(request: HttpRequest) -> HttpResponse:
    """GET /help/api/: every operation of the REST API."""
    return render(request, "api/reference.html", {"reference": _reference()})


@require_safe
def openapi_document(request: HttpRequest) -> HttpResponse:
    """GET /help/api/openapi.json: the same for programs."""
    from api.v1.operations import document

    server = f"{settings.SITE_URL}{settings.SCRIPT_NAME}" or "/"
    headers = {"Content-Disposition": 'attachment; filename="openapi.json"'}
    return JsonResponse(document(server), headers=headers)


# It changes with a release alone. The operations are loaded when they are needed: that takes a quarter of a second.
@lru_cache(maxsize=1)
def _reference() -> "Reference":
    from api.reference import reference

    return reference()


def _page(
    request: HttpRequest, form: TokenForm, *, created: ApiToken | None = None, secret: Secret | None = None
) -> HttpResponse:
    owner = cast("User", request.user)
    context = {
        "form": form,
        "rows": [_row(token) for token in reads.tokens_of(owner)],
        "created": created,
        "secret": secret.reveal() if secret else "",
    }
    return render(request, "api/tokens.html", context)


def _row(token: ApiToken) -> dict[str, object]:
    state = token.state_at(timezone.now())
    return {
        "token": token,
        "state": state,
        "is_active": state is ApiToken.State.ACTIVE,
        "permissions": [LABELS.get(permission, permission) for permission in token.permissions],
    }
