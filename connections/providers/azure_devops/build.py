"""Pipelines and their builds. To Azure DevOps a pipeline is a "build definition", and a run of it a "build".

A `project` is given by id or by name.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.models import Page
from connections.providers.azure_devops.paging import Listed, every_page, read_in_parts
from connections.providers.azure_devops.parsing import (
    instant,
    mapping,
    number_of,
    objects,
    optional_number,
    optional_text,
    person,
    read_page,
    state,
    text_of,
    web_link,
)
from connections.providers.azure_devops.responses import Response, fit_to_show
from connections.providers.azure_devops.transport import Transport, successful
from connections.providers.organization import Identity

# The number of ids that fit into one URL.
_IDS_AT_ONCE = 100
_MOST_PROBLEMS = 20
# https://learn.microsoft.com/rest/api/azure/devops/build/definitions/get#buildrepository
AZURE_REPOS = "TfsGit"


class Status(StrEnum):
    """Status of a build. https://learn.microsoft.com/rest/api/azure/devops/build/builds/get#buildstatus"""

    NOT_STARTED = "notStarted"
    IN_PROGRESS = "inProgress"
    CANCELLING = "cancelling"
    POSTPONED = "postponed"
    COMPLETED = "completed"
    NONE = "none"
    UNKNOWN = "unknown"


