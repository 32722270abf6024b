"""Which recorded exchange is which call of the client, and the facts that the call reads from it."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import singledispatch
from typing import Any

from connections.providers.azure_devops import build, core, git, release, release_models, timeline
from connections.providers.azure_devops.errors import AzureDevOpsError
from connections.providers.azure_devops.models import ConnectionData, Page, Project
from connections.providers.azure_devops.transport import Transport
from tests.recordings.exchanges import Exchange

P = "project"
SHA = "a" * 40
LARGE = 10_000_000


def _queue(transport: Transport) -> object:
    return build.queue(transport, P, 1, branch="refs/heads/main")


def _push(transport: Transport, repository: str) -> object:
    return git.push_file(
        transport, P, repository, branch="main", at=SHA, path="/x", content=b"x", comment="x", exists=False
    )


def _item(transport: Transport, repository: str, *, folder: bool) -> object:
    if folder:
        return git.folder(transport, P, repository, "main", "/MyWebSite/MyWebSite/Views")
    return git.file(transport, P, repository, "main", "/README.md")


# Method, path below organization and project, and the call. What is in brackets is handed to the call.
CALLS: tuple[tuple[str, str, Callable[..., object]], ...] = (
    ("GET", "connectiondata", core.connection_data),
    ("GET", "projects", core.projects_page),
    ("GET", "projects/([^/]+)", core.project),
    ("GET", "git/repositories", lambda t: git.repositories(t, P, max_bytes=LARGE)),
    ("POST", "git/repositories", lambda t: git.create_repository(t, P, name="x")),
    ("GET", "git/repositories/([^/]+)", lambda t, r: git.repository(t, P, r)),
    ("GET", "git/repositories/([^/]+)/refs", lambda t, r: git.branches_page(t, P, r)),
    ("POST", "git/repositories/([^/]+)/refs", lambda t, r: git.create_branch(t, P, r, name="new", at=SHA)),
    ("POST", "git/repositories/([^/]+)/pushes", _push),
    ("GET", "git/repositories/([^/]+)/commits", lambda t, r: git.commits(t, P, r, "main")),
    ("GET", "git/repositories/([^/]+)/commits/([^/]+)", lambda t, r, c: git.commit(t, P, r, c)),
    ("GET", "build/definitions", lambda t: build.definitions_page(t, P)),
    ("GET", r"build/definitions/(\d+)", lambda t, d: build.definition(t, P, int(d))),
    ("GET", "build/builds", lambda t: build.builds_page(t, P)),
    ("POST", "build/builds", _queue),
    ("GET", r"build/builds/(\d+)", lambda t, b: build.build(t, P, int(b))),
    ("PATCH", r"build/builds/(\d+)", lambda t, b: build.cancel(t, P, int(b))),
    ("GET", r"build/builds/(\d+)/timeline", lambda t, b: timeline.steps(t, P, int(b))),
    ("GET", r"build/builds/(\d+)/logs", lambda t, b: timeline.logs(t, P, int(b))),
    ("GET", r"build/builds/(\d+)/logs/(\d+)", lambda t, b, n: timeline.lines(t, P, int(b), int(n))),
    ("GET", "build/generalsettings", lambda t: release.are_disabled(t, P)),
    ("GET", "release/definitions", lambda t: release.definitions_page(t, P)),
    ("GET", r"release/definitions/(\d+)", lambda t, d: release.definition(t, P, int(d))),
    ("GET", "release/releases", lambda t: release.releases_page(t, P)),
    ("POST", "release/releases", lambda t: release.create_release(t, P, 1)),
    ("GET", r"release/releases/(\d+)", lambda t, r: release.release(t, P, int(r))),
    (
        "PATCH",
        r"release/releases/(\d+)/environments/(\d+)",
        lambda t, r, e: release.deploy(t, P, int(r), int(e), comment=""),
    ),
    ("GET", "release/approvals", lambda t: release.approvals_page(t, P)),
    ("PATCH", r"release/approvals/(\d+)", lambda t, a: release.approve(t, P, int(a), comments="")),
)


def call_of(exchange: Exchange) -> Callable[[Transport], object] | None:
    """The client's call that asks for this exchange; None when the client never does."""
    if re.fullmatch(r"/_apis/git/repositories/[^/]+/items", exchange.place) and exchange.method == "GET":
        repository = exchange.place.split("/")[4]
        return lambda transport: _item(transport, repository, folder="scopePath" in exchange.query)
    for method, path, call in CALLS:
        found = re.fullmatch(f"/_apis/{path}", exchange.place)
        if found and method == exchange.method:
            return lambda transport: call(transport, *found.groups())
    return None


def read(exchange: Exchange, transport: Transport) -> object:
    """What the call reads; the code of the error when it raises one."""
    call = call_of(exchange)
    assert call is not None
    try:
        return call(transport)
    except AzureDevOpsError as trouble:
        return trouble.code


def _day(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds")[:16] if moment else None


@singledispatch
def facts(value: Any) -> object:
    """What there is to know of a value, without anybody's name."""
    return value


@facts.register
def _(page: Page) -> object:  # type: ignore[type-arg]  # dispatched by the class alone
    return page.continuation, facts(page.items)


@facts.register
def _(several: tuple) -> object:  # type: ignore[type-arg]  # dispatched by the class alone
    return len(several), facts(several[0]), facts(several[-1])


@facts.register
def _(one: ConnectionData) -> object:
    assert one.identity.display_name
    assert one.identity.account
    return one.organization_id, one.identity.id, one.deployment_type


@facts.register
def _(one: Project) -> object:
    return one.name, one.state, one.visibility, bool(one.description), _day(one.last_updated_at)


@facts.register
def _(one: git.Repository) -> object:
    return one.name, one.default_branch, one.size, one.is_disabled, bool(one.web_url and one.ssh_url and one.remote_url)


@facts.register
def _(one: git.Branch) -> object:
    return one.name, one.commit[:7], one.is_locked


@facts.register
def _(one: git.Commit) -> object:
    return one.id[:7], len(one.comment), _day(one.authored_at), len(one.parents), one.is_shortened


@facts.register
def _(one: git.Entry) -> object:
    return one.name, one.is_folder


@facts.register
def _(one: git.File) -> object:
    return one.path, one.content


@facts.register
def _(one: git.Push) -> object:
    return one.id, one.branch, one.commit[:7], _day(one.pushed_at)


@facts.register
def _(one: build.Build) -> object:
    return (one.number, one.status.value, one.result and one.result.value, one.reason, one.branch, _day(one.queued_at))


@facts.register
def _(one: build.Definition) -> object:
    return one.id, one.name, one.path, one.queue_status, one.default_branch


@facts.register
def _(one: timeline.Step) -> object:
    return one.kind, one.state.value, one.result and one.result.value, one.log_id


@facts.register
def _(one: release_models.Definition) -> object:
    sources = [(source.alias, source.kind, source.definition_id) for source in one.sources]
    return one.id, one.name, len(one.stages), sources


@facts.register
def _(one: release_models.Release) -> object:
    environments = [(place.name, place.status.value) for place in one.environments]
    artifacts = [(artifact.alias, artifact.version) for artifact in one.artifacts]
    return one.id, one.name, one.status.value, one.definition_name, environments, artifacts


@facts.register
def _(one: release_models.Approval) -> object:
    return one.id, one.status.value, one.kind, one.release_name, one.environment_name, bool(one.approver)
