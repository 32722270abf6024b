"""Form fields for Azure DevOps: a server, an organization or collection, and a token."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.html import format_html_join

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


def secret_input() -> forms.PasswordInput:
    """An input that is always rendered empty."""
    return forms.PasswordInput(
        render_value=False,
        # Where htmx replaces the whole form, the input stays.
        attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none", "hx-preserve": "true"},
    )


class AskedField(forms.Field, ABC):
    """A field that is needed, unless the person chose another way to authenticate: then it is not read."""

    is_needed = True
    is_asked = True

    def clean(self, value: Any) -> Any:
        """Read the value if it was asked for. Raises `ValidationError`."""
        return self.read(self.to_python(value)) if self.is_asked else None

    def to_python(self, value: Any) -> Any:
        """What was typed, as a text."""
        return str(value or "")

    @abstractmethod
    def read(self, text: Any) -> Any:
        """Read the text, or the file. Raises `ValidationError`, without the text if it is a secret."""


class TokenField(AskedField):
    """A personal access token. The input is always rendered empty."""

    def __init__(self, *, label: str = "Personal Access Token", **kwargs: Any) -> None:
        super().__init__(
            label=label,
            required=False,
            widget=secret_input(),
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
