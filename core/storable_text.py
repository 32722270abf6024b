"""Text that every database and every encoding takes.

JSON may escape half of a surrogate pair (`"web \\ud83d"`), which is no character and cannot be encoded, and NUL, which
PostgreSQL stores neither in text nor in JSON. https://www.postgresql.org/docs/current/datatype-character.html
"""

import re
from collections.abc import Callable
from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# How half a pair can stand in JSON, where the bytes themselves are well-formed UTF-8.
_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def storable_text(text: str) -> str:
    """The text with a replacement character for what cannot be stored."""
    return _NOT_STORABLE.sub(REPLACEMENT, text)


def is_storable(text: str) -> bool:
    """Whether `storable_text` would change nothing."""
    return "\x00" not in text if text.isascii() else _NOT_STORABLE.search(text) is None


def may_hold_half_pairs(source: str) -> bool:
    """Whether parsing this JSON could give half a pair; cheap, so that most answers are not walked."""
    return "\\u" in source and _ESCAPED.search(source) is not None


def without_half_pairs(value: Any) -> Any:
    """A parsed JSON value whose texts can be encoded. NUL stays: it tells bytes from text."""
    return _mapped(value, lambda text: _HALF_PAIR.sub(REPLACEMENT, text))


def storable_value(value: Any) -> Any:
    """A parsed JSON value with storable texts, in names and in values."""
    return _mapped(value, storable_text)


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {change(name): _mapped(item, change) for name, item in value.items()}
    return value
