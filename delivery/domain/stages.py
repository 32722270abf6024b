"""What a stage of a classic release is, read from all that Azure DevOps says of it: pure, without words for people.

Azure DevOps calls a stage that waits for an approval "in progress", and one that failed "rejected": what people want to
know stands in the approvals and in the last attempt. Sources: the state enumerations that
`connections.providers.azure_devops.release_models` names.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from connections.providers.azure_devops.release_models import (
    Approval,
    ApprovalStatus,
    Attempt,
    DeploymentStatus,
    Environment,
    EnvironmentStatus,
    Release,
    ReleaseStatus,
)


class StageState(StrEnum):
    """The state of a stage. The values are stored."""

    NOT_STARTED = "not_started"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    WAITING = "waiting"
    INTERVENTION = "intervention"
    GATES = "gates"
    DEPLOYING = "deploying"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    PARTLY = "partly"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "StageState":
        """A later version may have stored a word that this one does not know."""
        return cls.UNKNOWN


class ReleaseState(StrEnum):
    """The state of a release as a whole, the most urgent first. The values are stored and used in addresses."""

    WAITING = "waiting"
    RUNNING = "running"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PARTLY = "partly"
    UNFINISHED = "unfinished"
    SUCCEEDED = "succeeded"
    NOT_STARTED = "not_started"
    DRAFT = "draft"
    ABANDONED = "abandoned"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "ReleaseState":
        """A later version may have stored a word that this one does not know."""
        return cls.UNKNOWN


ASKS_PEOPLE = (StageState.WAITING, StageState.INTERVENTION)
RUNS = (StageState.QUEUED, StageState.GATES, StageState.DEPLOYING, StageState.CANCELLING)
# A deployment that Azure DevOps would let be cancelled, and states from which it would begin one.
CAN_BE_CANCELLED = (*ASKS_PEOPLE, *RUNS, StageState.SCHEDULED)
CAN_BE_DEPLOYED = (
    StageState.NOT_STARTED,
    StageState.SUCCEEDED,
    StageState.PARTLY,
    StageState.CANCELLED,
    StageState.REJECTED,
    StageState.FAILED,
    StageState.UNKNOWN,
)

_PLAIN = {
    EnvironmentStatus.NOT_STARTED: StageState.NOT_STARTED,
    EnvironmentStatus.UNDEFINED: StageState.NOT_STARTED,
    EnvironmentStatus.SCHEDULED: StageState.SCHEDULED,
    EnvironmentStatus.SUCCEEDED: StageState.SUCCEEDED,
    EnvironmentStatus.PARTIALLY_SUCCEEDED: StageState.PARTLY,
    EnvironmentStatus.CANCELED: StageState.CANCELLED,
}
# The word for what a deployment does; the set of words is open, so what is not here is no news.
_OPERATIONS = {
    "pending": StageState.WAITING,
    "manualInterventionPending": StageState.INTERVENTION,
    "evaluatingGates": StageState.GATES,
    "cancelling": StageState.CANCELLING,
    "canceled": StageState.CANCELLED,
    "phaseCanceled": StageState.CANCELLED,
    "rejected": StageState.REJECTED,
    "gateFailed": StageState.FAILED,
    "phaseFailed": StageState.FAILED,
    "queued": StageState.QUEUED,
    "queuedForAgent": StageState.QUEUED,
    "queuedForPipeline": StageState.QUEUED,
    "scheduled": StageState.SCHEDULED,
    "deferred": StageState.SCHEDULED,
}
_DEPLOYMENTS = {
    DeploymentStatus.SUCCEEDED: StageState.SUCCEEDED,
    DeploymentStatus.PARTIALLY_SUCCEEDED: StageState.PARTLY,
    DeploymentStatus.FAILED: StageState.FAILED,
    DeploymentStatus.IN_PROGRESS: StageState.DEPLOYING,
    DeploymentStatus.NOT_DEPLOYED: StageState.NOT_STARTED,
}
_WHILE_IT_RUNS = (StageState.INTERVENTION, StageState.GATES, StageState.CANCELLING)


def stage_of_attempt(status: DeploymentStatus, operation: str | None) -> StageState:
    """Where one attempt at deploying is, or how it ended."""
    if status in (DeploymentStatus.SUCCEEDED, DeploymentStatus.PARTIALLY_SUCCEEDED):
        return _DEPLOYMENTS[status]
    return _OPERATIONS.get(operation or "") or _DEPLOYMENTS.get(status, StageState.UNKNOWN)


def stage_of(environment: Environment) -> StageState:
    """Where a stage is."""
    if environment.status in _PLAIN:
        return _PLAIN[environment.status]
    last = last_attempt(environment)
    if environment.status is EnvironmentStatus.REJECTED:
        return StageState.REJECTED if _was_rejected(environment, last) else StageState.FAILED
    if environment.status not in (EnvironmentStatus.IN_PROGRESS, EnvironmentStatus.QUEUED):
        return StageState.UNKNOWN
    if pending(environment):
        return StageState.WAITING
    known = _OPERATIONS.get(last.operation or "") if last else None
    if known in _WHILE_IT_RUNS:
        return known
    return StageState.QUEUED if environment.status is EnvironmentStatus.QUEUED else StageState.DEPLOYING


def last_attempt(environment: Environment) -> Attempt | None:
    """The newest attempt at deploying, if there was one."""
    return max(environment.attempts, key=lambda attempt: attempt.number, default=None)


def pending(environment: Environment) -> tuple[Approval, ...]:
    """The approvals that a stage waits for."""
    return tuple(approval for approval in asked(environment) if approval.status is ApprovalStatus.PENDING)


def asked(environment: Environment) -> tuple[Approval, ...]:
    """The approvals for which someone is, or was, asked."""
    return tuple(approval for approval in environment.approvals if not approval.is_automated)


def _was_rejected(environment: Environment, last: Attempt | None) -> bool:
    """Whether a person's no ended the last attempt, and not a failure."""
    if last is not None and last.status is DeploymentStatus.FAILED:
        return False
    number = last.number if last else 1
    return any(
        approval.status is ApprovalStatus.REJECTED and approval.attempt == number for approval in asked(environment)
    )


