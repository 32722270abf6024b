"""The enumerations that Microsoft publishes, with words and numbers as listed in `enumerations.toml`."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("enumerations.toml")
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")


@dataclass(frozen=True)
class Enumeration:
    """The members of an enumeration and their numbers. With `flags`, several can be combined."""

    members: Mapping[str, int]
    flags: bool

    def read(self, value: str) -> str | None:
        """The published names of a value's members, separated by commas; None if it is not a valid value."""
        parts = [self._read_one(part.strip()) for part in value.split(",")]
        members = [part for part in parts if part is not None]
        if len(members) < len(parts) or (len(parts) > 1 and not self.flags):
            return None
        return ",".join(members)

    def number(self, value: str) -> int:
        """The number of a value that `read` can read: the sum of its members' numbers. Raises `KeyError`."""
        return sum(self.members[name] for name in (self.read(value) or value).split(","))

    def lets_through(self, names: str, member: str) -> bool:
        """Whether a filter, as `read` returns it, contains a member. An empty filter matches everything."""
        numbers = [self.members[name] for name in names.split(",") if name]
        own = self.number(member)
        return not any(numbers) or any(number & own for number in numbers)

    def _read_one(self, value: str) -> str | None:
        if _NUMBER.fullmatch(value):
            return self._named(int(value))
        return next((name for name in self.members if name.lower() == value.lower()), None)

    def _named(self, number: int) -> str | None:
        exact = next((name for name, own in self.members.items() if own == number), None)
        if exact is not None or not self.flags or number < 0:
            return exact
        parts = [name for name, own in self.members.items() if own.bit_count() == 1 and own & number]
        # A sum with an unknown bit is not a value.
        return ",".join(parts) if sum(self.members[part] for part in parts) == number else None


@cache
def _all() -> dict[str, Enumeration]:
    listed = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {name: Enumeration(members, name in listed["flags"]) for name, members in listed["enumerations"].items()}


def enumeration(name: str) -> Enumeration:
    """A published enumeration by its name."""
    return _all()[name]


def is_enumeration(name: str) -> bool:
    """Whether there is a published enumeration with this name."""
    return name in _all()
