"""Form fields, and the bridge from `input_rules` to form errors."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from django import forms
from django.contrib.auth.models import User
from django.db.models import QuerySet

from connections.input_rules import NAME_LENGTH, InvalidInput, connection_name
from core.widgets import TextInput

Value = TypeVar("Value")


def checked(rule: Callable[..., Value], *args: Any, **kwargs: Any) -> Value:
    """Apply a rule of `input_rules`. Raises `ValidationError` with the code and message of the rule."""
    try:
        return rule(*args, **kwargs)
    except InvalidInput as error:
        raise forms.ValidationError(error.message, code=error.code) from None


def offer(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> forms.ChoiceField:
    """Set the choices of a field that are known only when the form is made. Returns the field."""
    field = cast("forms.ChoiceField", form.fields[name])
    field.choices = choices
    return field


class NameField(forms.CharField):
    """The name of a connection: one line of visible characters."""

    widget = TextInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label="Name",
            help_text="Choose a name that others recognize, for example “Acme main”.",
            error_messages={"required": "Enter a name."},
            **kwargs,
        )

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Browsers then stop at the longest name allowed."""
        return {**super().widget_attrs(widget), "maxlength": str(NAME_LENGTH)}

    def clean(self, value: Any) -> str:
        """The name as it is stored. Raises `ValidationError` for this field."""
        name = str(super().clean(value))
        return checked(connection_name, name) if name or self.required else ""


def new_owner_field(people: QuerySet[User]) -> "forms.ModelChoiceField[User]":
    """The person to whom something is handed over; required."""
    return forms.ModelChoiceField(
        label="New owner",
        queryset=people,
        empty_label="Choose a person",
        error_messages={"required": "Choose the new owner."},
    )
