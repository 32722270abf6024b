"""URLs of pages and of the pages of rows, for lists and menus: Django's `reverse` calls some 130 functions for each."""

from functools import lru_cache

from django.urls import get_script_prefix, get_urlconf, reverse

# Ids that stand for others, and are in no path of the product.
_STAND_INS = (7_340_117_001, 7_340_117_002)


def row_url(name: str, *ids: int) -> str:
    """The URL that `reverse(name, args=ids)` returns, for up to two ids. Raises `NoReverseMatch`."""
    return _template(name, len(ids), get_script_prefix(), get_urlconf()).format(*ids)


@lru_cache(maxsize=256)
def _template(name: str, count: int, _prefix: str, _urlconf: str | None) -> str:
    """The URL with `{}` in the place of each id."""
    stand_ins = _STAND_INS[:count]
    url = reverse(name, args=stand_ins).replace("{", "{{").replace("}", "}}")
    for stand_in in stand_ins:
        url = url.replace(str(stand_in), "{}")
    return url
