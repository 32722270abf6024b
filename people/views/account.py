"""The user's own account: role, mail address and sessions."""

from typing import cast

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from connections.notification_reads import channel_choices_of
from people import login_limits, queries, roles
from people.actions import end_sessions, manage_people
from people.forms import AddressForm
from people.views.refusals import refusals_shown


@never_cache
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """GET /account/: the page of the signed-in user."""
    return _page(request, AddressForm.of(cast("User", request.user)))


@never_cache
@require_POST
def address(request: HttpRequest) -> HttpResponse:
    """POST: change the user's own mail address."""
    form = AddressForm(request.POST)
    if form.is_valid():
        with refusals_shown(request, form):
            manage_people.change_own_address(cast("User", request.user), form.cleaned_data["email"])
            flash.success(request, "Email address saved.")
            return redirect("people:account")
    return _page(request, form)


def _page(request: HttpRequest, address_form: AddressForm) -> HttpResponse:
    user = cast("User", request.user)
    role = roles.role_of(user)
    context = {
        "address_form": address_form,
        "second_factor": settings.SECOND_FACTOR,
        "role": roles.BY_NAME.get(role),
        "sessions": queries.sessions_of(user, now=timezone.now()),
        "this_session": request.session.session_key,
        "owned": queries.count_owned(user),
        "channel_choices": channel_choices_of(user),
        "idle": login_limits.idle_limit(),
        "idle_minutes": int(login_limits.idle_limit().total_seconds() // 60),
        "hours": int(login_limits.session_limit().total_seconds() // 3600),
    }
    return render(request, "people/account.html", context)


@require_POST
def sign_out_elsewhere(request: HttpRequest) -> HttpResponse:
    """POST: end all other sessions of the user."""
    ended = end_sessions.end_all(cast("User", request.user), but=request.session.session_key)
    flash.success(request, f"Signed out in {ended} other browser{'' if ended == 1 else 's'}.")
    return redirect("people:account")
