"""Fields of the forms: names, the place of projects, tokens. What cannot be read is refused beside the field."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django import forms
from django.utils.html import format_html_join

from connections.domain.problems.problem import with_place
from connections.input_rules import NAME_LENGTH, InvalidInput, connection_name
from connections.providers.azure_devops.identifiers import InvalidOrganizationName, InvalidToken, read_token
from connections.providers.azure_devops.models import Server
from connections.providers.credential import Credential
from connections.providers.organization import Place

# More than this of a pasted file helps nobody to find their mistake.
LONGEST_ECHO = 2000

# {place}, {a_place} and {server} are filled in.
PLACE_ERRORS = {
    "empty": "Enter the name of your {place}, or paste its address.",
    "belongs_to_another": "This address belongs to the server “{server}”. Choose that server, or enter the name of "
    "{a_place}.",
    "other_server": "This address belongs to a server that is not set up here. Enter only the {place}'s name.",
    "control_characters": "The name contains a character that cannot be seen. Type it instead of pasting it.",
    "path_climbs": "This address does not stay inside one {place}. Enter only the {place}'s name.",
}
ORGANIZATION_ERRORS = PLACE_ERRORS | {
    "too_long": "An organization's name has at most 50 characters.",
    "not_an_organization": "This is not an organization's name. It has only English letters, digits and hyphens, "
    "and starts and ends with a letter or digit.",
}
COLLECTION_ERRORS = PLACE_ERRORS | {
    "too_long": "A collection's name has at most 64 characters.",
    "not_an_organization": "This is not a collection's name. It is the first part of the address after the server, "
    "often DefaultCollection, and has none of / : \\ ~ & % ; @ ' \" ? < > | # $ * } { , + = [ ] nor two dots together.",
}
TOKEN_ERRORS = {
    "empty": "Paste the personal access token.",
    "too_long": "This is too long for a personal access token. Copy only the token.",
    "inner_white_space": "The token has white space inside. Copy it in one piece.",
    "entra_access_token": "This is an access token of Microsoft Entra, not a personal access token. It is valid for "
    "about an hour, so it cannot be stored. At Azure DevOps, open “Personal access tokens” in your user settings, "
    "create one, and paste that.",
    "not_printable_ascii": "The token contains a character that no token has. Copy it again from Azure DevOps.",
}


Value = TypeVar("Value")


def checked(rule: Callable[..., Value], *given: Any, **more: Any) -> Value:
    """What a rule of `input_rules` returns. Raises `ValidationError` with its code and words."""
    try:
        return rule(*given, **more)
    except InvalidInput as wrong:
        raise forms.ValidationError(wrong.message, code=wrong.code) from None


def organization_error(wrong: InvalidOrganizationName, place: Place) -> str:
    """Why a text is not the name of an organization or collection, for the person who typed it."""
    errors = COLLECTION_ERRORS if place == "collection" else ORGANIZATION_ERRORS
    return with_place(errors[wrong.code], place).replace("{server}", wrong.server or "")


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
            help_text="What you and others will call this connection, for example “Acme main”.",
            error_messages={"required": "Give the connection a name."},
            **kwargs,
        )

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Browsers let nobody type more."""
        return {**super().widget_attrs(widget), "maxlength": str(NAME_LENGTH)}

    def clean(self, value: Any) -> str:
        """The name as it is stored. Raises `ValidationError` beside this field."""
        name = str(super().clean(value))
        return checked(connection_name, name) if name or self.required else ""


class OrganizationField(forms.CharField):
    """The name of an organization or collection, or any address of it. What it means depends on the server."""

    widget = TextInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label="Organization Name", strip=False, required=False, **kwargs)

    def fit(self, servers: Sequence[Server]) -> None:
        """Be called what the servers call it: organization, collection, or either."""
        places = list(dict.fromkeys(one.place for one in servers))
        self.label = f"{' or '.join(one.capitalize() for one in places)} Name"
        urls = [one.url for one in servers if one.place == "collection"]
        own = urls[0] if len(urls) == 1 else "https://server/tfs"
        self.help_text = format_html_join(
            " ", '<span data-for="{}">{}</span>', [(one, _help(one, own)) for one in places]
        )


def _help(place: Place, own: str) -> str:
    if place == "organization":
        return "The name, or any address of it: https://dev.azure.com/your-organization."
    return f"The name of the collection, or any address in it: {own}/DefaultCollection."


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

    def clean(self, value: Any) -> Credential:
        """Read the token. Raises `ValidationError` beside this field, without the text."""
        try:
            return read_token(str(value or ""))
        except InvalidToken as wrong:
            raise forms.ValidationError(TOKEN_ERRORS[wrong.code], code=wrong.code) from None
