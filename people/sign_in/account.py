"""What both optional ways to sign in share: no sign-up, rate limits in the database, and our own messages."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import ReauthenticateForm
from allauth.account.utils import perform_login
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from core.client_ip import client_address
from people import login_limits
from people.events import record_refused_sign_in
from people.known_browsers import known_browser
from throttling import rate_limits
from throttling.rate_limits import Cost, TooMany, humanize


class AccountAdapter(DefaultAccountAdapter):
    """allauth's adapter without sign-up, because administrators add people."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def add_message(self, *_args: Any, **_more: Any) -> None:
        """Show no message of allauth's: our pages show the result."""

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponseBase:
        """Refuse an inactive person with the same page as a person without an account."""
        from people.sign_in.entra import refused_page

        record_refused_sign_in(user.get_username(), request, reason="inactive")
        return refused_page(request)


def sign_in_or_ask_for_code(request: HttpRequest, user: Any, *, to: str) -> HttpResponse:
    """After a correct password: sign in, or ask for the second factor if the person has one."""
    response: HttpResponse = perform_login(request, user, redirect_url=to)
    return response


def consume_attempt(costs: list[Cost], user: User, request: HttpRequest | None) -> None:
    """Count an attempt. Raises `ValidationError`, which says when to try again."""
    try:
        rate_limits.consume(costs, now=timezone.now())
    except TooMany as too_many:
        record_refused_sign_in(user.get_username(), request, reason="throttled")
        message = f"Too many attempts. Try again in {humanize(too_many.seconds)}."
        raise ValidationError(message, code="throttled") from None


class PasswordAgainForm(ReauthenticateForm):
    """The password again, before a change of the second factor; with the same limits as the sign-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""
        self.fields["password"].widget.attrs.pop("placeholder", None)

    def clean_password(self) -> str:
        """Count the attempt before comparing the password."""
        from allauth.core.context import request

        name, address = self.user.get_username(), client_address(request) if request else None
        costs = login_limits.sign_in_costs(name, address, known_browser(request, name))
        consume_attempt(costs, self.user, request)
        password: str = super().clean_password()
        login_limits.give_back_sign_in(costs)
        return password
