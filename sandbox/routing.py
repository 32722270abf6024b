"""From an address to what answers it."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from sandbox.editions import Version
from sandbox.http_messages import Answer, Request

Controller = Callable[[Request, dict[str, str]], Answer]
Takes = Literal["nothing", "fields", "entries", "texts"]
ALWAYS: Version = (1, 0)
# Who asks, which areas there are, and what the host has of an area.
_EVERYWHERE = ("connectiondata", "resourceareas", "{area}")


@dataclass(frozen=True)
class Route:
    """A method and a path below the organization.

    `{name}` takes one segment, `{name:int}` one that is a number. `scopes` are alternatives; without any the call is
    open to every token. `takes` is the shape of the body: none that matters, an object, or a list of objects or of
    texts. `released` is the version with which it stopped being a preview, None while it is one. `public` calls answer
    nobody in particular where a project is public.
    """

    method: str
    template: tuple[str, ...]
    scopes: tuple[str, ...]
    controller: Controller
    takes: Takes = "nothing"
    released: Version | None = ALWAYS
    public: bool = True

    def match(self, path: list[str], lowered: list[str]) -> dict[str, str] | None:
        """The named segments when the path is this one. Letters' case does not matter."""
        found: dict[str, str] = {}
        for part, given, small in zip(self.template, path, lowered, strict=True):
            if not part.startswith("{"):
                if part != small:
                    return None
                continue
            name, _, kind = part[1:-1].partition(":")
            if kind and not (given.isascii() and given.isdigit() and len(given) < 11):
                return None
            found[name] = given
        return found

    @property
    def address(self) -> str:
        """The path as Microsoft's files write it, after the organization."""
        return "/".join(part.partition(":")[0] + "}" if ":" in part else part for part in self.template)

    @property
    def is_release(self) -> bool:
        """Whether the service keeps it on its release host."""
        return "release" in self.template[:3]

    @property
    def is_everywhere(self) -> bool:
        """Whether every host of the service has it."""
        return self.address.lower().split("/")[:2] in (["_apis"], *(["_apis", name] for name in _EVERYWHERE))

    def bind(self, request: Request) -> None:
        """Read the body, before anything is looked up. Raises `Refused`."""
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
    """Why there is no route: nothing is there, or it takes only the `allowed` methods."""

    allowed: tuple[str, ...] = ()


class Map:
    """All routes, to be found by path and method."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_length: dict[int, list[Route]] = defaultdict(list)
        for route in routes:
            self._by_length[len(route.template)].append(route)

    def find(self, method: str, path: list[str]) -> Found | Lost:
        """The route of a path below the organization. HEAD goes where GET goes."""
        wanted = "GET" if method == "HEAD" else method
        lowered = [part.lower() for part in path]
        allowed: list[str] = []
        for route in self._by_length.get(len(path), ()):
            names = route.match(path, lowered)
            if names is not None and route.method == wanted:
                return Found(route, names)
            # Asking what there is below an address does not make it one.
            if names is not None and route.method != "OPTIONS":
                allowed.append(route.method)
        return Lost(tuple(allowed))
