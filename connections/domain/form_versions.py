"""Optimistic locking of forms, field by field.

Pure rules. A hidden field contains the version, such as `name-3f2a9c….token-91bc04…`: the fields that the form depends
on, each with a short digest of its value. So it needs no column, shows which fields changed, and contains no values.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_DIGITS = 16
LONGEST = 2000


@dataclass(frozen=True, slots=True)
class FieldState:
    """A field: its label, its value as comparable text, and the value as shown to people."""

    label: str
    value: str
    words: str


Facts = Mapping[str, FieldState]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that changed since the form was rendered. `is_untouched` says that the person did not edit it."""

    field: str
    label: str
    yours: str
    now: str
    is_untouched: bool


def write(facts: Facts, fields: Iterable[str]) -> str:
    """The version of these fields."""
    return ".".join(f"{field}-{_digest(field, facts[field].value)}" for field in fields)


def conflicts(version: str, fields: Iterable[str], *, now: Facts, yours: Facts) -> tuple[Conflict, ...]:
    """The fields whose current value differs from the version and from what the person entered.

    Fields missing from the version count as changed, as the form is then not from this site. `yours` has the entered
    values, without fields that the form only depends on.
    """
    drawn = _read(version)
    conflicts = []
    for field in fields:
        entered = yours.get(field)
        is_as_drawn = drawn.get(field) == _digest(field, now[field].value)
        if is_as_drawn or (entered is not None and field in drawn and entered.value == now[field].value):
            continue
        words = entered.words if entered else "as it was when you opened the page"
        is_untouched = entered is not None and drawn.get(field) == _digest(field, entered.value)
        conflicts.append(Conflict(field, now[field].label, words, now[field].words, is_untouched))
    return tuple(conflicts)


def _read(version: str) -> dict[str, str]:
    parts = (part.rpartition("-") for part in version[:LONGEST].split("."))
    return {field: digest for field, _, digest in parts if field}


def _digest(field: str, value: str) -> str:
    return hashlib.sha256(f"{field}\0{value}".encode()).hexdigest()[:_DIGITS]
