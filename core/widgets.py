"""Inputs of forms."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer
from django.utils.safestring import SafeString

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


class _RenderedOnceWhileEmpty(forms.widgets.Input):
    """A field of a search that is empty on most pages. What people type is not kept."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: BaseRenderer | None = None
    ) -> SafeString:
        """The HTML, kept by all that it shows while there is no value."""
        if value:
            return super().render(name, value, attrs, renderer)
        return _empty_input(type(self), name, tuple({**self.attrs, **(attrs or {})}.items()))


class SearchInput(_RenderedOnceWhileEmpty, forms.SearchInput):
    """What to search a list for."""


class FilterInput(_RenderedOnceWhileEmpty, forms.TextInput):
    """A word by which a list is filtered."""


@lru_cache(maxsize=64)
def _empty_input(kind: type[forms.widgets.Input], name: str, attrs: tuple[tuple[str, Any], ...]) -> SafeString:
    return forms.widgets.Input.render(kind(attrs=dict(attrs)), name, None)


class FilterSelect(forms.Select):
    """A choice by which lists are filtered or ordered. It is rendered once for each of its values."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: BaseRenderer | None = None
    ) -> SafeString:
        """The HTML, kept by all that it shows."""
        return rendered_select(name, value or "", tuple(self.choices), tuple({**self.attrs, **(attrs or {})}.items()))


def rendered_select(name: str, value: str, choices: tuple[Any, ...], attrs: tuple[tuple[str, Any], ...]) -> SafeString:
    """A select with one of its values chosen. Any other value chooses none, and is not kept."""
    return _select(name, value if value in dict(choices) else "", choices, attrs)


@lru_cache(maxsize=256)
def _select(name: str, value: str, choices: tuple[Any, ...], attrs: tuple[tuple[str, Any], ...]) -> SafeString:
    return forms.Select(choices=choices).render(name, value, dict(attrs))


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
