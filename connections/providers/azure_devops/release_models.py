"""Data of the release service, and functions that read it. Fields that may be absent are optional."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from connections.providers.azure_devops.parsing import (
    flag,
    instant,
    mapping,
    number_of,
    objects,
    optional_number,
    optional_text,
    person,
    readable,
    state,
    text_of,
    web_link,
)
from connections.providers.organization import Identity


class ReleaseStatus(StrEnum):
    """https://learn.microsoft.com/rest/api/azure/devops/release/releases/get-release#releasestatus"""

    DRAFT = "draft"
    ACTIVE = "active"
    ABANDONED = "abandoned"
    UNDEFINED = "undefined"
    UNKNOWN = "unknown"


class EnvironmentStatus(StrEnum):
    """https://learn.microsoft.com/rest/api/azure/devops/release/releases/get-release#environmentstatus"""

    NOT_STARTED = "notStarted"
    IN_PROGRESS = "inProgress"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"
    REJECTED = "rejected"
    QUEUED = "queued"
    SCHEDULED = "scheduled"
    PARTIALLY_SUCCEEDED = "partiallySucceeded"
    UNDEFINED = "undefined"
    UNKNOWN = "unknown"


class DeploymentStatus(StrEnum):
    """https://learn.microsoft.com/rest/api/azure/devops/release/deployments/list#deploymentstatus"""

    NOT_DEPLOYED = "notDeployed"
    IN_PROGRESS = "inProgress"
    SUCCEEDED = "succeeded"
    PARTIALLY_SUCCEEDED = "partiallySucceeded"
    FAILED = "failed"
    UNDEFINED = "undefined"
    UNKNOWN = "unknown"


class ApprovalStatus(StrEnum):
    """https://learn.microsoft.com/rest/api/azure/devops/release/approvals/list#approvalstatus"""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    REASSIGNED = "reassigned"
    CANCELED = "canceled"
    SKIPPED = "skipped"
    UNDEFINED = "undefined"
    UNKNOWN = "unknown"


# The name of a stage without one.
UNNAMED = "Unnamed"


@dataclass(frozen=True, slots=True)
class Source:
    """The source of an artifact. Only builds (`kind` "Build") have versions that we can list."""

    alias: str
    kind: str
    definition_id: str | None = None
    definition_name: str | None = None
    project_id: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """An environment in a definition."""

    id: int
    name: str
    rank: int


