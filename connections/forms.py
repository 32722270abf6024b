"""What people may type. The token becomes a `PersonalAccessToken` as it comes in and is never drawn again."""

import re
import unicodedata
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.validators import validate_email
from django.utils import timezone

from connections import clients, expiry
from connections.azure_devops.names import (
    InvalidOrganizationName,
    InvalidToken,
    OrganizationName,
    looks_like_token,
    parse_organization,
    read_token,
)
from connections.azure_devops.secret import PersonalAccessToken
from connections.azure_devops.types import Server
from connections.models import NAME_LENGTH, Connection, GuardRails
from connections.rails import Rule

# More than this of a pasted file helps nobody to find their mistake.
LONGEST_ECHO = 2000

ORGANIZATION_ERRORS = {
    "empty": "Enter the name of your organization, or paste its address.",
    "too_long": "An organization's name has at most 50 characters.",
    "not_an_organization": "This is not an organization's name. It has only English letters, digits and hyphens, "
    "and begins and ends with a letter or digit.",
    "other_server": "This address belongs to a server that is not set up here. Enter only the organization's name.",
    "control_characters": "The name contains a character that cannot be seen. Type it instead of pasting it.",
    "path_climbs": "This address does not stay inside one organization. Enter only the organization's name.",
}
TOKEN_ERRORS = {
    "empty": "Paste the personal access token.",
    "too_long": "This is too long for a personal access token. Copy only the token.",
    "inner_white_space": "The token has white space inside. Copy it in one piece.",
    "not_printable_ascii": "The token contains a character that no token has. Copy it again from Azure DevOps.",
}


class TextInput(forms.TextInput):
    """One line of text; draws at most `LONGEST_ECHO` characters of what was typed back into the page."""

    def format_value(self, value: Any) -> str | None:
        """The value as drawn."""
        drawn = super().format_value(value)
        return drawn[:LONGEST_ECHO] if isinstance(drawn, str) else drawn


class NameField(forms.CharField):
    """A connection's name: one line that can be seen."""

    widget = TextInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label="Name",
            max_length=NAME_LENGTH,
            help_text="What you and others will call this connection, for example “Acme main”.",
            error_messages={
                "required": "Give the connection a name.",
                "max_length": f"A name has at most {NAME_LENGTH} characters.",
            },
            **kwargs,
        )

    def clean(self, value: Any) -> str:
        """Fold white space and refuse what cannot be seen."""
        name = " ".join(unicodedata.normalize("NFC", str(super().clean(value))).split())
        # Directional marks and the like make two names look the same.
        if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for letter in name):
            raise forms.ValidationError("The name contains a character that cannot be seen.", code="invisible")
        return name


class OrganizationField(forms.CharField):
    """An organization's name or any address of it, as an `OrganizationName`."""

    widget = TextInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label="Organization Name",
            strip=False,
            required=False,
            help_text="The name, or any address of it: https://dev.azure.com/your-organization.",
            **kwargs,
        )

    def clean(self, value: Any) -> OrganizationName:
        """Read the name. Raises `ValidationError` beside this field."""
        try:
            return parse_organization(str(value or ""), servers=[one.url for one in clients.servers()])
        except InvalidOrganizationName as wrong:
            raise forms.ValidationError(ORGANIZATION_ERRORS[wrong.code], code=wrong.code) from None


class TokenField(forms.Field):
    """A personal access token. Its input is always drawn empty."""

    def __init__(self, *, label: str = "Personal Access Token", **kwargs: Any) -> None:
        widget = forms.PasswordInput(
            render_value=False, attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
        )
        super().__init__(
            label=label,
            required=False,
            widget=widget,
            help_text="It goes to Azure DevOps only, is stored encrypted, and is never shown again.",
            **kwargs,
        )

    def clean(self, value: Any) -> PersonalAccessToken:
        """Read the token. Raises `ValidationError` beside this field, without the text."""
        try:
            return read_token(str(value or ""))
        except InvalidToken as wrong:
            raise forms.ValidationError(TOKEN_ERRORS[wrong.code], code=wrong.code) from None


