"""Lists of classic releases, definitions, deployments and approvals: filters, orders and pages.

https://learn.microsoft.com/rest/api/azure/devops/release/releases/list
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from sandbox.core import usable_projects
from sandbox.deployments import Approval, Progress, Release, ReleaseDefinition
from sandbox.enumerations import enumeration
from sandbox.http_messages import Answer, Request, listing
from sandbox.ids import moment
from sandbox.paging import NAME, Order
from sandbox.people import Person
from sandbox.release import Deployment, deployments_of, settled, with_settled_releases
from sandbox.release_json import EVERY_APPROVAL, Writer
from sandbox.state import Project

USUAL_PAGE = 50
_STATUSES = ("undefined", "draft", "active", "abandoned")
_DEPLOYMENT_STATUSES, _OPERATION_STATUSES = enumeration("DeploymentStatus"), enumeration("DeploymentOperationStatus")
_ENVIRONMENT_STATUSES = enumeration("EnvironmentStatus")
_APPROVAL_STATUSES = ("undefined", "pending", "approved", "rejected", "reassigned", "canceled", "skipped")
_APPROVAL_TYPES = ("undefined", "preDeploy", "postDeploy", "all")
# The only type of artifact here.
_ARTIFACT_TYPE = "build"


def _page(
    request: Request, items: list[Any], number: Callable[[Any], int], *, top: str = "$top", descending: bool
) -> tuple[list[Any], str | None]:
    """A page of a list sorted by number, and the number at which the next page starts."""
    order = request.query.get("queryOrder", "descending" if descending else "ascending").lower()
    backwards = order.endswith("descending")
    token = request.number("continuationToken", 0)
    ordered = sorted(items, key=number, reverse=backwards)
    left = [item for item in ordered if not token or (number(item) <= token if backwards else number(item) >= token)]
    size = max(request.number(top, USUAL_PAGE), 1)
    return left[:size], str(number(left[size])) if len(left) > size else None


def _is(person: Person | None, name: str) -> bool:
    """Whether a filter names a person, by name, address or id; an empty filter matches everyone."""
    known = (person.name.casefold(), person.upn.casefold(), person.id) if person else ()
    return not name or name.casefold() in known


def _is_within(request: Request, time: datetime | None, since: str, until: str) -> bool:
    """Whether a time is between those of two parameters; a missing time is outside of any limits."""
    earliest, latest = moment(request.query.get(since, "")), moment(request.query.get(until, ""))
    if time is None:
        return earliest is None and latest is None
    return (earliest is None or time >= earliest) and (latest is None or time <= latest)


def _is_below(path: str, folder: str) -> bool:
    """Whether a folder ("\\Mac") is another folder or inside of it."""
    begin = folder.casefold().rstrip("\\") + "\\"
    return not folder or (path.casefold().rstrip("\\") + "\\").startswith(begin)


def definitions(request: Request, names: dict[str, str]) -> Answer:
    """List release definitions by number or by name, in pages."""
    project = settled(request, names)
    fitting = list(_fitting_definitions(request, project))
    if request.query.get("queryOrder", "").startswith("name"):
        ascending = request.query["queryOrder"].endswith("Ascending")
        order = Order(lambda definition: definition.name.casefold(), NAME, ascending=ascending)
        page, more = order.page(request, order.sort(fitting), usual_size=USUAL_PAGE)
    else:
        page, more = _page(request, fitting, lambda definition: int(definition.id), descending=False)
    writer = Writer(request, project)
    return listing(request, [_expanded(request, writer, definition) for definition in page], continuation=more)


def _fitting_definitions(request: Request, project: Project) -> Iterator[ReleaseDefinition]:
    ids, path = request.listed("definitionIdFilter"), request.query.get("path", "")
    kind, source = request.query.get("artifactType", "").lower(), request.query.get("artifactSourceId", "").lower()
    for definition in project.release_definitions:
        sources = [f"{project.id}:{artifact.definition.id}" for artifact in definition.artifacts]
        if (
            _is_searched(request, definition)
            and (not ids or str(definition.id) in ids)
            and _is_below(definition.path, path)
            and kind in ("", _ARTIFACT_TYPE)
            and (not source or source in sources)
            # Definitions are never deleted here, and have no tags.
            and not request.flag("isDeleted")
            and not request.listed("tagFilter")
        ):
            yield definition


def _is_searched(request: Request, definition: ReleaseDefinition) -> bool:
    search, name = request.query.get("searchText", "").casefold(), definition.name.casefold()
    if search and request.flag("searchTextContainsFolderName") and search in definition.path.casefold():
        return True
    return search == name if search and request.flag("isExactNameMatch") else search in name


def _expanded(request: Request, writer: Writer, definition: ReleaseDefinition) -> dict[str, Any]:
    expand = request.listed("$expand")
    written = writer.definition(definition, environments="environments" in expand, artifacts="artifacts" in expand)
    empty: dict[str, Any] = {"triggers": [], "variables": {}, "tags": []}
    written |= {name: value for name, value in empty.items() if name in expand}
    return written | (_last_release(writer, definition) if "lastrelease" in expand else {})


def _last_release(writer: Writer, definition: ReleaseDefinition) -> dict[str, Any]:
    own = [release for release in writer.project.releases if release.definition is definition]
    return {"lastRelease": writer.release_reference(own[-1])} if own else {}


def releases(request: Request, names: dict[str, str]) -> Answer:
    """List releases of a project, or of all, newest first, in pages; with environments and artifacts on request."""
    if "project" in names:
        projects = [settled(request, names)]
    else:
        projects = [with_settled_releases(request, project) for project in usable_projects(request)]
    fitting = [(project, release) for project in projects for release in _fitting_releases(request, project)]
    page, more = _page(request, fitting, lambda pair: int(pair[1].id), descending=True)
    expand = request.listed("$expand")
    approvals = EVERY_APPROVAL if "approvals" in expand else frozenset({"approvalSnapshots"})
    written = [
        Writer(request, project, approvals=approvals).release(
            release, environments=not expand.isdisjoint({"environments", "approvals"}), artifacts="artifacts" in expand
        )
        for project, release in page
    ]
    return listing(request, written, continuation=more)


def _fitting_releases(request: Request, project: Project) -> Iterator[Release]:
    definition, search = request.query.get("definitionId", ""), request.query.get("searchText", "").casefold()
    ids, path = request.listed("releaseIdFilter"), request.query.get("path", "")
    status = request.choice("statusFilter", _STATUSES, "undefined")
    for release in project.releases:
        if (
            definition in ("", str(release.definition.id))
            and (search in release.name.casefold() or search == str(release.id))
            and (not ids or str(release.id) in ids)
            and status in ("undefined", release.status)
            and _is(release.person, request.query.get("createdBy", ""))
            and _is_within(request, release.created_at, "minCreatedTime", "maxCreatedTime")
            and _is_below(release.definition.path, path)
            and _has_environment(request, release)
            and _has_artifact(request, project, release)
            # Releases are never deleted here, and have no tags.
            and not request.flag("isDeleted")
            and not request.listed("tagFilter")
        ):
            yield release


def _has_environment(request: Request, release: Release) -> bool:
    """Whether one of the environments, or the requested one, has one of the requested states."""
    planned, states = request.query.get("definitionEnvironmentId", ""), request.number("environmentStatusFilter", 0)
    return any(
        planned in ("", str(environment.plan.id))
        and (not states or states & _ENVIRONMENT_STATUSES.members[environment.status(request.now)])
        for environment in release.environments
    )


def _has_artifact(request: Request, project: Project, release: Release) -> bool:
    """Whether one of the artifacts has the requested type, source, version and branch."""
    kind, source, version, branch = (
        request.query.get(name, "")
        for name in ("artifactTypeId", "sourceId", "artifactVersionId", "sourceBranchFilter")
    )
    return any(
        kind.lower() in ("", _ARTIFACT_TYPE)
        and source.lower() in ("", f"{project.id}:{build.definition.id}")
        and version in ("", str(build.id))
        and branch in ("", build.branch)
        for build in release.artifacts.values()
    )


def deployments(request: Request, names: dict[str, str]) -> Answer:
    """List deployments, newest first, in pages."""
    project = settled(request, names)
    fitting = [deployment for deployment in deployments_of(project) if _is_asked_for(request, deployment)]
    page, more = _page(request, fitting, lambda deployment: int(deployment.attempt.id), descending=True)
    writer = Writer(request, project)
    written = [writer.deployment(item.release, item.environment, item.attempt) for item in page]
    return listing(request, written, continuation=more)


def _is_asked_for(request: Request, deployment: Deployment) -> bool:
    release, environment, attempt = deployment.release, deployment.environment, deployment.attempt
    progress = environment.progress(attempt, request.now)
    modified = progress.finished_at or progress.started_at or attempt.queued_at
    definition, planned = (request.query.get(name, "") for name in ("definitionId", "definitionEnvironmentId"))
    branches = {build.branch for build in release.artifacts.values()}
    return (
        definition in ("", str(release.definition.id))
        and planned in ("", str(environment.plan.id))
        and _is_in_state(request, progress)
        and (not request.flag("latestAttemptsOnly") or attempt is environment.attempts[-1])
        and _is(attempt.person, request.query.get("createdBy", ""))
        and _is(release.person, request.query.get("createdFor", ""))
        and _is_within(request, modified, "minModifiedTime", "maxModifiedTime")
        and _is_within(request, progress.started_at, "minStartedTime", "maxStartedTime")
        and (not request.query.get("sourceBranch") or request.query["sourceBranch"] in branches)
    )


def _is_in_state(request: Request, progress: Progress) -> bool:
    status, operation = request.query.get("deploymentStatus", ""), request.query.get("operationStatus", "")
    return _DEPLOYMENT_STATUSES.lets_through(status, progress.deployment) and _OPERATION_STATUSES.lets_through(
        operation, progress.operation
    )


def approvals(request: Request, names: dict[str, str]) -> Answer:
    """List approvals in the requested state, by default pending, newest first, in pages."""
    project = settled(request, names)
    fitting = list(_fitting_approvals(request, deployments_of(project)))
    page, more = _page(request, fitting, lambda pair: int(pair[1].id), top="top", descending=True)
    writer = Writer(request, project)
    written = [
        writer.approval(deployment.release, deployment.environment, deployment.attempt, approval)
        for deployment, approval in page
    ]
    return listing(request, written, continuation=more)


def _fitting_approvals(request: Request, deployments: Iterable[Deployment]) -> Iterator[tuple[Deployment, Approval]]:
    status = request.choice("statusFilter", _APPROVAL_STATUSES, "pending")
    releases, person = request.listed("releaseIdsFilter"), request.query.get("assignedToFilter", "")
    # There are no post-deployment approvals here.
    if request.choice("typeFilter", _APPROVAL_TYPES, "all") == "postDeploy":
        return
    for deployment in deployments:
        for approval in deployment.attempt.approvals:
            if (
                status in ("undefined", approval.status)
                and (not releases or str(deployment.release.id) in releases)
                and _is(approval.approver, person)
            ):
                yield deployment, approval
