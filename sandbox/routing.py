"""Routing: from a URL to its controller."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from sandbox.editions import Version
from sandbox.http_messages import Answer, Request

Controller = Callable[[Request, dict[str, str]], Answer]
Takes = Literal["nothing", "fields", "entries", "texts"]
ALWAYS: Version = (1, 0)
# The identity of the client, the areas, and the routes of an area on this host.
_EVERYWHERE = ("connectiondata", "resourceareas", "{area}")


@dataclass(frozen=True)
class Route:
    """A method and a path below the organization.

    `{name}` matches one segment, `{name:int}` a number. `scopes` are alternatives; if there are none, every token may
    call it. `takes` is the shape of the body: ignored, an object, or a list of objects or of strings. `released` is the
    version in which it stopped being a preview, None if it still is one. `public` routes answer anonymous clients if a
    project is public, and `people_only` ones only people who have signed in.
    """

    method: str
    template: tuple[str, ...]
    scopes: tuple[str, ...]
    controller: Controller
    takes: Takes = "nothing"
    released: Version | None = ALWAYS
    public: bool = True
    people_only: bool = False

    def match(self, path: list[str], lowered: list[str]) -> dict[str, str] | None:
        """The named segments if the path matches, ignoring case."""
        names: dict[str, str] = {}
        for part, given, small in zip(self.template, path, lowered, strict=True):
            if not part.startswith("{"):
                if part != small:
                    return None
                continue
            name, _, kind = part[1:-1].partition(":")
            if kind and not (given.isascii() and given.isdigit() and len(given) < 11):
                return None
            names[name] = given
        return names

    @property
    def address(self) -> str:
        """The path as Microsoft's specifications write it, after the organization."""
        return "/".join(part.partition(":")[0] + "}" if ":" in part else part for part in self.template)

    @property
    def is_release(self) -> bool:
        """Whether the service has it on its release host."""
        return "release" in self.template[:3]

    @property
    def is_everywhere(self) -> bool:
        """Whether every host of the service has it."""
        return self.address.lower().split("/")[:2] in (["_apis"], *(["_apis", name] for name in _EVERYWHERE))

    def bind(self, request: Request) -> None:
        """Read the body, before any object is looked up. Raises `ErrorResponse`."""
        if self.takes == "fields":
            request.fields()
        elif self.takes == "entries":
            request.entries()
        elif self.takes == "texts":
            request.texts()


@dataclass(frozen=True)
class Found:
    """A route and the named segments of the path."""

    route: Route
    names: dict[str, str]


@dataclass(frozen=True)
class Lost:
    """Why no route matches: the path is unknown, or it accepts only the `allowed` methods."""

    allowed: tuple[str, ...] = ()


class Map:
    """All routes, found by path and method."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_length: dict[int, list[Route]] = defaultdict(list)
        for route in routes:
            self._by_length[len(route.template)].append(route)

    def find(self, method: str, path: list[str]) -> Found | Lost:
        """The route of a path below the organization. HEAD is routed like GET."""
        routed_method = "GET" if method == "HEAD" else method
        lowered = [part.lower() for part in path]
        allowed: list[str] = []
        for route in self._by_length.get(len(path), ()):
            names = route.match(path, lowered)
            if names is not None and route.method == routed_method:
                return Found(route, names)
            # OPTIONS on a path does not make it a route.
            if names is not None and route.method != "OPTIONS":
                allowed.append(route.method)
        return Lost(tuple(allowed))
