"""Lists to choose from are drawn as Django draws them, only sooner."""

import re
from typing import Any

import pytest
from django import forms
from django.forms.renderers import TemplatesSetting

from core.form_renderer import FormRenderer

EVIL = '"><script>&amp;'
CHOICES: list[Any] = [("", "Any"), ("one", "One & only"), (EVIL, EVIL), ("Group", [(1, "first"), (2, "second")])]


def drawn(renderer: Any, widget: forms.Select, value: Any, attributes: dict[str, Any]) -> str:
    # Blanks between the tags mean nothing.
    return re.sub(r"\s*\n\s*", "", widget.render("field", value, attributes, renderer=renderer))


def made(widget: type[forms.Select]) -> forms.Select:
    return widget() if widget is forms.NullBooleanSelect else widget(choices=CHOICES)


@pytest.mark.parametrize("widget", [forms.Select, forms.SelectMultiple, forms.NullBooleanSelect])
@pytest.mark.parametrize("value", [None, "", "one", EVIL, 2, ["one", 1]])
@pytest.mark.parametrize("attributes", [{}, {"id": "id_field", "required": True, "disabled": False, "title": EVIL}])
def test_it_is_what_djangos_own_templates_make(
    widget: type[forms.Select], value: Any, attributes: dict[str, Any]
) -> None:
    if isinstance(value, list) and widget is not forms.SelectMultiple:
        value = value[0]
    ours, djangos = (
        drawn(renderer, made(widget), value, attributes) for renderer in (FormRenderer(), TemplatesSetting())
    )
    assert ours == djangos


def test_other_fields_come_from_templates() -> None:
    text = forms.TextInput().render("field", EVIL, {"id": "id_field"}, renderer=FormRenderer())
    assert text == TemplatesSetting().render(
        "django/forms/widgets/text.html", forms.TextInput().get_context("field", EVIL, {"id": "id_field"})
    )
