"""Forms about people, and the sign-in form."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self, cast

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from connections.fields import checked, new_owner_field
from connections.models import Connection, RegisterEntry
from core.client_ip import client_address
from people import input_rules, login_limits, queries, roles
from people.events import record_refused_sign_in
from people.known_browsers import known_browser
from throttling import rate_limits
from throttling.rate_limits import Cost, TooMany, humanize


class SignInForm(AuthenticationForm):
    """Username and password, with a limit on attempts."""

    error_messages = dict.fromkeys(
        ("invalid_login", "inactive"), "Incorrect username or password. Both are case-sensitive."
    )
    too_many: TooMany | None = None

    def clean(self) -> dict[str, Any]:
        """Count the attempt before comparing the password, and give it back when the password was right."""
        name = self.cleaned_data.get("username")
        if not (name and self.cleaned_data.get("password")):
            return self.cleaned_data
        costs = login_limits.sign_in_costs(name, _address(self.request), known_browser(self.request, name))
        try:
            rate_limits.consume(costs, now=timezone.now())
        except TooMany as too_many:
            self._refuse(name, too_many)
        cleaned = super().clean()
        login_limits.give_back_sign_in(costs)
        return cleaned

    def _refuse(self, name: str, too_many: TooMany) -> None:
        """Refuse with the same message whether or not the username exists."""
        self.too_many = too_many
        _record_throttled(name, self.request)
        message = f"Too many attempts to sign in. Try again in {humanize(too_many.seconds)}."
        raise ValidationError(message, code="throttled") from None


def _address(request: HttpRequest | None) -> str | None:
    return client_address(request) if request is not None else None


def _record_throttled(name: str, request: HttpRequest | None) -> None:
    """Record that attempts are throttled, at most once a minute for each network."""
    try:
        rate_limits.consume([login_limits.notice_cost(_address(request))], now=timezone.now())
    except TooMany:
        return
    record_refused_sign_in(name, request, reason="throttled")


def consume_attempt(costs: list[Cost], user: User, request: HttpRequest | None) -> None:
    """Count an attempt. Raises `ValidationError`, which says when to try again."""
    try:
        rate_limits.consume(costs, now=timezone.now())
    except TooMany as too_many:
        _record_throttled(user.get_username(), request)
        message = f"Too many attempts. Try again in {humanize(too_many.seconds)}."
        raise ValidationError(message, code="throttled") from None


@contextmanager
def counted_password(user: User, request: HttpRequest | None) -> Iterator[None]:
    """Count an attempt to enter the password of someone who is signed in, as at the sign-in.

    Give it back if comparing the password raises nothing. Raises `ValidationError`, which says when to try again.
    """
    name = user.get_username()
    costs = login_limits.sign_in_costs(name, _address(request), known_browser(request, name))
    consume_attempt(costs, user, request)
    yield
    login_limits.give_back_sign_in(costs)


class ChangePasswordForm(PasswordChangeForm):
    """The password that is in use, with the limits of the sign-in, and the new one."""

    def __init__(self, user: User, *args: Any, request: HttpRequest | None = None, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self._request = request

    def clean_old_password(self) -> str:
        """Count the attempt before comparing the password."""
        with counted_password(self.user, self._request):
            password: str = super().clean_old_password()
        return password


def _role_choices(empty: str) -> list[tuple[str, str]]:
    return [("", empty), *((role.name, role.name) for role in roles.ROLES)]


class FilterForm(forms.Form):
    """Search and filters of the list of people, all of them in the URL."""

    q = forms.CharField(label="Search", required=False, max_length=200, widget=forms.SearchInput)
    role = forms.ChoiceField(
        label="Role", required=False, choices=[*_role_choices("Any role"), ("none", "Without a role")]
    )
    state = forms.ChoiceField(label="State", required=False, choices=[("", "Any state"), *queries.STATES])


class RoleForm(forms.Form):
    """One of the roles, or none."""

    role = forms.ChoiceField(label="Role", required=False, choices=_role_choices("No role"))


class AddressForm(forms.Form):
    """The address that a person's mails go to."""

    email = forms.EmailField(
        label="Email address",
        max_length=254,
        required=False,
        help_text="We send reminders and news about connections to their owner's address.",
    )

    @classmethod
    def of(cls, user: User) -> Self:
        """The form with the stored values."""
        return cls(initial={name: getattr(user, name) for name in cls.base_fields})


class DetailsForm(AddressForm):
    """A person's name and address. People can't change their own name, because the history shows it."""

    first_name = forms.CharField(label="First name", max_length=150, required=False)
    last_name = forms.CharField(label="Last name", max_length=150, required=False)
    field_order = ("username", "first_name", "last_name", "email", "role")

    def clean_first_name(self) -> str:
        """The name as it is stored."""
        return checked(input_rules.person_name, self.cleaned_data["first_name"], field="first_name")

    def clean_last_name(self) -> str:
        """The name as it is stored."""
        return checked(input_rules.person_name, self.cleaned_data["last_name"], field="last_name")


class AddPersonForm(DetailsForm):
    """A new person, who then chooses their own password."""

    username = forms.CharField(label="Username", max_length=150, help_text=input_rules.USERNAME_HELP)
    role = forms.ChoiceField(
        label="Role", choices=_role_choices("Choose a role"), error_messages={"required": "Choose a role."}
    )

    def clean_username(self) -> str:
        """The name as it is stored."""
        return checked(input_rules.username, self.cleaned_data["username"])


_NOT_THEIRS = "This was deleted or has a new owner by now. Choose again."


class HandOverForm(forms.Form):
    """What to hand over, ticked or everything that the search found, and the new owner."""

    to = new_owner_field(User.objects.none())
    connections = forms.ModelMultipleChoiceField(
        queryset=Connection.objects.none(), required=False, error_messages={"invalid_choice": _NOT_THEIRS}
    )
    entries = forms.ModelMultipleChoiceField(
        queryset=RegisterEntry.objects.none(), required=False, error_messages={"invalid_choice": _NOT_THEIRS}
    )
    which = forms.ChoiceField(required=False, choices=[("ticked", ""), ("all", "")])
    q = forms.CharField(required=False, max_length=200)

    def __init__(self, *args: Any, leaving: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.leaving = leaving
        querysets: dict[str, QuerySet[Any]] = {"to": queries.possible_owners(leaving)}
        querysets |= {"connections": queries.connections_of(leaving), "entries": queries.entries_of(leaving)}
        for name, queryset in querysets.items():
            cast("forms.ModelChoiceField[Any]", self.fields[name]).queryset = queryset

    def clean(self) -> dict[str, Any]:
        """Require that something is chosen."""
        cleaned = super().clean() or self.cleaned_data
        is_empty = not (cleaned.get("connections") or cleaned.get("entries"))
        if cleaned.get("which") != "all" and is_empty and not {"connections", "entries"} & self.errors.keys():
            self.add_error("connections", "Choose at least one.")
        return cleaned

    def chosen(self) -> tuple[Iterable[Connection], Iterable[RegisterEntry]]:
        """The chosen connections and entries, after validation."""
        if self.cleaned_data["which"] == "all":
            text = self.cleaned_data["q"]
            return queries.every_connection_of(self.leaving, text), queries.every_entry_of(self.leaving, text)
        return self.cleaned_data["connections"], self.cleaned_data["entries"]

    def is_ticked(self, box: str, pk: int) -> bool:
        """Whether a box of the page was ticked when the form was sent."""
        given = self.data
        return isinstance(given, QueryDict) and str(pk) in given.getlist(box)
