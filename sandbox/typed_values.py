"""Values that a client may write in more than one way: the lists in `typed_values.toml`.

An enumeration comes as a word in any case, or as a number, as the official Node client sends it. A time comes as
ISO 8601, in the HTTP form, or as the documentation of commits writes it: `6/14/2018 12:00:00 AM`. Everything is read
once, on the way in, so that what answers a request sees words and times in one form.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.ids import moment
from sandbox.parameters import addresses_of
from sandbox.routing import Route
from sandbox.wire import Answer, Refused, Request, argument_wrong, model_error

_FILE = Path(__file__).with_name("typed_values.toml")
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")
_TIME = "time"


@dataclass(frozen=True)
class Enumeration:
    """The members of an enumeration and their numbers. Of `flags` several may be given at once."""

    members: Mapping[str, int]
    flags: bool

    def read(self, value: str) -> str | None:
        """The members that a value names, by commas, as published; None when it is no value of this enumeration."""
        parts = [self._read_one(part.strip()) for part in value.split(",")]
        found = [part for part in parts if part is not None]
        if len(found) < len(parts) or (len(parts) > 1 and not self.flags):
            return None
        return ",".join(found)

    def lets_through(self, wanted: str, member: str) -> bool:
        """Whether a filter as `read` returns it has a member in it. One that names nothing lets everything through."""
        numbers = [self.members[name] for name in wanted.split(",") if name]
        own = self.members[self._read_one(member) or member]
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
        # A sum with a bit that no member has means something else.
        return ",".join(parts) if sum(self.members[part] for part in parts) == number else None


@dataclass(frozen=True)
class _Lists:
    enumerations: Mapping[str, Enumeration]
    parameters: Mapping[str, Mapping[str, str]]
    bodies: Mapping[str, Mapping[str, str]]


@cache
def _lists() -> _Lists:
    listed = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    enumerations = {
        name: Enumeration(members, name in listed["flags"]) for name, members in listed["enumerations"].items()
    }
    return _Lists(enumerations, listed["parameters"], listed["bodies"])


def enumeration(name: str) -> Enumeration:
    """A published enumeration by its name."""
    return _lists().enumerations[name]


def parameter_types(route: Route) -> Mapping[str, str]:
    """The types of a route's query parameters that are enumerations or times, by name."""
    return next((types for name in addresses_of(route) if (types := _lists().parameters.get(name))), {})


def body_types(route: Route) -> Mapping[str, str]:
    """The enumerations in a route's body, by path: `commits[].changes[].changeType`."""
    return next((types for name in addresses_of(route) if (types := _lists().bodies.get(name))), {})


def read_query(query: Mapping[str, str], route: Route) -> dict[str, str]:
    """A query with enumerations as words and times in one form. What cannot be read stays as it is."""
    types = parameter_types(route)
    return {name: _read(types[name], value) or value if name in types else value for name, value in query.items()}


def require_readable(request: Request, route: Route) -> None:
    """Raise `Refused` with a 400 for a value of the query that is not of the parameter's type."""
    for name, type_name in parameter_types(route).items():
        value = request.query.get(name, "")
        if value and _read(type_name, value) is None:
            raise Refused(_unreadable(request, name, type_name, value))


def _unreadable(request: Request, name: str, type_name: str, value: str) -> Answer:
    if type_name == "GitVersionType":
        # Quoted, for a number, in 2018: https://github.com/microsoft/azure-devops-node-api/issues/237
        text = f"versionType={value} is not a valid value for versionType. Try one of: Branch,Tag,Commit"
        return argument_wrong(request, text)
    return model_error(request, 400, f"The value '{value}' is not valid for {name}.")


def _read(type_name: str, value: str) -> str | None:
    if type_name != _TIME:
        return enumeration(type_name).read(value)
    time = moment(value)
    return time.isoformat() if time else None


def read_body(body: Any, route: Route) -> Any:
    """A body with enumerations as words. What cannot be read stays as it is."""
    for path, name in body_types(route).items():
        body = _read_at(body, path.replace("[]", ".[]").split("."), enumeration(name))
    return body


def _read_at(value: Any, path: list[str], of: Enumeration) -> Any:
    if not path:
        is_readable = isinstance(value, int | str) and not isinstance(value, bool)
        return of.read(str(value)) or value if is_readable else value
    first, *rest = path
    if first == "[]" and isinstance(value, list):
        return [_read_at(item, rest, of) for item in value]
    if isinstance(value, dict) and first in value:
        return {**value, first: _read_at(value[first], rest, of)}
    return value
