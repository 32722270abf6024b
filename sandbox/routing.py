"""Which address leads where, and which scopes open it.

Scopes of each call: https://github.com/MicrosoftDocs/vsts-rest-api-specs (any one of those listed is enough).
"""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox import build, core, git, location, release
from sandbox.wire import Answer, Request

Controller = Callable[[Request, dict[str, str]], Answer]


@dataclass(frozen=True)
class Route:
    """A method and a path below the organization; `{name}` takes one segment, `{*name}` the rest."""

    method: str
    template: tuple[str, ...]
    scopes: tuple[str, ...]
    controller: Controller
    preview: bool = False

    def match(self, method: str, path: list[str]) -> dict[str, str] | None:
        """The named segments when the path is this one. Letters' case does not matter."""
        if method != self.method:
            return None
        rest = self.template and self.template[-1].startswith("{*")
        if not rest and len(path) != len(self.template):
            return None
        found: dict[str, str] = {}
        for index, part in enumerate(self.template):
            if part.startswith("{*"):
                found[part[2:-1]] = "/".join(path[index:])
            elif index >= len(path):
                return None
            elif part.startswith("{"):
                found[part[1:-1]] = path[index]
            elif part.lower() != path[index].lower():
                return None
        return found


def _route(method: str, template: str, scopes: str, controller: Controller, *, preview: bool = False) -> Route:
    return Route(method, tuple(template.split("/")), tuple(scopes.split()), controller, preview)


_REPOSITORY = "{project}/_apis/git/repositories/{repository}"
_BUILD = "{project}/_apis/build"
_RELEASE = "{project}/_apis/release"

ROUTES: tuple[Route, ...] = (
    _route("GET", "_apis/connectionData", "", location.connection_data, preview=True),
    _route("OPTIONS", "_apis", "", location.options),
    _route("GET", "_apis/ResourceAreas", "", location.resource_areas),
    _route("GET", "_apis/projects", "vso.profile vso.project", core.projects),
    _route("GET", "_apis/projects/{project}", "vso.profile vso.project", core.project),
    _route("GET", "_apis/git/repositories", "vso.code", git.all_repositories),
    _route("GET", "{project}/_apis/git/repositories", "vso.code", git.repositories),
    _route("POST", "{project}/_apis/git/repositories", "vso.code_manage", git.create_repository),
    _route("GET", _REPOSITORY, "vso.code", git.repository),
    _route("PATCH", _REPOSITORY, "vso.code_manage", git.update_repository),
    _route("GET", f"{_REPOSITORY}/refs", "vso.code", git.refs),
    _route("POST", f"{_REPOSITORY}/refs", "vso.code_write", git.update_refs),
    _route("GET", f"{_REPOSITORY}/commits", "vso.code", git.commits),
    _route("GET", f"{_REPOSITORY}/items", "vso.code", git.items),
    _route("POST", f"{_REPOSITORY}/pushes", "vso.code_write", git.push),
    _route("GET", f"{_BUILD}/definitions", "vso.build", build.definitions),
    _route("GET", f"{_BUILD}/builds", "vso.build", build.builds),
    _route("GET", f"{_BUILD}/builds/{{id}}", "vso.build", build.build),
    _route("POST", f"{_BUILD}/builds", "vso.build_execute", build.queue),
    _route("PATCH", f"{_BUILD}/builds/{{id}}", "vso.build_execute", build.update),
    _route("GET", f"{_RELEASE}/definitions", "vso.release", release.definitions),
    _route("GET", f"{_RELEASE}/releases", "vso.release", release.releases),
    _route("GET", f"{_RELEASE}/deployments", "vso.release", release.deployments),
    _route("GET", f"{_RELEASE}/approvals", "vso.release", release.approvals),
    _route("PATCH", f"{_RELEASE}/releases/{{id}}", "vso.release_execute", release.update_release),
    _route("PATCH", f"{_RELEASE}/approvals/{{id}}", "vso.release_manage", release.update_approval),
)


def find(method: str, path: list[str]) -> tuple[Route, dict[str, str]] | None:
    """The route of a path below the organization."""
    for route in ROUTES:
        found = route.match(method, path)
        if found is not None:
            return route, found
    return None
