"""Pipelines and their runs: build definitions and builds under their newer names.

https://learn.microsoft.com/rest/api/azure/devops/pipelines
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sandbox import build_changes
from sandbox.build import ASSEMBLY, WEB_API, require
from sandbox.build_artifacts import find_artifact
from sandbox.build_runs import find_log
from sandbox.core import find_project
from sandbox.http_messages import (
    Answer,
    ErrorResponse,
    Request,
    argument_missing,
    envelope,
    error,
    invalid_body,
    json_answer,
    listing,
    not_supported,
)
from sandbox.ids import instant
from sandbox.paging import NAME, NUMBER, Order
from sandbox.pipelines import Build, Definition
from sandbox.state import Project

USUAL_PAGE = 10_000
_PIPELINES = "Microsoft.Azure.Pipelines.WebApi"
_STATES = {"cancelling": "canceling", "completed": "completed"}
# A run has no state for succeeding with issues. That it counts as success is inferred.
_RESULTS = {"partiallySucceeded": "succeeded"}


def _pipeline_url(request: Request, project: Project, definition: Definition) -> str:
    return f"{request.here}/{project.id}/_apis/pipelines/{definition.id}"


def _reference(request: Request, project: Project, definition: Definition) -> dict[str, Any]:
    """A pipeline as part of a run."""
    return {
        "url": f"{_pipeline_url(request, project, definition)}?revision=1",
        "id": definition.id,
        "revision": 1,
        "name": definition.name,
        "folder": definition.path,
    }


def _pipeline_json(request: Request, project: Project, definition: Definition) -> dict[str, Any]:
    """A pipeline in a list."""
    reference = _reference(request, project, definition)
    web = f"{request.here}/{project.id}/_build/definition?definitionId={definition.id}"
    return {"_links": {"self": {"href": reference["url"]}, "web": {"href": web}}, **reference}


def pipelines(request: Request, names: dict[str, str]) -> Answer:
    """List pipelines in pages, by default ordered by name."""
    project = find_project(request, names)
    order = _order(request)
    page, more = order.page(request, order.sort(project.definitions), usual_size=USUAL_PAGE)
    return listing(request, [_pipeline_json(request, project, definition) for definition in page], continuation=more)


def _order(request: Request) -> Order:
    """The order of a sort expression such as `name desc`. Raises `ErrorResponse` for an unsupported one."""
    name, _, direction = (request.query.get("orderBy") or "name asc").strip().lower().partition(" ")
    ascending = direction.strip() in ("", "asc")
    if direction.strip() not in ("", "asc", "desc") or name not in ("name", "id"):
        raise ErrorResponse(not_supported(request, f"'orderBy={request.query['orderBy']}'"))
    if name == "id":
        return Order(lambda definition: definition.id, NUMBER, ascending=ascending)
    return Order(lambda definition: definition.name.casefold(), NAME, ascending=ascending)


def _find_pipeline(request: Request, names: dict[str, str]) -> tuple[Project, Definition]:
    """The pipeline that a path names. Raises `ErrorResponse`, with a 500 if there is none, as recorded."""
    project = find_project(request, names)
    match = next((definition for definition in project.definitions if str(definition.id) == names["pipeline"]), None)
    if match is None:
        text = f"Pipeline with ID {names['pipeline']} does not exist."
        raise ErrorResponse(error(request, 500, text, "PipelineNotFoundException", _PIPELINES))
    return project, match


def pipeline(request: Request, names: dict[str, str]) -> Answer:
    """Read one pipeline, with its YAML file."""
    project, definition = _find_pipeline(request, names)
    configuration = {
        "path": definition.yaml_path,
        "repository": {"id": definition.repository.id, "type": "azureReposGit"},
        "type": "yaml",
    }
    return json_answer(request, _pipeline_json(request, project, definition) | {"configuration": configuration})


def _run_json(request: Request, project: Project, build: Build) -> dict[str, Any]:
    """A run in a list. Properties that are not known yet are absent."""
    state = build.state(request.now)
    reference = _reference(request, project, build.definition)
    url = f"{_pipeline_url(request, project, build.definition)}/runs/{build.id}"
    web = f"{request.here}/{project.id}"
    written: dict[str, Any] = {
        "_links": {
            "self": {"href": url},
            "web": {"href": f"{web}/_build/results?buildId={build.id}"},
            "pipeline.web": {"href": f"{web}/_build/definition?definitionId={build.definition.id}"},
            "pipeline": {"href": reference["url"]},
        },
        "templateParameters": {},
        "pipeline": reference,
        "state": _STATES.get(state.status, "inProgress"),
        "createdDate": instant(build.queued_at),
        "url": url,
        "id": build.id,
        "name": build.number,
    }
    if state.result is not None:
        written["result"] = _RESULTS.get(state.result, state.result)
    if state.finished_at is not None:
        written["finishedDate"] = instant(state.finished_at)
    return written


def _whole_run(request: Request, project: Project, build: Build) -> dict[str, Any]:
    """A single run as JSON, with its resources."""
    own = {
        "repository": {"id": build.definition.repository.id, "type": "azureReposGit"},
        "refName": build.branch,
        "version": build.commit,
    }
    return _run_json(request, project, build) | {"resources": {"repositories": {"self": own}}}


def runs(request: Request, names: dict[str, str]) -> Answer:
    """List the runs of a pipeline, newest first, without paging."""
    project, definition = _find_pipeline(request, names)
    own = [build for build in project.kept_builds if build.definition is definition]
    newest = sorted(own, key=lambda build: (build.queued_at, build.id), reverse=True)[:USUAL_PAGE]
    return listing(request, [_run_json(request, project, build) for build in newest])


def _find_run(request: Request, names: dict[str, str]) -> tuple[Project, Build]:
    """The run that a path names, of its pipeline. Raises `ErrorResponse`."""
    project, definition = _find_pipeline(request, names)
    match = next(
        (build for build in project.kept_builds if str(build.id) == names["run"] and build.definition is definition),
        None,
    )
    if match is None:
        text = f"The requested build {names['run']} could not be found."
        raise ErrorResponse(error(request, 404, text, "BuildNotFoundException", WEB_API, ASSEMBLY))
    return project, match


def run(request: Request, names: dict[str, str]) -> Answer:
    """One run."""
    return json_answer(request, _whole_run(request, *_find_run(request, names)))


def begin(request: Request, names: dict[str, str]) -> Answer:
    """Run a pipeline; answers 200."""
    if request.permission_first:
        require(request, find_project(request, names), None, "Queue builds")
    project, definition = _find_pipeline(request, names)
    require(request, project, definition, "Queue builds")
    fields = request.fields()
    own = _own_repository(request, fields)
    for name in ("previewRun", "yamlOverride", "stagesToSkip"):
        if fields.get(name):
            raise ErrorResponse(not_supported(request, f"'{name}' of a new run"))
    _require_declared(request, definition, fields)
    branch, sha = str(own.get("refName") or ""), str(own.get("version") or "")
    build = build_changes.begin(request, project, definition, branch, sha)
    return json_answer(request, _whole_run(request, project, build))


def _own_repository(request: Request, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The `refName` and `version` of a new run's own repository. Raises `ErrorResponse` for other resources."""
    resources = _object(request, fields.get("resources"))
    repositories = _object(request, resources.pop("repositories", None))
    own = _object(request, repositories.pop("self", None))
    more = [*(name for name, value in resources.items() if value), *repositories]
    if more:
        raise ErrorResponse(not_supported(request, f"the resource '{more[0]}' of a new run"))
    return own