class Result(StrEnum):
    """Result of a completed build. https://learn.microsoft.com/rest/api/azure/devops/build/builds/get#buildresult"""

    SUCCEEDED = "succeeded"
    PARTIALLY_SUCCEEDED = "partiallySucceeded"
    FAILED = "failed"
    CANCELED = "canceled"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Build:
    """A run of a pipeline. `result` is None until it is completed; `branch` is a full ref."""

    id: int
    number: str
    status: Status
    definition_id: int
    definition_name: str
    result: Result | None = None
    reason: str | None = None
    branch: str | None = None
    commit: str | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    requested_for: Identity | None = None
    web_url: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether the build is completed."""
        return self.status is Status.COMPLETED


@dataclass(frozen=True, slots=True)
class Definition:
    """A pipeline. `queue_status` is enabled, paused or disabled; `path` is its folder, beginning with a backslash.

    `latest` is set only if it was requested, the repository and its branch only if Azure DevOps sends them. The code
    may be elsewhere: `repository_type` is TfsGit, GitHub, TfsVersionControl, Bitbucket, Git, Svn or others.
    """

    id: int
    name: str
    path: str = "\\"
    queue_status: str = "enabled"
    repository_id: str | None = None
    repository_type: str | None = None
    default_branch: str | None = None
    latest: Build | None = None
    web_url: str | None = None

    @property
    def is_in_azure_repos(self) -> bool:
        """Whether its code is a Git repository of Azure DevOps, whose branches can be listed."""
        return self.repository_id is not None and (self.repository_type or AZURE_REPOS).lower() == AZURE_REPOS.lower()


def _path(project: str, *more: str | int) -> tuple[str, ...]:
    return (project, "_apis", "build", *(str(name) for name in more))


def definitions_page(
    transport: Transport,
    project: str,
    *,
    name: str | None = None,
    with_latest: bool = False,
    continuation: str | None = None,
    top: int = 500,
) -> Page[Definition]:
    """One page of pipelines; `name` may contain asterisks."""
    query = {
        "$top": str(top),
        "includeLatestBuilds": "true" if with_latest else None,
        "name": name,
        "continuationToken": continuation,
    }
    # https://learn.microsoft.com/rest/api/azure/devops/build/definitions/list
    answer = transport.get(_path(project, "definitions"), query=query)
    return read_page(answer, read_definition)


def definitions(transport: Transport, project: str, *, with_latest: bool = False) -> Iterator[Page[Definition]]:
    """Every page of pipelines."""

    def ask(continuation: str | None) -> Page[Definition]:
        return definitions_page(transport, project, with_latest=with_latest, continuation=continuation)

    return every_page(ask, seconds=transport.limits.list_seconds)


def definition(transport: Transport, project: str, definition_id: int) -> Definition:
    """One pipeline, with its repository and default branch."""
    # https://learn.microsoft.com/rest/api/azure/devops/build/definitions/get
    return read_definition(transport.get(_path(project, "definitions", definition_id)).json_object())


def read_definition(item: dict[str, Any]) -> Definition:
    """Read a pipeline."""
    latest = mapping(item, "latestBuild")
    return Definition(
        id=number_of(item, "id"),
        name=text_of(item, "name"),
        path=optional_text(item, "path") or "\\",
        queue_status=optional_text(item, "queueStatus") or "enabled",
        repository_id=optional_text(item, "repository", "id"),
        repository_type=optional_text(item, "repository", "type"),
        default_branch=optional_text(item, "repository", "defaultBranch"),
        latest=read_build(latest) if latest else None,
        web_url=web_link(item, "_links", "web", "href"),
    )


def builds_page(
    transport: Transport,
    project: str,
    *,
    definitions: Sequence[int] = (),
    branch: str | None = None,
    status: Status | None = None,
    results: Sequence[Result] = (),
    each: int | None = None,
    continuation: str | None = None,
    top: int = 200,
) -> Page[Build]:
    """One page of builds, newest first. `branch` is a full ref, `each` the maximum number per pipeline."""
    query = {
        "$top": str(top),
        "queryOrder": "queueTimeDescending",
        "definitions": ",".join(str(number) for number in definitions) or None,
        "branchName": branch,
        "statusFilter": status,
        "resultFilter": ",".join(results) or None,
        "maxBuildsPerDefinition": str(each) if each else None,
        "continuationToken": continuation,
    }
    # https://learn.microsoft.com/rest/api/azure/devops/build/builds/list
    answer = transport.get(_path(project, "builds"), query=query)
    return read_page(answer, read_build)


def latest_builds(
    transport: Transport, project: str, definitions: Sequence[int], *, each: int = 1, branch: str | None = None
) -> Listed[Build]:
    """The last builds of each of these pipelines, newest first, from all pages."""

    def ask(ids: Sequence[int], continuation: str | None) -> Page[Build]:
        return builds_page(
            transport, project, definitions=ids, each=each, branch=branch, continuation=continuation, top=1000
        )

    listed = read_in_parts(definitions, ask, size=_IDS_AT_ONCE, seconds=transport.limits.list_seconds)
    return replace(listed, items=tuple(sorted(listed.items, key=lambda build: build.id, reverse=True)))


def build(transport: Transport, project: str, build_id: int) -> Build:
    """One build."""
    # https://learn.microsoft.com/rest/api/azure/devops/build/builds/get
    return read_build(transport.get(_path(project, "builds", build_id)).json_object())


def read_build(item: dict[str, Any]) -> Build:
    """Read a build. Its result counts only if the build is completed."""
    status = state(item.get("status"), Status.UNKNOWN)
    return Build(
        id=number_of(item, "id"),
        number=optional_text(item, "buildNumber") or str(number_of(item, "id")),
        status=status,
        definition_id=optional_number(item, "definition", "id") or 0,
        definition_name=optional_text(item, "definition", "name") or "",
        result=state(item.get("result"), Result.UNKNOWN) if status is Status.COMPLETED else None,
        reason=optional_text(item, "reason"),
        branch=optional_text(item, "sourceBranch"),
        commit=optional_text(item, "sourceVersion"),
        queued_at=instant(item, "queueTime"),
        started_at=instant(item, "startTime"),
        finished_at=instant(item, "finishTime"),
        requested_for=person(item, "requestedFor"),
        web_url=web_link(item, "_links", "web", "href"),
        warnings=_problems(item.get("validationResults")),
    )


def queue(transport: Transport, project: str, definition_id: int, *, branch: str) -> Build:
    """Run a pipeline on a branch, given as a full ref. Never retried automatically.

    Raises `BuildNotQueued` with the reasons, and `AccessDenied`.
    """
    body = {"definition": {"id": definition_id}, "sourceBranch": branch}
    # https://learn.microsoft.com/rest/api/azure/devops/build/builds/queue
    answer = transport.ask("POST", _path(project, "builds"), json=body)
    if answer.type_key == "BuildRequestValidationFailedException":
        raise _not_queued(answer)
    return read_build(successful(answer).json_object())


def _not_queued(answer: Response) -> errors.BuildNotQueued:
    body = answer.json_object()
    results = mapping(body, "customProperties").get("ValidationResults") or body.get("ValidationResults")
    return errors.BuildNotQueued(
        problems=_problems(results), status=answer.status, activity_id=answer.activity_id, said=answer.said
    )


def _problems(results: object) -> tuple[str, ...]:
    """The messages of validation results that are not "ok"."""
    items = objects({"results": results}, "results")
    messages = (optional_text(item, "message") for item in items if item.get("result") != "ok")
    return tuple(fit_to_show(message) for message in messages if message)[:_MOST_PROBLEMS]


def cancel(transport: Transport, project: str, build_id: int) -> Build:
    """Cancel a build. It is `CANCELLING` for a while; a completed build does not change."""
    # https://learn.microsoft.com/rest/api/azure/devops/build/builds/update-build
    answer = transport.ask("PATCH", _path(project, "builds", build_id), json={"status": "cancelling"})
    return read_build(successful(answer).json_object())
