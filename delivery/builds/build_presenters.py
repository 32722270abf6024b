"""What pages show of builds, their steps and their logs: words, icons and tones, never colour alone."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from connections.domain.durations import in_units
from connections.providers.azure_devops import build as azure
from connections.providers.azure_devops import timeline
from connections.providers.azure_devops.text import LONGEST_TEXT, cut
from connections.providers.azure_devops.timeline import StepResult, StepState
from connections.views.presenters import Chip
from delivery.domain.build_states import State, state_of

CHIPS: dict[str, Chip] = {
    State.QUEUED: Chip("Queued", "circle-dashed", "quiet"),
    State.RUNNING: Chip("Running", "circle-play", "info"),
    State.CANCELLING: Chip("Cancelling", "circle-stop", "warn"),
    State.SUCCEEDED: Chip("Succeeded", "circle-check", "good"),
    State.PARTIAL: Chip("Partially succeeded", "circle-alert", "warn"),
    State.FAILED: Chip("Failed", "circle-x", "bad"),
    State.CANCELED: Chip("Cancelled", "circle-slash", "quiet"),
    State.UNKNOWN: Chip("Unknown", "circle-question-mark", "quiet"),
    State.NONE: Chip("Never run", "circle-minus", "quiet"),
}
_STEP_CHIPS: dict[str, Chip] = {
    StepResult.SUCCEEDED: CHIPS[State.SUCCEEDED],
    StepResult.SUCCEEDED_WITH_ISSUES: Chip("With issues", "circle-alert", "warn"),
    StepResult.FAILED: CHIPS[State.FAILED],
    StepResult.CANCELED: CHIPS[State.CANCELED],
    StepResult.SKIPPED: Chip("Skipped", "circle-minus", "quiet"),
    StepResult.ABANDONED: Chip("Abandoned", "circle-slash", "warn"),
}
_PULL_REQUEST = re.compile(r"refs/pull/(\d+)/merge")
_REASONS = {
    "manual": "by hand",
    "individualCI": "for a push",
    "batchedCI": "for several pushes",
    "schedule": "by schedule",
    "scheduleForced": "by schedule",
    "pullRequest": "for a pull request",
    "buildCompletion": "after another build",
    "resourceTrigger": "by another resource",
}


def chip(state: str) -> Chip:
    """The chip of a state; one that is not known is "Unknown"."""
    return CHIPS.get(state, CHIPS[State.UNKNOWN])


def short_branch(ref: str | None) -> str:
    """A ref as people write it: without refs/heads/, a pull request by its number."""
    text = cut(ref or "")
    pull = _PULL_REQUEST.fullmatch(text)
    if pull:
        return f"pull request {pull[1]}"
    return text.removeprefix("refs/heads/").removeprefix("refs/")


def length(started: datetime | None, finished: datetime | None, now: datetime) -> str:
    """How long it took, or has taken until now; empty before it began."""
    if started is None:
        return ""
    return in_units(int(((finished or now) - started).total_seconds()))


@dataclass(frozen=True, slots=True)
class BuildRow:
    """One build of a pipeline in a list."""

    build: azure.Build
    chip: Chip
    branch: str
    reason: str
    who: str
    took: str


def build_row(build: azure.Build, now: datetime) -> BuildRow:
    """A build as a list shows it."""
    return BuildRow(
        build,
        chip=chip(state_of(build)),
        branch=short_branch(build.branch),
        reason=_REASONS.get(build.reason or "", build.reason or ""),
        who=build.requested_for.display_name if build.requested_for else "",
        took=length(build.started_at, build.finished_at, now),
    )


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step of a build as the page shows it."""

    step: timeline.Step
    depth: int
    chip: Chip
    took: str


def step_rows(steps: Iterable[tuple[int, timeline.Step]], now: datetime) -> list[StepRow]:
    """The steps of a build, without the checkpoints that Azure DevOps adds."""
    return [
        StepRow(step, min(depth, 5), _step_chip(step), length(step.started_at, step.finished_at, now))
        for depth, step in steps
        if step.kind != "Checkpoint"
    ]


def _step_chip(step: timeline.Step) -> Chip:
    if step.state is StepState.COMPLETED and step.result is not None:
        return _STEP_CHIPS.get(step.result, CHIPS[State.UNKNOWN])
    if step.state is StepState.IN_PROGRESS:
        return CHIPS[State.RUNNING]
    return Chip("Waiting", "circle-dashed", "quiet") if step.state is StepState.PENDING else CHIPS[State.UNKNOWN]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log. `word` says what colour alone must not; `left_out` counts the characters not shown."""

    number: int
    text: str
    word: str = ""
    tone: str = ""
    left_out: int = 0


# Terminals draw colours by these; https://en.wikipedia.org/wiki/ANSI_escape_code
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d)\.?\d*Z ?")
# The word ends at its boundary, so that what follows is read once.
_MARK = re.compile(r"\A(?:##\[(\w+)\]|##vso\[task\.logissue type=(\w+)\b[^\]]*\])")
_MARKS = {
    "error": ("Error", "bad"),
    "warning": ("Warning", "warn"),
    "section": ("Section", "info"),
    "command": ("Command", "quiet"),
    "group": ("Group", "info"),
    "debug": ("Debug", "quiet"),
}


def log_line(number: int, raw: str) -> Line:
    """A line without what terminals and spoofers put into it, its mark as a word, its time short, its end left out."""
    text = _CONTROL.sub("\ufffd", _ESCAPES.sub("", cut(raw)).rstrip("\r\n"))
    stamp = _STAMP.match(text)
    if stamp:
        text = text[stamp.end() :]
    mark = _MARK.match(text)
    word, tone = _MARKS.get((mark[1] or mark[2]) if mark else "", ("", ""))
    if word and mark:
        text = text[mark.end() :]
    return Line(number, f"{stamp[1]} {text}" if stamp else text, word, tone, max(len(raw) - LONGEST_TEXT, 0))
