"""Change releases in Azure DevOps: create one, deploy or cancel a stage, approve or reject a deployment.

Each reads the present state first, so that after silence `look` can tell what happened from what was so before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from connections.providers.azure_devops import errors, release
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.release_models import (
    Approval,
    ApprovalStatus,
    Environment,
    EnvironmentStatus,
    Release,
)
from delivery import input_rules, operations
from delivery.domain.stages import StageState, stage_of
from delivery.models import Project
from delivery.operations import Operation
from delivery.remote_change import ChangeRequest, execute
from delivery.remote_read import RemoteReadError, refusing_invalid_input
from history.record import Actor

# So many of a pipeline's newest releases are looked through for the one that we made.
_LOOKED_THROUGH = 20
_BEGUN = (EnvironmentStatus.QUEUED, EnvironmentStatus.IN_PROGRESS, EnvironmentStatus.SCHEDULED)


@dataclass(frozen=True, slots=True)
class NewRelease:
    """A release as it should be. `versions` has id and name of a version by alias; stages in `by_hand` wait."""

    definition_id: int
    definition_name: str
    versions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    description: str = ""
    by_hand: tuple[str, ...] = ()


def create_release(project: Project, wish: NewRelease, *, by: Actor, now: datetime) -> Release:
    """A new release. Raises `RemoteReadError`, with "artifact_unavailable" when a version is not to be had."""
    with refusing_invalid_input():
        wish = replace(wish, description=input_rules.comment(wish.description))
    chosen = ", ".join(name for _, name in wish.versions.values())
    what = f"{wish.definition_name} in {project.name}" + (f" with {chosen}" if chosen else "")
    detail = {"definition_id": wish.definition_id, "definition": wish.definition_name}
    work = _Creation(project, wish)
    return execute(
        _attempt(operations.CREATE_RELEASE, project, what, detail, by, now),
        work.do,
        look=work.look,
        ids=lambda done: {"release_id": done.id, "release": done.name},
    )


class _Creation:
    """One release, made once."""

    def __init__(self, project: Project, wish: NewRelease) -> None:
        self.project = project
        self.wish = wish
        self.newest_before: int | None = None

    def do(self, client: AzureDevOpsClient) -> Release:
        known = self.releases(client, top=1)
        self.newest_before = known[0].id if known else 0
        try:
            return release.create_release(
                client.transport,
                self.project.azure_id,
                self.wish.definition_id,
                versions=self.wish.versions,
                description=self.wish.description,
                manual_environments=self.wish.by_hand,
            )
        except errors.Rejected as refusal:
            if refusal.type_key == "ArtifactVersionUnavailableException":
                raise _in_words("artifact_unavailable", refusal) from None
            raise

    def releases(self, client: AzureDevOpsClient, *, top: int) -> tuple[Release, ...]:
        found = release.releases_page(
            client.transport, self.project.azure_id, definition_id=self.wish.definition_id, top=top
        )
        return found.items

    def look(self, client: AzureDevOpsClient) -> Release | None:
        """A release that was not there before, made by us, with our description."""
        if self.newest_before is None:
            return None
        found = [
            release
            for release in self.releases(client, top=_LOOKED_THROUGH)
            if self.may_be_ours(release, self.newest_before)
        ]
        if len(found) > 1:
            raise errors.Conflict(detail="more than one release could be ours")
        return found[0] if found else None

    def may_be_ours(self, release: Release, newest_before: int) -> bool:
        by_us = release.created_by is not None and release.created_by.id == self.project.connection.identity_id
        alike = release.description.strip() == self.wish.description.strip() and release.reason in (None, "manual")
        return release.id > newest_before and by_us and alike


@dataclass(frozen=True, slots=True)
class Place:
    """A stage of a release: Azure DevOps' ids, and the names for the history."""

    release_id: int
    release_name: str
    environment_id: int
    stage_name: str

    @classmethod
    def of(cls, release: Release, stage: Environment) -> Self:
        """This stage of this release."""
        return cls(release.id, release.name, stage.id, stage.name)

    @property
    def detail(self) -> dict[str, object]:
        """For the history."""
        return {
            "release_id": self.release_id,
            "release": self.release_name,
            "environment_id": self.environment_id,
            "stage": self.stage_name,
        }


def change_stage(
    act: Operation, project: Project, place: Place, *, comment: str, by: Actor, now: datetime
) -> Environment:
    """Deploy a stage or cancel its deployment. Raises `RemoteReadError`: "stage_moved_on" if its state forbids that."""
    with refusing_invalid_input():
        comment = input_rules.comment(comment)
    work = _StageChange(act, project, place, comment)
    detail = place.detail | {"comment": comment}
    return execute(
        _attempt(act, project, f"{place.stage_name} of {place.release_name} in {project.name}", detail, by, now),
        work.do,
        look=work.look,
        ids=lambda done: {"environment_id": done.id, "attempt": _attempts(done)},
    )


