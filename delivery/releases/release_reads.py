"""What pages of releases show: pipelines, releases and the versions to choose from, read on demand."""

from dataclasses import dataclass

from connections.providers.azure_devops import release
from connections.providers.azure_devops.build import Build
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.models import Page
from connections.providers.azure_devops.release_models import Definition, Release, Source
from delivery.models import Project
from delivery.remote_read import LIVE_SECONDS, RemoteReadError, cached

RELEASES_PER_PAGE = 20
VERSIONS_OFFERED = 25


def pipeline(project: Project, definition_id: int) -> Definition:
    """One release pipeline. Raises `RemoteReadError`."""
    return cached(
        project.connection,
        ("release pipeline", project.azure_id, definition_id),
        lambda client: release.definition(client.transport, project.azure_id, definition_id),
    )


def releases_of(project: Project, definition_id: int, *, after: str | None = None) -> Page[Release]:
    """One page of a pipeline's releases, the newest first. Raises `RemoteReadError`."""

    def ask(client: AzureDevOpsClient) -> Page[Release]:
        return release.releases_page(
            client.transport,
            project.azure_id,
            definition_id=definition_id,
            continuation=after,
            top=RELEASES_PER_PAGE,
        )

    what = ("releases", project.azure_id, definition_id, after)
    return cached(project.connection, what, ask, seconds=LIVE_SECONDS)


def one_release(project: Project, release_id: int) -> Release:
    """One release with everything. Raises `RemoteReadError`."""
    return cached(
        project.connection,
        ("release", project.azure_id, release_id),
        lambda client: release.release(client.transport, project.azure_id, release_id),
        seconds=LIVE_SECONDS,
    )


@dataclass(frozen=True, slots=True)
class Offer:
    """The versions that a source offers, the newest first; `problem` says why they could not be listed."""

    source: Source
    versions: tuple[Build, ...] = ()
    problem: str = ""


def offers(project: Project, definition: Definition) -> list[Offer]:
    """What each source of a pipeline offers. Never raises: without a list Azure DevOps takes the usual version."""
    return [_offer(project, source) for source in definition.sources]


def _offer(project: Project, source: Source) -> Offer:
    def ask(client: AzureDevOpsClient) -> tuple[Build, ...]:
        return release.artifact_versions(client.transport, project.azure_id, source, top=VERSIONS_OFFERED)

    if source.kind != "Build":
        return Offer(source)
    what = ("versions", project.azure_id, source.project_id, source.definition_id)
    try:
        return Offer(source, cached(project.connection, what, ask))
    except RemoteReadError as trouble:
        return Offer(source, problem=trouble.code)
