"""Fields of the forms, and rules of what people enter beside them."""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms

from connections.input_rules import NAME_LENGTH, InvalidInput, connection_name
from core.widgets import TextInput

Value = TypeVar("Value")


def checked(rule: Callable[..., Value], *given: Any, **more: Any) -> Value:
    """What a rule of `input_rules` returns. Raises `ValidationError` with its code and words."""
    try:
        return rule(*given, **more)
    except InvalidInput as wrong:
        raise forms.ValidationError(wrong.message, code=wrong.code) from None


class NameField(forms.CharField):
    """A connection's name: one line that can be seen."""

    widget = TextInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label="Name",
            help_text="What you and others will call this connection, for example “Acme main”.",
            error_messages={"required": "Give the connection a name."},
            **kwargs,
        )

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Browsers let nobody type more."""
        return {**super().widget_attrs(widget), "maxlength": str(NAME_LENGTH)}

    def clean(self, value: Any) -> str:
        """The name as it is stored. Raises `ValidationError` beside this field."""
        name = str(super().clean(value))
        return checked(connection_name, name) if name or self.required else ""
