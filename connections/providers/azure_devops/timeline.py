"""The steps of a build, and their logs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from connections.providers.azure_devops.parsing import (
    instant,
    number_of,
    objects,
    optional_number,
    optional_text,
    read_page,
    readable,
    state,
    text_of,
)
from connections.providers.azure_devops.responses import Response
from connections.providers.azure_devops.transport import Transport, successful

LARGEST_PART = 2 * 1024 * 1024


class StepState(StrEnum):
    """State of a step. https://learn.microsoft.com/rest/api/azure/devops/build/timeline/get#timelinerecordstate"""

    PENDING = "pending"
    IN_PROGRESS = "inProgress"
    COMPLETED = "completed"
    UNKNOWN = "unknown"


class StepResult(StrEnum):
    """Result of a step. https://learn.microsoft.com/rest/api/azure/devops/build/timeline/get#taskresult"""

    SUCCEEDED = "succeeded"
    SUCCEEDED_WITH_ISSUES = "succeededWithIssues"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"
    ABANDONED = "abandoned"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Issue:
    """An error or warning of a step."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Step:
    """A stage, phase, job or task (`kind`). `log_id` is None before its first line, `result` until it is completed."""

    id: str
    kind: str
    name: str
    state: StepState
    parent_id: str | None = None
    result: StepResult | None = None
    order: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    log_id: int | None = None
    errors: int = 0
    warnings: int = 0
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Log:
    """A log of a build, and its current number of lines."""

    id: int
    lines: int
    created_at: datetime | None = None
    changed_at: datetime | None = None


def _path(project: str, build_id: int, *more: str) -> tuple[str, ...]:
    return (project, "_apis", "build", "builds", str(build_id), *more)


def steps(transport: Transport, project: str, build_id: int) -> tuple[Step, ...]:
    """The steps of a build, unordered; empty before the build starts."""
    # https://learn.microsoft.com/rest/api/azure/devops/build/timeline/get
    answer = transport.ask("GET", _path(project, build_id, "timeline"))
    if _is_missing(answer):
        return ()
    return readable(objects(successful(answer).json_object(), "records"), read_step)


def _is_missing(answer: Response) -> bool:
    """Whether there is no timeline yet: no content, or null."""
    return answer.status == 204 or (answer.status == 200 and answer.is_json and answer.body.strip() == b"null")


def read_step(item: dict[str, Any]) -> Step:
    """Read a record of a timeline."""
    progress = state(item.get("state"), StepState.UNKNOWN)
    issues = (
        Issue(optional_text(entry, "type") or "error", optional_text(entry, "message") or "")
        for entry in objects(item, "issues")
    )
    return Step(
        id=text_of(item, "id"),
        kind=optional_text(item, "type") or "",
        name=optional_text(item, "name") or "",
        state=progress,
        parent_id=optional_text(item, "parentId"),
        result=state(item.get("result"), StepResult.UNKNOWN) if progress is StepState.COMPLETED else None,
        order=optional_number(item, "order") or 0,
        started_at=instant(item, "startTime"),
        finished_at=instant(item, "finishTime"),
        log_id=optional_number(item, "log", "id"),
        errors=optional_number(item, "errorCount") or 0,
        warnings=optional_number(item, "warningCount") or 0,
        issues=tuple(issues),
    )


def in_order(steps: Iterable[Step]) -> Iterator[tuple[int, Step]]:
    """The steps as a tree, each with its depth, after its parent. Steps without a known parent are at the top."""
    by_id = {step.id: step for step in steps}
    children: dict[str | None, list[Step]] = {}
    for step in sorted(by_id.values(), key=lambda step: (step.order, step.name)):
        children.setdefault(step.parent_id if step.parent_id in by_id else None, []).append(step)
    # All steps are added, because those that are each other's parents are below no top.
    waiting = [(0, step) for step in [*children.get(None, []), *by_id.values()]][::-1]
    visited: set[str] = set()
    while waiting:
        depth, step = waiting.pop()
        if step.id not in visited:
            visited.add(step.id)
            yield depth, step
            waiting += [(depth + 1, child) for child in reversed(children.get(step.id, []))]


def logs(transport: Transport, project: str, build_id: int) -> tuple[Log, ...]:
    """The current logs of a build."""
    # https://learn.microsoft.com/rest/api/azure/devops/build/builds/get-build-logs
    answer = transport.get(_path(project, build_id, "logs"))
    return read_page(answer, read_log).items


def read_log(item: dict[str, Any]) -> Log:
    """Read a log of the list of logs."""
    return Log(
        id=number_of(item, "id"),
        lines=optional_number(item, "lineCount") or 0,
        created_at=instant(item, "createdOn"),
        changed_at=instant(item, "lastChangedOn"),
    )


def lines(
    transport: Transport,
    project: str,
    build_id: int,
    log_id: int,
    *,
    first: int = 1,
    last: int | None = None,
    max_bytes: int = LARGEST_PART,
) -> tuple[str, ...]:
    """The lines of a log from `first` (counted from one) to `last`, or to its current end.

    Raises `AnswerTooLarge` if there are too many lines.
    """
    query = {"startLine": str(first), "endLine": None if last is None else str(last)}
    # https://learn.microsoft.com/rest/api/azure/devops/build/builds/get-build-log
    answer = transport.get(_path(project, build_id, "logs", str(log_id)), query=query, max_bytes=max_bytes)
    value = answer.json_object().get("value")
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        raise answer.unexpected("no lines in the answer")
    return tuple(value)
