"""The URLs of pages without arguments, of which menus have dozens."""

from django import template

from core.row_urls import row_url

register = template.Library()


@register.simple_tag
def page_url(name: str) -> str:
    """What `{% url name %}` returns: `{% page_url "connections:list" %}`. Raises `NoReverseMatch`."""
    return row_url(name)
