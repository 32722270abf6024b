"""Build definitions and builds. https://learn.microsoft.com/rest/api/azure/devops/build"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from sandbox import permissions
from sandbox.core import find_project, project_json
from sandbox.git import web_url
from sandbox.ids import instant, moment, stable_id
from sandbox.pipelines import Build, Definition
from sandbox.wire import (
    Answer,
    Refused,
    Request,
    error,
    json_answer,
    listing,
    model_error,
    person_json,
)
from sandbox.world import Project

USUAL_PAGE = 1000
WEB_API = "Microsoft.TeamFoundation.Build.WebApi"
ASSEMBLY = "Microsoft.TeamFoundation.Build2.WebApi"
_ORDERS = (
    "finishTimeAscending",
    "finishTimeDescending",
    "queueTimeAscending",
    "queueTimeDescending",
    "startTimeAscending",
    "startTimeDescending",
)
_FAR = timedelta(days=365_000)
_STATUSES = ("none", "inProgress", "completed", "cancelling", "postponed", "notStarted", "all")


def definition_json(request: Request, project: Project, definition: Definition) -> dict[str, Any]:
    """A definition inside something else."""
    here = f"{request.here}/{project.id}/_apis/build/Definitions/{definition.id}"
    return {
        "drafts": [],
        "id": definition.id,
        "name": definition.name,
        "url": f"{here}?revision=1",
        "uri": f"vstfs:///Build/Definition/{definition.id}",
        "path": definition.path,
        "type": "build",
        "queueStatus": definition.queue_status,
        "revision": 1,
        "project": project_json(request, project),
    }


def _listed_definition(request: Request, project: Project, definition: Definition) -> dict[str, Any]:
    here = f"{request.here}/{project.id}"
    web = f"{here}/_build/definition?definitionId={definition.id}"
    found = definition_json(request, project, definition) | {
        "_links": {
            "self": {"href": f"{here}/_apis/build/Definitions/{definition.id}?revision=1"},
            "web": {"href": web},
            "editor": {"href": f"{here}/_build/designer?id={definition.id}&_a=edit-build-definition"},
            "badge": {"href": f"{here}/_apis/build/status/{definition.id}"},
        },
        "quality": "definition",
        "authoredBy": person_json(request, definition.author),
        "queue": _queue_json(request, project),
        "createdDate": instant(definition.created_at),
    }
    if request.flag("includeLatestBuilds"):
        found |= _latest_json(request, project, definition)
    return found


def _latest_json(request: Request, project: Project, definition: Definition) -> dict[str, Any]:
    own = [one for one in project.builds if one.definition is definition]
    completed = [one for one in own if one.state(request.now).status == "completed"]
    latest = {"latestBuild": own[-1:], "latestCompletedBuild": completed[-1:]}
    return {key: build_json(request, project, one) for key, found in latest.items() for one in found}


def _queue_json(request: Request, project: Project) -> dict[str, Any]:
    return {
        "_links": {"self": {"href": f"{request.here}/_apis/build/Queues/7"}},
        "id": 7,
        "name": "Azure Pipelines",
        "url": f"{request.here}/_apis/build/Queues/7",
        "pool": {"id": 9, "name": "Azure Pipelines", "isHosted": True},
    }


def _repository_json(request: Request, project: Project, definition: Definition) -> dict[str, Any]:
    repository = definition.repository
    return {
        "id": repository.id,
        "type": "TfsGit",
        "name": repository.name,
        "url": web_url(request, project, repository),
        "clean": None,
        "checkoutSubmodules": False,
    }


def definitions(request: Request, names: dict[str, str]) -> Answer:
    """Build definitions by name, in pages. A name may hold asterisks."""
    project = find_project(request, names)
    ids, name, path = request.listed("definitionIds"), request.query.get("name", ""), request.query.get("path", "")
    fitting = [
        one
        for one in sorted(project.definitions, key=lambda one: (one.created_at, one.id))
        if (not ids or str(one.id) in ids)
        and _named(one.name, name)
        and (not path or one.path.lower() == path.lower())
        and request.query.get("repositoryId", one.repository.id) == one.repository.id
    ]
    page, more = _page(request, fitting, lambda one: one.created_at, ascending=True)
    return listing(request, [_listed_definition(request, project, one) for one in page], continuation=more)


def _named(name: str, wanted: str) -> bool:
    begin, star, end = wanted.lower().partition("*")
    if not star:
        return wanted.lower() in ("", name.lower())
    return name.lower().startswith(begin) and name.lower().endswith(end.strip("*"))


def _page(
    request: Request, items: list[Any], key: Callable[[Any], datetime], *, ascending: bool
) -> tuple[list[Any], str | None]:
    """A page of a list sorted by time and id, and the token with the time and id at which the next one begins."""
    token = request.query.get("continuationToken", "")
    time, _, id_ = token.partition(",")
    since = moment(time) if token else None
    if token and (since is None or not (id_.isascii() and id_.isdigit() and len(id_) < 12)):
        raise Refused(model_error(request, 400, f"The value '{token}' is not valid for continuationToken."))
    left = items
    if since is not None:
        at = (since, int(id_))
        left = [one for one in items if ((key(one), one.id) >= at if ascending else (key(one), one.id) <= at)]
    top = max(request.number("$top", USUAL_PAGE), 1)
    return left[:top], f"{instant(key(left[top]))},{left[top].id}" if len(left) > top else None


def definition(request: Request, names: dict[str, str]) -> Answer:
    """One definition, with its repository and process."""
    project = find_project(request, names)
    found = find_definition(request, project, names["definition"])
    repository = _repository_json(request, project, found) | {"defaultBranch": found.repository.default_branch or ""}
    body = _listed_definition(request, project, found) | {
        "repository": repository,
        "process": {"type": 2, "yamlFilename": "azure-pipelines.yml"},
        "jobAuthorizationScope": "projectCollection",
        "jobTimeoutInMinutes": 60,
        "jobCancelTimeoutInMinutes": 5,
        "triggers": [],
        "variables": {},
        "properties": {},
        "tags": [],
    }
    return json_answer(request, body)


def find_definition(request: Request, project: Project, wanted: str) -> Definition:
    """A definition by number. Raises `Refused`."""
    found = next((one for one in project.definitions if str(one.id) == wanted), None)
    if found is None:
        text = f"The build pipeline with ID {wanted} could not be found."
        raise Refused(error(request, 404, text, "DefinitionNotFoundException", WEB_API, ASSEMBLY))
    return found


def build_json(request: Request, project: Project, build: Build) -> dict[str, Any]:
    """A build; what is not known yet is absent."""
    here = f"{request.here}/{project.id}"
    builds = f"{here}/_apis/build/builds/{build.id}"
    state = build.state(request.now)
    changer = build.canceled_by or build.person
    found: dict[str, Any] = {
        "_links": {
            "self": {"href": f"{here}/_apis/build/Builds/{build.id}"},
            "web": {"href": f"{here}/_build/results?buildId={build.id}"},
            "sourceVersionDisplayUri": {"href": f"{builds}/sources"},
            "timeline": {"href": f"{builds}/Timeline"},
            "badge": {"href": f"{here}/_apis/build/status/{build.definition.id}"},
        },
        "properties": {},
        "tags": [],
        "validationResults": [],
        "plans": [{"planId": stable_id("plan", project.id, build.id)}],
        "triggerInfo": {},
        "id": build.id,
        "buildNumber": build.number,
        "status": state.status,
        "queueTime": instant(build.queued_at),
        "url": f"{here}/_apis/build/Builds/{build.id}",
        "definition": definition_json(request, project, build.definition),
        "buildNumberRevision": build.id,
        "project": project_json(request, project),
        "uri": f"vstfs:///Build/Build/{build.id}",
        "sourceBranch": build.branch,
        "sourceVersion": build.commit,
        "queue": _queue_json(request, project),
        "priority": "normal",
        "reason": build.reason,
        "requestedFor": person_json(request, build.person),
        "requestedBy": person_json(request, build.person),
        "lastChangedDate": instant(build.changed_at(request.now)),
        "lastChangedBy": person_json(request, changer),
        "orchestrationPlan": {"planId": stable_id("plan", project.id, build.id)},
        "logs": {"id": 0, "type": "Container", "url": f"{builds}/logs"},
        "repository": _repository_json(request, project, build.definition),
        "keepForever": False,
        "retainedByRelease": False,
        "triggeredByBuild": None,
        "appendCommitMessageToRunName": True,
    }
    if state.result is not None:
        found["result"] = state.result
    if state.started_at is not None:
        found["startTime"] = instant(state.started_at)
    if state.finished_at is not None:
        found["finishTime"] = instant(state.finished_at)
    return found


def builds(request: Request, names: dict[str, str]) -> Answer:
    """Builds in the asked order, in pages. An unknown id of a project is a bad request here, and nowhere else."""
    project = find_project(request, names, unknown_id=400)
    order = request.choice("queryOrder", _ORDERS, "finishTimeDescending")
    key = _times(order, request.now)
    ascending = order.endswith("Ascending")
    fitting = sorted(_fitting(request, project), key=lambda one: (key(one), one.id), reverse=not ascending)
    page, more = _page(request, _few_of_each(request, fitting), key, ascending=ascending)
    return listing(request, [build_json(request, project, one) for one in page], continuation=more)


def _times(order: str, now: datetime) -> Callable[[Build], datetime]:
    """What builds are sorted by. One that did not come so far is sorted as if it did in a far future."""
    if order.startswith("queueTime"):
        return lambda one: one.queued_at
    if order.startswith("startTime"):
        return lambda one: one.state(now).started_at or one.queued_at + _FAR
    return lambda one: one.state(now).finished_at or one.queued_at + _FAR


def _fitting(request: Request, project: Project) -> Iterable[Build]:
    definitions, ids = request.listed("definitions"), request.listed("buildIds")
    branch, number = request.query.get("branchName", ""), request.query.get("buildNumber", "")
    status, result = request.choice("statusFilter", _STATUSES, "all"), request.listed("resultFilter")
    person = request.query.get("requestedFor", "").casefold()
    reason = request.query.get("reasonFilter", "all").lower()
    since, until = moment(request.query.get("minTime", "")), moment(request.query.get("maxTime", ""))
    for one in project.builds:
        state = one.state(request.now)
        if (
            (not definitions or str(one.definition.id) in definitions)
            and (not ids or str(one.id) in ids)
            and branch in ("", one.branch)
            and _named(one.number, number)
            and status in ("all", "none", state.status)
            and (not result or (state.result or "").lower() in result)
            and person in ("", one.person.name.casefold(), one.person.upn.casefold(), one.person.id)
            and reason in ("all", one.reason.lower())
            and (since is None or one.queued_at >= since)
            and (until is None or one.queued_at <= until)
        ):
            yield one


def _few_of_each(request: Request, builds: list[Build]) -> list[Build]:
    most = request.number("maxBuildsPerDefinition", 0)
    if most <= 0:
        return builds
    seen: dict[int, int] = {}
    kept = []
    for one in builds:
        seen[one.definition.id] = seen.get(one.definition.id, 0) + 1
        if seen[one.definition.id] <= most:
            kept.append(one)
    return kept


def find_build(request: Request, names: dict[str, str], *, changing: str = "") -> tuple[Project, Build]:
    """The build that an address names. `changing` names the right that a change needs. Raises `Refused`."""
    project = find_project(request, names)
    if changing and request.permission_first:
        require(request, project, None, changing)
    found = next((one for one in project.builds if str(one.id) == names["build"]), None)
    if found is None:
        text = f"The requested build {names['build']} could not be found."
        raise Refused(error(request, 404, text, "BuildNotFoundException", WEB_API, ASSEMBLY))
    if changing:
        require(request, project, found.definition, changing)
    return project, found


def require(request: Request, project: Project, definition: Definition | None, right: str) -> None:
    """Raise `Refused` with a 403 when the person, not the token, lacks a right."""
    if request.lacks(right):
        pipeline = f"{definition.id}:{definition.name}" if definition else "0:"
        raise Refused(permissions.build_denied(request, right, pipeline, project.name))


def build(request: Request, names: dict[str, str]) -> Answer:
    """One build."""
    return json_answer(request, build_json(request, *find_build(request, names)))


def latest(request: Request, names: dict[str, str]) -> Answer:
    """The newest completed build of a definition."""
    project = find_project(request, names)
    wanted = next((one for one in project.definitions if names["definition"] in (str(one.id), one.name)), None)
    branch = request.query.get("branchName", "")
    own = [one for one in project.builds if one.definition is wanted and branch in ("", one.branch)]
    completed = [one for one in own if one.state(request.now).status == "completed"]
    if not completed:
        text = f"No completed builds were found for pipeline {names['definition']}."
        raise Refused(error(request, 404, text, "BuildNotFoundException", WEB_API, ASSEMBLY))
    return json_answer(request, build_json(request, project, completed[-1]))


def work_items(request: Request, names: dict[str, str]) -> Answer:
    """What a build was for: here never anything."""
    find_build(request, names)
    return listing(request, [])


def general_settings(request: Request, names: dict[str, str]) -> Answer:
    """Which kinds of pipelines may be created."""
    find_project(request, names)
    off = request.organization.without_classic_releases
    body = {
        "enforceJobAuthScope": True,
        "enforceReferencedRepoScopedToken": True,
        "enforceSettableVar": True,
        "publishPipelineMetadata": False,
        "statusBadgesArePrivate": True,
        "disableClassicPipelineCreation": off,
        "disableClassicBuildPipelineCreation": off,
        "disableClassicReleasePipelineCreation": off,
    }
    return json_answer(request, body)
