"""What is read of releases on demand: pipelines, older releases, versions to choose from, and the release to change."""

from collections.abc import Iterable
from dataclasses import dataclass

from connections.providers.azure_devops import release
from connections.providers.azure_devops.build import Build
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.release_models import Definition, Release, Source
from delivery.live import items
from delivery.live.items import ReleaseList
from delivery.models import Project, ReleasePipeline
from delivery.remote_read import RemoteReadError, cached, open_client

VERSIONS_OFFERED = 25


def pipeline(project: Project, definition_id: int) -> Definition:
    """One release pipeline. Raises `RemoteReadError`."""
    return cached(
        project.connection,
        ("release pipeline", project.azure_id, definition_id),
        lambda client: release.definition(client.transport, project.azure_id, definition_id),
    )


def releases_of(project: Project, definition_id: int, *, after: str | None = None) -> ReleaseList:
    """One page of a pipeline's releases, newest first; `after` is the token of the page before.

    Raises `RemoteReadError`.
    """
    return cached(
        project.connection,
        ("releases", project.azure_id, definition_id, after),
        lambda client: items.releases_of(client, project.azure_id, definition_id, after),
    )


def one_release(project: Project, release_id: int) -> Release:
    """One release as it is now, with everything. Raises `RemoteReadError`."""
    with open_client(project.connection) as client:
        return release.release(client.transport, project.azure_id, release_id)


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


def offered_version(offers: Iterable[Offer], number: str) -> tuple[str, tuple[str, str]] | None:
    """The alias, and id and number, of the first version with this number or id.

    Raises `RemoteReadError` if an offer before it could not be listed.
    """
    for offer in offers:
        if offer.problem:
            raise RemoteReadError(offer.problem)
        for build in offer.versions:
            if number in (build.number, str(build.id)):
                return offer.source.alias, (str(build.id), build.number)
    return None


def is_of(pipeline: ReleasePipeline, release: Release) -> bool:
    """Whether a release is one of this pipeline's. A release whose pipeline was deleted may name none."""
    return release.definition_id in (None, pipeline.azure_id)
