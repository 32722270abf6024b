"""How a build goes: its steps, and what each of them logs."""

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
    """How far a step is. https://learn.microsoft.com/rest/api/azure/devops/build/timeline/get#timelinerecordstate"""

    PENDING = "pending"
    IN_PROGRESS = "inProgress"
    COMPLETED = "completed"
    UNKNOWN = "unknown"


class StepResult(StrEnum):
    """How a step ended. https://learn.microsoft.com/rest/api/azure/devops/build/timeline/get#taskresult"""

    SUCCEEDED = "succeeded"
    SUCCEEDED_WITH_ISSUES = "succeededWithIssues"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"
    ABANDONED = "abandoned"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Issue:
    """An error or a warning that a step raised."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Step:
    """A stage, phase, job or task (`kind`). `log_id` is None until it has written a line; `result` until it ended."""

    id: str
    kind: str
    name: str
    state: StepState
    parent_id: str | None = None
    result: StepResult | None = None
    order: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    worker: str | None = None
    log_id: int | None = None
    errors: int = 0
    warnings: int = 0
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Log:
    """One log of a build, and how many lines it has by now."""

    id: int
    lines: int
    created_at: datetime | None = None
    changed_at: datetime | None = None


def _path(project: str, build_id: int, *more: str) -> tuple[str, ...]:
    return (project, "_apis", "build", "builds", str(build_id), *more)


def steps(transport: Transport, project: str, build_id: int) -> tuple[Step, ...]:
    """Every step of a build, in no order; none before the build starts."""
    # https://learn.microsoft.com/rest/api/azure/devops/build/timeline/get
    answer = transport.ask("GET", _path(project, build_id, "timeline"))
    if _has_none(answer):
        return ()
    return readable(objects(successful(answer).json_object(), "records"), read_step)


def _has_none(answer: Response) -> bool:
    """Whether there is no timeline yet: no content, or the word for nothing."""
    return answer.status == 204 or (answer.status == 200 and answer.is_json and answer.body.strip() == b"null")


def read_step(item: dict[str, Any]) -> Step:
    """A record of a timeline."""
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
        worker=optional_text(item, "workerName"),
        log_id=optional_number(item, "log", "id"),
        errors=optional_number(item, "errorCount") or 0,
        warnings=optional_number(item, "warningCount") or 0,
        issues=tuple(issues),
    )


def in_order(found: Iterable[Step]) -> Iterator[tuple[int, Step]]:
    """Every step as it is drawn: below its parent, with its depth. One that has no known parent is at the top."""
    everything = {step.id: step for step in found}
    below: dict[str | None, list[Step]] = {}
    for one in sorted(everything.values(), key=lambda one: (one.order, one.name)):
        below.setdefault(one.parent_id if one.parent_id in everything else None, []).append(one)
    # Steps that are each other's parents have no top; they must not be lost for that.
    waiting = [(0, step) for step in [*below.get(None, []), *everything.values()]][::-1]
    shown: set[str] = set()
    while waiting:
        depth, one = waiting.pop()
        if one.id not in shown:
            shown.add(one.id)
            yield depth, one
            waiting += [(depth + 1, child) for child in reversed(below.get(one.id, []))]


def logs(transport: Transport, project: str, build_id: int) -> tuple[Log, ...]:
    """The logs of a build that there are by now."""
    # https://learn.microsoft.com/rest/api/azure/devops/build/builds/get-build-logs
    answer = transport.get(_path(project, build_id, "logs"))
    return read_page(answer, read_log).items


def read_log(item: dict[str, Any]) -> Log:
    """A log of the list of logs."""
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
    """The lines of a log from `first` to `last`, counted from one; to the end as it is now without `last`.

    Raises `AnswerTooLarge` when that is too much: ask for fewer lines.
    """
    query = {"startLine": str(first)}
    if last is not None:
        query["endLine"] = str(last)
    # https://learn.microsoft.com/rest/api/azure/devops/build/builds/get-build-log
    answer = transport.get(_path(project, build_id, "logs", str(log_id)), query=query, max_bytes=max_bytes)
    value = answer.json_object().get("value")
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        raise answer.unexpected("no lines in the answer")
    return tuple(value)
