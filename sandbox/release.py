"""Classic releases: what there is. https://learn.microsoft.com/rest/api/azure/devops/release"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.core import find_project
from sandbox.deployments import Approval, Attempt, Environment, Release, ReleaseDefinition
from sandbox.enumerations import enumeration
from sandbox.ids import moment
from sandbox.release_json import Writer, task_log
from sandbox.wire import Answer, Refused, Request, error, json_answer, listing, raw
from sandbox.world import Project

USUAL_PAGE = 50
EXCEPTIONS = "Microsoft.VisualStudio.Services.ReleaseManagement.Data.Exceptions"
_ASSEMBLY = "Microsoft.VisualStudio.Services.ReleaseManagement2.Data"
_STATUSES = ("undefined", "draft", "active", "abandoned")
_DEPLOYMENT_STATUSES, _OPERATION_STATUSES = enumeration("DeploymentStatus"), enumeration("DeploymentOperationStatus")
_APPROVAL_STATUSES = ("undefined", "pending", "approved", "rejected", "reassigned", "canceled", "skipped")


def not_found(request: Request, text: str, type_key: str) -> Answer:
    """404 in the words of the release service."""
    return error(request, 404, text, type_key, EXCEPTIONS, _ASSEMBLY)


def refused(request: Request, text: str, type_key: str = "InvalidRequestException") -> Answer:
    """400 in the words of the release service."""
    return error(request, 400, text, type_key, EXCEPTIONS, _ASSEMBLY)


def settled(request: Request, names: dict[str, str]) -> Project:
    """The project that an address names, with its releases brought up to now. Raises `Refused`."""
    project = find_project(request, names)
    for release in project.releases:
        release.settle(request.now, project.new_id)
    return project


def _page(
    request: Request, items: list[Any], number: Callable[[Any], int], *, top: str = "$top", descending: bool
) -> tuple[list[Any], str | None]:
    """A page of a list sorted by number, and the number at which the next one begins."""
    order = request.query.get("queryOrder", "descending" if descending else "ascending").lower()
    backwards = order.endswith("descending")
    token = request.number("continuationToken", 0)
    ordered = sorted(items, key=number, reverse=backwards)
    left = [one for one in ordered if not token or (number(one) <= token if backwards else number(one) >= token)]
    size = max(request.number(top, USUAL_PAGE), 1)
    return left[:size], str(number(left[size])) if len(left) > size else None


def definitions(request: Request, names: dict[str, str]) -> Answer:
    """Release definitions, in pages."""
    project = settled(request, names)
    search, exact = request.query.get("searchText", "").casefold(), request.flag("isExactNameMatch")
    ids, expand = request.listed("definitionIdFilter"), request.listed("$expand")
    fitting = [
        one
        for one in project.release_definitions
        if (search == one.name.casefold() if exact and search else search in one.name.casefold())
        and (not ids or str(one.id) in ids)
    ]
    page, more = _page(request, fitting, lambda one: int(one.id), descending=False)
    writer = Writer(request, project)
    found = [
        writer.definition(one, environments="environments" in expand, artifacts="artifacts" in expand)
        | (_last_release(writer, project, one) if "lastrelease" in expand else {})
        for one in page
    ]
    return listing(request, found, continuation=more)


def _last_release(writer: Writer, project: Project, definition: ReleaseDefinition) -> dict[str, Any]:
    own = [one for one in project.releases if one.definition is definition]
    return {"lastRelease": writer.release_reference(own[-1])} if own else {}


def definition(request: Request, names: dict[str, str]) -> Answer:
    """One release definition, with everything."""
    project = settled(request, names)
    found = find_definition(request, project, names["definition"])
    return json_answer(request, Writer(request, project).definition(found, environments=True, artifacts=True))


def find_definition(request: Request, project: Project, wanted: str) -> ReleaseDefinition:
    """A definition by number. Raises `Refused`."""
    found = next((one for one in project.release_definitions if str(one.id) == wanted), None)
    if found is None:
        text = f"VS402936: Release pipeline with ID {wanted} does not exist. Specify a valid ID and try again."
        raise Refused(not_found(request, text, "ReleaseDefinitionNotFoundException"))
    return found


def releases(request: Request, names: dict[str, str]) -> Answer:
    """Releases, newest first, in pages; with their environments when asked."""
    project = settled(request, names)
    expand = request.listed("$expand")
    page, more = _page(request, list(_fitting(request, project)), lambda one: int(one.id), descending=True)
    writer = Writer(request, project)
    found = [
        writer.release(one, environments="environments" in expand, artifacts="artifacts" in expand) for one in page
    ]
    return listing(request, found, continuation=more)


def _fitting(request: Request, project: Project) -> Iterator[Release]:
    definition, search = request.query.get("definitionId", ""), request.query.get("searchText", "").casefold()
    ids = request.listed("releaseIdFilter")
    status = request.choice("statusFilter", _STATUSES, "undefined")
    since = moment(request.query.get("minCreatedTime", ""))
    until = moment(request.query.get("maxCreatedTime", ""))
    for one in project.releases:
        if (
            definition in ("", str(one.definition.id))
            and (search in one.name.casefold() or search == str(one.id))
            and (not ids or str(one.id) in ids)
            and status in ("undefined", one.status)
            and (since is None or one.created_at >= since)
            and (until is None or one.created_at <= until)
        ):
            yield one


def find_release(request: Request, project: Project, names: dict[str, str]) -> Release:
    """The release that an address names. Raises `Refused`."""
    found = next((one for one in project.releases if str(one.id) == names["release"]), None)
    if found is None:
        text = f"Release with ID: {names['release']} does not exist."
        raise Refused(not_found(request, text, "ReleaseNotFoundException"))
    return found


def release(request: Request, names: dict[str, str]) -> Answer:
    """One release, with everything."""
    project = settled(request, names)
    found = find_release(request, project, names)
    return json_answer(request, Writer(request, project).release(found, environments=True, artifacts=True))


def find_environment(request: Request, release: Release, names: dict[str, str]) -> Environment:
    """The environment that an address names. Raises `Refused`."""
    found = next((one for one in release.environments if str(one.id) == names["environment"]), None)
    if found is None:
        text = f"The stage with ID {names['environment']} does not exist in {release.name}."
        raise Refused(not_found(request, text, "ReleaseManagementObjectNotFoundException"))
    return found


def environment(request: Request, names: dict[str, str]) -> Answer:
    """One environment of a release."""
    project = settled(request, names)
    release = find_release(request, project, names)
    found = find_environment(request, release, names)
    return json_answer(request, Writer(request, project).environment(release, found))


def log(request: Request, names: dict[str, str]) -> Answer:
    """What a task of a deployment said, as text."""
    project = settled(request, names)
    found = find_environment(request, find_release(request, project, names), names)
    attempt = next((one for one in found.attempts if str(one.id) == names["phase"]), None)
    if attempt is None or not 1 <= int(names["task"]) <= 4:
        raise Refused(not_found(request, "The log does not exist.", "ReleaseManagementObjectNotFoundException"))
    lines = task_log(attempt, int(names["task"]))
    return raw(request, "".join(f"{line}\n" for line in lines).encode(), "text/plain")


@dataclass(frozen=True)
class Deployment:
    """One attempt, and what it belongs to."""

    release: Release
    environment: Environment
    attempt: Attempt


def _deployments(project: Project) -> Iterator[Deployment]:
    for release in project.releases:
        for environment in release.environments:
            for attempt in environment.attempts:
                yield Deployment(release, environment, attempt)


def deployments(request: Request, names: dict[str, str]) -> Answer:
    """What was deployed to which environment, newest first, in pages."""
    project = settled(request, names)
    definition = request.query.get("definitionId", "")
    planned = request.query.get("definitionEnvironmentId", "")
    status, operation = request.query.get("deploymentStatus", ""), request.query.get("operationStatus", "")
    fitting = []
    for one in _deployments(project):
        progress = one.environment.progress(one.attempt, request.now)
        if (
            definition in ("", str(one.release.definition.id))
            and planned in ("", str(one.environment.plan.id))
            and _DEPLOYMENT_STATUSES.lets_through(status, progress.deployment)
            and _OPERATION_STATUSES.lets_through(operation, progress.operation)
            and (not request.flag("latestAttemptsOnly") or one.attempt is one.environment.attempts[-1])
        ):
            fitting.append(one)
    page, more = _page(request, fitting, lambda one: int(one.attempt.id), descending=True)
    writer = Writer(request, project)
    found = [writer.deployment(one.release, one.environment, one.attempt) for one in page]
    return listing(request, found, continuation=more)


def find_approval(project: Project, wanted: str) -> tuple[Deployment, Approval] | None:
    """An approval by number, and what it is about."""
    for one in _deployments(project):
        for approval in one.attempt.approvals:
            if str(approval.id) == wanted:
                return one, approval
    return None


def approvals(request: Request, names: dict[str, str]) -> Answer:
    """Approvals in the asked state, newest first, in pages; pending when it is not said."""
    project = settled(request, names)
    status = request.choice("statusFilter", _APPROVAL_STATUSES, "pending")
    releases = request.listed("releaseIdsFilter")
    person = request.query.get("assignedToFilter", "").casefold()
    fitting = []
    for one in _deployments(project):
        for approval in one.attempt.approvals:
            asked = approval.approver
            if (
                status in ("undefined", approval.status)
                and (not releases or str(one.release.id) in releases)
                and (not person or (asked and person in (asked.id, asked.upn.casefold(), asked.name.casefold())))
            ):
                fitting.append((one, approval))
    page, more = _page(request, fitting, lambda pair: int(pair[1].id), top="top", descending=True)
    writer = Writer(request, project)
    found = [writer.approval(one.release, one.environment, one.attempt, approval) for one, approval in page]
    return listing(request, found, continuation=more)
