"""What a stage and a release are, from all that Azure DevOps says of them."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest

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
from delivery.domain.build_states import State
from delivery.domain.stages import (
    ReleaseState,
    StageState,
    release_state,
    release_state_of_stages,
    seconds_until_next_poll,
    stage_of,
    stage_of_attempt,
)

NOW = datetime(2026, 11, 25, tzinfo=UTC)
RUNS, REJECTED, QUEUED = EnvironmentStatus.IN_PROGRESS, EnvironmentStatus.REJECTED, EnvironmentStatus.QUEUED


def approval(status: ApprovalStatus, *, attempt: int = 1, automated: bool = False, kind: str = "preDeploy") -> Approval:
    return Approval(1, status, kind, is_automated=automated, attempt=attempt)


def attempt(operation: str | None = None, status: DeploymentStatus = DeploymentStatus.IN_PROGRESS) -> Attempt:
    return Attempt(1, status, operation)


def stage(
    status: EnvironmentStatus,
    *attempts: Attempt,
    approvals: tuple[Approval, ...] = (),
    changed_at: datetime | None = None,
) -> Environment:
    return Environment(1, "Test", status, attempts=attempts, approvals=approvals, changed_at=changed_at)


def release(*stages: Environment, status: ReleaseStatus = ReleaseStatus.ACTIVE) -> Release:
    return Release(1, "Release-1", status, environments=stages)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (stage(EnvironmentStatus.NOT_STARTED), StageState.NOT_STARTED),
        (stage(EnvironmentStatus.UNDEFINED), StageState.NOT_STARTED),
        (stage(EnvironmentStatus.SCHEDULED), StageState.SCHEDULED),
        (stage(EnvironmentStatus.SUCCEEDED), StageState.SUCCEEDED),
        (stage(EnvironmentStatus.PARTIALLY_SUCCEEDED), StageState.PARTLY),
        (stage(EnvironmentStatus.CANCELED), StageState.CANCELLED),
        (stage(EnvironmentStatus.UNKNOWN), StageState.UNKNOWN),
        (stage(QUEUED, attempt("queuedForAgent")), StageState.QUEUED),
        (stage(RUNS, attempt("phaseInProgress")), StageState.DEPLOYING),
        (stage(RUNS), StageState.DEPLOYING),
        (stage(RUNS, attempt("a word of next year")), StageState.DEPLOYING),
        (stage(RUNS, attempt("manualInterventionPending")), StageState.INTERVENTION),
        (stage(RUNS, attempt("evaluatingGates")), StageState.GATES),
        (stage(RUNS, attempt("cancelling")), StageState.CANCELLING),
        (stage(RUNS, attempt("pending"), approvals=(approval(ApprovalStatus.PENDING),)), StageState.WAITING),
        (
            stage(RUNS, attempt("phaseSucceeded"), approvals=(approval(ApprovalStatus.PENDING, kind="postDeploy"),)),
            StageState.WAITING,
        ),
        (
            stage(RUNS, attempt("pending"), approvals=(approval(ApprovalStatus.PENDING, automated=True),)),
            StageState.DEPLOYING,
        ),
    ],
)
def test_a_stage_is_read_from_its_status_its_approvals_and_its_last_attempt(
    environment: Environment, expected: StageState
) -> None:
    assert stage_of(environment) is expected


def test_a_no_is_told_from_a_failure() -> None:
    no = (approval(ApprovalStatus.REJECTED),)
    not_deployed = attempt("rejected", DeploymentStatus.NOT_DEPLOYED)
    assert stage_of(stage(REJECTED, not_deployed, approvals=no)) is StageState.REJECTED
    assert stage_of(stage(REJECTED, attempt("phaseFailed", DeploymentStatus.FAILED), approvals=no)) is StageState.FAILED
    assert stage_of(stage(REJECTED, attempt("phaseFailed", DeploymentStatus.FAILED))) is StageState.FAILED
    assert stage_of(stage(REJECTED)) is StageState.FAILED


def test_a_no_to_an_earlier_attempt_is_not_one_to_the_last() -> None:
    again = Attempt(2, DeploymentStatus.NOT_DEPLOYED, "gateFailed")
    assert (
        stage_of(stage(REJECTED, attempt(), again, approvals=(approval(ApprovalStatus.REJECTED),))) is StageState.FAILED
    )


@pytest.mark.parametrize(
    ("status", "operation", "expected"),
    [
        ("succeeded", "approved", StageState.SUCCEEDED),
        ("partiallySucceeded", None, StageState.PARTLY),
        ("failed", "phaseCanceled", StageState.CANCELLED),
        ("failed", "phaseFailed", StageState.FAILED),
        ("notDeployed", "pending", StageState.WAITING),
        ("notDeployed", "rejected", StageState.REJECTED),
        ("notDeployed", None, StageState.NOT_STARTED),
        ("inProgress", "queuedForAgent", StageState.QUEUED),
        ("inProgress", "phaseInProgress", StageState.DEPLOYING),
        ("unknown", "a word of next year", StageState.UNKNOWN),
    ],
)
def test_an_attempt_is_read_from_its_two_states(status: str, operation: str | None, expected: StageState) -> None:
    assert stage_of_attempt(DeploymentStatus(status), operation) is expected


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ((StageState.SUCCEEDED, StageState.DEPLOYING, StageState.WAITING), ReleaseState.WAITING),
        ((StageState.FAILED, StageState.INTERVENTION), ReleaseState.WAITING),
        ((StageState.FAILED, StageState.QUEUED), ReleaseState.RUNNING),
        ((StageState.SUCCEEDED, StageState.SCHEDULED), ReleaseState.RUNNING),
        ((StageState.SUCCEEDED, StageState.FAILED, StageState.NOT_STARTED), ReleaseState.FAILED),
        ((StageState.REJECTED, StageState.CANCELLED), ReleaseState.FAILED),
        ((StageState.SUCCEEDED, StageState.CANCELLED), ReleaseState.CANCELLED),
        ((StageState.SUCCEEDED, StageState.PARTLY), ReleaseState.PARTLY),
        ((StageState.SUCCEEDED, StageState.NOT_STARTED), ReleaseState.UNFINISHED),
        ((StageState.SUCCEEDED, StageState.SUCCEEDED), ReleaseState.SUCCEEDED),
        ((StageState.NOT_STARTED,), ReleaseState.NOT_STARTED),
        ((StageState.UNKNOWN,), ReleaseState.UNKNOWN),
        ((), ReleaseState.UNKNOWN),
    ],
)
def test_of_several_stages_the_most_urgent_says_what_a_release_is(
    stages: tuple[StageState, ...], expected: ReleaseState
) -> None:
    assert release_state_of_stages(stages) is expected


def test_drafts_and_abandoned_releases_are_that_whatever_their_stages_are() -> None:
    running = stage(RUNS)
    assert release_state(release(running, status=ReleaseStatus.DRAFT)) is ReleaseState.DRAFT
    assert release_state(release(running, status=ReleaseStatus.ABANDONED)) is ReleaseState.ABANDONED
    assert release_state(release(running)) is ReleaseState.RUNNING


def test_a_page_looks_again_soon_while_something_moves_and_never_when_all_is_over() -> None:
    asked = stage(RUNS, approvals=(approval(ApprovalStatus.PENDING),))
    long_ago, just_now = NOW - timedelta(hours=1), NOW - timedelta(seconds=5)
    over = EnvironmentStatus.SUCCEEDED
    assert seconds_until_next_poll(release(stage(QUEUED)), now=NOW) == 3
    assert seconds_until_next_poll(release(asked), now=NOW) == 15
    assert seconds_until_next_poll(release(stage(over, changed_at=just_now)), now=NOW) == 3
    assert seconds_until_next_poll(release(stage(over, changed_at=long_ago)), now=NOW) is None


@pytest.mark.parametrize("states", [StageState, ReleaseState, State])
def test_a_word_that_a_later_version_stored_is_unknown(states: type[StrEnum]) -> None:
    assert states("a word of a later version") == "unknown"
    assert states("failed") == "failed"
