"""Build definitions and builds whose state is computed from the time.

Nothing runs in the background. A build knows when it was queued and when it was cancelled; the state of the build and
of its steps is computed when it is requested.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

from sandbox.ids import instant
from sandbox.people import Person
from sandbox.repositories import Repository

# How the builds of a definition end. "hangs" never finishes, "waits" never gets an agent.
Outcome = Literal["succeeded", "partiallySucceeded", "failed", "hangs", "waits"]
QUEUED_SECONDS = 4.0
CANCEL_SECONDS = 3.0
_LINES_OF_A_HANGING_TASK = 10_000
_PAUSE_OF_A_HANGING_TASK = 5.0
_ISSUES = {"failed": "failed", "partiallySucceeded": "succeededWithIssues"}


@dataclass(frozen=True)
class Task:
    """One task. The decisive task has the outcome of the whole build."""

    name: str
    seconds: float
    lines: tuple[str, ...] = ()
    decisive: bool = False


@dataclass(frozen=True)
class Job:
    """Tasks, one after another."""

    name: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class Stage:
    """Concurrent jobs. Stages run one after another."""

    name: str
    jobs: tuple[Job, ...]


Script = tuple[Stage, ...]


@dataclass(frozen=True)
class Step:
    """A record of the timeline; `begins` and `ends` are seconds after the build was queued, at most infinity."""

    identifier: str
    parent: str
    kind: Literal["Stage", "Phase", "Job", "Task"]
    name: str
    order: int
    begins: float
    ends: float
    result: str
    lines: tuple[str, ...] = ()


_FIRST = (
    Task("Initialize job", 2, ("Agent name: 'Hosted Agent'", "Current image version: '20261101.1.0'")),
    Task("Checkout", 3, ("Syncing repository", "##[command]git fetch --force --tags --prune", "HEAD is now at")),
)
_LAST = Task("Finalize Job", 1, ("Cleaning up task key", "Start cleaning up orphan processes."))


@lru_cache(maxsize=256)
def steps(script: Script, outcome: Outcome) -> tuple[Step, ...]:
    """Every record of a build with its times, as if nobody canceled it."""
    at = math.inf if outcome == "waits" else QUEUED_SECONDS
    records: list[Step] = []
    broken = False
    for order, stage in enumerate(script, start=1):
        if broken:
            records.append(Step(stage.name, "", "Stage", stage.name, order, at, at, "skipped"))
            continue
        inside = [
            step for number, job in enumerate(stage.jobs, start=1) for step in _job(stage, job, number, at, outcome)
        ]
        phases = [step for step in inside if step.kind == "Phase"]
        result = _worst(step.result for step in phases)
        ends = max(step.ends for step in phases)
        records += [Step(stage.name, "", "Stage", stage.name, order, at, ends, result), *inside]
        at, broken = ends, result == "failed"
    return tuple(records)


def _job(stage: Stage, job: Job, order: int, at: float, outcome: Outcome) -> list[Step]:
    phase, here = f"{stage.name}.{job.name}", f"{stage.name}.{job.name}.__default"
    begins = at
    tasks: list[Step] = []
    broken = False
    for number, task in enumerate((*_FIRST, *job.tasks, _LAST), start=1):
        skipped = broken and task is not _LAST
        hangs = outcome == "hangs" and task.decisive
        ends = at if skipped else at + (math.inf if hangs else task.seconds)
        result = "skipped" if skipped else _ISSUES.get(outcome, "succeeded") if task.decisive else "succeeded"
        tasks.append(Step(f"{here}.{number}", here, "Task", task.name, number, at, ends, result, _said(task, result)))
        at, broken = ends, broken or result == "failed"
    result = _worst(step.result for step in tasks)
    return [
        Step(phase, stage.name, "Phase", job.name, order, begins, at, result),
        Step(here, phase, "Job", job.name, 1, begins, at, result),
        *tasks,
    ]


def _worst(results: Iterator[str]) -> str:
    present = set(results)
    return next((result for result in ("failed", "succeededWithIssues") if result in present), "succeeded")


def _said(task: Task, result: str) -> tuple[str, ...]:
    if result == "skipped":
        return ()
    problem = {
        "failed": ("##[error]2 tests failed", "##[error]Process completed with exit code 1."),
        "succeededWithIssues": ("##[warning]1 test was skipped",),
    }.get(result, ())
    return (f"##[section]Starting: {task.name}", *task.lines, *problem, f"##[section]Finishing: {task.name}")


@dataclass(frozen=True)
class AgentQueue:
    """Where builds wait for an agent of a pool, which has the same name."""

    id: int
    name: str
    pool_id: int
    is_hosted: bool = False


HOSTED_QUEUE = AgentQueue(7, "Azure Pipelines", 9, is_hosted=True)


@dataclass
class Definition:
    """A build definition, which is also a pipeline."""

    id: int
    name: str
    repository: Repository
    author: Person
    created_at: datetime
    script: Script = field(repr=False)
    outcome: Outcome = "succeeded"
    path: str = "\\"
    queue_status: str = "enabled"
    queue: AgentQueue = HOSTED_QUEUE
    yaml_path: str = "azure-pipelines.yml"


@dataclass(frozen=True)
class State:
    """What a build is at some instant. What is not known yet is None."""

    status: str
    result: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True)
class Record:
    """What a step is at some instant, and how many lines of its log are there."""

    step: Step
    state: str
    result: str | None
    started_at: datetime | None
    finished_at: datetime | None
    lines: int


@dataclass
class Build:
    """One run of a definition on a branch, at a commit."""

    id: int
    number: str
    definition: Definition
    branch: str
    commit: str
    person: Person
    queued_at: datetime
    outcome: Outcome
    reason: str = "manual"
    canceled_at: datetime | None = None
    canceled_by: Person | None = None
    tags: list[str] = field(default_factory=list)
    deleted_at: datetime | None = None
    deleted_by: Person | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every record, as if the build had not been cancelled."""
        return steps(self.definition.script, self.outcome)

    @property
    def _begins(self) -> float:
        return self.steps[0].begins

    @property
    def _ends(self) -> float:
        return max(step.ends for step in self.steps)

    @property
    def _stops(self) -> float:
        """How many seconds after queueing a cancellation takes effect."""
        if self.canceled_at is None:
            return math.inf
        return (self.canceled_at - self.queued_at).total_seconds() + CANCEL_SECONDS

    def _elapsed(self, now: datetime) -> float:
        return (now - self.queued_at).total_seconds()

    def _at(self, seconds: float) -> datetime:
        return self.queued_at + timedelta(seconds=seconds)

    def state(self, now: datetime) -> State:
        """The state at this time."""
        elapsed, ends = self._elapsed(now), min(self._ends, self._stops)
        begun = self._begins <= min(elapsed, self._stops)
        started = self._at(self._begins) if begun else None
        if elapsed >= ends:
            result = "canceled" if self._stops < math.inf else self._result()
            return State("completed", result, started, self._at(ends))
        if self.canceled_at is not None and now >= self.canceled_at:
            return State("cancelling", None, started)
        return State("inProgress" if begun else "notStarted", None, started)

    def _result(self) -> str:
        worst = _worst(step.result for step in self.steps)
        return "partiallySucceeded" if worst == "succeededWithIssues" else worst

    def changed_at(self, now: datetime) -> datetime:
        """When it last changed."""
        state = self.state(now)
        known = [moment for moment in (state.finished_at, self.canceled_at, state.started_at) if moment is not None]
        return known[0] if known else self.queued_at

    def records(self, now: datetime) -> list[Record]:
        """The state of each step at this time."""
        elapsed = self._elapsed(now)
        return [self._record(step, elapsed) for step in self.steps]

    def _record(self, step: Step, elapsed: float) -> Record:
        stopped = elapsed >= self._stops
        began = step.begins <= min(elapsed, self._stops)
        if not began:
            unborn = "skipped" if step.kind == "Task" else "canceled"
            return Record(step, "completed" if stopped else "pending", unborn if stopped else None, None, None, 0)
        started, lines = self._at(step.begins), self._lines(step, min(elapsed, self._stops))
        if step.ends <= min(elapsed, self._stops):
            return Record(step, "completed", step.result, started, self._at(step.ends), lines)
        if stopped:
            return Record(step, "completed", "canceled", started, self._at(self._stops), lines)
        return Record(step, "inProgress", None, started, None, lines)

    def _lines(self, step: Step, elapsed: float) -> int:
        if step.kind == "Job":
            return sum(self._lines(task, elapsed) for task in self.steps if task.parent == step.identifier)
        if elapsed < step.begins:
            return 0
        if step.ends == math.inf:
            spoken = int((elapsed - step.begins) / _PAUSE_OF_A_HANGING_TASK)
            return min(spoken, _LINES_OF_A_HANGING_TASK)
        share = (elapsed - step.begins) / (step.ends - step.begins) if step.ends > step.begins else 1.0
        return min(int(share * len(step.lines)), len(step.lines))

    def log(self, step: Step, now: datetime) -> list[str]:
        """The lines of a step's log at this time. The log of a job contains those of its tasks."""
        elapsed = min(self._elapsed(now), self._stops)
        if step.kind == "Job":
            return [line for task in self.steps if task.parent == step.identifier for line in self.log(task, now)]
        return [self._line(step, index) for index in range(self._lines(step, elapsed))]

    def _line(self, step: Step, index: int) -> str:
        if step.ends == math.inf:
            at, text = step.begins + index * _PAUSE_OF_A_HANGING_TASK, f"Still waiting for the device, try {index + 1}"
        else:
            at = step.begins + (step.ends - step.begins) * index / max(len(step.lines), 1)
            text = step.lines[index]
        return f"{instant(self._at(at))} {text}"

    def logged(self) -> dict[int, Step]:
        """Log id to the step that writes it."""
        speaking = [step for step in self.steps if step.kind == "Job" or (step.kind == "Task" and step.lines)]
        return dict(enumerate(speaking, start=1))
