"""What is wrong with a name or a token that a person entered, in words."""

from connections.providers.azure_devops.identifiers import InvalidOrganizationName, looks_like_token
from connections.providers.credential import Credential
from connections.providers.organization import Place, with_place

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


def organization_error(wrong: InvalidOrganizationName, place: Place) -> str:
    """Why a text is not the name of an organization or collection, for the person who typed it."""
    errors = COLLECTION_ERRORS if place == "collection" else ORGANIZATION_ERRORS
    return with_place(errors[wrong.code], place).replace("{server}", wrong.server or "")


def token_hint(token: Credential | None) -> str:
    """A doubt about a token that does not look like one; empty when it does."""
    if token is None or looks_like_token(token):
        return ""
    return "This does not look like an Azure DevOps token, which has 52 or 84 letters and digits. We try it anyway."