class _StageChange:
    """One stage that is deployed, or whose deployment is cancelled."""

    def __init__(self, act: Operation, project: Project, place: Place, comment: str) -> None:
        self.act = act
        self.project = project
        self.place = place
        self.comment = comment
        self.before: Environment | None = None

    def do(self, client: AzureDevOpsClient) -> Environment:
        self.before = self.stage(client)
        change = release.deploy if self.act is operations.DEPLOY_STAGE else release.cancel
        try:
            return change(
                client.transport,
                self.project.azure_id,
                self.place.release_id,
                self.place.environment_id,
                comment=self.comment,
            )
        except errors.Rejected as refusal:
            raise _in_words("stage_moved_on", refusal) from None

    def stage(self, client: AzureDevOpsClient) -> Environment:
        found = release.release(client.transport, self.project.azure_id, self.place.release_id)
        for environment in found.environments:
            if environment.id == self.place.environment_id:
                return environment
        raise errors.NotFound(detail="the release has no such stage")

    def look(self, client: AzureDevOpsClient) -> Environment | None:
        """The stage, when it is no more as it was before but as it should be."""
        if self.before is None:
            return None
        found = self.stage(client)
        if self.act is operations.DEPLOY_STAGE:
            has_begun = _attempts(found) > _attempts(self.before)
            return found if has_begun or (found.status in _BEGUN and self.before.status not in _BEGUN) else None
        return found if _is_cancelled(found) and not _is_cancelled(self.before) else None


def _is_cancelled(environment: Environment) -> bool:
    return stage_of(environment) in (StageState.CANCELLED, StageState.CANCELLING)


def _attempts(environment: Environment) -> int:
    return max((attempt.number for attempt in environment.attempts), default=0)


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody says to an approval."""

    approval_id: int
    comment: str = ""


def decide(act: Operation, project: Project, place: Place, decision: Decision, *, by: Actor, now: datetime) -> Approval:
    """Approve or reject. Raises `RemoteReadError`, with "approval_of_another" or "approval_decided"."""
    with refusing_invalid_input():
        decision = replace(decision, comment=input_rules.comment(decision.comment))
    work = _Deciding(act, project, place, decision)
    detail = place.detail | {"approval_id": decision.approval_id, "comment": decision.comment}
    return execute(
        _attempt(act, project, f"{place.stage_name} of {place.release_name} in {project.name}", detail, by, now),
        work.do,
        look=work.look,
        ids=lambda done: {"approval_id": done.id},
    )


class _Deciding:
    """One approval, answered once."""

    def __init__(self, act: Operation, project: Project, place: Place, decision: Decision) -> None:
        self.project = project
        self.place = place
        self.decision = decision
        self.says_yes = act is operations.APPROVE_DEPLOYMENT

    def do(self, client: AzureDevOpsClient) -> Approval:
        asked = self.approval(client)
        if asked.status is not ApprovalStatus.PENDING:
            raise RemoteReadError("approval_decided")
        say = release.approve if self.says_yes else release.reject
        try:
            return say(client.transport, self.project.azure_id, asked.id, comments=self.decision.comment)
        except (errors.AccessDenied, errors.Rejected) as refusal:
            if is_of_another(asked, self.project.connection.identity_id):
                raise _in_words("approval_of_another", refusal) from None
            if isinstance(refusal, errors.Rejected):
                raise _in_words("approval_decided", refusal) from None
            raise

    def approval(self, client: AzureDevOpsClient) -> Approval:
        found = release.release(client.transport, self.project.azure_id, self.place.release_id)
        for environment in found.environments:
            for approval in environment.approvals:
                if approval.id == self.decision.approval_id:
                    return approval
        raise errors.NotFound(detail="the release has no such approval")

    def look(self, client: AzureDevOpsClient) -> Approval | None:
        """The approval, when it was decided as we wanted, and by us."""
        found = self.approval(client)
        wanted = ApprovalStatus.APPROVED if self.says_yes else ApprovalStatus.REJECTED
        ours = found.decided_by is None or found.decided_by.id == self.project.connection.identity_id
        return found if found.status is wanted and ours else None


def is_of_another(approval: Approval, identity_id: str) -> bool:
    """Whether surely another person is asked than the one with this id. Who belongs to a group cannot be told."""
    asked = approval.approver
    return asked is not None and bool(asked.id) and not asked.is_group and asked.id.lower() != identity_id.lower()


def _in_words(code: str, refusal: errors.AzureDevOpsError) -> RemoteReadError:
    return RemoteReadError(code, activity_id=refusal.activity_id, said=refusal.said)


def _attempt(
    act: Operation, project: Project, what: str, detail: Mapping[str, object], by: Actor, now: datetime
) -> ChangeRequest:
    ids = {"project_id": project.azure_id, "project": project.name}
    return ChangeRequest(act, project.connection, what, by, now, {**ids, **detail})
