"""Icons in pages. A page has dozens, the same ones every time, so each is drawn once.

The lucide package opens its archive of all icons for each one that it draws, and reading the list of what is in it
takes 17 ms. Here that is done once in a process.
"""

from contextlib import AbstractContextManager, nullcontext
from functools import cache, lru_cache
from importlib.resources import files
from io import BytesIO
from zipfile import ZipFile

import lucide as package
from django import template
from lucide.templatetags.lucide import lucide as draw

register = template.Library()


@cache
def _archive() -> ZipFile:
    """All icons, in memory: processes that are forked later would share the position in a file."""
    return ZipFile(BytesIO(files(package).joinpath("lucide.zip").read_bytes()))


def _opened(*_: object) -> AbstractContextManager[ZipFile]:
    return nullcontext(_archive())


# The package has no setting for it, and looks this name up in its module for each icon.
package.ZipFile = _opened  # type: ignore[attr-defined,assignment]


@lru_cache(maxsize=1024)
def _drawn(name: str, size: int, attributes: tuple[tuple[str, str], ...]) -> str:
    return draw(name, size=size, **dict(attributes))


@register.simple_tag
def lucide(name: str, *, size: int = 24, **attributes: str) -> str:
    """The icon as SVG: `{% lucide "check" size=16 aria_hidden="true" %}`. Raises `IconDoesNotExist`."""
    return _drawn(name, size, tuple(attributes.items()))
