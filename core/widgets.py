"""Inputs of forms."""

from typing import Any

from django import forms

# More than this of a pasted file helps nobody to find their mistake.
LONGEST_ECHO = 2000


class TextInput(forms.TextInput):
    """One line of text; draws at most `LONGEST_ECHO` characters of what was typed back into the page."""

    def format_value(self, value: Any) -> str | None:
        """The value as drawn."""
        drawn = super().format_value(value)
        return drawn[:LONGEST_ECHO] if isinstance(drawn, str) else drawn
