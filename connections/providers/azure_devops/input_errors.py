"""Messages for invalid organization names and tokens."""

from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.identifiers import InvalidOrganizationName, looks_like_token
from connections.providers.credential import Credential
from connections.providers.organization import Place, with_place

# {place}, {a_place} and {server} are filled in.
PLACE_ERRORS = {
    "empty": "Enter the name of your {place}, or paste its URL.",
    "belongs_to_another": "This URL belongs to the server “{server}”. Choose that server, or enter the name of "
    "{a_place}.",
    "other_server": "This URL belongs to a server that is not configured here. Enter only the name of the {place}.",
    "control_characters": "The name contains an invisible character. Type it instead of pasting it.",
    "path_climbs": "This URL leads out of the {place}. Enter only the name of the {place}.",
}
ORGANIZATION_ERRORS = PLACE_ERRORS | {
    "too_long": "An organization name has at most 50 characters.",
    "not_an_organization": "This is not a valid organization name. Names have only English letters, digits and "
    "hyphens, and start and end with a letter or digit.",
}
COLLECTION_ERRORS = PLACE_ERRORS | {
    "too_long": "A collection name has at most 64 characters.",
    "not_an_organization": "This is not a valid collection name. It is the first part of the URL after the server, "
    "often DefaultCollection, and can't contain / : \\ ~ & % ; @ ' \" ? < > | # $ * } { , + = [ ] or two dots "
    "in a row.",
}
TOKEN_ERRORS = {
    "empty": "Paste the personal access token.",
    "too_long": "This is too long for a personal access token. Paste only the token.",
    "inner_white_space": "The token contains white space. Copy it in one piece.",
    "entra_access_token": "This is a Microsoft Entra access token, not a personal access token. It is valid for "
    "about an hour, so it can't be stored. In Azure DevOps, open “Personal access tokens” in your user settings, "
    "create one, and paste that.",
    "not_printable_ascii": "The token contains an invalid character. Copy it again from Azure DevOps.",
}


def organization_error(error: InvalidOrganizationName, place: Place) -> str:
    """Why the text is not the name of an organization or collection."""
    errors = COLLECTION_ERRORS if place == "collection" else ORGANIZATION_ERRORS
    return with_place(errors[error.code], place).replace("{server}", error.server or "")


def token_hint(token: Credential | None) -> str:
    """A hint when the text does not look like a token; otherwise empty."""
    if not isinstance(token, PersonalAccessToken) or looks_like_token(token):
        return ""
    return "This does not look like an Azure DevOps token, which has 52 or 84 letters and digits. We try it anyway."
