"""Read one build, one release, and the newest builds or releases of a pipeline, as snapshots."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from connections.providers.azure_devops import build as azure
from connections.providers.azure_devops import errors, release, timeline
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.release_models import Release
from delivery.domain.stages import seconds_until_next_poll
from delivery.live.snapshots import Snapshot, encode
from delivery.models import PollSubscription

BUILDS_PER_PAGE = 30
RELEASES_PER_PAGE = 20
# How soon a build that is not over is read again, and a list of builds in which one is not.
_BUILD_SECONDS = 3
_BUILDS_SECONDS = 5
# These concern more than the steps of one build.
_NOT_OF_THE_STEPS = (errors.TokenRefused, errors.EmptyRefusal)


@dataclass(frozen=True, slots=True)
class BuildView:
    """A build and its steps in the order in which they are drawn, each with its depth.

    `steps_problem` is the code of why the steps could not be read; the build itself was.
    """

    build: azure.Build
    steps: tuple[tuple[int, timeline.Step], ...]
    steps_problem: str = ""


@dataclass(frozen=True, slots=True)
class BuildList:
    """Builds of a pipeline, newest first. `continuation` is the token of the page after; None at the end."""

    items: tuple[azure.Build, ...]
    continuation: str | None


@dataclass(frozen=True, slots=True)
class ReleaseList:
    """Releases of a pipeline, newest first. `continuation` is the token of the page after; None at the end."""

    items: tuple[Release, ...]
    continuation: str | None


def build_with_steps(client: AzureDevOpsClient, project: str, build_id: int) -> BuildView:
    """One build with its steps, or with why they could not be read: old ones are removed before their build.

    Raises what may pass: without its steps, the build is not stored in place of an earlier one that has them.
    """
    found = azure.build(client.transport, project, build_id)
    try:
        steps = timeline.steps(client.transport, project, build_id)
    except _NOT_OF_THE_STEPS:
        raise
    except errors.AzureDevOpsError as failure:
        if failure.code in errors.TRANSIENT_CODES:
            raise
        return BuildView(found, (), failure.code)
    return BuildView(found, tuple(timeline.in_order(steps)))


def builds_of(client: AzureDevOpsClient, project: str, definition_id: int, after: str | None = None) -> BuildList:
    """One page of a pipeline's builds; `after` is the token of the page before."""
    page = azure.builds_page(
        client.transport, project, definitions=[definition_id], continuation=after, top=BUILDS_PER_PAGE
    )
    return BuildList(page.items, page.continuation)


def releases_of(client: AzureDevOpsClient, project: str, definition_id: int, after: str | None = None) -> ReleaseList:
    """One page of a pipeline's releases; `after` is the token of the page before."""
    page = release.releases_page(
        client.transport, project, definition_id=definition_id, continuation=after, top=RELEASES_PER_PAGE
    )
    return ReleaseList(page.items, page.continuation)


def read_build(client: AzureDevOpsClient, subscription: PollSubscription, _now: datetime) -> Snapshot:
    """A build and its steps; without the steps where there are more than can be stored."""
    view = build_with_steps(client, subscription.project.azure_id, subscription.number)
    try:
        data = encode(view)
    except errors.AnswerTooLarge as failure:
        data = encode(replace(view, steps=(), steps_problem=failure.code))
    return Snapshot(data, None if view.build.is_over else _BUILD_SECONDS)


def read_builds(client: AzureDevOpsClient, subscription: PollSubscription, _now: datetime) -> Snapshot:
    """The newest builds of a pipeline."""
    newest = builds_of(client, subscription.project.azure_id, subscription.number)
    is_over = all(build.is_over for build in newest.items)
    return Snapshot(encode(newest), None if is_over else _BUILDS_SECONDS)


def read_release(client: AzureDevOpsClient, subscription: PollSubscription, now: datetime) -> Snapshot:
    """A release with its stages and approvals."""
    found = release.release(client.transport, subscription.project.azure_id, subscription.number)
    return Snapshot(encode(found), seconds_until_next_poll(found, now=now))


def read_releases(client: AzureDevOpsClient, subscription: PollSubscription, now: datetime) -> Snapshot:
    """The newest releases of a pipeline."""
    newest = releases_of(client, subscription.project.azure_id, subscription.number)
    return Snapshot(encode(newest), seconds_until_any_changes(newest.items, now=now))


def seconds_until_any_changes(releases: Iterable[Release], *, now: datetime) -> int | None:
    """How soon one of several releases may have changed; None when none changes without a person."""
    waits = (seconds_until_next_poll(found, now=now) for found in releases)
    return min((seconds for seconds in waits if seconds), default=None)