class ProjectsField(forms.MultipleChoiceField):
    """Ids of projects. Which ones there are is known only to Azure DevOps, so the action judges them."""

    widget = forms.CheckboxSelectMultiple

    def valid_value(self, value: str) -> bool:
        """Anything shaped like an id; `connect` and `edit` compare with what the token sees."""
        return len(value) <= 64 and value.isprintable()


RULES = [(Rule.ALLOW, "allowed"), (Rule.WARN, "warned of"), (Rule.REFUSE, "refused")]
UNKNOWN = ("unknown", "I don't know")


class ExpiryForm(forms.Form):
    """When the token ends: Azure DevOps will not tell anyone, so we ask."""

    expires = forms.ChoiceField(
        label="Expires on",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose when the token expires."},
        help_text="Azure DevOps shows the date when you create the token. It does not tell it to us.",
    )
    expires_on = forms.DateField(
        label="Date",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Enter a date as year, month and day, for example 2026-12-31."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rails = GuardRails.now()
        expires = self.fields["expires"]
        assert isinstance(expires, forms.ChoiceField)  # noqa: S101  (declared above)
        expires.choices = self._offered()
        expires.initial = self._suggested()

    def _offered(self) -> list[tuple[str, str]]:
        """The choices that the guard rails do not refuse."""
        longest = self.rails.longest_life_days if self.rails.longest_life is Rule.REFUSE else expiry.LONGEST_LIFE.days
        days = [one for one in expiry.PRESETS if one <= longest] or [longest]
        unknown = [] if self.rails.missing_date is Rule.REFUSE else [UNKNOWN]
        return [*((str(one), f"In {one} days") for one in days), ("date", "On a date"), *unknown]

    def _suggested(self) -> str:
        """The longest of the usual lives that breaks no guard rail."""
        fitting = [one for one in expiry.PRESETS if one <= self.rails.longest_life_days]
        return str(max(fitting)) if fitting else "date"

    def clean(self) -> dict[str, Any]:
        """Turn the choice into a date, or None for "not known"."""
        cleaned = super().clean() or self.cleaned_data
        choice = cleaned.get("expires")
        today = timezone.localdate()
        if choice == "date" and "expires_on" in cleaned:
            self._check_date(cleaned.get("expires_on"), today)
        elif choice == "unknown":
            cleaned["expires_on"] = None
        elif choice:
            cleaned["expires_on"] = today + timedelta(days=int(choice))
        return cleaned

    def _check_date(self, day: date | None, today: date) -> None:
        if day is None:
            self.add_error("expires_on", "Enter the date on which the token expires.")
        elif day < today:
            self.add_error("expires_on", "This date has passed. An expired token cannot be connected.")
        elif day > today + expiry.LONGEST_LIFE:
            self.add_error("expires_on", "Azure DevOps lets a token live for one year at most.")


class TokenForm(ExpiryForm):
    """A token, its end, and for which organizations it was made."""

    token = TokenField()
    token_reach = forms.ChoiceField(
        label="Organizations the token was made for",
        choices=Connection.Reach.choices,
        widget=forms.RadioSelect,
        initial=Connection.Reach.ONE,
        error_messages={"required": "Say for which organizations the token was made."},
    )
    accept_limited = forms.BooleanField(label="Connect as Limited, knowing what will not work", required=False)
    verdict = forms.CharField(required=False, widget=forms.HiddenInput, max_length=500)

    def hint(self) -> str:
        """A friendly doubt about a token that does not look like one, or nothing."""
        token = self.cleaned_data.get("token")
        if token is None or looks_like_token(token):
            return ""
        return "This does not look like an Azure DevOps token, which has 52 or 84 letters and digits. We try it anyway."


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

    def wanted_projects(self) -> list[str] | None:
        """Ids of the wanted projects; None means all."""
        if self.cleaned_data.get("projects_mode") != "some":
            return None
        return list(self.cleaned_data.get("projects", []))


class ConnectForm(TokenForm, ProjectsForm):
    """Connect Azure DevOps."""

    server = forms.ChoiceField(label="Server", error_messages={"required": "Choose a server."})
    name = NameField()
    organization = OrganizationField()

    field_order = ("server", "name", "organization", "token", "token_reach", "expires", "expires_on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [one.name for one in clients.servers()]
        server = self.fields["server"]
        assert isinstance(server, forms.ChoiceField)  # noqa: S101  (declared above)
        server.choices = [(name, name) for name in names]
        server.initial = names[0]
        if len(names) == 1:
            # There is nothing to choose, and nothing that a forged post could choose.
            del self.fields["server"]

    def server_choice(self) -> Server:
        """The chosen server, or the only one."""
        name = self.cleaned_data.get("server")
        return clients.server(name) if name else clients.servers()[0]


class TrialForm(ConnectForm):
    """Test Connection: only what the test itself needs must be right."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        needed = {"server", "organization", "token"}
        for name in [name for name in self.fields if name not in needed]:
            self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        """Leave the end of the token for Connect."""
        return self.cleaned_data


class RotateForm(TokenForm):
    """Update token."""

    token = TokenField(label="New Personal Access Token")
    accept_limited = forms.BooleanField(label="Use as Limited, knowing what will not work", required=False)


class RotateTrialForm(RotateForm):
    """Test the new token: its end may wait."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("expires", "token_reach"):
            self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        """Leave the end of the token for the update."""
        return self.cleaned_data


class RecipientsField(forms.CharField):
    """Addresses, one on each line, as they are stored."""

    widget = forms.Textarea

    def __init__(self) -> None:
        super().__init__(
            label="Also tell",
            required=False,
            max_length=2000,
            widget=forms.Textarea(attrs={"rows": 3}),
            help_text="Addresses that get the same mails as the owner, one on each line.",
        )

    def clean(self, value: Any) -> str:
        """Check each address."""
        addresses = list(dict.fromkeys(re.split(r"[\s,;]+", str(super().clean(value)).strip())))
        for address in filter(None, addresses):
            try:
                validate_email(address)
            except forms.ValidationError:
                raise forms.ValidationError(f"“{address[:100]}” is not an address.", code="invalid") from None
        return "\n".join(filter(None, addresses))


class EditForm(ExpiryForm, ProjectsForm):
    """Change name, projects and what is known of the token."""

    name = NameField()
    token_reach = TokenForm.base_fields["token_reach"]
    extra_recipients = RecipientsField()

    field_order = ("name", "projects_mode", "projects", "expires", "expires_on", "token_reach", "extra_recipients")

    def _offered(self) -> list[tuple[str, str]]:
        # What is recorded already may stay; the action refuses a change to what the guard rails forbid.
        return [*((str(one), f"In {one} days") for one in expiry.PRESETS), ("date", "On a date"), UNKNOWN]

    def _check_date(self, day: date | None, today: date) -> None:
        # A date that has passed is a fact here, not a mistake.
        if day is None or day > today + expiry.LONGEST_LIFE:
            super()._check_date(day, today)


class DisconnectForm(forms.Form):
    """The connection's name, typed."""

    confirm_name = forms.CharField(
        label="Type the name of the connection to confirm",
        widget=TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Type the name of the connection."},
    )


class FindProjectForm(forms.Form):
    """My project is not listed."""

    project_name = forms.CharField(
        label="Name of the project",
        widget=TextInput,
        max_length=64,
        error_messages={
            "required": "Type the name of the project.",
            "max_length": "A project's name has at most 64 characters.",
        },
    )


class GuardRailsForm(forms.Form):
    """What an administrator sets for every token."""

    longest_life_days = forms.IntegerField(
        label="Longest life of a token, in days",
        min_value=1,
        max_value=expiry.LONGEST_LIFE.days,
        error_messages={"required": "Enter a number of days."},
        help_text="The user guide says 90. Azure DevOps allows one year at most.",
    )
    longest_life = forms.ChoiceField(label="A longer life is", choices=RULES, widget=forms.RadioSelect)
    reuse = forms.ChoiceField(label="One token for several connections is", choices=RULES, widget=forms.RadioSelect)
    missing_date = forms.ChoiceField(label="A missing expiry date is", choices=RULES, widget=forms.RadioSelect)
