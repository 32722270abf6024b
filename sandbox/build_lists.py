"""Lists of build definitions and builds: filters, orders and pages.

https://learn.microsoft.com/rest/api/azure/devops/build/builds/list
"""

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from sandbox.build import YAML_PROCESS, build_json, listed_definition, whole_definition
from sandbox.core import find_project
from sandbox.enumerations import enumeration
from sandbox.http_messages import Answer, ErrorResponse, Request, argument_wrong, listing
from sandbox.ids import moment
from sandbox.paging import NAME, TIME, Order
from sandbox.pipelines import Build, Definition
from sandbox.state import Project

USUAL_PAGE = 1000
# Azure Repos, the only kind of repository here.
_REPOSITORY_TYPE = "tfsgit"
_DEFINITION_ORDERS = (
    "none",
    "lastModifiedAscending",
    "lastModifiedDescending",
    "definitionNameAscending",
    "definitionNameDescending",
)
_ORDERS = (
    "finishTimeAscending",
    "finishTimeDescending",
    "queueTimeAscending",
    "queueTimeDescending",
    "startTimeAscending",
    "startTimeDescending",
)
_STATUSES, _RESULTS, _REASONS = (enumeration(name) for name in ("BuildStatus", "BuildResult", "BuildReason"))
_DELETED = ("excludeDeleted", "includeDeleted", "onlyDeleted")
_FAR = timedelta(days=365_000)


def definitions(request: Request, names: dict[str, str]) -> Answer:
    """List build definitions, in pages. A name may contain asterisks."""
    project = find_project(request, names)
    order = _definition_order(request)
    fitting = order.sort(_fitting_definitions(request, project))
    page, more = order.page(request, fitting, usual_size=USUAL_PAGE)
    write = whole_definition if request.flag("includeAllProperties") else listed_definition
    return listing(request, [write(request, project, definition) for definition in page], continuation=more)


def _definition_order(request: Request) -> Order:
    order = request.choice("queryOrder", _DEFINITION_ORDERS, "none")
    if order.startswith("definitionName"):
        return Order(lambda definition: definition.name.casefold(), NAME, ascending=order.endswith("Ascending"))
    # Definitions never change here.
    return Order(lambda definition: definition.created_at, TIME, ascending=not order.endswith("Descending"))


def _fitting_definitions(request: Request, project: Project) -> Iterator[Definition]:
    ids, name, path = request.listed("definitionIds"), request.query.get("name", ""), request.query.get("path", "")
    yaml_path = request.query.get("yamlFilename", "").lstrip("/").lower()
    built_after, not_built_after = (moment(request.query.get(name, "")) for name in ("builtAfter", "notBuiltAfter"))
    for definition in project.definitions:
        newest = max((build.queued_at for build in project.kept_builds if build.definition is definition), default=None)
        if (
            (not ids or str(definition.id) in ids)
            and _named(definition.name, name)
            and path.lower() in ("", definition.path.lower())
            and _built_from(request, definition)
            and request.number("processType", YAML_PROCESS) == YAML_PROCESS
            and yaml_path in ("", definition.yaml_path.lower())
            and (built_after is None or (newest is not None and newest > built_after))
            and (not_built_after is None or newest is None or newest <= not_built_after)
        ):
            yield definition


def _built_from(request: Request, definition: Definition) -> bool:
    """Whether a definition builds the requested repository. Raises `ErrorResponse`.

    Unlike elsewhere, a name is not accepted instead of an id: https://github.com/microsoft/azure-devops-mcp/issues/1194
    """
    repository_id, kind = request.query.get("repositoryId", "").lower(), request.query.get("repositoryType", "").lower()
    if kind not in ("", _REPOSITORY_TYPE):
        return False
    if repository_id and kind and not _is_id(repository_id):
        raise ErrorResponse(argument_wrong(request, "Repository ID for a tfsgit repository should be a GUID."))
    return repository_id in ("", definition.repository.id)


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _named(name: str, pattern: str) -> bool:
    begin, star, end = pattern.lower().partition("*")
    if not star:
        return pattern.lower() in ("", name.lower())
    return name.lower().startswith(begin) and name.lower().endswith(end.strip("*"))


