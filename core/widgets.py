"""Inputs of forms."""

from collections.abc import Mapping
from typing import Any

from django import forms

from core.redaction import holds_secret

# More than this of a pasted file helps nobody to find their mistake.
LONGEST_ECHO = 2000


class TextInput(forms.TextInput):
    """One line of text; draws at most `LONGEST_ECHO` characters of it back into the page, and no secret."""

    def format_value(self, value: Any) -> str | None:
        """The value as drawn."""
        drawn = super().format_value(value)
        if drawn is None:
            return None
        text = str(drawn)
        return "" if holds_secret(text) else text[:LONGEST_ECHO]


class DayInput(forms.DateInput):
    """A date as browsers exchange it, whatever the language of the site."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class DayField(forms.DateField):
    """An optional day."""

    widget = DayInput
    default_error_messages = {"invalid": "Enter a date as year, month and day, for example 2026-12-31."}

    def __init__(self, *, label: str, help_text: str = "", error_messages: Mapping[str, str] | None = None) -> None:
        super().__init__(label=label, required=False, help_text=help_text, error_messages=error_messages)
