"""Forms are drawn by this project's templates: lists to choose from as Django draws them, only sooner."""

import re
from typing import Any

import pytest
from django import forms
from django.forms.renderers import TemplatesSetting, get_default_renderer

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
def test_a_select_is_what_djangos_own_templates_make(
    widget: type[forms.Select], value: Any, attributes: dict[str, Any]
) -> None:
    if isinstance(value, list) and widget is not forms.SelectMultiple:
        value = value[0]
    # `DjangoTemplates` knows Django's own templates alone.
    ours, djangos = (
        drawn(renderer, made(widget), value, attributes)
        for renderer in (TemplatesSetting(), forms.renderers.DjangoTemplates())
    )
    assert ours == djangos


def test_a_field_binds_its_help_and_its_errors_to_the_input() -> None:
    class Form(forms.Form):
        name = forms.CharField(help_text="Any name.")

    shown = str(Form({}, renderer=get_default_renderer())["name"].as_field_group())
    assert 'id="id_name_helptext"' in shown
    assert 'class="errors" id="id_name_errors"' in shown