def builds(request: Request, names: dict[str, str]) -> Answer:
    """List builds in the requested order, in pages. Only here an unknown project id is answered with 400."""
    project = find_project(request, names, unknown_id=400)
    order_name = request.choice("queryOrder", _ORDERS, "finishTimeDescending")
    order = Order(_time_of(order_name, request.now), TIME, ascending=order_name.endswith("Ascending"))
    fitting = _few_of_each(request, order.sort(_fitting_builds(request, project, order)))
    page, more = order.page(request, fitting, usual_size=USUAL_PAGE)
    return listing(request, [build_json(request, project, build) for build in page], continuation=more)


def _time_of(order: str, now: datetime) -> Callable[[Build], datetime]:
    """The time by which builds are sorted. A build without that time is sorted as if it were in the far future."""
    if order.startswith("queueTime"):
        return lambda build: build.queued_at
    if order.startswith("startTime"):
        return lambda build: build.state(now).started_at or build.queued_at + _FAR
    return lambda build: build.state(now).finished_at or build.queued_at + _FAR


def _fitting_builds(request: Request, project: Project, order: Order) -> Iterator[Build]:
    since, until = moment(request.query.get("minTime", "")), moment(request.query.get("maxTime", ""))
    definitions, ids, queues = (request.listed(name) for name in ("definitions", "buildIds", "queues"))
    number, branch = request.query.get("buildNumber", ""), request.query.get("branchName", "")
    _require_both_of_repository(request)
    for build in project.builds:
        if (
            (not definitions or str(build.definition.id) in definitions)
            and (not ids or str(build.id) in ids)
            and (not queues or str(build.definition.queue.id) in queues)
            and branch in ("", build.branch)
            and _named(build.number, number)
            and _built_from(request, build.definition)
            and _is_in_state(request, build)
            and request.listed("tagFilters") <= {tag.lower() for tag in build.tags}
            # The order determines which time is compared.
            and (since is None or order.key(build) >= since)
            and (until is None or order.key(build) <= until)
        ):
            yield build


def _require_both_of_repository(request: Request) -> None:
    # The message is inferred: https://github.com/MicrosoftDocs/vsts-rest-api-specs/issues/687
    if bool(request.query.get("repositoryId")) != bool(request.query.get("repositoryType")):
        text = "The repository ID and the repository type must be specified together."
        raise ErrorResponse(argument_wrong(request, text))


def _is_in_state(request: Request, build: Build) -> bool:
    """Whether a build has the requested status, result, reason, person and deletion."""
    state = build.state(request.now)
    status, result, reason = (request.query.get(f"{name}Filter", "") for name in ("status", "result", "reason"))
    deleted = request.choice("deletedFilter", _DELETED, "excludeDeleted")
    person = request.query.get("requestedFor", "").casefold()
    return (
        _STATUSES.lets_through(status, state.status)
        and _RESULTS.lets_through(result, state.result or "none")
        and _REASONS.lets_through(reason, build.reason)
        and person in ("", build.person.name.casefold(), build.person.upn.casefold(), build.person.id)
        and (deleted == "includeDeleted" or (build.deleted_at is not None) == (deleted == "onlyDeleted"))
    )


def _few_of_each(request: Request, builds: list[Build]) -> list[Build]:
    limit = request.number("maxBuildsPerDefinition", 0)
    if limit <= 0:
        return builds
    seen: dict[int, int] = {}
    kept = []
    for build in builds:
        seen[build.definition.id] = seen.get(build.definition.id, 0) + 1
        if seen[build.definition.id] <= limit:
            kept.append(build)
    return kept
