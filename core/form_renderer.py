"""How every form field is drawn: label, help and errors bound to the input."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.forms.renderers import TemplatesSetting
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_SELECT = "django/forms/widgets/select.html"


class FormRenderer(TemplatesSetting):
    """Draws fields with this project's own template, and lists to choose from without one.

    Django includes two templates for each choice: a list of a dozen takes as long as the rows of a table.
    """

    field_template_name = "components/field.html"

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        """As HTML."""
        if template_name == _SELECT:
            return _select(context["widget"])
        return super().render(template_name, context, request)


def _select(widget: Mapping[str, Any]) -> SafeString:
    groups = format_html_join("", "{}", ((_group(name, options),) for name, options, _ in widget["optgroups"]))
    return format_html('<select name="{}"{}>{}</select>', widget["name"], _attributes(widget["attrs"]), groups)


def _group(name: str | None, options: list[Mapping[str, Any]]) -> SafeString:
    drawn = format_html_join("", '<option value="{}"{}>{}</option>', map(_option, options))
    return format_html('<optgroup label="{}">{}</optgroup>', name, drawn) if name else drawn


def _option(option: Mapping[str, Any]) -> tuple[object, SafeString, object]:
    return option["value"], _attributes(option["attrs"]), option["label"]


def _attributes(attributes: Mapping[str, Any]) -> SafeString:
    return format_html_join("", "{}", ((one,) for one in _each(attributes)))


def _each(attributes: Mapping[str, Any]) -> Iterator[SafeString]:
    for name, value in attributes.items():
        if value is True:
            yield format_html(" {}", name)
        elif value is not False:
            yield format_html(' {}="{}"', name, value)
