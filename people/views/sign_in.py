"""Sign-in, and choosing a password."""

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
from people.forms import ChangePasswordForm, SignInForm


class SignIn(auth.LoginView):
    """GET and POST /sign-in/: username and password, with a limit on attempts."""

    form_class = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """Also whether people can sign in with Microsoft Entra ID."""
        return super().get_context_data(**more) | {"entra": settings.ENTRA}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Sign in, or ask for the second factor first."""
        user = form.get_user()
        response = self._sign_in(form, user)
        known_browsers.set_known_browser(response, user)
        return response

    def _sign_in(self, form: AuthenticationForm, user: User) -> HttpResponse:
        if not settings.SECOND_FACTOR:
            return super().form_valid(form)
        from people.sign_in.account import sign_in_or_ask_for_code

        return sign_in_or_ask_for_code(self.request, user, to=self.get_success_url())

    def form_invalid(self, form: SignInForm) -> HttpResponse:  # type: ignore[override]
        """The page again; with status 429 after too many attempts."""
        response = super().form_invalid(form)
        if form.too_many is not None:
            response.status_code = 429
            response.headers["Retry-After"] = str(form.too_many.seconds)
        return response


class ChangePassword(auth.PasswordChangeView):
    """GET and POST /password/: a new password, for those who know the one that is in use."""

    form_class = ChangePasswordForm

    def get_form_kwargs(self) -> dict[str, Any]:
        """Also the request, because attempts are counted by address and browser."""
        return super().get_form_kwargs() | {"request": self.request}


class ChoosePassword(auth.PasswordResetConfirmView):
    """GET and POST /password/choose/…: the page of the link that an administrator creates."""

    template_name = "registration/choose_password.html"

    def get_success_url(self) -> str:
        """The sign-in page."""
        return f"{resolve_url('login')}?chosen=1"

    def form_valid(self, form: object) -> HttpResponse:
        """Store the password; the event names the link as the actor."""
        user = getattr(form, "user")  # noqa: B009  (Django's form)
        with acting_as(Actor("password link", user.pk, client_address(self.request))):
            return super().form_valid(form)  # type: ignore[arg-type]


@login_not_required
@require_http_methods(["GET", "POST"])
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """/admin/login/: redirect to our sign-in page, which has rate limits."""
    if request.user.is_authenticated:
        # The admin redirects signed-in people who are not staff to this page.
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"), resolve_url("login"))


@require_http_methods(["GET", "POST"])
def admin_password(request: HttpRequest) -> HttpResponse:
    """/admin/password_change/: redirect to our page."""
    return redirect("password_change")
