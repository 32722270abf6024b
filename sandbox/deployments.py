"""Classic release definitions, releases, and deployments whose state is computed from the time.

Nothing runs in the background: `settle` updates a release to a given time when it is requested.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sandbox.people import Person
from sandbox.pipelines import Build, Definition

# When an environment starts automatically: with the release, after the previous environment, or never.
Start = Literal["release", "previous", "hand"]
QUEUED_SECONDS = 2.0
_ENDS = {"succeeded": "succeeded", "failed": "rejected", "partiallySucceeded": "partiallySucceeded"}


@dataclass(frozen=True)
class ArtifactSource:
    """A source of artifacts for a release: the builds of a definition, under an alias."""

    alias: str
    definition: Definition


@dataclass(frozen=True)
class EnvironmentPlan:
    """An environment of a definition: its approvers, how long a deployment takes, and its outcome."""

    id: int
    name: str
    rank: int
    approvers: tuple[Person, ...] = ()
    start: Start = "previous"
    seconds: float = 15.0
    outcome: Literal["succeeded", "failed", "partiallySucceeded"] = "succeeded"


@dataclass
class ReleaseDefinition:
    """A classic release pipeline."""

    id: int
    name: str
    author: Person
    created_at: datetime
    environments: tuple[EnvironmentPlan, ...]
    artifacts: tuple[ArtifactSource, ...]
    path: str = "\\"


@dataclass
class Approval:
    """An approval before an environment is deployed. `approver` is None if none is required."""

    id: int
    approver: Person | None
    created_at: datetime
    status: str = "pending"
    comments: str = ""
    decided_at: datetime | None = None
    decided_by: Person | None = None
    revision: int = 1


@dataclass
class Attempt:
    """One deployment of an environment."""

    id: int
    number: int
    by_hand: bool
    person: Person
    queued_at: datetime
    approvals: list[Approval]
    canceled_at: datetime | None = None
    canceled_by: Person | None = None
    followed: bool = False

    @property
    def rejected_at(self) -> datetime | None:
        """When the deployment was rejected."""
        return next((approval.decided_at for approval in self.approvals if approval.status == "rejected"), None)

    @property
    def approved_at(self) -> datetime | None:
        """When the last approver approved."""
        if any(approval.status != "approved" for approval in self.approvals):
            return None
        return max((approval.decided_at or self.queued_at for approval in self.approvals), default=self.queued_at)


@dataclass(frozen=True)
class Progress:
    """The state of an attempt. `deployment` and `operation` are the two states of a deployment."""

    environment: str
    deployment: str
    operation: str
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass
class Environment:
    """An environment of one release."""

    id: int
    plan: EnvironmentPlan
    attempts: list[Attempt] = field(default_factory=list)

    def progress(self, attempt: Attempt, now: datetime) -> Progress:
        """The state of an attempt at this time."""
        if attempt.rejected_at is not None:
            return Progress("rejected", "notDeployed", "Rejected", None, attempt.rejected_at)
        approved = attempt.approved_at
        if approved is None:
            if attempt.canceled_at is not None:
                return Progress("canceled", "notDeployed", "Canceled", None, attempt.canceled_at)
            # Inferred: an environment that waits for approval is in progress, and its deployment is pending.
            return Progress("inProgress", "notDeployed", "Pending")
        started = approved + timedelta(seconds=QUEUED_SECONDS)
        ends = started + timedelta(seconds=self.plan.seconds)
        if attempt.canceled_at is not None and attempt.canceled_at < ends:
            return Progress("canceled", "failed", "PhaseCanceled", started, attempt.canceled_at)
        if now < started:
            return Progress("queued", "inProgress", "QueuedForAgent")
        if now < ends:
            return Progress("inProgress", "inProgress", "PhaseInProgress", started)
        operation = "PhaseFailed" if self.plan.outcome == "failed" else "Approved"
        return Progress(_ENDS[self.plan.outcome], self.plan.outcome, operation, started, ends)

    def status(self, now: datetime) -> str:
        """The state at this time."""
        return self.progress(self.attempts[-1], now).environment if self.attempts else "notStarted"


@dataclass
class Release:
    """One release: the versions of its artifacts, and its environments."""

    id: int
    name: str
    definition: ReleaseDefinition
    person: Person
    created_at: datetime
    environments: list[Environment]
    artifacts: dict[str, Build]
    description: str = ""
    reason: str = "manual"
    status: str = "active"
    by_hand: frozenset[str] = frozenset()

    def settle(self, now: datetime, new_id: Callable[[], int]) -> None:
        """Start the deployments that are due to start automatically. `new_id` numbers deployments and approvals."""
        if self.status != "active":
            return
        before: Environment | None = None
        for environment in self.environments:
            if environment.plan.name not in self.by_hand:
                self._begin_by_itself(environment, before, now, new_id)
            before = environment

    def _begin_by_itself(
        self, environment: Environment, before: Environment | None, now: datetime, new_id: Callable[[], int]
    ) -> None:
        start = environment.plan.start
        if start == "release" and not environment.attempts:
            self.begin(environment, self.person, self.created_at, new_id)
        for attempt in before.attempts if before and start == "previous" else ():
            progress = before.progress(attempt, now) if before else None
            if progress and progress.environment == "succeeded" and progress.finished_at and not attempt.followed:
                attempt.followed = True
                self.begin(environment, attempt.person, progress.finished_at, new_id)

    def begin(
        self,
        environment: Environment,
        person: Person,
        at: datetime,
        new_id: Callable[[], int],
        *,
        by_hand: bool = False,
    ) -> Attempt:
        """Start a deployment, and request its approvals."""
        approvers = environment.plan.approvers
        approvals = [Approval(new_id(), approver, at) for approver in approvers] or [
            Approval(new_id(), None, at, "approved", decided_at=at)
        ]
        number = len(environment.attempts) + 1
        attempt = Attempt(new_id(), number, by_hand, person, at, approvals)
        environment.attempts.append(attempt)
        return attempt
