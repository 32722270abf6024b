"""Signing in and out, and choosing a password."""

from typing import Any

from django.conf import settings
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from core.client_ip import client_address
from history.current_actor import acting_as
from history.record import Actor
from people import known_browsers
from people.forms import SignInForm


class SignIn(auth.LoginView):
    """GET and POST /sign-in/: name and password, only so often."""

    form_class = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """Whether there is another way to sign in."""
        return super().get_context_data(**more) | {"entra": settings.ENTRA}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Signed in; or asked for the second factor first."""
        user = form.get_user()
        answer = self._go_on(form, user)
        known_browsers.remember(answer, user)
        return answer

    def _go_on(self, form: AuthenticationForm, user: User) -> HttpResponse:
        if not settings.SECOND_FACTOR:
            return super().form_valid(form)
        from people.sign_in.account import go_on

        return go_on(self.request, user, to=self.get_success_url())

    def form_invalid(self, form: SignInForm) -> HttpResponse:  # type: ignore[override]
        """The page again; 429 when there were too many attempts."""
        answer = super().form_invalid(form)
        if form.too_many is not None:
            answer.status_code = 429
            answer.headers["Retry-After"] = str(form.too_many.seconds)
        return answer


class ChoosePassword(auth.PasswordResetConfirmView):
    """GET and POST /password/choose/…: by a link that an administrator made."""

    template_name = "registration/choose_password.html"

    def get_success_url(self) -> str:
        """To the sign-in, with the new password."""
        return f"{resolve_url('login')}?chosen=1"

    def form_valid(self, form: object) -> HttpResponse:
        """Store it; the history says that it was by a link."""
        user = getattr(form, "user")  # noqa: B009  (Django's form)
        with acting_as(Actor("password link", user.pk, client_address(self.request))):
            return super().form_valid(form)  # type: ignore[arg-type]


@login_not_required
@require_http_methods(["GET", "POST"])
def admin_door(request: HttpRequest) -> HttpResponse:
    """/admin/login/: there is one way to sign in, and it is not Django's own."""
    if request.user.is_authenticated:
        # Signed in, and still sent here by the admin: not staff.
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"), resolve_url("login"))


@require_http_methods(["GET", "POST"])
def admin_password(request: HttpRequest) -> HttpResponse:
    """/admin/password_change/: likewise."""
    return redirect("password_change")
