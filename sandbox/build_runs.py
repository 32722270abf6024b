"""The progress of a build: its timeline and its logs. https://learn.microsoft.com/rest/api/azure/devops/build/timeline"""

import re
from datetime import datetime
from typing import Any

from sandbox.build import WEB_API, find_build
from sandbox.http_messages import Answer, ErrorResponse, Request, as_text, error, json_answer, listing, raw
from sandbox.ids import instant, stable_id
from sandbox.pipelines import Build, Record, Step
from sandbox.state import Project
from sandbox.zips import wants_zip, zip_answer

_NOT_IN_FILE_NAMES = re.compile(r"[^\w .()-]")
_SCRIPT_TASK = {"id": "d9bafed4-0b18-4f58-968d-86655b4d2ce9", "name": "CmdLine", "version": "2.246.1"}


def _record_id(project: Project, build: Build, identifier: str) -> str:
    return stable_id("record", project.id, build.id, identifier)


def timeline(request: Request, names: dict[str, str]) -> Answer:
    """Read every stage, phase, job and task, ordered only by `parentId` and `order`."""
    project, build = find_build(request, names)
    logs = {step.identifier: number for number, step in build.logged().items()}
    here = f"{request.here}/{project.id}/_apis/build/builds/{build.id}"
    id_ = stable_id("plan", project.id, build.id)
    requested_id = names.get("timeline") or request.query.get("planId") or id_
    if requested_id.lower() != id_ or request.query.get("planId", id_).lower() not in ("", id_):
        text = f"The timeline {requested_id} could not be found."
        raise ErrorResponse(error(request, 404, text, "TimelineNotFoundException", WEB_API))
    body = {
        "records": [
            _record_json(project, build, record, logs.get(record.step.identifier), here)
            for record in reversed(build.records(request.now))
        ],
        "lastChangedBy": build.person.id,
        "lastChangedOn": instant(build.changed_at(request.now)),
        "id": id_,
        "changeId": sum(record.state != "pending" for record in build.records(request.now)) + 1,
        "url": f"{here}/Timeline/{id_}",
    }
    return json_answer(request, body)


def _record_json(project: Project, build: Build, record: Record, log: int | None, here: str) -> dict[str, Any]:
    step = record.step
    issues = _issues(step) if record.state == "completed" else []
    return {
        "previousAttempts": [],
        "id": _record_id(project, build, step.identifier),
        "parentId": _record_id(project, build, step.parent) if step.parent else None,
        "type": step.kind,
        "name": step.name,
        "startTime": _instant(record.started_at),
        "finishTime": _instant(record.finished_at),
        "currentOperation": None,
        "percentComplete": None,
        "state": record.state,
        "result": record.result,
        "resultCode": None,
        "changeId": step.order,
        "lastModified": "0001-01-01T00:00:00",
        "workerName": "Hosted Agent" if step.kind in ("Job", "Task") and record.started_at else None,
        "order": step.order,
        "details": None,
        "errorCount": sum(issue["type"] == "error" for issue in issues),
        "warningCount": sum(issue["type"] == "warning" for issue in issues),
        "issues": issues,
        "url": None,
        "log": {"id": log, "type": "Container", "url": f"{here}/logs/{log}"} if log and record.lines else None,
        "task": _SCRIPT_TASK if step.kind == "Task" else None,
        "attempt": 1,
        "identifier": step.identifier,
    }


def _instant(moment: datetime | None) -> str | None:
    return instant(moment) if moment else None


def _issues(step: Step) -> list[dict[str, Any]]:
    return [
        {"type": kind, "category": "General", "message": line.removeprefix(f"##[{kind}]"), "data": {}}
        for line in step.lines
        for kind in ("error", "warning")
        if line.startswith(f"##[{kind}]")
    ]


def logs(request: Request, names: dict[str, str]) -> Answer:
    """List the logs with their current lengths, or read all of them as a zip file."""
    project, build = find_build(request, names)
    if wants_zip(request):
        return zip_answer(request, f"logs_{build.id}", _zipped_logs(request, build))
    here = f"{request.here}/{project.id}/_apis/build/builds/{build.id}/logs"
    written = {number: build.log(step, request.now) for number, step in build.logged().items()}
    log_rows = [
        {
            "lineCount": len(lines),
            "createdOn": lines[0].split(" ", 1)[0],
            "lastChangedOn": lines[-1].split(" ", 1)[0],
            "id": number,
            "type": "Container",
            "url": f"{here}/{number}",
        }
        for number, lines in written.items()
        if lines
    ]
    return listing(request, log_rows)


def _zipped_logs(request: Request, build: Build) -> dict[str, bytes]:
    """The logs of the jobs, and in a folder for each job the logs of its tasks."""
    jobs = {step.identifier: f"{number}_{_file_name(step)}" for number, step in build.logged().items()}
    files = {}
    for step in build.logged().values():
        of_job = step.kind != "Task"
        path = jobs[step.identifier] if of_job else f"{jobs[step.parent]}/{step.order}_{_file_name(step)}"
        files[f"{path}.txt"] = as_text(build.log(step, request.now))
    return {path: content for path, content in files.items() if content}


def _file_name(step: Step) -> str:
    return _NOT_IN_FILE_NAMES.sub("_", step.name)


def find_log(request: Request, build: Build, number: str) -> list[str]:
    """The lines of the log with this number. Raises `ErrorResponse` if there are none yet."""
    step = build.logged().get(int(number))
    lines = build.log(step, request.now) if step else []
    if not lines:
        text = f"The requested log {number} could not be found for build {build.id}."
        raise ErrorResponse(error(request, 404, text, "BuildLogNotFoundException", WEB_API))
    return lines


def log(request: Request, names: dict[str, str]) -> Answer:
    """Read a log from `startLine` to `endLine`, counted from one: as text, as a JSON list, or as a zip file."""
    _, build = find_build(request, names)
    lines = find_log(request, build, names["log"])
    first = max(request.number("startLine", 1), 1)
    last = request.number("endLine", len(lines))
    selected = lines[first - 1 : max(last, 0)]
    if wants_zip(request):
        return zip_answer(request, f"log_{names['log']}", {f"{names['log']}.txt": as_text(selected)})
    if request.wants_json or request.query.get("$format", "").lower() == "json":
        return listing(request, selected)
    return raw(request, as_text(selected), "text/plain")