def _object(request: Request, value: Any) -> dict[str, Any]:
    """An object of the body; empty if it is absent. Raises `ErrorResponse`."""
    if value is not None and not isinstance(value, dict):
        raise ErrorResponse(invalid_body(request))
    return dict(value or {})


def _require_declared(request: Request, definition: Definition, fields: Mapping[str, Any]) -> None:
    """Raise `ErrorResponse` for parameters and variables, because no pipeline here declares any."""
    parameters = _object(request, fields.get("templateParameters"))
    variables = _object(request, fields.get("variables"))
    if parameters:
        text = f"/{definition.yaml_path}: Unexpected parameter '{next(iter(parameters))}'"
        raise ErrorResponse(_not_valid(request, text))
    if variables:
        text = (
            f"You can't set the following variables ({', '.join(variables)}). If you want to be able to set these "
            "variables, then edit the pipeline and select Settable at queue time on the variables tab of the pipeline "
            "editor."
        )
        raise ErrorResponse(_not_valid(request, text))


def _not_valid(request: Request, text: str) -> Answer:
    body = envelope(text, "PipelineValidationException", _PIPELINES)
    return json_answer(request, body, status=400)


def preview(request: Request, names: dict[str, str]) -> Answer:
    """The expanded YAML of a pipeline: unsupported, because nothing here reads these files."""
    _find_pipeline(request, names)
    raise ErrorResponse(not_supported(request, "the preview of a run"))


def artifact(request: Request, names: dict[str, str]) -> Answer:
    """Read an artifact of a run by its name."""
    project, build = _find_run(request, names)
    if not request.query.get("artifactName"):
        raise ErrorResponse(argument_missing(request, "artifactName"))
    requested = find_artifact(request, build, request.query["artifactName"])
    here = f"{_pipeline_url(request, project, build.definition)}/runs/{build.id}/artifacts"
    return json_answer(request, {"name": requested.name, "url": f"{here}?artifactName={quote(requested.name)}"})


def _log_json(request: Request, project: Project, build: Build, number: int, lines: list[str]) -> dict[str, Any]:
    here = f"{_pipeline_url(request, project, build.definition)}/runs/{build.id}/logs"
    return {
        "createdOn": lines[0].split(" ", 1)[0],
        "id": number,
        "lastChangedOn": lines[-1].split(" ", 1)[0],
        "lineCount": len(lines),
        "url": f"{here}/{number}",
    }


def logs(request: Request, names: dict[str, str]) -> Answer:
    """List the logs of a run, in an object instead of a list."""
    project, build = _find_run(request, names)
    written = [
        _log_json(request, project, build, number, lines)
        for number, step in build.logged().items()
        if (lines := build.log(step, request.now))
    ]
    here = f"{_pipeline_url(request, project, build.definition)}/runs/{build.id}/logs"
    return json_answer(request, {"logs": written, "url": here})


def log(request: Request, names: dict[str, str]) -> Answer:
    """Read the metadata of one log. Its lines have a URL of their own."""
    project, build = _find_run(request, names)
    lines = find_log(request, build, names["log"])
    return json_answer(request, _log_json(request, project, build, int(names["log"]), lines))
