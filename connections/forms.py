"""Forms about connections. A token is read into a `Credential` and never rendered again."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from connections import clients, input_rules, reads
from connections.domain import expiry
from connections.domain.problems import catalogue
from connections.domain.token_policy import Rule
from connections.fields import NameField, checked, new_owner_field, offer
from connections.input_rules import InvalidInput
from connections.issuers import identities, issuer_of
from connections.models import Connection, StoredTokenPolicy
from connections.old_tokens import Application
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.entra_certificates import EntraCertificate
from connections.providers.azure_devops.entra_credentials import EntraClientSecret
from connections.providers.azure_devops.entra_forms import (
    OF_APPLICATIONS,
    ApplicationForm,
    ClientSecretField,
    NewCredentialForm,
)
from connections.providers.azure_devops.forms import OrganizationForm, TokenField
from connections.providers.azure_devops.input_errors import token_hint
from connections.providers.credential import DateSource
from connections.providers.organization import Place
from connections.providers.registry import date_source_for
from core.widgets import DayField, TextInput


def asks_date(kind: str) -> bool:
    """Whether people enter the expiry date of credentials of this kind."""
    return date_source_for(kind) is DateSource.PERSON


class ProjectsField(forms.MultipleChoiceField):
    """Project ids. Only Azure DevOps knows which ones exist, so the action validates them."""

    widget = forms.CheckboxSelectMultiple

    def valid_value(self, value: str) -> bool:
        """Accept anything shaped like an id; `connect` and `edit` check that the token can see the project."""
        return len(value) <= 64 and value.isprintable()


RULES = [(Rule.ALLOW, "Allow"), (Rule.WARN, "Warn"), (Rule.REFUSE, "Refuse")]
NO_DATE = "Enter the date on which it expires."
UNKNOWN = ("unknown", "I don't know")
_MAY_BE_READ = (
    "You see the date when you create it. If an application may read the date of its client secret in Microsoft Graph, "
    "that is used instead."
)


class NeededDayField(DayField):
    """A date that is needed if "On a date" is chosen."""

    is_needed = True


def _in_days(days: Iterable[int]) -> list[tuple[str, str]]:
    """Choices of a number of days, each with the date on which that ends."""
    today = timezone.localdate()
    return [(str(number), f"{number} days: {today + timedelta(days=number):%-d %b %Y}") for number in days]


class ExpiryForm(forms.Form):
    """When the token expires. Azure DevOps does not expose the date, so we ask for it."""

    date_rule = staticmethod(input_rules.expiry_of_new_token)
    # Whether it is about the secret of an application.
    of_application = False
    # Whether the date is asked for. That of a certificate is read from it.
    asks_date = True

    expires = forms.ChoiceField(
        label="Expires on",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose when it expires."},
        help_text="You see the date when you create the token, but we can't read it there.",
    )
    expires_on = NeededDayField(
        label="Date",
        error_messages={"required": NO_DATE},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.policy = StoredTokenPolicy.now()
        offer(self, "expires", self._offered())

    def _offered(self) -> list[tuple[str, str]]:
        """The choices that the token policy does not refuse."""
        longest = self.policy.longest_life_days if self.policy.longest_life is Rule.REFUSE else expiry.LONGEST_LIFE.days
        days = [number for number in expiry.PRESETS if number <= longest] or [longest]
        unknown = [] if self.policy.missing_date is Rule.REFUSE else [UNKNOWN]
        return [*_in_days(days), ("date", "On a date"), *unknown]

    def chosen_date(self) -> date | None:
        """The chosen expiry date, as far as it was chosen; also of a form that does not ask for it yet."""
        choice = self.cleaned_data.get("expires", "")
        if choice.isdecimal():
            return timezone.localdate() + timedelta(days=int(choice))
        return self.cleaned_data.get("expires_on") if choice == "date" else None

    def clean(self) -> dict[str, Any]:
        """Turn the choice into a date, or None for "I don't know"."""
        cleaned = super().clean() or self.cleaned_data
        if not self.asks_date:
            for name in ("expires", "expires_on"):
                self.errors.pop(name, None)
            return cleaned | {"expires_on": None}
        choice = cleaned.get("expires")
        today = timezone.localdate()
        if choice == "date" and "expires_on" in cleaned:
            self._check_date(cleaned.get("expires_on"), today)
        elif choice == "unknown":
            cleaned["expires_on"] = None
        elif choice:
            cleaned["expires_on"] = self.chosen_date()
        return cleaned

    def _check_date(self, day: date | None, today: date) -> None:
        if day is None:
            self.add_error("expires_on", NO_DATE)
            return
        try:
            self.date_rule(day, today=today, of_application=self.of_application)
        except InvalidInput as wrong:
            self.add_error("expires_on", forms.ValidationError(wrong.message, code=wrong.code))


class TokenForm(ExpiryForm):
    """A token, its expiry date, and the organizations it is valid for."""

    token = TokenField()
    token_reach = forms.ChoiceField(
        label="Token is valid for",
        choices=Connection.Reach.choices,
        widget=forms.RadioSelect,
        initial=Connection.Reach.ONE,
        error_messages={"required": "Choose which organizations the token is valid for."},
        help_text="See “Organization” in your list of tokens. From 1 December 2026, tokens for all organizations are "
        "rejected.",
    )
    accept_limited = forms.BooleanField(label="Connect as Limited. I understand what won't work.", required=False)
    verification_key = forms.CharField(required=False, widget=forms.HiddenInput, max_length=5000)

    def hint(self) -> str:
        """A hint when the text does not look like a token; otherwise empty."""
        return token_hint(self.cleaned_data.get("token"))


class ProjectsForm(forms.Form):
    """All projects, or some."""

    projects_mode = forms.ChoiceField(
        label="Projects",
        choices=[("all", "All projects"), ("some", "Only these")],
        widget=forms.RadioSelect,
        initial="all",
        required=False,
    )
    projects = ProjectsField(label="Only these projects", required=False)

    def selected_projects(self) -> list[str] | None:
        """Ids of the selected projects; None means all."""
        if self.cleaned_data.get("projects_mode") != "some":
            return None
        return list(self.cleaned_data.get("projects", []))


class ConnectForm(TokenForm, ProjectsForm, ApplicationForm, OrganizationForm):
    """Connect Azure DevOps."""

    name = NameField()

    field_order = (
        "server",
        "authentication",
        "name",
        "organization",
        "token",
        *ApplicationForm.NAMES,
        "token_reach",
        "expires",
        "expires_on",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, servers=clients.servers(), **kwargs)
        if all(server.place == "collection" for server in self.servers):
            del self.fields["token_reach"]
        is_offered = any(issuer_of(server) is not None for server in self.servers)
        if is_offered:
            self.fields["expires"].help_text = _MAY_BE_READ
        usual = PersonalAccessToken.kind
        kinds = (usual, *OF_APPLICATIONS) if is_offered else (usual,)
        self.offer_kinds(kinds, usual=usual, identities=identities() if is_offered else None)
        self.of_application = self.is_by_application
        self.asks_date = asks_date(self.kind)
        if self.is_by_application and "token_reach" in self.fields:
            self.fields["token_reach"].required = False

    def clean_authentication(self) -> str:
        """Applications are for Azure DevOps Services. Raises `ValidationError`."""
        if self.is_by_application and issuer_of(self.server_choice()) is None:
            problem = catalogue.problem("entra_not_offered")
            raise forms.ValidationError(problem.full, code=problem.code)
        return str(self.cleaned_data["authentication"])


class VerifyForm(ConnectForm):
    """Test Connection: only the fields that the test needs are required."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        needed = {"server", "organization", "token"}
        for name in [name for name in self.fields if name not in needed]:
            self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        """Skip the expiry date, which only connecting needs."""
        return self.with_credential(self.cleaned_data)


