"""What pages show of releases: words, icons and tones of their states, never colour alone."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from connections.domain.durations import in_units
from connections.providers.azure_devops.release_models import Approval, ApprovalStatus, Attempt, Environment, Release
from connections.providers.azure_devops.text import cut
from connections.views.presenters import Chip
from delivery.domain.stages import ReleaseState, StageState, asked, release_state, stage_of, stage_of_attempt
from delivery.releases.release_changes import is_of_another

STAGE_CHIPS: dict[StageState, Chip] = {
    StageState.NOT_STARTED: Chip("Not started", "circle-dashed", "quiet"),
    StageState.SCHEDULED: Chip("Scheduled", "calendar-clock", "info"),
    StageState.QUEUED: Chip("Queued", "hourglass", "info"),
    StageState.WAITING: Chip("Waiting for approval", "user-check", "warn"),
    StageState.INTERVENTION: Chip("Waiting for a person", "hand", "warn"),
    StageState.GATES: Chip("Checking gates", "shield-check", "info"),
    StageState.DEPLOYING: Chip("Deploying", "loader", "info"),
    StageState.CANCELLING: Chip("Being cancelled", "circle-stop", "quiet"),
    StageState.SUCCEEDED: Chip("Succeeded", "circle-check", "good"),
    StageState.PARTLY: Chip("Partly succeeded", "circle-alert", "warn"),
    StageState.CANCELLED: Chip("Cancelled", "circle-slash", "quiet"),
    StageState.REJECTED: Chip("Rejected", "thumbs-down", "bad"),
    StageState.FAILED: Chip("Failed", "circle-x", "bad"),
    StageState.UNKNOWN: Chip("Unknown", "circle-question-mark", "quiet"),
}
RELEASE_CHIPS: dict[ReleaseState, Chip] = {
    ReleaseState.WAITING: STAGE_CHIPS[StageState.WAITING],
    ReleaseState.RUNNING: Chip("Running", "loader", "info"),
    ReleaseState.FAILED: STAGE_CHIPS[StageState.FAILED],
    ReleaseState.CANCELLED: STAGE_CHIPS[StageState.CANCELLED],
    ReleaseState.PARTLY: STAGE_CHIPS[StageState.PARTLY],
    ReleaseState.UNFINISHED: Chip("Partly deployed", "circle-dot", "info"),
    ReleaseState.SUCCEEDED: STAGE_CHIPS[StageState.SUCCEEDED],
    ReleaseState.NOT_STARTED: STAGE_CHIPS[StageState.NOT_STARTED],
    ReleaseState.DRAFT: Chip("Draft", "pencil-line", "quiet"),
    ReleaseState.ABANDONED: Chip("Abandoned", "archive", "quiet"),
    ReleaseState.UNKNOWN: STAGE_CHIPS[StageState.UNKNOWN],
}
APPROVAL_CHIPS: dict[ApprovalStatus, Chip] = {
    ApprovalStatus.PENDING: Chip("Waits", "user-check", "warn"),
    ApprovalStatus.APPROVED: Chip("Approved", "thumbs-up", "good"),
    ApprovalStatus.REJECTED: Chip("Rejected", "thumbs-down", "bad"),
    ApprovalStatus.REASSIGNED: Chip("Handed on", "forward", "quiet"),
    ApprovalStatus.CANCELED: Chip("Cancelled", "circle-slash", "quiet"),
    ApprovalStatus.SKIPPED: Chip("Skipped", "skip-forward", "quiet"),
    ApprovalStatus.UNDEFINED: STAGE_CHIPS[StageState.UNKNOWN],
    ApprovalStatus.UNKNOWN: STAGE_CHIPS[StageState.UNKNOWN],
}
_BETWEEN_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WHEN = {"preDeploy": "before the deployment", "postDeploy": "after the deployment"}


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage in a row of stages."""

    name: str
    chip: Chip


def row_of_stages(release: Release) -> list[StageView]:
    """The stages of a release in their order."""
    return [StageView(environment.name, STAGE_CHIPS[stage_of(environment)]) for environment in release.environments]


def chip_of(release: Release) -> Chip:
    """A release as a whole; one of several stages that failed is not told from one that was rejected."""
    return chip_of_release(release_state(release), [stage_of(environment) for environment in release.environments])


def chip_of_release(whole: ReleaseState, stages: Collection[StageState]) -> Chip:
    """The same of what is stored of a release."""
    if whole is ReleaseState.WAITING and StageState.WAITING not in stages:
        return STAGE_CHIPS[StageState.INTERVENTION]
    if whole is ReleaseState.FAILED and StageState.FAILED not in stages:
        return STAGE_CHIPS[StageState.REJECTED]
    return RELEASE_CHIPS[whole]


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """An approval of a stage. `of_another` says that surely somebody else is asked than the person behind the token."""

    approval: Approval
    chip: Chip
    who: str
    when: str
    decided_by: str
    waits: bool
    of_another: bool


def approval_views(environment: Environment, identity_id: str) -> list[ApprovalView]:
    """Those who are asked, or were: the newest attempt first."""
    found = sorted(asked(environment), key=lambda approval: (-approval.attempt, approval.id))
    return [_approval_view(approval, identity_id) for approval in found]


def _approval_view(approval: Approval, identity_id: str) -> ApprovalView:
    asked_of = approval.approver.display_name if approval.approver else "Someone"
    decided = approval.decided_by.display_name if approval.decided_by else ""
    return ApprovalView(
        approval,
        chip=APPROVAL_CHIPS[approval.status],
        who=f"{asked_of} (group)" if approval.approver and approval.approver.is_group else asked_of,
        when=_WHEN.get(approval.kind, ""),
        decided_by=decided if decided != asked_of else "",
        waits=approval.status is ApprovalStatus.PENDING,
        of_another=is_of_another(approval, identity_id),
    )


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """One attempt at deploying a stage, in the history of deployments."""

    stage: str
    attempt: Attempt
    chip: Chip
    operation: str
    who: str


def deployment_views(environments: Iterable[Environment]) -> list[DeploymentView]:
    """Every attempt of every stage, the newest first."""
    found = [
        DeploymentView(
            environment.name,
            attempt,
            STAGE_CHIPS[stage_of_attempt(attempt.status, attempt.operation)],
            operation_words(attempt.operation),
            attempt.requested_by.display_name if attempt.requested_by else "",
        )
        for environment in environments
        for attempt in environment.attempts
    ]
    return sorted(found, key=_queued, reverse=True)


def _queued(deployment: DeploymentView) -> float:
    queued_at = deployment.attempt.queued_at
    return queued_at.timestamp() if queued_at else 0.0


def operation_words(operation: str | None) -> str:
    """Azure DevOps' own word for what a deployment does, as people write: phaseInProgress is "Phase in progress"."""
    return _BETWEEN_WORDS.sub(" ", cut(operation or "")).capitalize()


def duration(minutes: float | None) -> str:
    """How long a deployment took, in one or two units; empty when it is not known."""
    return "" if minutes is None else in_units(round(minutes * 60))
