"""What pages of builds read: one build with its steps and logs, and the builds and branches of a pipeline."""

from dataclasses import dataclass

from connections.providers.azure_devops import build as azure
from connections.providers.azure_devops import errors, git, timeline
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.models import Page
from delivery.models import Pipeline
from delivery.remote_read import LIVE_SECONDS, cached

BUILDS_PER_PAGE = 30
LINES_PER_PART = 1000
_SUGGESTED = 50
# How Team Foundation Version Control names what a pipeline builds, such as $/Project/main.
TFVC_FOLDER = "$/"


@dataclass(frozen=True, slots=True)
class BuildView:
    """A build and its steps in the order in which they are drawn, each with its depth.

    `steps_problem` is the code of why the steps could not be read; the build itself was.
    """

    build: azure.Build
    steps: tuple[tuple[int, timeline.Step], ...]
    steps_problem: str = ""


def build_with_steps(pipeline: Pipeline, build_id: int) -> BuildView:
    """One build. Raises `RemoteReadError`."""
    project = pipeline.project.azure_id

    def ask(client: AzureDevOpsClient) -> BuildView:
        found = azure.build(client.transport, project, build_id)
        # A build whose pipeline was deleted may name none.
        if found.definition_id and found.definition_id != pipeline.azure_id:
            raise errors.NotFound(detail="a build of another pipeline")
        return _with_steps(client, project, found)

    return cached(pipeline.project.connection, ("build", project, build_id), ask, seconds=LIVE_SECONDS)


# These concern more than the steps of one build.
_NOT_OF_THE_STEPS = (errors.TokenRefused, errors.EmptyRefusal, errors.Throttled)


def _with_steps(client: AzureDevOpsClient, project: str, found: azure.Build) -> BuildView:
    """The build with its steps, or with why they could not be read: old ones are removed before their build."""
    try:
        steps = timeline.steps(client.transport, project, found.id)
    except _NOT_OF_THE_STEPS:
        raise
    except errors.AzureDevOpsError as trouble:
        return BuildView(found, (), trouble.code)
    return BuildView(found, tuple(timeline.in_order(steps)))


def builds_of(pipeline: Pipeline, *, after: str | None = None) -> Page[azure.Build]:
    """One page of a pipeline's builds, newest first; `after` is the token of the page before.

    Raises `RemoteReadError`.
    """
    project = pipeline.project.azure_id
    return cached(
        pipeline.project.connection,
        ("builds", project, pipeline.azure_id, after),
        lambda client: azure.builds_page(
            client.transport, project, definitions=[pipeline.azure_id], continuation=after, top=BUILDS_PER_PAGE
        ),
        seconds=LIVE_SECONDS,
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


def log_part(pipeline: Pipeline, build_id: int, log_id: int, *, first: int | None) -> LogPart:
    """Lines of a log from `first` on; without it the last ones, which are what people look for.

    Raises `RemoteReadError`.
    """
    project = pipeline.project.azure_id
    if first is None:
        first = max(_line_count(pipeline, build_id, log_id) - LINES_PER_PART + 1, 1)
    # One more than is shown says whether there are later ones.
    last = first + LINES_PER_PART
    found = cached(
        pipeline.project.connection,
        ("log", project, build_id, log_id, first),
        lambda client: timeline.lines(client.transport, project, build_id, log_id, first=first, last=last),
        seconds=LIVE_SECONDS,
    )
    return LogPart(first, found[:LINES_PER_PART], len(found) > LINES_PER_PART)


def _line_count(pipeline: Pipeline, build_id: int, log_id: int) -> int:
    project = pipeline.project.azure_id
    found = cached(
        pipeline.project.connection,
        ("logs", project, build_id),
        lambda client: timeline.logs(client.transport, project, build_id),
        seconds=LIVE_SECONDS,
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
