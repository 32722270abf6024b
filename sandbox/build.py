"""Build definitions and builds. https://learn.microsoft.com/rest/api/azure/devops/build"""

from typing import Any

from sandbox import permissions
from sandbox.core import find_project, project_json
from sandbox.git import web_url
from sandbox.http_messages import Answer, ErrorResponse, Request, error, json_answer, listing, person_json
from sandbox.ids import instant, stable_id
from sandbox.pipelines import AgentQueue, Build, Definition
from sandbox.state import Project

WEB_API = "Microsoft.TeamFoundation.Build.WebApi"
ASSEMBLY = "Microsoft.TeamFoundation.Build2.WebApi"
YAML_PROCESS = 2


def definition_json(request: Request, project: Project, definition: Definition) -> dict[str, Any]:
    """A definition as part of other JSON."""
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


def listed_definition(request: Request, project: Project, definition: Definition) -> dict[str, Any]:
    """A definition in a list, with its newest builds on request."""
    here = f"{request.here}/{project.id}"
    web = f"{here}/_build/definition?definitionId={definition.id}"
    body = definition_json(request, project, definition) | {
        "_links": {
            "self": {"href": f"{here}/_apis/build/Definitions/{definition.id}?revision=1"},
            "web": {"href": web},
            "editor": {"href": f"{here}/_build/designer?id={definition.id}&_a=edit-build-definition"},
            "badge": {"href": f"{here}/_apis/build/status/{definition.id}"},
        },
        "quality": "definition",
        "authoredBy": person_json(request, definition.author),
        "queue": _queue_json(request, definition.queue),
        "createdDate": instant(definition.created_at),
    }
    if request.flag("includeLatestBuilds"):
        body |= _latest_json(request, project, definition)
    return body


def _latest_json(request: Request, project: Project, definition: Definition) -> dict[str, Any]:
    of_definition = [kept_build for kept_build in project.kept_builds if kept_build.definition is definition]
    completed = [build for build in of_definition if build.state(request.now).status == "completed"]
    latest = {"latestBuild": of_definition[-1:], "latestCompletedBuild": completed[-1:]}
    return {key: build_json(request, project, build) for key, builds in latest.items() for build in builds}


def _queue_json(request: Request, queue: AgentQueue) -> dict[str, Any]:
    url = f"{request.here}/_apis/build/Queues/{queue.id}"
    return {
        "_links": {"self": {"href": url}},
        "id": queue.id,
        "name": queue.name,
        "url": url,
        "pool": {"id": queue.pool_id, "name": queue.name, "isHosted": queue.is_hosted},
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


def whole_definition(request: Request, project: Project, definition: Definition) -> dict[str, Any]:
    """A single definition as JSON, with its repository and process."""
    repository = _repository_json(request, project, definition)
    return listed_definition(request, project, definition) | {
        "repository": repository | {"defaultBranch": definition.repository.default_branch or ""},
        "process": {"type": YAML_PROCESS, "yamlFilename": definition.yaml_path},
        "jobAuthorizationScope": "projectCollection",
        "jobTimeoutInMinutes": 60,
        "jobCancelTimeoutInMinutes": 5,
        "triggers": [],
        "variables": {},
        "properties": {},
        "tags": [],
    }


def definition(request: Request, names: dict[str, str]) -> Answer:
    """Read one definition."""
    project = find_project(request, names)
    requested = find_definition(request, project, names["definition"])
    return json_answer(request, whole_definition(request, project, requested))


def find_definition(request: Request, project: Project, number: str) -> Definition:
    """The definition with this number. Raises `ErrorResponse`."""
    match = next((definition for definition in project.definitions if str(definition.id) == number), None)
    if match is None:
        text = f"The build pipeline with ID {number} could not be found."
        raise ErrorResponse(error(request, 404, text, "DefinitionNotFoundException", WEB_API, ASSEMBLY))
    return match


def build_json(request: Request, project: Project, build: Build) -> dict[str, Any]:
    """A build as JSON. Properties that are not known yet are absent."""
    here = f"{request.here}/{project.id}"
    builds = f"{here}/_apis/build/builds/{build.id}"
    state = build.state(request.now)
    changer = build.canceled_by or build.person
    body: dict[str, Any] = {
        "_links": {
            "self": {"href": f"{here}/_apis/build/Builds/{build.id}"},
            "web": {"href": f"{here}/_build/results?buildId={build.id}"},
            "sourceVersionDisplayUri": {"href": f"{builds}/sources"},
            "timeline": {"href": f"{builds}/Timeline"},
            "badge": {"href": f"{here}/_apis/build/status/{build.definition.id}"},
        },
        "properties": {},
        "tags": sorted(build.tags, key=str.casefold),
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
        "queue": _queue_json(request, build.definition.queue),
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
        body["result"] = state.result
    if state.started_at is not None:
        body["startTime"] = instant(state.started_at)
    if state.finished_at is not None:
        body["finishTime"] = instant(state.finished_at)
    if build.deleted_at is not None:
        body |= {"deleted": True, "deletedDate": instant(build.deleted_at)}
        body |= {"deletedBy": person_json(request, build.deleted_by)} if build.deleted_by else {}
    return body


def find_build(request: Request, names: dict[str, str], *, changing: str = "") -> tuple[Project, Build]:
    """The build that a path names. `changing` is the permission that a change requires. Raises `ErrorResponse`."""
    project = find_project(request, names)
    if changing and request.permission_first:
        require(request, project, None, changing)
    match = next((build for build in project.builds if str(build.id) == names["build"]), None)
    if match is None:
        text = f"The requested build {names['build']} could not be found."
        raise ErrorResponse(error(request, 404, text, "BuildNotFoundException", WEB_API, ASSEMBLY))
    if changing:
        require(request, project, match.definition, changing)
    return project, match


def require(request: Request, project: Project, definition: Definition | None, right: str) -> None:
    """Raise `ErrorResponse` with a 403 if the person, not the token, lacks a permission."""
    if request.lacks(right):
        pipeline = f"{definition.id}:{definition.name}" if definition else "0:"
        raise ErrorResponse(permissions.build_denied(request, right, pipeline, project.name))


def build(request: Request, names: dict[str, str]) -> Answer:
    """Read one build."""
    return json_answer(request, build_json(request, *find_build(request, names)))


def latest(request: Request, names: dict[str, str]) -> Answer:
    """Read the newest completed build of a definition."""
    project = find_project(request, names)
    name_or_id = names["definition"]
    requested = next((item for item in project.definitions if name_or_id in (str(item.id), item.name)), None)
    branch = request.query.get("branchName", "")
    of_definition = [
        kept_build
        for kept_build in project.kept_builds
        if kept_build.definition is requested and branch in ("", kept_build.branch)
    ]
    completed = [kept_build for kept_build in of_definition if kept_build.state(request.now).status == "completed"]
    if not completed:
        text = f"No completed builds were found for pipeline {name_or_id}."
        raise ErrorResponse(error(request, 404, text, "BuildNotFoundException", WEB_API, ASSEMBLY))
    return json_answer(request, build_json(request, project, completed[-1]))


def work_items(request: Request, names: dict[str, str]) -> Answer:
    """List the work items of a build: always empty here."""
    find_build(request, names)
    return listing(request, [])


def general_settings(request: Request, names: dict[str, str]) -> Answer:
    """Read which kinds of pipelines can be created."""
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
