"""Rules for what people enter about an API token. Each returns the value as stored, or raises `InvalidInput`."""

import unicodedata

from connections.input_rules import InvalidInput, has_invisible

NAME_LENGTH = 60
LONGEST_LIFE_DAYS = 365


def token_name(text: str) -> str:
    """The name in one line of at most NAME_LENGTH characters, with its white space folded."""
    if has_invisible(text.strip()):
        raise InvalidInput("name_invisible", "The name contains an invisible character.", field="name")
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name:
        raise InvalidInput("name_missing", "Enter a name for the token.", field="name")
    if len(name) > NAME_LENGTH:
        raise InvalidInput("name_too_long", f"A name has at most {NAME_LENGTH} characters.", field="name")
    return name


def days_valid(days: int) -> int:
    """For how many days the token is valid."""
    if not 1 <= days <= LONGEST_LIFE_DAYS:
        words = f"Enter a number of days from 1 to {LONGEST_LIFE_DAYS}."
        raise InvalidInput("life_out_of_range", words, field="days")
    return days