@dataclass(frozen=True, slots=True)
class Definition:
    """A release pipeline. `latest_id` is its newest release, if that was requested and exists."""

    id: int
    name: str
    path: str = "\\"
    stages: tuple[PlannedStage, ...] = ()
    sources: tuple[Source, ...] = ()
    web_url: str | None = None
    latest_id: int | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """A version of an artifact in a release."""

    alias: str
    kind: str
    version: str | None = None
    branch: str | None = None
    commit: str | None = None
    definition_name: str | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """A pending or decided approval. `kind` is preDeploy or postDeploy; automated ones have no approver."""

    id: int
    status: ApprovalStatus
    kind: str
    approver: Identity | None = None
    decided_by: Identity | None = None
    comments: str = ""
    is_automated: bool = False
    attempt: int = 1
    created_at: datetime | None = None
    changed_at: datetime | None = None
    release_id: int | None = None
    release_name: str | None = None
    definition_id: int | None = None
    environment_name: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to deploy to an environment. `operation` has more details than `status`, in an open set of values."""

    number: int
    status: DeploymentStatus
    operation: str | None = None
    requested_by: Identity | None = None
    queued_at: datetime | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment of a release. `minutes` is the duration of its deployment."""

    id: int
    name: str
    status: EnvironmentStatus
    rank: int = 0
    approvals: tuple[Approval, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    changed_at: datetime | None = None
    minutes: float | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """A release, with its ordered environments, and its artifacts if they were requested."""

    id: int
    name: str
    status: ReleaseStatus
    definition_id: int | None = None
    definition_name: str | None = None
    description: str = ""
    reason: str | None = None
    created_by: Identity | None = None
    created_at: datetime | None = None
    environments: tuple[Environment, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    web_url: str | None = None


def read_definition(item: dict[str, Any]) -> Definition:
    """Read a release pipeline; sorts its stages."""
    stages = (_read_stage(entry) for entry in objects(item, "environments"))
    return Definition(
        id=number_of(item, "id"),
        name=text_of(item, "name"),
        path=optional_text(item, "path") or "\\",
        stages=tuple(sorted(stages, key=lambda stage: stage.rank)),
        sources=tuple(_read_source(entry) for entry in objects(item, "artifacts")),
        web_url=web_link(item, "_links", "web", "href"),
        latest_id=optional_number(item, "lastRelease", "id"),
    )


def _read_stage(item: dict[str, Any]) -> PlannedStage:
    return PlannedStage(
        id=number_of(item, "id"),
        name=optional_text(item, "name") or UNNAMED,
        rank=optional_number(item, "rank") or 0,
    )


def _read_source(item: dict[str, Any]) -> Source:
    reference = mapping(item, "definitionReference")
    return Source(
        alias=optional_text(item, "alias") or "",
        kind=optional_text(item, "type") or "",
        definition_id=optional_text(reference, "definition", "id"),
        definition_name=optional_text(reference, "definition", "name"),
        project_id=optional_text(reference, "project", "id"),
    )


def read_release(item: dict[str, Any]) -> Release:
    """Read a release."""
    environments = (read_environment(entry) for entry in objects(item, "environments"))
    return Release(
        id=number_of(item, "id"),
        name=text_of(item, "name"),
        status=state(item.get("status"), ReleaseStatus.UNKNOWN),
        definition_id=optional_number(item, "releaseDefinition", "id"),
        definition_name=optional_text(item, "releaseDefinition", "name"),
        description=optional_text(item, "description") or "",
        reason=optional_text(item, "reason"),
        created_by=person(item, "createdBy"),
        created_at=instant(item, "createdOn"),
        environments=tuple(sorted(environments, key=lambda stage: stage.rank)),
        artifacts=tuple(_read_artifact(entry) for entry in objects(item, "artifacts")),
        web_url=web_link(item, "_links", "web", "href"),
    )


def _read_artifact(item: dict[str, Any]) -> Artifact:
    reference = mapping(item, "definitionReference")
    return Artifact(
        alias=optional_text(item, "alias") or "",
        kind=optional_text(item, "type") or "",
        version=optional_text(reference, "version", "name"),
        branch=optional_text(reference, "branch", "id"),
        commit=optional_text(reference, "sourceVersion", "id"),
        definition_name=optional_text(reference, "definition", "name"),
    )


def read_environment(item: dict[str, Any]) -> Environment:
    """Read an environment."""
    minutes = item.get("timeToDeploy")
    return Environment(
        id=number_of(item, "id"),
        name=optional_text(item, "name") or UNNAMED,
        status=state(item.get("status"), EnvironmentStatus.UNKNOWN),
        rank=optional_number(item, "rank") or 0,
        approvals=readable(
            [*objects(item, "preDeployApprovals"), *objects(item, "postDeployApprovals")], read_approval
        ),
        attempts=readable(objects(item, "deploySteps"), _read_attempt),
        changed_at=instant(item, "modifiedOn"),
        minutes=float(minutes) if isinstance(minutes, (int, float)) and not isinstance(minutes, bool) else None,
    )


def _read_attempt(item: dict[str, Any]) -> Attempt:
    return Attempt(
        number=optional_number(item, "attempt") or 1,
        status=state(item.get("status"), DeploymentStatus.UNKNOWN),
        operation=_operation(item),
        requested_by=person(item, "requestedBy"),
        queued_at=instant(item, "queuedOn"),
        changed_at=instant(item, "lastModifiedOn"),
    )


def _operation(item: dict[str, Any]) -> str | None:
    # The service capitalizes this value, unlike its documentation.
    word = optional_text(item, "operationStatus")
    return word[:1].lower() + word[1:] if word else None


def read_approval(item: dict[str, Any]) -> Approval:
    """Read an approval."""
    return Approval(
        id=number_of(item, "id"),
        status=state(item.get("status"), ApprovalStatus.UNKNOWN),
        kind=optional_text(item, "approvalType") or "",
        approver=person(item, "approver"),
        decided_by=person(item, "approvedBy"),
        comments=optional_text(item, "comments") or "",
        is_automated=flag(item, "isAutomated"),
        attempt=optional_number(item, "attempt") or 1,
        created_at=instant(item, "createdOn"),
        changed_at=instant(item, "modifiedOn"),
        release_id=optional_number(item, "release", "id"),
        release_name=optional_text(item, "release", "name"),
        definition_id=optional_number(item, "releaseDefinition", "id"),
        environment_name=optional_text(item, "releaseEnvironment", "name"),
    )
