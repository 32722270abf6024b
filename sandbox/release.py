"""Classic releases: what there is. https://learn.microsoft.com/rest/api/azure/devops/release"""

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.core import find_project
from sandbox.deployments import Approval, Attempt, Environment, Release, ReleaseDefinition
from sandbox.http_messages import Answer, ErrorResponse, Request, as_text, error, json_answer, raw
from sandbox.release_json import EVERY_APPROVAL, TASKS, Writer, task_log
from sandbox.state import Project
from sandbox.zips import zip_answer

EXCEPTIONS = "Microsoft.VisualStudio.Services.ReleaseManagement.Data.Exceptions"
_ASSEMBLY = "Microsoft.VisualStudio.Services.ReleaseManagement2.Data"


def not_found(request: Request, text: str, type_key: str) -> Answer:
    """404 as the release service words it."""
    return error(request, 404, text, type_key, EXCEPTIONS, _ASSEMBLY)


def refused(request: Request, text: str, type_key: str = "InvalidRequestException") -> Answer:
    """400 as the release service words it."""
    return error(request, 400, text, type_key, EXCEPTIONS, _ASSEMBLY)


def settled(request: Request, names: dict[str, str]) -> Project:
    """The project that a path names, with its releases updated to the current time. Raises `ErrorResponse`."""
    return with_settled_releases(request, find_project(request, names))


def with_settled_releases(request: Request, project: Project) -> Project:
    """The same project, after starting every deployment that is due to start automatically."""
    for release in project.releases:
        release.settle(request.now, project.new_id)
    return project


def definition(request: Request, names: dict[str, str]) -> Answer:
    """Read one release definition, complete."""
    project = settled(request, names)
    requested = find_definition(request, project, names["definition"])
    return json_answer(request, Writer(request, project).definition(requested, environments=True, artifacts=True))


def find_definition(request: Request, project: Project, number: str) -> ReleaseDefinition:
    """The definition with this number. Raises `ErrorResponse`."""
    match = next(
        (
            release_definition
            for release_definition in project.release_definitions
            if str(release_definition.id) == number
        ),
        None,
    )
    if match is None:
        text = f"VS402936: Release pipeline with ID {number} does not exist. Specify a valid ID and try again."
        raise ErrorResponse(not_found(request, text, "ReleaseDefinitionNotFoundException"))
    return match


def find_release(request: Request, project: Project, names: dict[str, str]) -> Release:
    """The release that a path names. Raises `ErrorResponse`."""
    match = next((release for release in project.releases if str(release.id) == names["release"]), None)
    if match is None:
        text = f"Release with ID: {names['release']} does not exist."
        raise ErrorResponse(not_found(request, text, "ReleaseNotFoundException"))
    return match


def release(request: Request, names: dict[str, str]) -> Answer:
    """Read one release, complete or with the requested kinds of approvals."""
    project = settled(request, names)
    requested = find_release(request, project, names)
    writer = Writer(request, project, approvals=_wanted_approvals(request))
    return json_answer(request, writer.release(requested, environments=True, artifacts=True))


def _wanted_approvals(request: Request) -> frozenset[str]:
    kinds = set((request.query.get("approvalFilters") or "all").split(","))
    return EVERY_APPROVAL if "all" in kinds else frozenset(kinds)


def find_environment(request: Request, release: Release, names: dict[str, str]) -> Environment:
    """The environment that a path names. Raises `ErrorResponse`."""
    match = next(
        (environment for environment in release.environments if str(environment.id) == names["environment"]), None
    )
    if match is None:
        text = f"The stage with ID {names['environment']} does not exist in {release.name}."
        raise ErrorResponse(not_found(request, text, "ReleaseManagementObjectNotFoundException"))
    return match


def environment(request: Request, names: dict[str, str]) -> Answer:
    """Read one environment of a release."""
    project = settled(request, names)
    release = find_release(request, project, names)
    requested = find_environment(request, release, names)
    return json_answer(request, Writer(request, project).environment(release, requested))


def log(request: Request, names: dict[str, str]) -> Answer:
    """Read the log of a deployment task as text, from `startLine` to `endLine`, counted from one."""
    project = settled(request, names)
    environment = find_environment(request, find_release(request, project, names), names)
    attempt = next((candidate for candidate in environment.attempts if str(candidate.id) == names["phase"]), None)
    if attempt is None or not 1 <= int(names["task"]) <= len(TASKS):
        raise ErrorResponse(not_found(request, "The log does not exist.", "ReleaseManagementObjectNotFoundException"))
    lines = task_log(attempt, int(names["task"]))
    first, last = max(request.number("startLine", 1), 1), request.number("endLine", len(lines))
    lines = lines[first - 1 : max(last, 0)]
    return raw(request, as_text(lines), "text/plain")


def logs(request: Request, names: dict[str, str]) -> Answer:
    """Read all logs of a release as a zip file: a folder for each environment, in it one for each attempt."""
    project = settled(request, names)
    requested = find_release(request, project, names)
    files = {
        f"{environment.plan.name}/Attempt {attempt.number}/{number}_{name}.log": as_text(task_log(attempt, number))
        for environment in requested.environments
        for attempt in environment.attempts
        if environment.progress(attempt, request.now).started_at is not None
        for number, name in enumerate(TASKS, start=1)
    }
    return zip_answer(request, f"ReleaseLogs_{requested.id}", files)


@dataclass(frozen=True)
class Deployment:
    """One attempt, with its release and environment."""

    release: Release
    environment: Environment
    attempt: Attempt


def deployments_of(project: Project) -> Iterator[Deployment]:
    """Every attempt of every environment of every release."""
    for release in project.releases:
        for environment in release.environments:
            for attempt in environment.attempts:
                yield Deployment(release, environment, attempt)


def find_approval(project: Project, number: str) -> tuple[Deployment, Approval] | None:
    """An approval by its number, with its attempt."""
    for deployment in deployments_of(project):
        for approval in deployment.attempt.approvals:
            if str(approval.id) == number:
                return deployment, approval
    return None