class RotateForm(TokenForm, NewCredentialForm):
    """Update token. `place` says whether the connection leads to an organization or a collection.

    `application` is the one that it uses, if it is not the token of a person.
    """

    token = TokenField(label="New Personal Access Token")
    accept_limited = forms.BooleanField(label="Use as Limited. I understand what won't work.", required=False)

    def __init__(
        self,
        *args: Any,
        place: Place = "organization",
        application: Application | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.application = application
        self.of_application = application is not None
        if application is None:
            self.offer_kinds((PersonalAccessToken.kind,), usual=PersonalAccessToken.kind)
        else:
            ids = (application.tenant, application.client)
            self.fields["token"] = ClientSecretField(label="New client secret", application=ids)
            self.fields["expires"].help_text = _MAY_BE_READ
            usual = application.kind if application.kind in OF_APPLICATIONS else EntraClientSecret.kind
            self.offer_kinds(OF_APPLICATIONS, usual=usual)
        self.asks_date = asks_date(self.kind)
        if application is not None or place == "collection":
            del self.fields["token_reach"]

    def clean(self) -> dict[str, Any]:
        """Read a certificate as the new credential."""
        return self.with_certificate(super().clean())

    def with_certificate(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """What was entered, with a certificate as `token`."""
        if self.application is not None and self.kind == EntraCertificate.kind:
            cleaned.pop("token", None)
            certificate = self.read_certificate(cleaned, self.application.tenant, self.application.client)
            if certificate is not None:
                cleaned["token"] = certificate
        return cleaned


class VerifyReplacementForm(RotateForm):
    """Test the new token: its expiry date may be missing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in {"expires", "token_reach"} & self.fields.keys():
            self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        """Skip the expiry date, which only the update needs."""
        return self.with_certificate(self.cleaned_data)


class RecipientsField(forms.CharField):
    """Mail addresses, one per line, as they are stored."""

    widget = forms.Textarea

    def __init__(self) -> None:
        super().__init__(
            label="Additional mail recipients",
            required=False,
            widget=forms.Textarea(attrs={"rows": 3}),
            help_text="Mail addresses that get reminders and status changes as the owner does, one per line.",
        )

    def clean(self, value: Any) -> str:
        """Check each address."""
        return checked(input_rules.recipients, str(super().clean(value)))


class EditForm(ExpiryForm, ProjectsForm):
    """Change the name, the projects, the expiry date and who gets mail."""

    date_rule = staticmethod(input_rules.recorded_expiry)

    name = NameField()
    token_reach = TokenForm.base_fields["token_reach"]
    extra_recipients = RecipientsField()

    field_order = ("name", "projects_mode", "projects", "expires", "expires_on", "token_reach", "extra_recipients")

    def __init__(
        self,
        *args: Any,
        place: Place = "organization",
        of_application: bool = False,
        asks_date: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.of_application = of_application
        self.asks_date = asks_date
        if not asks_date:
            del self.fields["expires"], self.fields["expires_on"]
        if of_application or place == "collection":
            del self.fields["token_reach"]

    def _offered(self) -> list[tuple[str, str]]:
        # A recorded date may stay; the action refuses a change that violates the token policy.
        return [*_in_days(expiry.PRESETS), ("date", "On a date"), UNKNOWN]


class DisconnectForm(forms.Form):
    """Confirm by typing the name of the connection."""

    confirm_name = forms.CharField(
        label="Type the name of the connection to confirm",
        widget=TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Type the name of the connection."},
    )


class FindProjectForm(forms.Form):
    """My project is not listed."""

    project_name = forms.CharField(
        label="Project name",
        widget=TextInput,
        max_length=64,
        error_messages={
            "required": "Enter the name of the project.",
            "max_length": "A project name has at most 64 characters.",
        },
    )


class TokenPolicyForm(forms.Form):
    """The token policy."""

    longest_life_days = forms.IntegerField(
        label="Longest lifetime of a token, in days",
        min_value=1,
        max_value=expiry.LONGEST_LIFE.days,
        error_messages={"required": "Enter a number of days."},
        help_text="We recommend 90 days. Azure DevOps allows one year at most.",
    )
    longest_life = forms.ChoiceField(label="If the lifetime is longer", choices=RULES, widget=forms.RadioSelect)
    reuse = forms.ChoiceField(label="If several connections share a token", choices=RULES, widget=forms.RadioSelect)
    missing_date = forms.ChoiceField(label="If no expiry date is given", choices=RULES, widget=forms.RadioSelect)


class NewOwnerForm(forms.Form):
    """The new owner of several connections."""

    to = new_owner_field(reads.possible_owners())


class LeakForm(forms.Form):
    """A text that may be a token that leaked. Nothing of it is kept."""

    token = TokenField(label="Leaked token")
    token.help_text = "We compare it with the stored tokens. It is not sent, stored or logged."

    def looks_unusual(self) -> bool:
        """Whether the text does not look like a token."""
        return bool(token_hint(self.cleaned_data.get("token")))
