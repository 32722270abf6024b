"""What pages show of releases: words, icons and tones of their states, never colour alone."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from connections.azure_devops.release_types import Approval, ApprovalStatus, Environment, Release
from connections.azure_devops.text import cut
from connections.views.display import Chip
from delivery.actions.release_acts import is_of_another
from delivery.stages import Stage, Whole, asked, stage_of, stage_of_attempt, whole_of

STAGE_CHIPS: dict[Stage, Chip] = {
    Stage.NOT_STARTED: Chip("Not started", "circle-dashed", "quiet"),
    Stage.SCHEDULED: Chip("Scheduled", "calendar-clock", "info"),
    Stage.QUEUED: Chip("Queued", "hourglass", "info"),
    Stage.WAITING: Chip("Waits for approval", "user-check", "warn"),
    Stage.INTERVENTION: Chip("Waits for a person", "hand", "warn"),
    Stage.GATES: Chip("Gates are checked", "shield-check", "info"),
    Stage.DEPLOYING: Chip("Deploying", "loader", "info"),
    Stage.CANCELLING: Chip("Being cancelled", "circle-stop", "quiet"),
    Stage.SUCCEEDED: Chip("Succeeded", "circle-check", "good"),
    Stage.PARTLY: Chip("Partly succeeded", "circle-alert", "warn"),
    Stage.CANCELLED: Chip("Cancelled", "circle-slash", "quiet"),
    Stage.REJECTED: Chip("Rejected", "thumbs-down", "bad"),
    Stage.FAILED: Chip("Failed", "circle-x", "bad"),
    Stage.UNKNOWN: Chip("Unknown", "circle-question-mark", "quiet"),
}
WHOLE_CHIPS: dict[Whole, Chip] = {
    Whole.WAITING: STAGE_CHIPS[Stage.WAITING],
    Whole.RUNNING: Chip("Running", "loader", "info"),
    Whole.FAILED: STAGE_CHIPS[Stage.FAILED],
    Whole.CANCELLED: STAGE_CHIPS[Stage.CANCELLED],
    Whole.PARTLY: STAGE_CHIPS[Stage.PARTLY],
    Whole.UNFINISHED: Chip("Not everywhere yet", "circle-dot", "info"),
    Whole.SUCCEEDED: STAGE_CHIPS[Stage.SUCCEEDED],
    Whole.NOT_STARTED: STAGE_CHIPS[Stage.NOT_STARTED],
    Whole.DRAFT: Chip("Draft", "pencil-line", "quiet"),
    Whole.ABANDONED: Chip("Abandoned", "archive", "quiet"),
    Whole.UNKNOWN: STAGE_CHIPS[Stage.UNKNOWN],
}
APPROVAL_CHIPS: dict[ApprovalStatus, Chip] = {
    ApprovalStatus.PENDING: Chip("Waits", "user-check", "warn"),
    ApprovalStatus.APPROVED: Chip("Approved", "thumbs-up", "good"),
    ApprovalStatus.REJECTED: Chip("Rejected", "thumbs-down", "bad"),
    ApprovalStatus.REASSIGNED: Chip("Handed on", "forward", "quiet"),
    ApprovalStatus.CANCELED: Chip("Cancelled", "circle-slash", "quiet"),
    ApprovalStatus.SKIPPED: Chip("Skipped", "skip-forward", "quiet"),
    ApprovalStatus.UNDEFINED: STAGE_CHIPS[Stage.UNKNOWN],
    ApprovalStatus.UNKNOWN: STAGE_CHIPS[Stage.UNKNOWN],
}
_BETWEEN_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WHEN = {"preDeploy": "before the deployment", "postDeploy": "after the deployment"}


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage in a row of stages."""

    name: str
    chip: Chip
    url: str = ""


def row_of_stages(release: Release) -> list[StageView]:
    """The stages of a release in their order."""
    return [StageView(one.name, STAGE_CHIPS[stage_of(one)]) for one in release.environments]


def chip_of(release: Release) -> Chip:
    """A release as a whole; one of several stages that failed is not told from one that was rejected."""
    return chip_of_whole(whole_of(release), [stage_of(one) for one in release.environments])


def chip_of_whole(whole: Whole, stages: Collection[Stage]) -> Chip:
    """The same of what is stored of a release."""
    if whole is Whole.WAITING and Stage.WAITING not in stages:
        return STAGE_CHIPS[Stage.INTERVENTION]
    if whole is Whole.FAILED and Stage.FAILED not in stages:
        return STAGE_CHIPS[Stage.REJECTED]
    return WHOLE_CHIPS[whole]


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """An approval of a stage. `of_another` says that surely somebody else is asked than the person behind the token."""

    id: int
    chip: Chip
    who: str
    when: str
    comments: str
    decided_by: str
    decided_at: datetime | None
    asked_at: datetime | None
    waits: bool
    of_another: bool


def approval_views(environment: Environment, identity_id: str) -> list[ApprovalView]:
    """Those who are asked, or were: the newest attempt first."""
    found = sorted(asked(environment), key=lambda one: (-one.attempt, one.id))
    return [_approval_view(one, identity_id) for one in found]


def _approval_view(one: Approval, identity_id: str) -> ApprovalView:
    asked_of = one.approver.display_name if one.approver else "Somebody"
    waits = one.status is ApprovalStatus.PENDING
    decided = one.decided_by.display_name if one.decided_by else ""
    return ApprovalView(
        id=one.id,
        chip=APPROVAL_CHIPS[one.status],
        who=f"{asked_of} (group)" if one.approver and one.approver.is_group else asked_of,
        when=_WHEN.get(one.kind, ""),
        comments=one.comments,
        decided_by=decided if decided != asked_of else "",
        decided_at=None if waits else one.changed_at,
        asked_at=one.created_at,
        waits=waits,
        of_another=is_of_another(one, identity_id),
    )


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """One attempt at deploying a stage, in the history of deployments."""

    stage: str
    number: int
    chip: Chip
    operation: str
    who: str
    queued_at: datetime | None
    changed_at: datetime | None


def deployment_views(environments: Iterable[Environment]) -> list[DeploymentView]:
    """Every attempt of every stage, the newest first."""
    found = [
        DeploymentView(
            environment.name,
            attempt.number,
            STAGE_CHIPS[stage_of_attempt(attempt.status, attempt.operation)],
            operation_words(attempt.operation),
            attempt.requested_by.display_name if attempt.requested_by else "",
            attempt.queued_at,
            attempt.changed_at,
        )
        for environment in environments
        for attempt in environment.attempts
    ]
    return sorted(found, key=lambda one: one.queued_at.timestamp() if one.queued_at else 0.0, reverse=True)


def operation_words(operation: str | None) -> str:
    """Azure DevOps' own word for what a deployment does, as people write: phaseInProgress is "Phase in progress"."""
    return _BETWEEN_WORDS.sub(" ", cut(operation or "")).capitalize()


def duration(minutes: float | None) -> str:
    """How long a deployment took, in one or two units; empty when it is not known."""
    if minutes is None:
        return ""
    seconds = round(minutes * 60)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"
