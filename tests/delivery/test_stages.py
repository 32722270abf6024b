"""What a stage and a release are, from all that Azure DevOps says of them."""

from datetime import UTC, datetime, timedelta

import pytest

from connections.azure_devops.release_types import (
    Approval,
    ApprovalStatus,
    Attempt,
    DeploymentStatus,
    Environment,
    EnvironmentStatus,
    Release,
    ReleaseStatus,
)
from delivery.stages import Stage, Whole, seconds_until_next_look, stage_of, stage_of_attempt, whole_of, whole_of_stages

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
        (stage(EnvironmentStatus.NOT_STARTED), Stage.NOT_STARTED),
        (stage(EnvironmentStatus.UNDEFINED), Stage.NOT_STARTED),
        (stage(EnvironmentStatus.SCHEDULED), Stage.SCHEDULED),
        (stage(EnvironmentStatus.SUCCEEDED), Stage.SUCCEEDED),
        (stage(EnvironmentStatus.PARTIALLY_SUCCEEDED), Stage.PARTLY),
        (stage(EnvironmentStatus.CANCELED), Stage.CANCELLED),
        (stage(EnvironmentStatus.UNKNOWN), Stage.UNKNOWN),
        (stage(QUEUED, attempt("queuedForAgent")), Stage.QUEUED),
        (stage(RUNS, attempt("phaseInProgress")), Stage.DEPLOYING),
        (stage(RUNS), Stage.DEPLOYING),
        (stage(RUNS, attempt("a word of next year")), Stage.DEPLOYING),
        (stage(RUNS, attempt("manualInterventionPending")), Stage.INTERVENTION),
        (stage(RUNS, attempt("evaluatingGates")), Stage.GATES),
        (stage(RUNS, attempt("cancelling")), Stage.CANCELLING),
        (stage(RUNS, attempt("pending"), approvals=(approval(ApprovalStatus.PENDING),)), Stage.WAITING),
        (
            stage(RUNS, attempt("phaseSucceeded"), approvals=(approval(ApprovalStatus.PENDING, kind="postDeploy"),)),
            Stage.WAITING,
        ),
        (
            stage(RUNS, attempt("pending"), approvals=(approval(ApprovalStatus.PENDING, automated=True),)),
            Stage.DEPLOYING,
        ),
    ],
)
def test_a_stage_is_read_from_its_status_its_approvals_and_its_last_attempt(
    environment: Environment, expected: Stage
) -> None:
    assert stage_of(environment) is expected


def test_a_no_is_told_from_a_failure() -> None:
    no = (approval(ApprovalStatus.REJECTED),)
    not_deployed = attempt("rejected", DeploymentStatus.NOT_DEPLOYED)
    assert stage_of(stage(REJECTED, not_deployed, approvals=no)) is Stage.REJECTED
    assert stage_of(stage(REJECTED, attempt("phaseFailed", DeploymentStatus.FAILED), approvals=no)) is Stage.FAILED
    assert stage_of(stage(REJECTED, attempt("phaseFailed", DeploymentStatus.FAILED))) is Stage.FAILED
    assert stage_of(stage(REJECTED)) is Stage.FAILED


def test_a_no_to_an_earlier_attempt_is_not_one_to_the_last() -> None:
    again = Attempt(2, DeploymentStatus.NOT_DEPLOYED, "gateFailed")
    assert stage_of(stage(REJECTED, attempt(), again, approvals=(approval(ApprovalStatus.REJECTED),))) is Stage.FAILED


@pytest.mark.parametrize(
    ("status", "operation", "expected"),
    [
        ("succeeded", "approved", Stage.SUCCEEDED),
        ("partiallySucceeded", None, Stage.PARTLY),
        ("failed", "phaseCanceled", Stage.CANCELLED),
        ("failed", "phaseFailed", Stage.FAILED),
        ("notDeployed", "pending", Stage.WAITING),
        ("notDeployed", "rejected", Stage.REJECTED),
        ("notDeployed", None, Stage.NOT_STARTED),
        ("inProgress", "queuedForAgent", Stage.QUEUED),
        ("inProgress", "phaseInProgress", Stage.DEPLOYING),
        ("unknown", "a word of next year", Stage.UNKNOWN),
    ],
)
def test_an_attempt_is_read_from_its_two_states(status: str, operation: str | None, expected: Stage) -> None:
    assert stage_of_attempt(DeploymentStatus(status), operation) is expected


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ((Stage.SUCCEEDED, Stage.DEPLOYING, Stage.WAITING), Whole.WAITING),
        ((Stage.FAILED, Stage.INTERVENTION), Whole.WAITING),
        ((Stage.FAILED, Stage.QUEUED), Whole.RUNNING),
        ((Stage.SUCCEEDED, Stage.SCHEDULED), Whole.RUNNING),
        ((Stage.SUCCEEDED, Stage.FAILED, Stage.NOT_STARTED), Whole.FAILED),
        ((Stage.REJECTED, Stage.CANCELLED), Whole.FAILED),
        ((Stage.SUCCEEDED, Stage.CANCELLED), Whole.CANCELLED),
        ((Stage.SUCCEEDED, Stage.PARTLY), Whole.PARTLY),
        ((Stage.SUCCEEDED, Stage.NOT_STARTED), Whole.UNFINISHED),
        ((Stage.SUCCEEDED, Stage.SUCCEEDED), Whole.SUCCEEDED),
        ((Stage.NOT_STARTED,), Whole.NOT_STARTED),
        ((Stage.UNKNOWN,), Whole.UNKNOWN),
        ((), Whole.UNKNOWN),
    ],
)
def test_of_several_stages_the_most_urgent_says_what_a_release_is(stages: tuple[Stage, ...], expected: Whole) -> None:
    assert whole_of_stages(stages) is expected


def test_drafts_and_abandoned_releases_are_that_whatever_their_stages_are() -> None:
    running = stage(RUNS)
    assert whole_of(release(running, status=ReleaseStatus.DRAFT)) is Whole.DRAFT
    assert whole_of(release(running, status=ReleaseStatus.ABANDONED)) is Whole.ABANDONED
    assert whole_of(release(running)) is Whole.RUNNING


def test_a_page_looks_again_soon_while_something_moves_and_never_when_all_is_over() -> None:
    asked = stage(RUNS, approvals=(approval(ApprovalStatus.PENDING),))
    long_ago, just_now = NOW - timedelta(hours=1), NOW - timedelta(seconds=5)
    over = EnvironmentStatus.SUCCEEDED
    assert seconds_until_next_look(release(stage(QUEUED)), now=NOW) == 3
    assert seconds_until_next_look(release(asked), now=NOW) == 15
    assert seconds_until_next_look(release(stage(over, changed_at=just_now)), now=NOW) == 3
    assert seconds_until_next_look(release(stage(over, changed_at=long_ago)), now=NOW) is None
