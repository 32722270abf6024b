"""Which query parameters an operation has, and which of them the sandbox supports, as listed in `parameters.toml`.

No published parameter is ignored: an unsupported one is answered with 501 and its name.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from sandbox.http_messages import ErrorResponse, Request, not_supported
from sandbox.routing import Route

_FILE = Path(__file__).with_name("parameters.toml")
_ON_EVERY_OPERATION = ("api-version",)
# "Parameters that use the searchCriteria prefix in their name can be specified without it as query parameters."
# https://learn.microsoft.com/rest/api/azure/devops/git/commits/get-commits
# The same applies to versions: the service's own URLs of items contain `versionType=Branch&version=main`.
_OPTIONAL_PREFIXES = ("searchCriteria.", "versionDescriptor.")
# An item of a list: `ids[0]=a&ids[1]=b`, or `ids.0=a&ids.1=b`, as the official Node client wrote it in version 15.
_LIST_ITEM = re.compile(r"\A(?P<name>.+?)(?:\[\d{0,4}\]|\.\d{1,4})")


@dataclass(frozen=True)
class Operation:
    """The parameters of one operation.

    `without_effect` maps a name to the reason why no value makes a difference here, `unsupported` to values that are
    accepted because they request the default, and `unsupported_values` a supported name to values that are not.
    `unpublished` parameters are supported although no specification lists them.
    """

    supported: tuple[str, ...] = ()
    without_effect: Mapping[str, str] = field(default_factory=dict)
    unsupported: Mapping[str, list[str]] = field(default_factory=dict)
    unsupported_values: Mapping[str, list[str]] = field(default_factory=dict)
    unpublished: tuple[str, ...] = ()

    @property
    def published(self) -> frozenset[str]:
        """Every parameter in Microsoft's specifications, except api-version."""
        return frozenset([*self.supported, *self.without_effect, *self.unsupported])

    def canonical(self, query: Mapping[str, str]) -> dict[str, str]:
        """The query with the published names: the client may use any case, and omit some prefixes."""
        canonical: dict[str, str] = {}
        for given, value in query.items():
            name = self._published_name(given)
            item = _LIST_ITEM.fullmatch(given)
            if name is None and item is not None:
                name = self._published_name(item["name"])
                value = f"{canonical[name]},{value}" if name in canonical else value
            canonical[name or given] = value
        return canonical

    @cached_property
    def _known(self) -> dict[str, str]:
        return {name.lower(): name for name in (*self.published, *self.unpublished, *_ON_EVERY_OPERATION)}

    def _published_name(self, given: str) -> str | None:
        names = (given, *(prefix + given for prefix in _OPTIONAL_PREFIXES))
        return next((self._known[name.lower()] for name in names if name.lower() in self._known), None)

    def refused(self, query: Mapping[str, str]) -> list[str]:
        """The names in a canonical query that request something unsupported."""
        given = {name: value.lower() for name, value in query.items() if value}
        unknown = {
            name: [value.lower() for value in accepted] for name, accepted in self.unsupported.items() if name in given
        }
        known = {
            name: [value.lower() for value in values]
            for name, values in self.unsupported_values.items()
            if name in given
        }
        return [
            *(name for name, accepted in unknown.items() if given[name] not in accepted),
            *(name for name, values in known.items() if not set(given[name].split(",")).isdisjoint(values)),
        ]


@cache
def operations() -> dict[str, Operation]:
    """All operations by method and path: `GET {project}/_apis/build/builds`."""
    listed = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {address: Operation(**parameters) for address, parameters in listed.items()}


def operation_of(route: Route) -> Operation:
    """The parameters of a route. A route that is also served without a project has the same ones."""
    return next((operations()[name] for name in addresses_of(route) if name in operations()), Operation())


def addresses_of(route: Route) -> tuple[str, str]:
    """The names under which lists may contain a route: its own, and the same with a project."""
    return f"{route.method} {route.address}", f"{route.method} {{project}}/{route.address}"


def require_supported(request: Request, route: Route) -> None:
    """Raise `ErrorResponse` with a 501 that names unsupported parameters."""
    refused = operation_of(route).refused(request.query)
    if refused:
        names = ", ".join(f"'{name}={request.query[name]}'" for name in refused)
        raise ErrorResponse(not_supported(request, f"{names} of {route.method} {route.address}"))
