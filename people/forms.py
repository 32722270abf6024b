"""What people may type about people, and how they sign in."""

from typing import TYPE_CHECKING, Any, Self

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone

from connections.fields import checked
from connections.models import Connection
from core.client_ip import client_address
from people import input_rules, login_limits, queries, roles
from people.events import refuse
from people.known_browsers import known_browser
from throttling import rate_limits
from throttling.rate_limits import TooMany, humanize

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[User]
else:
    _ModelForm = forms.ModelForm


class SignInForm(AuthenticationForm):
    """Name and password, tried only so often."""

    error_messages = {
        "invalid_login": "Name and password do not belong together. Both are case-sensitive.",
        "inactive": "Name and password do not belong together. Both are case-sensitive.",
    }
    too_many: TooMany | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "Name"

    def clean(self) -> dict[str, Any]:
        """Take an attempt before anything is compared, and give it back when it was the right one."""
        name = self.cleaned_data.get("username")
        if not (name and self.cleaned_data.get("password")):
            return self.cleaned_data
        takes = login_limits.sign_in_costs(name, self._address(), known_browser(self.request, name))
        try:
            rate_limits.consume(takes, now=timezone.now())
        except TooMany as too_many:
            self._refuse(name, too_many)
        cleaned = super().clean()
        same_name, address = takes[:2], takes[2:]
        rate_limits.forget(same_name)
        rate_limits.give_back(address)
        return cleaned

    def _address(self) -> str | None:
        return client_address(self.request) if self.request is not None else None

    def _refuse(self, name: str, too_many: TooMany) -> None:
        """The same words whether or not anybody has this name."""
        self.too_many = too_many
        try:
            rate_limits.consume([login_limits.notice_cost(self._address())], now=timezone.now())
        except TooMany:
            pass
        else:
            refuse(name, self.request, reason="throttled")
        words = f"There were too many attempts to sign in. Try again in {humanize(too_many.seconds)}."
        raise ValidationError(words, code="throttled") from None


def _role_choices(empty: str) -> list[tuple[str, str]]:
    return [("", empty), *((role.name, role.name) for role in roles.ROLES)]


class FilterForm(forms.Form):
    """Search and filters of the list of people; all of it stands in the URL."""

    q = forms.CharField(
        label="Search", required=False, max_length=200, widget=forms.TextInput(attrs={"type": "search"})
    )
    role = forms.ChoiceField(
        label="Role", required=False, choices=[*_role_choices("Any role"), ("none", "Without a role")]
    )
    state = forms.ChoiceField(label="State", required=False, choices=[("", "Any state"), *queries.STATES])


class RoleForm(forms.Form):
    """One of the roles, or none."""

    role = forms.ChoiceField(label="Role", required=False, choices=_role_choices("No role"))


class AddPersonForm(_ModelForm):
    """A new person. They choose their password themselves."""

    role = forms.ChoiceField(
        label="Role", choices=_role_choices("Choose a role"), error_messages={"required": "Choose a role."}
    )

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email")
        labels = {"username": "Name to sign in", "email": "Email address"}
        help_texts = {
            "username": input_rules.USERNAME_HELP,
            "email": "For reminders about the connections they own.",
        }

    def clean_username(self) -> str:
        """The name as it is stored. Names that differ in capitals alone are one name to people."""
        name = checked(input_rules.username, str(self.cleaned_data["username"]))
        if User.objects.filter(username__iexact=name).exists():
            raise ValidationError("Somebody has this name already. Choose another.", code="username_taken")
        return name

    def clean_first_name(self) -> str:
        """As it is stored."""
        return checked(input_rules.person_name, self.cleaned_data["first_name"], field="first_name")

    def clean_last_name(self) -> str:
        """As it is stored."""
        return checked(input_rules.person_name, self.cleaned_data["last_name"], field="last_name")


class AddressForm(forms.Form):
    """Where mails reach a person."""

    email = forms.EmailField(
        label="Email address",
        max_length=254,
        required=False,
        help_text="For reminders and news about the connections they own.",
    )

    @classmethod
    def of(cls, user: User) -> Self:
        """Filled with what is known."""
        return cls(initial={name: getattr(user, name) for name in cls.base_fields})


class DetailsForm(AddressForm):
    """How a person is called, too. The history shows the name, so nobody chooses their own."""

    first_name = forms.CharField(label="First name", max_length=150, required=False)
    last_name = forms.CharField(label="Last name", max_length=150, required=False)
    field_order = ("first_name", "last_name", "email")

    def clean_first_name(self) -> str:
        """As it is stored."""
        return checked(input_rules.person_name, self.cleaned_data["first_name"], field="first_name")

    def clean_last_name(self) -> str:
        """As it is stored."""
        return checked(input_rules.person_name, self.cleaned_data["last_name"], field="last_name")


class HandOverForm(forms.Form):
    """Which connections go to whom."""

    to = forms.ModelChoiceField(
        label="New owner",
        queryset=User.objects.none(),
        empty_label="Choose a person",
        error_messages={"required": "Choose who takes them over."},
    )
    connections = forms.ModelMultipleChoiceField(
        label="Connections",
        queryset=Connection.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "Choose at least one connection.",
            "invalid_choice": "A chosen connection was disconnected or has another owner meanwhile. Choose again.",
        },
    )

    def __init__(self, *args: Any, leaving: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        to, connections = self.fields["to"], self.fields["connections"]
        assert isinstance(to, forms.ModelChoiceField)  # noqa: S101  (declared above)
        assert isinstance(connections, forms.ModelMultipleChoiceField)  # noqa: S101  (declared above)
        to.queryset = queries.possible_owners(leaving)
        connections.queryset = queries.connections_of(leaving)
        connections.initial = connections.queryset
