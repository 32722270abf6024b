"""Classic releases: their pipelines, environments, deployments and approvals.

They have their own host at Azure DevOps Services. `project` is an id or a name.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from connections.providers.azure_devops import build, errors
from connections.providers.azure_devops.models import Page
from connections.providers.azure_devops.paging import Listed, every_page, read_in_parts
from connections.providers.azure_devops.parsing import read_page
from connections.providers.azure_devops.release_models import (
    Approval,
    ApprovalStatus,
    Definition,
    Environment,
    Release,
    ReleaseStatus,
    Source,
    read_approval,
    read_definition,
    read_environment,
    read_release,
)
from connections.providers.azure_devops.transport import Transport, successful

# The API of single environments is only available as a preview.
_PREVIEW = "7.1-preview"
_ENVIRONMENTS_AND_ARTIFACTS = "environments,artifacts"
# Releases in lists are large, as they include all stages with approvals and deployments.
_AT_ONCE = 25


def _path(project: str, *more: str | int) -> tuple[str, ...]:
    return (project, "_apis", "release", *(str(name) for name in more))


def definitions_page(
    transport: Transport,
    project: str,
    *,
    search: str | None = None,
    with_latest: bool = False,
    continuation: str | None = None,
    top: int = 100,
) -> Page[Definition]:
    """One page of release pipelines with stages and sources, and optionally the newest release."""
    # https://learn.microsoft.com/rest/api/azure/devops/release/definitions/list
    query = {
        "$top": str(top),
        "$expand": f"{_ENVIRONMENTS_AND_ARTIFACTS},lastRelease" if with_latest else _ENVIRONMENTS_AND_ARTIFACTS,
        "searchText": search,
        "continuationToken": continuation,
    }
    answer = transport.get(_path(project, "definitions"), service="release", query=query)
    return read_page(answer, read_definition)


def definitions(transport: Transport, project: str, *, with_latest: bool = False) -> Iterator[Page[Definition]]:
    """Every page of release pipelines."""

    def ask(continuation: str | None) -> Page[Definition]:
        return definitions_page(transport, project, with_latest=with_latest, continuation=continuation)

    return every_page(ask, seconds=transport.limits.list_seconds)


def definition(transport: Transport, project: str, definition_id: int) -> Definition:
    """One release pipeline."""
    # https://learn.microsoft.com/rest/api/azure/devops/release/definitions/get
    answer = transport.get(_path(project, "definitions", definition_id), service="release")
    return read_definition(answer.json_object())


def artifact_versions(transport: Transport, project: str, source: Source, *, top: int = 25) -> tuple[build.Build, ...]:
    """The builds of this source that a release can use, newest first. Needs the scope to read builds.

    Empty for other kinds of sources, for which a release uses the version in its definition.
    """
    if source.kind != "Build" or source.definition_id is None or not source.definition_id.isdecimal():
        return ()
    page = build.builds_page(
        transport,
        source.project_id or project,
        definitions=[int(source.definition_id)],
        status=build.Status.COMPLETED,
        results=[build.Result.SUCCEEDED, build.Result.PARTIALLY_SUCCEEDED],
        top=top,
    )
    return page.items


def releases_page(
    transport: Transport,
    project: str,
    *,
    definition_id: int | None = None,
    ids: Sequence[int] = (),
    status: ReleaseStatus | None = None,
    continuation: str | None = None,
    top: int = 50,
) -> Page[Release]:
    """One page of releases, newest first, with environments, artifacts and approvals; of `ids`, if given."""
    # https://learn.microsoft.com/rest/api/azure/devops/release/releases/list
    query = {
        "$top": str(top),
        "$expand": f"{_ENVIRONMENTS_AND_ARTIFACTS},approvals",
        "queryOrder": "descending",
        "definitionId": None if definition_id is None else str(definition_id),
        "releaseIdFilter": ",".join(str(number) for number in ids) or None,
        "statusFilter": status,
        "continuationToken": continuation,
    }
    answer = transport.get(_path(project, "releases"), service="release", query=query)
    return read_page(answer, read_release)


def releases(transport: Transport, project: str, *, definition_id: int | None = None) -> Iterator[Page[Release]]:
    """Every page of releases, newest first."""
    ask = partial(releases_page, transport, project, definition_id=definition_id)
    return every_page(lambda token: ask(continuation=token), seconds=transport.limits.list_seconds)


def releases_by_ids(transport: Transport, project: str, ids: Sequence[int]) -> Listed[Release]:
    """The releases with these ids that still exist."""

    def ask(ids: Sequence[int], continuation: str | None) -> Page[Release]:
        return releases_page(transport, project, ids=ids, continuation=continuation, top=_AT_ONCE)

    return read_in_parts(ids, ask, size=_AT_ONCE, seconds=transport.limits.list_seconds)


def release(transport: Transport, project: str, release_id: int) -> Release:
    """One release with all details."""
    # https://learn.microsoft.com/rest/api/azure/devops/release/releases/get-release
    return read_release(transport.get(_path(project, "releases", release_id), service="release").json_object())


def create_release(
    transport: Transport,
    project: str,
    definition_id: int,
    *,
    versions: Mapping[str, tuple[str, str]] | None = None,
    description: str = "",
    manual_environments: Sequence[str] = (),
) -> Release:
    """Create a release. `versions` has id and name of a version by alias; Azure DevOps chooses the others.

    Environments in `manual_environments` are deployed manually. Raises `ReleasesDisabled`, `AccessDenied`, and
    `Rejected` if a version is not available.
    """
    artifacts = [
        {"alias": alias, "instanceReference": {"id": version_id, "name": name}}
        for alias, (version_id, name) in (versions or {}).items()
    ]
    body = {
        "definitionId": definition_id,
        "description": description,
        "artifacts": artifacts,
        "isDraft": False,
        "reason": "manual",
        "manualEnvironments": list(manual_environments) or None,
    }
    # https://learn.microsoft.com/rest/api/azure/devops/release/releases/create
    answer = transport.ask("POST", _path(project, "releases"), service="release", json=body)
    return read_release(successful(answer).json_object())


def deploy(transport: Transport, project: str, release_id: int, environment_id: int, *, comment: str) -> Environment:
    """Start the deployment of an environment. Raises `Rejected` if its state does not allow that."""
    return _change(transport, project, release_id, environment_id, status="inProgress", comment=comment)


def cancel(transport: Transport, project: str, release_id: int, environment_id: int, *, comment: str) -> Environment:
    """Cancel the deployment of an environment. Raises `Rejected` if there is none."""
    return _change(transport, project, release_id, environment_id, status="canceled", comment=comment)


def _change(
    transport: Transport, project: str, release_id: int, environment_id: int, *, status: str, comment: str
) -> Environment:
    path = _path(project, "releases", release_id, "environments", environment_id)
    body = {"status": status, "comment": comment}
    # https://learn.microsoft.com/rest/api/azure/devops/release/releases/update-release-environment
    answer = transport.ask("PATCH", path, service="release", json=body, api_version=_PREVIEW)
    return read_environment(successful(answer).json_object())


def approvals_page(
    transport: Transport,
    project: str,
    *,
    status: ApprovalStatus = ApprovalStatus.PENDING,
    release_ids: Sequence[int] = (),
    continuation: str | None = None,
    top: int = 100,
) -> Page[Approval]:
    """One page of approvals in a state, newest first."""
    query = {
        "top": str(top),
        "statusFilter": status,
        "queryOrder": "descending",
        "releaseIdsFilter": ",".join(str(release_id) for release_id in release_ids) or None,
        "continuationToken": continuation,
    }
    # https://learn.microsoft.com/rest/api/azure/devops/release/approvals/list
    answer = transport.get(_path(project, "approvals"), service="release", query=query)
    return read_page(answer, read_approval)


def approvals(transport: Transport, project: str) -> Iterator[Page[Approval]]:
    """Every page of pending approvals."""
    limit = transport.limits.list_seconds
    return every_page(lambda token: approvals_page(transport, project, continuation=token), seconds=limit)


def approve(transport: Transport, project: str, approval_id: int, *, comments: str) -> Approval:
    """Approve a deployment. Needs the scope to manage releases."""
    return _decide(transport, project, approval_id, status="approved", comments=comments)


def reject(transport: Transport, project: str, approval_id: int, *, comments: str) -> Approval:
    """Reject a deployment. Needs the scope to manage releases."""
    return _decide(transport, project, approval_id, status="rejected", comments=comments)


def _decide(transport: Transport, project: str, approval_id: int, *, status: str, comments: str) -> Approval:
    body = {"status": status, "comments": comments}
    # https://learn.microsoft.com/rest/api/azure/devops/release/approvals/update
    answer = transport.ask("PATCH", _path(project, "approvals", approval_id), service="release", json=body)
    return read_approval(successful(answer).json_object())


def are_disabled(transport: Transport, project: str) -> bool | None:
    """Whether classic releases are switched off; None if this project does not tell.

    Raises `EmptyRefusal` without the scope for projects.
    """
    # https://learn.microsoft.com/rest/api/azure/devops/build/general-settings/get
    try:
        answer = transport.get((project, "_apis", "build", "generalsettings"))
    except (errors.AccessDenied, errors.NotFound, errors.NoSuchAddress, errors.Rejected):
        return None
    value = answer.json_object().get("disableClassicReleasePipelineCreation")
    return value if isinstance(value, bool) else None
