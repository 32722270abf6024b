"""Rules for what people enter about a connection: its name, its token's dates, and whom to tell.

Every way in asks these: forms, so that the message stands beside the field, and actions, so that commands and whatever
comes later are held to the same. Each returns the value as it is stored, or raises `InvalidInput`.
"""

import re
import unicodedata
from collections.abc import Collection
from datetime import date

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from connections.domain import expiry

NAME_LENGTH = 64
RECIPIENTS_LENGTH = 2000
# Controls, directions, surrogates and private characters: they make two names look the same, or a line look like two.
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
# Letters and symbols by category that are drawn as nothing: fillers of Hangul, and the empty Braille pattern.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_BETWEEN_ADDRESSES = re.compile(r"[\s,;]+")
# Personal access tokens have existed since 2015.
_OLDEST = date(2000, 1, 1)


class InvalidInput(ValueError):
    """What was entered cannot be stored. `code` is stable, `field` names the form field the message belongs beside."""

    def __init__(self, code: str, message: str, *, field: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


def has_invisible(text: str) -> bool:
    """Whether the text holds a character that nobody sees, or one that ends the line."""
    return any(letter in _BLANK or unicodedata.category(letter) in _INVISIBLE for letter in text)


def connection_name(text: str) -> str:
    """The name in one line of at most NAME_LENGTH characters, with its white space folded."""
    if has_invisible(text.strip()):
        raise InvalidInput("name_invisible", "The name contains a character that cannot be seen.", field="name")
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name:
        raise InvalidInput("name_missing", "Give the connection a name.", field="name")
    if len(name) > NAME_LENGTH:
        raise InvalidInput("name_too_long", f"A name has at most {NAME_LENGTH} characters.", field="name")
    return name


def typed_name(name: str, number: int) -> str:
    """What a person types to say which connection they mean: its name, as far as it can be seen and typed.

    Names may be stored from before these rules. `number` is the connection's id, for a name of which nothing is seen.
    """
    folded = (" " if letter.isspace() else letter for letter in unicodedata.normalize("NFC", name))
    return " ".join("".join(letter for letter in folded if not has_invisible(letter)).split()) or f"connection {number}"


def expiry_of_new_token(day: date | None, *, today: date) -> date | None:
    """The last day of a token that is about to be used: today or later, and no farther than Azure DevOps allows."""
    if day is not None and day < today:
        raise InvalidInput(
            "expiry_passed", "This date has passed. An expired token cannot be connected.", field="expires_on"
        )
    return recorded_expiry(day, today=today)


def recorded_expiry(day: date | None, *, today: date) -> date | None:
    """The last day of a token that is stored already. That it has passed is a fact, not a mistake."""
    if day is not None and day - today > expiry.LONGEST_LIFE:
        raise InvalidInput("expiry_too_far", "Azure DevOps lets a token live for one year at most.", field="expires_on")
    if day is not None and day < _OLDEST:
        raise InvalidInput("expiry_too_old", "Azure DevOps had no tokens at that time.", field="expires_on")
    return day


def longest_life(days: int) -> int:
    """The longest life that a guard rail allows, in days."""
    if not 1 <= days <= expiry.LONGEST_LIFE.days:
        words = f"Enter a number of days from 1 to {expiry.LONGEST_LIFE.days}."
        raise InvalidInput("life_out_of_range", words, field="longest_life_days")
    return days


def recipients(text: str) -> str:
    """Mail addresses, one on each line, each once. They may come separated by blanks, commas or line ends."""
    if len(text) > RECIPIENTS_LENGTH:
        words = f"The addresses have at most {RECIPIENTS_LENGTH} characters together."
        raise InvalidInput("recipients_too_long", words, field="extra_recipients")
    addresses = list(filter(None, dict.fromkeys(_BETWEEN_ADDRESSES.split(text))))
    for address in addresses:
        try:
            validate_email(address)
        except ValidationError:
            words = f"“{address[:100]}” is not an address."
            raise InvalidInput("recipient_invalid", words, field="extra_recipients") from None
    return "\n".join(addresses)


def choice(value: str, known: Collection[str], *, field: str) -> str:
    """One of the known values, or nothing."""
    if value and value not in known:
        raise InvalidInput("choice_unknown", "Choose one of the values that are offered.", field=field)
    return value
