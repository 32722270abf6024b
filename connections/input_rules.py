"""Validation of what people enter about a connection: its name, its expiry date and its mail recipients.

Forms apply these rules to show the message beside the field, and actions apply them so that commands follow the same
rules. Each returns the value as it is stored, or raises `InvalidInput`.
"""

import re
import unicodedata
from collections.abc import Collection
from datetime import date

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from connections.domain import expiry
from connections.providers.credential import Credential, DateSource
from core.redaction import holds_secret

NAME_LENGTH = 64
RECIPIENTS_LENGTH = 2000
ADDRESS_LENGTH = 254
# Control, formatting, surrogate and private-use characters make two names look alike or break a line.
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
# Letters and symbols that are rendered as nothing: Hangul fillers and the blank Braille pattern.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_BETWEEN_ADDRESSES = re.compile(r"[\s,;]+")
# Personal access tokens have existed since 2015.
_OLDEST = date(2000, 1, 1)


class InvalidInput(ValueError):
    """A value that can't be stored. `code` is stable, `field` names the form field that the message belongs to."""

    def __init__(self, code: str, message: str, *, field: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


def has_invisible(text: str) -> bool:
    """Whether the text contains an invisible character or a line break."""
    if text.isascii() and text.isprintable():
        return False
    return any(letter in _BLANK or unicodedata.category(letter) in _INVISIBLE for letter in text)


def connection_name(text: str) -> str:
    """The name of a connection, as one line."""
    return one_line_name(text, longest=NAME_LENGTH, missing="Enter a name.")


def refuse_secret(text: str, *, field: str) -> None:
    """Raise `InvalidInput`, which does not repeat the text, if a part of it looks like a secret."""
    if holds_secret(text):
        words = "This looks like a token, a password or a key. This field stores no secrets. Remove it."
        raise InvalidInput("secret_in_text", words, field=field)


def one_line_name(text: str, *, longest: int, missing: str) -> str:
    """A name as one line of at most `longest` characters, with white space collapsed. `missing` asks for it.

    Many see names, so one that looks like a secret is refused, without repeating it.
    """
    if has_invisible(text.strip()):
        raise InvalidInput("name_invisible", "The name contains an invisible character.", field="name")
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name:
        raise InvalidInput("name_missing", missing, field="name")
    if len(name) > longest:
        raise InvalidInput("name_too_long", f"A name has at most {longest} characters.", field="name")
    refuse_secret(name, field="name")
    return name


def typed_name(name: str, number: int) -> str:
    """What a person types to confirm the connection: its name without the characters that can't be typed.

    Stored names may be older than these rules. `number` is the connection's id, for a name without visible characters.
    """
    folded = (" " if letter.isspace() else letter for letter in unicodedata.normalize("NFC", name))
    return " ".join("".join(letter for letter in folded if not has_invisible(letter)).split()) or f"connection {number}"


def expiry_of_new_token(day: date | None, *, today: date, of_application: bool = False) -> date | None:
    """The expiry date of a new token: today or later, and within the lifetime that Azure DevOps allows.

    `of_application` says that it is the secret of an application, which Microsoft Entra allows to last longer.
    """
    if day is not None and day < today:
        raise InvalidInput(
            "expiry_passed", "This date is in the past. You can't connect an expired token.", field="expires_on"
        )
    return recorded_expiry(day, today=today, of_application=of_application)


def expiry_of_new_credential(credential: Credential, entered: date | None, *, today: date) -> date | None:
    """The expiry date of a new credential: its own if it has one, otherwise the entered one. Raises `InvalidInput`."""
    if credential.date_source is not DateSource.PERSON:
        return credential.expires_on(None)
    return expiry_of_new_token(entered, today=today, of_application=bool(credential.principal))


def recorded_expiry(day: date | None, *, today: date, of_application: bool = False) -> date | None:
    """The expiry date of a stored token. It may be in the past."""
    longest = expiry.LONGEST_SECRET_LIFE if of_application else expiry.LONGEST_LIFE
    if day is not None and day - today > longest:
        words = (
            "Client secrets are valid for two years at most."
            if of_application
            else "Azure DevOps tokens are valid for one year at most."
        )
        raise InvalidInput("expiry_too_far", words, field="expires_on")
    if day is not None and day < _OLDEST:
        raise InvalidInput("expiry_too_old", "This date is too far in the past.", field="expires_on")
    return day


def longest_life(days: int) -> int:
    """The longest lifetime that the token policy allows, in days."""
    if not 1 <= days <= expiry.LONGEST_LIFE.days:
        words = f"Enter a number of days from 1 to {expiry.LONGEST_LIFE.days}."
        raise InvalidInput("life_out_of_range", words, field="longest_life_days")
    return days


def recipients(text: str) -> str:
    """Mail addresses, one per line, without duplicates. They may be separated by white space, commas or semicolons."""
    if len(text) > RECIPIENTS_LENGTH:
        words = f"The addresses have at most {RECIPIENTS_LENGTH} characters in total."
        raise InvalidInput("recipients_too_long", words, field="extra_recipients")
    addresses = list(filter(None, dict.fromkeys(_BETWEEN_ADDRESSES.split(text))))
    for address in addresses:
        try:
            validate_email(address)
            if len(address) > ADDRESS_LENGTH:
                raise ValidationError("")
        except ValidationError:
            words = f"“{address[:100]}” is not a valid mail address."
            raise InvalidInput("recipient_invalid", words, field="extra_recipients") from None
    return "\n".join(addresses)


def choice(value: str, known: Collection[str], *, field: str) -> str:
    """One of the known values, or empty."""
    if value and value not in known:
        raise InvalidInput("choice_unknown", "Choose one of the options.", field=field)
    return value
