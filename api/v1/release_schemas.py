"""Schemas of release pipelines and releases."""

from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import Field, StringConstraints

from api.v1 import delivery_schemas
from api.v1.input_schemas import Input, Line
from connections.providers.azure_devops.release_models import ApprovalStatus, DeploymentStatus
from delivery.domain.stages import ReleaseState, StageState
from delivery.forms import LARGEST_ID

_NEXT = "Address of the next page; null on the last one."
# Longer than any that is accepted; the actions say what a comment may be.
Text = Annotated[str, StringConstraints(max_length=5000)]


class ReleasePipelineFilters(delivery_schemas.ListFilters):
    """Search and filters, as on the Releases page."""

    project: int | None = Field(None, ge=1, le=LARGEST_ID, description="Only of this project.")
    state: Literal[
        "",
        "waiting",
        "running",
        "failed",
        "cancelled",
        "partly",
        "unfinished",
        "succeeded",
        "not_started",
        "draft",
        "abandoned",
        "none",
    ] = Field("", description="Of the newest release; waiting finds older ones too, none has no release.")


class StageRef(Schema):
    """A stage of the newest release."""

    name: str
    state: StageState


class NewestRelease(Schema):
    """The newest release of a release pipeline, as it was last read."""

    id: int
    name: str
    version: str | None
    created_at: datetime | None
    created_by: str | None
    stages: list[StageRef]


class ReleasePipeline(Schema):
    """A classic release pipeline with its newest release, as they were last read."""

    id: int
    azure_id: int
    name: str
    folder: str
    project: delivery_schemas.Project
    state: ReleaseState | None = Field(description="Of the newest release; null without one.")
    newest_release: NewestRelease | None
    pending_approvals: int = Field(description="Of all its releases.")
    web_url: str
    gone_at: datetime | None = Field(description="Since when Azure DevOps no longer lists it.")
    url: str = Field(description="Its page here, for people.")


class ReleasePipelineList(delivery_schemas.Freshness):
    """A page of release pipelines."""

    release_pipelines: list[ReleasePipeline]
    next: str | None = Field(description=_NEXT)


class Version(Schema):
    """A version of an artifact."""

    id: int
    number: str
    branch: str | None
    finished_at: datetime | None


class ArtifactChoice(Schema):
    """An artifact of a release pipeline, and what can be chosen for a release."""

    alias: str
    kind: str
    pipeline: str | None = Field(description="The pipeline whose builds are its versions.")
    versions: list[Version] = Field(description="The newest ones; only builds have versions to choose from.")
    problem: delivery_schemas.ReadProblem | None = Field(description="Why the versions could not be listed.")


class ReleaseChoices(Schema):
    """What a new release of a pipeline can consist of."""

    artifacts: list[ArtifactChoice]
    stages: list[str]


class VersionChoice(Input):
    """The chosen version of an artifact."""

    alias: Line = Field(description="Of the artifact.")
    version: Line = Field(description="Number or id of a version that can be chosen.")


class ReleaseInput(Input):
    """A new release."""

    versions: Annotated[list[VersionChoice], Field(max_length=100)] = Field(
        [], description="For an artifact without a choice, Azure DevOps takes the latest version."
    )
    description: Text = ""
    manual_stages: Annotated[list[Line], Field(max_length=200)] = Field(
        [], description="Names of the stages that wait until someone deploys them."
    )


class CommentInput(Input):
    """What is noted with a change, in Azure DevOps and in the history."""

    comment: Text = ""


class Approval(Schema):
    """A pending or decided approval."""

    id: int
    status: ApprovalStatus
    kind: str = Field(description="preDeploy or postDeploy.")
    approver: str | None
    is_group: bool
    is_of_another: bool = Field(
        description="Whether it is certain that someone other than the owner of the token is asked."
    )
    decided_by: str | None
    comments: str
    attempt: int
    created_at: datetime | None
    changed_at: datetime | None


class Attempt(Schema):
    """An attempt to deploy to a stage."""

    number: int
    status: DeploymentStatus
    operation: str | None
    requested_by: str | None
    queued_at: datetime | None
    changed_at: datetime | None


class Stage(Schema):
    """A stage of a release."""

    id: int
    name: str
    state: StageState
    minutes: float | None = Field(description="How long its deployment took.")
    changed_at: datetime | None
    approvals: list[Approval]
    attempts: list[Attempt]


class Artifact(Schema):
    """A version of an artifact in a release."""

    alias: str
    kind: str
    version: str | None
    branch: str | None
    commit: str | None


class Release(Schema):
    """A release with its stages."""

    id: int
    name: str
    release_pipeline_id: int
    state: ReleaseState
    is_settled: bool = Field(description="Whether nothing changes until someone acts.")
    description: str
    reason: str | None
    created_by: str | None
    created_at: datetime | None
    stages: list[Stage]
    artifacts: list[Artifact]
    web_url: str | None
    url: str = Field(description="Where to follow it.")


class FollowedRelease(Release):
    """A release as it was last read."""

    read_at: datetime | None


class ReleaseList(Schema):
    """A page of releases."""

    releases: list[Release]
    read_at: datetime | None
    next: str | None = Field(description=_NEXT)


class ChangedStage(Stage):
    """A stage after it was changed, as Azure DevOps returned it."""

    url: str = Field(description="Where to follow its release.")


class DecidedApproval(Approval):
    """An approval after it was decided, as Azure DevOps returned it."""

    url: str = Field(description="Where to follow its release.")
