"""What is read of builds on demand: logs, older builds and branches for pages, and one build for commands."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from connections.domain.problems import catalogue
from connections.providers.azure_devops import build as azure
from connections.providers.azure_devops import errors, git, timeline
from connections.providers.azure_devops.client import AzureDevOpsClient
from delivery.live import items
from delivery.live.items import BuildList
from delivery.models import Pipeline
from delivery.remote_read import RemoteReadError, cached, open_client

LINES_PER_PART = 1000
LINES_PER_DOWNLOAD = 500_000
_SUGGESTED = 50
# How Team Foundation Version Control names what a pipeline builds, such as $/Project/main.
TFVC_FOLDER = "$/"


def build(pipeline: Pipeline, build_id: int) -> azure.Build:
    """One build as it is now. Raises `RemoteReadError`."""
    with open_client(pipeline.project.connection) as client:
        found = azure.build(client.transport, pipeline.project.azure_id, build_id)
    if not is_of(pipeline, found):
        raise RemoteReadError(errors.NotFound.code)
    return found


def is_of(pipeline: Pipeline, build: azure.Build) -> bool:
    """Whether a build is one of this pipeline's. A build whose pipeline was deleted may name none."""
    return build.definition_id in (0, pipeline.azure_id)


def older_builds(pipeline: Pipeline, after: str) -> BuildList:
    """One page of a pipeline's builds; `after` is the token of the page before. Raises `RemoteReadError`."""
    project = pipeline.project.azure_id
    return cached(
        pipeline.project.connection,
        ("builds", project, pipeline.azure_id, after),
        lambda client: items.builds_of(client, project, pipeline.azure_id, after),
    )


@dataclass(frozen=True, slots=True)
class LogPart:
    """Some lines of a log, counted from one. `more` says that there are later ones already."""

    first: int
    lines: tuple[str, ...]
    more: bool

    @property
    def next(self) -> int:
        """The number of the line after the last one here."""
        return self.first + len(self.lines)


def log_part(pipeline: Pipeline, build_id: int, log_id: int, *, first: int | None, as_of: datetime | None) -> LogPart:
    """Lines of a log from `first` on; without it the last ones, which are what people look for.

    `as_of` is when the build was read: the log is read again when the build was. Raises `RemoteReadError`.
    """
    project = pipeline.project.azure_id
    if first is None:
        first = max(_line_count(pipeline, build_id, log_id, as_of) - LINES_PER_PART + 1, 1)
    # One more than is shown says whether there are later ones.
    last = first + LINES_PER_PART
    found = cached(
        pipeline.project.connection,
        ("log", project, build_id, log_id, first, as_of),
        lambda client: timeline.lines(client.transport, project, build_id, log_id, first=first, last=last),
    )
    return LogPart(first, found[:LINES_PER_PART], len(found) > LINES_PER_PART)


def rest_of_log(pipeline: Pipeline, build_id: int, log_id: int, part: LogPart) -> Iterator[str]:
    """The lines of a part and of all that follow, at most LINES_PER_DOWNLOAD.

    The last line says so if there are more, or if a later part can't be read.
    """
    yield from part.lines
    first, is_complete = part.next, not part.more
    try:
        with open_client(pipeline.project.connection) as client:
            while not is_complete and first <= LINES_PER_DOWNLOAD:
                last = first + LINES_PER_PART - 1
                lines = timeline.lines(
                    client.transport, pipeline.project.azure_id, build_id, log_id, first=first, last=last
                )
                yield from lines
                first, is_complete = last + 1, len(lines) < LINES_PER_PART
    except RemoteReadError as failure:
        yield f"[The log could not be read from line {first} on: {catalogue.problem(failure.code).title}]"
        return
    if not is_complete:
        yield f"[The log is longer. Azure DevOps has it from line {first} on.]"


def _line_count(pipeline: Pipeline, build_id: int, log_id: int, as_of: datetime | None) -> int:
    project = pipeline.project.azure_id
    found = cached(
        pipeline.project.connection,
        ("logs", project, build_id, as_of),
        lambda client: timeline.logs(client.transport, project, build_id),
    )
    return next((log.lines for log in found if log.id == log_id), 0)


def suggested_branches(pipeline: Pipeline) -> tuple[str, ...]:
    """Branches that the pipeline can be run on, its default one first; short names. Raises `RemoteReadError`.

    Where the branches cannot be listed, as of code that lies at GitHub, they are those of its newest builds.
    """
    project = pipeline.project.azure_id

    def ask(client: AzureDevOpsClient) -> tuple[str, ...]:
        found = azure.definition(client.transport, project, pipeline.azure_id)
        default = (found.default_branch or "").removeprefix(git.HEADS)
        names = _listed_branches(client, project, found)
        if names is None:
            names = _built_branches(client, project, found.id)
        others = sorted(set(names) - {default, ""})
        return (default, *others) if default else tuple(others)

    return cached(pipeline.project.connection, ("branches to run", project, pipeline.azure_id), ask)


def _listed_branches(client: AzureDevOpsClient, project: str, definition: azure.Definition) -> list[str] | None:
    """The branches of the repository; None where it is not in Azure Repos, is gone, or may not be read."""
    if not definition.is_in_azure_repos or definition.repository_id is None:
        return None
    try:
        page = git.branches_page(client.transport, project, definition.repository_id, top=_SUGGESTED)
    except (errors.NotFound, errors.AccessDenied, errors.EmptyRefusal):
        return None
    return [branch.name for branch in page.items]


def _built_branches(client: AzureDevOpsClient, project: str, definition_id: int) -> list[str]:
    page = azure.builds_page(client.transport, project, definitions=[definition_id], top=_SUGGESTED)
    built = (build.branch or "" for build in page.items)
    # A pull request's merge is no branch that anybody would run.
    return [ref.removeprefix(git.HEADS) for ref in built if ref.startswith((git.HEADS, TFVC_FOLDER))]
