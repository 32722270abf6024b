"""The version of what a form was drawn from, and what changed since: optimistic locking, field by field.

Pure rules. A version stands in a hidden field as `name-3f2a9c….token-91bc04…`: the fields that the form depends on,
each with a short digest of its value. So it needs no column, tells which field changed, and holds no value and no
secret.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_DIGITS = 16
LONGEST = 2000


@dataclass(frozen=True, slots=True)
class FieldState:
    """One field: what it is called, its value as comparable text, and the value in words for people."""

    label: str
    value: str
    words: str


Facts = Mapping[str, FieldState]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that changed since the form was drawn. `is_untouched` says that the person had left it as it was."""

    field: str
    label: str
    yours: str
    now: str
    is_untouched: bool


def write(facts: Facts, fields: Iterable[str]) -> str:
    """The version of these fields."""
    return ".".join(f"{field}-{_digest(field, facts[field].value)}" for field in fields)


def conflicts(version: str, fields: Iterable[str], *, now: Facts, yours: Facts) -> tuple[Conflict, ...]:
    """The fields that are another way now than in the version, and not as the person wants them.

    Fields that the version does not name count as changed: a form without a version was not drawn by this site.
    `yours` holds what the person entered; a field that the form only depends on is not in it.
    """
    drawn = _read(version)
    found = []
    for field in fields:
        entered = yours.get(field)
        is_as_drawn = drawn.get(field) == _digest(field, now[field].value)
        if is_as_drawn or (entered is not None and field in drawn and entered.value == now[field].value):
            continue
        words = entered.words if entered else "as it was when you opened the page"
        is_untouched = entered is not None and drawn.get(field) == _digest(field, entered.value)
        found.append(Conflict(field, now[field].label, words, now[field].words, is_untouched))
    return tuple(found)


def _read(version: str) -> dict[str, str]:
    parts = (part.rpartition("-") for part in version[:LONGEST].split("."))
    return {field: digest for field, _, digest in parts if field}


def _digest(field: str, value: str) -> str:
    return hashlib.sha256(f"{field}\0{value}".encode()).hexdigest()[:_DIGITS]
