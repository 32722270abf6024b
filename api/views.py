"""Pages about the REST API: a person's tokens, and everyone's for administrators."""

from typing import cast

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from api import reads
from api.actions.manage_tokens import CannotCreateToken, NewToken, create_token, revoke_token
from api.forms import TokenForm
from api.models import ApiToken
from api.scopes import LABELS
from core.secrets import Secret
from history.record import actor_of

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
    """GET /people/api-tokens/: the tokens of everyone."""
    page = reads.page_of_tokens(request.GET.get("page"))
    context = {"page": page, "rows": [_row(token) for token in page], "query": ""}
    return render(request, "api/all_tokens.html", context)


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: the token stops working at once. One's own, or anyone's for those who manage people."""
    token = get_object_or_404(ApiToken.objects.select_related("owner"), pk=pk)
    is_own = token.owner_id == request.user.pk
    if not (is_own or request.user.has_perm("people.manage_people")):
        raise PermissionDenied
    revoke_token(token, by=actor_of(request), now=timezone.now())
    flash.success(request, f"The API token “{token.name}” is revoked.")
    return redirect("api:tokens" if is_own else "api:all-tokens")


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
