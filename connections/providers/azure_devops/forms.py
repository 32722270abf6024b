"""Form fields for Azure DevOps: a server, an organization or collection, and a token."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.html import format_html_join

from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.entra_credentials import EntraClientSecret
from connections.providers.azure_devops.entra_input import (
    CLIENT_ERRORS,
    SECRET_ERRORS,
    TENANT_ERRORS,
    InvalidEntraInput,
    read_id,
    read_secret,
)
from connections.providers.azure_devops.identifiers import (
    InvalidOrganizationName,
    InvalidToken,
    OrganizationName,
    parse_organization,
    read_token,
)
from connections.providers.azure_devops.input_errors import PLACE_ERRORS, TOKEN_ERRORS, organization_error
from connections.providers.azure_devops.models import Server
from connections.providers.credential import Credential
from connections.providers.organization import Place
from core.secrets import Secret
from core.widgets import TextInput


class OrganizationField(forms.CharField):
    """The name of an organization or collection, or any URL in it. The server decides which of the two it is."""

    widget = TextInput
    # Our own messages say what is missing, so Django does not ask for it; the page does before it sends the form.
    is_needed = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label="Organization Name", strip=False, required=False, **kwargs)

    def fit(self, servers: Sequence[Server]) -> None:
        """Set label and help text to what the servers use: organization, collection, or both."""
        places = list(dict.fromkeys(server.place for server in servers))
        self.label = f"{' or '.join(place.capitalize() for place in places)} Name"
        self.error_messages["required"] = PLACE_ERRORS["empty"].format(place=places[0])
        urls = [server.url for server in servers if server.place == "collection"]
        own = urls[0] if len(urls) == 1 else "https://server/tfs"
        self.help_text = format_html_join(
            " ", '<span data-for="{}">{}</span>', [(place, _help(place, own)) for place in places]
        )


def _help(place: Place, own: str) -> str:
    if place == "organization":
        return "Its name or any URL in it, such as https://dev.azure.com/your-organization."
    return f"The name of the collection or any URL in it, such as {own}/DefaultCollection."


def _secret_input() -> forms.PasswordInput:
    """An input that is always rendered empty."""
    return forms.PasswordInput(
        render_value=False,
        # Where htmx replaces the whole form, the input stays.
        attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none", "hx-preserve": "true"},
    )


class _Asked(forms.Field, ABC):
    """A field that is needed, unless the person chose another way to authenticate: then it is not read."""

    is_needed = True
    is_asked = True

    def clean(self, value: Any) -> Any:
        """Read the value if it was asked for. Raises `ValidationError`."""
        return self.read(str(value or "")) if self.is_asked else None

    @abstractmethod
    def read(self, text: str) -> Any:
        """Read the text. Raises `ValidationError`, without the text if it is a secret."""


class TokenField(_Asked):
    """A personal access token. The input is always rendered empty."""

    def __init__(self, *, label: str = "Personal Access Token", **kwargs: Any) -> None:
        super().__init__(
            label=label,
            required=False,
            widget=_secret_input(),
            error_messages={"required": TOKEN_ERRORS["empty"]},
            help_text="We send it only to Azure DevOps, store it encrypted, and never show it again.",
            **kwargs,
        )

    def read(self, text: str) -> Credential:
        """Read the token. Raises `ValidationError` without the submitted text."""
        try:
            return read_token(text)
        except InvalidToken as error:
            raise forms.ValidationError(TOKEN_ERRORS[error.code], code=error.code) from None


class EntraIdField(_Asked):
    """A tenant or client id."""

    def __init__(self, *, label: str, messages: Mapping[str, str]) -> None:
        self._messages = messages
        super().__init__(
            label=label, required=False, widget=TextInput(), error_messages={"required": messages["empty"]}
        )

    def read(self, text: str) -> str:
        """Read the id. Raises `ValidationError`."""
        try:
            return read_id(text)
        except InvalidEntraInput as error:
            raise forms.ValidationError(self._messages[error.code], code=error.code) from None


class ClientSecretField(_Asked):
    """The value of a client secret. With a known application, its credential; otherwise the text for one."""

    def __init__(self, *, label: str = "Client secret", application: tuple[str, str] | None = None) -> None:
        self._application = application
        super().__init__(
            label=label,
            required=False,
            widget=_secret_input(),
            error_messages={"required": SECRET_ERRORS["empty"]},
            help_text="The Value, not the Secret ID. We send it only to Microsoft Entra, store it encrypted, and never "
            "show it again.",
        )

    def read(self, text: str) -> Credential | Secret:
        """Read the secret. Raises `ValidationError` without the submitted text."""
        try:
            secret = read_secret(text)
        except InvalidEntraInput as error:
            raise forms.ValidationError(SECRET_ERRORS[error.code], code=error.code) from None
        return EntraClientSecret.of(*self._application, secret) if self._application else Secret(secret)


class ApplicationForm(forms.Form):
    """How to authenticate, and the application if it is not with a personal access token.

    A form that has it reads its field `token` only for a personal access token; `cleaned_data["token"]` is the
    credential of either kind.
    """

    authentication = forms.ChoiceField(
        label="Authenticate with",
        choices=[
            (PersonalAccessToken.kind, "Personal access token"),
            (EntraClientSecret.kind, "Microsoft Entra application"),
        ],
        widget=forms.RadioSelect,
        initial=PersonalAccessToken.kind,
        required=False,
        error_messages={"invalid_choice": "Choose one of the options."},
    )
    tenant = EntraIdField(label="Directory (tenant) ID", messages=TENANT_ERRORS)
    client = EntraIdField(label="Application (client) ID", messages=CLIENT_ERRORS)
    client_secret = ClientSecretField()

    OF_APPLICATIONS = ("tenant", "client", "client_secret")

    def choose_authentication(self, *, is_offered: bool) -> None:
        """Leave only the fields that what was sent is about; without a choice, those of a token."""
        if not is_offered:
            for name in ("authentication", *self.OF_APPLICATIONS):
                del self.fields[name]
        elif self.is_bound:
            unused = ("token",) if self.is_by_application else self.OF_APPLICATIONS
            for name, field in self.fields.items():
                if name in unused and isinstance(field, _Asked):
                    field.is_asked = False

    @property
    def is_by_application(self) -> bool:
        """Whether an application was chosen."""
        return "authentication" in self.fields and self.data.get("authentication") == EntraClientSecret.kind

    def field_for(self, name: str | None) -> str | None:
        """The field beside which an error of the field `name` is shown."""
        return "client_secret" if name == "token" and self.is_by_application else name

    def clean(self) -> dict[str, Any]:
        """Make one credential of the parts of an application."""
        return self.with_credential(super().clean() or self.cleaned_data)

    def with_credential(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """What was entered, with the credential of a complete application as `token`."""
        if self.is_by_application:
            cleaned.pop("token", None)
            if set(self.OF_APPLICATIONS) <= cleaned.keys():
                secret: Secret = cleaned["client_secret"]
                cleaned["token"] = EntraClientSecret.of(cleaned["tenant"], cleaned["client"], secret.reveal())
        return cleaned


class OrganizationForm(forms.Form):
    """The server, and the organization or collection on it. `servers` are those in the settings."""

    server = forms.ChoiceField(label="Server", error_messages={"required": "Choose a server."})
    organization = OrganizationField()

    def __init__(self, *args: Any, servers: Sequence[Server], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.servers = servers
        names = [server.name for server in servers]
        server, organization = self.fields["server"], self.fields["organization"]
        assert isinstance(server, forms.ChoiceField)  # noqa: S101  (declared above)
        assert isinstance(organization, OrganizationField)  # noqa: S101  (declared above)
        organization.fit(servers)
        server.choices = [(name, name) for name in names]
        server.initial = names[0]
        if len(names) == 1:
            # With one server there is no choice, and a forged request can't make one.
            del self.fields["server"]

    def server_choice(self) -> Server:
        """The chosen server, or the only one."""
        name = self.cleaned_data.get("server")
        return next((server for server in self.servers if server.name == name), self.servers[0])

    def clean_organization(self) -> OrganizationName | None:
        """Read the name as one of the chosen server. Raises `ValidationError`; returns None without a valid server."""
        if "server" in self.errors:
            return None
        server = self.server_choice()
        others = [other for other in self.servers if other != server]
        try:
            return parse_organization(self.cleaned_data["organization"], server, others=others)
        except InvalidOrganizationName as error:
            raise forms.ValidationError(organization_error(error, server.place), code=error.code) from None
