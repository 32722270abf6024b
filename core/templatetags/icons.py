"""Icons in pages. A page has dozens, the same ones every time, so each is drawn once."""

from functools import lru_cache

from django import template
from lucide.templatetags.lucide import lucide as draw

register = template.Library()


@lru_cache(maxsize=1024)
def _drawn(name: str, size: int, attributes: tuple[tuple[str, str], ...]) -> str:
    return draw(name, size=size, **dict(attributes))


@register.simple_tag
def lucide(name: str, *, size: int = 24, **attributes: str) -> str:
    """The icon as SVG: `{% lucide "check" size=16 aria_hidden="true" %}`. Raises `IconDoesNotExist`."""
    return _drawn(name, size, tuple(attributes.items()))