def release_state(release: Release) -> ReleaseState:
    """What a release as a whole is: what needs people first, then what moves, then what went wrong."""
    if release.status is ReleaseStatus.DRAFT:
        return ReleaseState.DRAFT
    if release.status is ReleaseStatus.ABANDONED:
        return ReleaseState.ABANDONED
    return release_state_of_stages(stage_of(environment) for environment in release.environments)


_RANKING: tuple[tuple[ReleaseState, tuple[StageState, ...]], ...] = (
    (ReleaseState.WAITING, ASKS_PEOPLE),
    (ReleaseState.RUNNING, (*RUNS, StageState.SCHEDULED)),
    (ReleaseState.FAILED, (StageState.FAILED, StageState.REJECTED)),
    (ReleaseState.CANCELLED, (StageState.CANCELLED,)),
    (ReleaseState.PARTLY, (StageState.PARTLY,)),
    (ReleaseState.NOT_STARTED, (StageState.NOT_STARTED,)),
    (ReleaseState.SUCCEEDED, (StageState.SUCCEEDED,)),
)


def release_state_of_stages(stages: Iterable[StageState]) -> ReleaseState:
    """The most urgent of several stages; unfinished where some went well and the others were never begun."""
    found = set(stages)
    if found == {StageState.SUCCEEDED, StageState.NOT_STARTED}:
        return ReleaseState.UNFINISHED
    return next((whole for whole, kinds in _RANKING if found & set(kinds)), ReleaseState.UNKNOWN)


# Between two stages Azure DevOps takes a moment, in which nothing seems to move.
_A_MOMENT = timedelta(seconds=60)


def seconds_until_next_poll(release: Release, *, now: datetime) -> int | None:
    """How soon a page that shows this release looks again; None when nothing changes until someone acts."""
    found = {stage_of(environment) for environment in release.environments}
    if found & {*RUNS} or _has_just_changed(release, now):
        return 3
    return 15 if found & {*ASKS_PEOPLE, StageState.SCHEDULED} else None


def is_settled(release: Release, *, now: datetime) -> bool:
    """Whether a release stays as it is until a person does something."""
    found = {stage_of(environment) for environment in release.environments}
    if found & {*RUNS, StageState.SCHEDULED}:
        return False
    # A stage that is not begun may be the next one.
    return bool(found & {*ASKS_PEOPLE}) or StageState.NOT_STARTED not in found or not _has_just_changed(release, now)


def _has_just_changed(release: Release, now: datetime) -> bool:
    moments = [release.created_at, *(environment.changed_at for environment in release.environments)]
    return any(moment is not None and abs(now - moment) < _A_MOMENT for moment in moments)
