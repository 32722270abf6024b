"""What both optional ways to sign in share: no sign-up, rate limits in the database, and our own messages."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import ReauthenticateForm
from allauth.account.utils import perform_login
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from people.events import record_refused_sign_in
from people.forms import counted_password


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


class PasswordAgainForm(ReauthenticateForm):
    """The password again, before a change of the second factor; with the same limits as the sign-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""
        self.fields["password"].widget.attrs.pop("placeholder", None)

    def clean_password(self) -> str:
        """Count the attempt before comparing the password."""
        from allauth.core.context import request

        with counted_password(self.user, request):
            password: str = super().clean_password()
        return password
