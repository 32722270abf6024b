"""Rules for what is entered about a person: the name to sign in with, how they are called, and their mail address.

Forms, actions and commands ask these; Django's own admin that of names to sign in with. Each returns the value as it is
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
USERNAME_HELP = "Letters, digits and @ . + - _ ' ! # ^ ~ only, as in a name of Microsoft Entra ID."
# What Django allows in a name, and what Microsoft Entra ID allows in user principal names, those of guests included
# (olga_contoso.example#EXT#@tenant.example). https://learn.microsoft.com/entra/identity/hybrid/connect/plan-connect-userprincipalname
_USERNAME = re.compile(r"[\w.@+'!#^~-]+")
# They join letters, as Persian and Hindi write them.
_JOINERS = re.compile("[\u200c\u200d]")


def username(text: str) -> str:
    """The name to sign in with, in the form in which Django compares it."""
    name = User.normalize_username(text.strip())
    if not name:
        raise InvalidInput("username_missing", "Enter the name to sign in with.", field="username")
    if len(name) > USERNAME_LENGTH:
        words = f"A name to sign in with has at most {USERNAME_LENGTH} characters."
        raise InvalidInput("username_too_long", words, field="username")
    if not _USERNAME.fullmatch(name):
        raise InvalidInput("username_invalid", f"Enter a valid username. {USERNAME_HELP}", field="username")
    return name


def validate_username(text: str) -> None:
    """The same as a validator of a field of Django's. Raises `ValidationError`."""
    try:
        username(text)
    except InvalidInput as wrong:
        raise ValidationError(wrong.message, code=wrong.code) from None


def person_name(text: str, *, field: str) -> str:
    """A first or last name, in one line; it may be empty."""
    name = " ".join(text.split())
    if has_invisible(_JOINERS.sub("", text.strip())):
        raise InvalidInput("person_name_invisible", "The name contains a character that cannot be seen.", field=field)
    if len(name) > PERSON_NAME_LENGTH:
        words = f"A name has at most {PERSON_NAME_LENGTH} characters."
        raise InvalidInput("person_name_too_long", words, field=field)
    return name


def email(text: str) -> str:
    """A mail address; it may be empty."""
    address = text.strip()
    if address:
        try:
            validate_email(address)
        except ValidationError:
            raise InvalidInput("email_invalid", "Enter a valid email address.", field="email") from None
    if len(address) > EMAIL_LENGTH:
        words = f"An email address has at most {EMAIL_LENGTH} characters."
        raise InvalidInput("email_too_long", words, field="email")
    return address
