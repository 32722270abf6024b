"""Rules for what people enter about an API token. Each returns the value as stored, or raises `InvalidInput`."""

from connections.input_rules import InvalidInput, one_line_name

NAME_LENGTH = 60
LONGEST_LIFE_DAYS = 365


def token_name(text: str) -> str:
    """The name of an API token, as one line."""
    return one_line_name(text, longest=NAME_LENGTH, missing="Enter a name for the token.")


def days_valid(days: int) -> int:
    """For how many days the token is valid."""
    if not 1 <= days <= LONGEST_LIFE_DAYS:
        words = f"Enter a number of days from 1 to {LONGEST_LIFE_DAYS}."
        raise InvalidInput("life_out_of_range", words, field="days")
    return days
