"""Values that clients can write in several ways, as listed in `typed_values.toml`.

An enumeration comes as a word in any case, or as a number, as the official Node client sends it. A time comes as
ISO 8601, in the HTTP form, or as the documentation of commits writes it: `6/14/2018 12:00:00 AM`. Everything is read
once, on the way in, so that what answers a request sees words and times in one form.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.enumerations import Enumeration, enumeration
from sandbox.http_messages import Answer, ErrorResponse, Request, argument_wrong, model_error
from sandbox.ids import moment
from sandbox.parameters import addresses_of
from sandbox.routing import Route

_FILE = Path(__file__).with_name("typed_values.toml")
_TIME = "time"


@cache
def _lists() -> dict[str, Mapping[str, Mapping[str, str]]]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def parameter_types(route: Route) -> Mapping[str, str]:
    """The types of a route's query parameters that are enumerations or times, by name."""
    return next((types for name in addresses_of(route) if (types := _lists()["parameters"].get(name))), {})


def body_types(route: Route) -> Mapping[str, str]:
    """The enumerations in a route's body, by path: `commits[].changes[].changeType`."""
    return next((types for name in addresses_of(route) if (types := _lists()["bodies"].get(name))), {})


def read_query(query: Mapping[str, str], route: Route) -> dict[str, str]:
    """A query with enumerations as words and times in one format. Unreadable values are kept."""
    types = parameter_types(route)
    return {name: _read(types[name], value) or value if name in types else value for name, value in query.items()}


def require_readable(request: Request, route: Route) -> None:
    """Raise `ErrorResponse` with a 400 for a value of the query that is not of the parameter's type."""
    for name, type_name in parameter_types(route).items():
        value = request.query.get(name, "")
        if value and _read(type_name, value) is None:
            raise ErrorResponse(_unreadable(request, name, type_name, value))


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
    """A body with enumerations as words. Unreadable values are kept."""
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
