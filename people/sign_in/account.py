"""What both ways share: nobody signs up, attempts are counted in the database, and messages are ours."""

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
from people.events import refuse
from people.known_browsers import known_browser
from throttling import rate_limits
from throttling.rate_limits import Cost, TooMany, humanize


class AccountAdapter(DefaultAccountAdapter):
    """Administrators add people; nobody adds themselves."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def add_message(self, *_args: Any, **_more: Any) -> None:
        """Say nothing: the pages say what happened."""

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponseBase:
        """Refuse somebody who left, in the words that everybody gets who has no account."""
        from people.sign_in.entra import refused_page

        refuse(user.get_username(), request, reason="inactive")
        return refused_page(request)


def go_on(request: HttpRequest, user: Any, *, to: str) -> HttpResponse:
    """The password was right: sign in, or ask for the second factor where the person has one."""
    answer: HttpResponse = perform_login(request, user, redirect_url=to)
    return answer


def consume(takes: list[Cost], user: User, request: HttpRequest | None) -> None:
    """Take an attempt. Raises `ValidationError` with when to try again."""
    try:
        rate_limits.consume(takes, now=timezone.now())
    except TooMany as too_many:
        refuse(user.get_username(), request, reason="throttled")
        words = f"There were too many attempts. Try again in {humanize(too_many.seconds)}."
        raise ValidationError(words, code="throttled") from None


class PasswordAgainForm(ReauthenticateForm):
    """The password once more, before the second factor is changed; tried only as often as at the sign-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""
        self.fields["password"].widget.attrs.pop("placeholder", None)

    def clean_password(self) -> str:
        """Compare, after an attempt was taken."""
        from allauth.core.context import request

        name, address = self.user.get_username(), client_address(request) if request else None
        takes = login_limits.sign_in_costs(name, address, known_browser(request, name))
        consume(takes, self.user, request)
        password: str = super().clean_password()
        rate_limits.forget(takes[:2])
        rate_limits.give_back(takes[2:])
        return password
