"""Schemas of repositories, pipelines and builds."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from ninja import Path, Schema
from pydantic import Field

from api.v1 import schemas
from api.v1.input_schemas import Input, Line
from connections.providers.azure_devops.timeline import StepResult, StepState
from delivery.domain.build_states import State
from delivery.forms import LARGEST_ID

# Ids of our rows, and numbers of Azure DevOps.
RowId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
RemoteId = Annotated[int, Path(ge=1, le=2**31 - 1)]
_NEXT = "Address of the next page; null on the last one."


class ListFilters(schemas.Paging):
    """Search and filters, as on the page."""

    q: str = Field("", max_length=200, description="Words in the names of the item, its project or its connection.")
    connection: int | None = Field(None, ge=1, le=LARGEST_ID, description="Only of this connection.")


class RepositoryFilters(ListFilters):
    """Search and filters, as on the Repositories page."""

    state: Literal["", "empty", "disabled", "gone"] = Field("", description="Those that are present by default.")


class PipelineFilters(ListFilters):
    """Search and filters, as on the Builds page."""

    project: int | None = Field(None, ge=1, le=LARGEST_ID, description="Only of this project.")
    state: Literal["", "under_way", "succeeded", "partial", "failed", "canceled", "none"] = Field(
        "", description="Of the newest build; none is a pipeline that has never run."
    )


class Project(Schema):
    """A project of a connected organization."""

    id: int
    azure_id: str
    name: str
    connection: schemas.ConnectionRef


class Repository(Schema):
    """A Git repository, as it was last synced."""

    id: int
    azure_id: str
    name: str
    project: Project
    default_branch: str | None
    is_empty: bool
    is_disabled: bool
    size: int = Field(description="In bytes.")
    web_url: str
    https_url: str
    ssh_url: str
    added_at: datetime = Field(description="When it was first seen here.")
    gone_at: datetime | None = Field(description="Since when Azure DevOps no longer lists it.")
    url: str = Field(description="Its page here, for people.")


class RepositoryList(Schema):
    """A page of repositories."""

    repositories: list[Repository]
    next: str | None = Field(description=_NEXT)


class ReadProblem(schemas.ReportProblem):
    """Why something could not be read from Azure DevOps."""


class SyncProgress(StrEnum):
    """How far a sync is."""

    NEVER = "never"
    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"


class Sync(Schema):
    """The latest sync of a connection's projects and repositories."""

    connection_id: int
    state: SyncProgress
    started_at: datetime | None
    started_by: str | None = Field(description="Who requested it; null for the scheduler.")
    finished_at: datetime | None
    complete_at: datetime | None = Field(description="When everything was last read without a problem.")
    total: int = Field(description="How many projects are read.")
    done: int
    problem: ReadProblem | None
    projects: int
    repositories: int
    unreadable_projects: int = Field(description="How many projects have repositories that could not be listed.")
    url: str = Field(description="Where to follow it.")


class RequestedSync(Sync):
    """A sync that was requested or was already running."""

    warnings: list[schemas.DelayWarning]


class BuildMark(Schema):
    """One of the newest builds of a pipeline."""

    id: int
    number: str
    state: State


class NewestBuild(BuildMark):
    """The newest build of a pipeline, as it was last read."""

    branch: str | None
    requested_for: str | None
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


class Pipeline(Schema):
    """A pipeline with its newest builds, as they were last read."""

    id: int
    azure_id: int
    name: str
    folder: str
    project: Project
    state: State = Field(description="Of the newest build; none without any build.")
    queue_status: str = Field(description="enabled, paused or disabled.")
    newest_build: NewestBuild | None
    recent_builds: list[BuildMark]
    web_url: str
    gone_at: datetime | None = Field(description="Since when Azure DevOps no longer lists it.")
    url: str = Field(description="Its page here, for people.")


class Freshness(Schema):
    """How old a list is, and what of it could not be read."""

    read_at: datetime | None = Field(description="When the oldest part was read; null if some part never was.")
    problems: list[ReadProblem]


class PipelineList(Freshness):
    """A page of pipelines."""

    pipelines: list[Pipeline]
    next: str | None = Field(description=_NEXT)


class BranchList(Schema):
    """Branches to choose from."""

    branches: list[str]


class RunInput(Input):
    """How to run a pipeline."""

    branch: Line = Field(description="Its short name, for example main.")


class Build(Schema):
    """A build, which is a run of a pipeline."""

    id: int
    number: str
    pipeline_id: int
    state: State
    is_over: bool
    reason: str | None
    branch: str | None = Field(description="A full ref, for example refs/heads/main.")
    commit: str | None
    requested_for: str | None
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    warnings: list[str] = Field(description="What Azure DevOps notes about the request.")
    web_url: str | None
    url: str = Field(description="Where to follow it.")


class BuildList(Schema):
    """A page of builds."""

    builds: list[Build]
    read_at: datetime | None
    next: str | None = Field(description=_NEXT)


class StepIssue(Schema):
    """An error or a warning of a step."""

    kind: str
    message: str


class Step(Schema):
    """A stage, phase, job or task of a build."""

    kind: str
    name: str
    depth: int = Field(description="Depth in the tree of steps; 0 at the top.")
    state: StepState
    result: StepResult | None
    started_at: datetime | None
    finished_at: datetime | None
    log_id: int | None = Field(description="For the address of its log.")
    errors: int
    warnings: int
    issues: list[StepIssue]


class BuildDetail(Build):
    """A build with its steps in order."""

    steps: list[Step]
    steps_problem: str | None = Field(description="The code of why the steps could not be read.")
    read_at: datetime | None


class LogPart(Schema):
    """Lines of a log."""

    first: int = Field(description="The number of the first line here, counted from 1.")
    lines: list[str] = Field(description="Without control characters.")
    next: int = Field(description="The number to continue with.")
    has_more: bool = Field(description="Whether later lines are already available.")
    is_over: bool = Field(description="Whether the build is over, so that none are added.")


class LogFilters(Schema):
    """Which lines of a log."""

    first: int | None = Field(None, ge=1, le=10**8, description="From this line on; without it, the last ones.")
