"""Input rules for a person's username, first and last name and mail address.

Forms, actions and commands use them; Django's own admin uses that of usernames. Each rule returns the value as it is
stored, or raises `connections.input_rules.InvalidInput`.
"""

import re

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from connections.input_rules import InvalidInput, has_invisible

USERNAME_LENGTH = 150
PERSON_NAME_LENGTH = 150
EMAIL_LENGTH = 254
USERNAME_HELP = "Letters, digits and @ . + - _ ' ! # ^ ~ only, like user names in Microsoft Entra ID."
# What Django allows in usernames, and what Microsoft Entra ID allows in user principal names, also those of guests
# (olga_contoso.example#EXT#@tenant.example). https://learn.microsoft.com/entra/identity/hybrid/connect/plan-connect-userprincipalname
_USERNAME = re.compile(r"[\w.@+'!#^~-]+")
# Invisible characters that Persian and Hindi need to join letters.
_JOINERS = re.compile("[\u200c\u200d]")


def username(text: str) -> str:
    """The username, normalized as Django does before it compares."""
    name = User.normalize_username(text.strip())
    if not name:
        raise InvalidInput("username_missing", "Enter a username.", field="username")
    _require_length(name, USERNAME_LENGTH, "A username", code="username_too_long", field="username")
    if not _USERNAME.fullmatch(name):
        raise InvalidInput("username_invalid", f"Enter a valid username. {USERNAME_HELP}", field="username")
    return name


def validate_username(text: str) -> None:
    """The same rule as a validator of Django's field. Raises `ValidationError`."""
    try:
        username(text)
    except InvalidInput as error:
        raise ValidationError(error.message, code=error.code) from None


def person_name(text: str, *, field: str) -> str:
    """A first or last name on one line; it may be empty."""
    name = " ".join(text.split())
    if has_invisible(_JOINERS.sub("", text.strip())):
        raise InvalidInput("person_name_invisible", "The name contains an invisible character.", field=field)
    _require_length(name, PERSON_NAME_LENGTH, "A name", code="person_name_too_long", field=field)
    return name


def email(text: str) -> str:
    """A mail address; it may be empty."""
    address = text.strip()
    if address:
        try:
            validate_email(address)
        except ValidationError:
            raise InvalidInput("email_invalid", "Enter a valid email address.", field="email") from None
    _require_length(address, EMAIL_LENGTH, "An email address", code="email_too_long", field="email")
    return address


def _require_length(text: str, longest: int, what: str, *, code: str, field: str) -> None:
    if len(text) > longest:
        raise InvalidInput(code, f"{what} can have at most {longest} characters.", field=field)
