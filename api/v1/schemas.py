"""Schemas of requests and responses. Undeclared fields are refused, and no response contains a secret."""

import re
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

from ninja import Header, Schema
from pydantic import BeforeValidator, Field, StrictBool, StringConstraints

from api import waiting
from api.v1.input_schemas import ApplicationInput, Input, Line, SecretText, ServerIdentity
from connections import models
from connections.domain.health import Health
from connections.providers.capability import Verdict

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _only_a_day(value: Any) -> Any:
    """Refuse numbers, which Pydantic would accept as seconds since 1970."""
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise ValueError("A date looks like 2026-12-31.")
    if not isinstance(value, str | date | None):
        raise ValueError("A date is a string such as 2026-12-31.")  # noqa: TRY004  (pydantic reports no TypeError)
    return value


Day = Annotated[date, BeforeValidator(_only_a_day)]
ProjectIds = Annotated[list[Annotated[str, StringConstraints(max_length=64)]], Field(max_length=5000)]
Reach = models.Connection.Reach


class Paging(Schema):
    """Page of a list."""

    limit: int = Field(50, ge=1, le=200)
    cursor: str = Field("", max_length=1000, description="From the link to the next page.")


class Waiting(Schema):
    """Wait for long work."""

    wait: int = Field(
        0,
        ge=0,
        le=waiting.LONGEST,
        description="Respond when it is over, or after so many seconds. The header Prefer does the same.",
    )


Prefer = Annotated[
    str | None, Header(alias="Prefer", max_length=1000, description="wait=SECONDS does the same as the parameter.")
]


_KEPT = "The personal access token. It is stored encrypted and never returned."
_APPLICATION = "Instead of a token, for Azure DevOps Services: an application of Microsoft Entra."
_IDENTITY = "Instead of both: an identity of this server that the site administrator turned on. Nothing of it expires."
_EXPIRES_ON = (
    "The last day of the token or client secret. That of a certificate is read from it, and that of a client secret "
    "from Microsoft Graph if its application may read it there."
)


class ConnectionInput(Input):
    """A new connection, with a token, an application or an identity of this server.

    The credential is verified first; one without every scope or permission requires `accept_limited`.
    """

    name: Line
    organization: Line = Field(description="Name or address of the organization or collection.")
    token: SecretText | None = Field(None, description=_KEPT)
    application: ApplicationInput | None = Field(None, description=_APPLICATION)
    identity: ServerIdentity | None = Field(None, description=_IDENTITY)
    server: Line | None = Field(None, description="Name of a configured server; the first one by default.")
    expires_on: Day | None = Field(None, description=_EXPIRES_ON)
    token_reach: Reach = Field(Reach.UNKNOWN, description="For which organizations the token was made.")
    projects: ProjectIds | None = Field(None, description="Ids of the only projects it covers; null for all.")
    accept_limited: StrictBool = False


class TestInput(Input):
    """A token to test. The body of a new connection is accepted, too; fields that only connecting needs are unused."""

    organization: Line = Field(description="Name or address of the organization or collection.")
    token: SecretText | None = Field(
        None, description="The personal access token. It is not stored and never returned."
    )
    application: ApplicationInput | None = Field(None, description=_APPLICATION)
    identity: ServerIdentity | None = Field(None, description=_IDENTITY)
    server: Line | None = Field(None, description="Name of a configured server; the first one by default.")
    token_reach: Reach = Field(Reach.UNKNOWN, description="For which organizations the token was made.")
    projects: ProjectIds | None = Field(None, description="Ids of the projects to test it in; null for any.")
    expires_on: Day | None = Field(None, description="Not used by the test.")
    name: Line | None = Field(None, description="Not used by the test.")
    accept_limited: StrictBool = Field(False, description="Not used by the test.")


class SettingsInput(Input):
    """The settings of a connection. Every field replaces the stored value."""

    name: Line
    expires_on: Day | None
    token_reach: Reach
    projects: ProjectIds | None = Field(description="Ids of the only projects it covers; null for all.")
    extra_recipients: Annotated[list[Line], Field(max_length=100)]


class TokenInput(Input):
    """A new token or credential of an application. It is verified first, while the old one stays in use."""

    token: SecretText | None = Field(None, description=_KEPT)
    application: ApplicationInput | None = Field(None, description=_APPLICATION)
    expires_on: Day | None = Field(None, description=_EXPIRES_ON)
    token_reach: Reach | None = Field(None, description="For which organizations it was made; one by default.")
    accept_limited: StrictBool = False


class FieldProblem(Schema):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(Schema):
    """An error in the form of RFC 9457. `code` is stable; the texts may change."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldProblem] | None = None
    activity_id: str | None = Field(None, description="For the support of Azure DevOps.")
    said: str | None = Field(None, description="What Azure DevOps said, in its own words.")


class Identity(Schema):
    """The owner of a token in Azure DevOps."""

    name: str
    account: str


class ProjectRef(Schema):
    """A project that a connection is limited to."""

    id: str
    name: str
    is_visible: bool = Field(description="Whether the owner of the token could see it at the last verification.")


class Connection(Schema):
    """A connection as it is stored. `version` is the ETag without its quotes."""

    id: int
    version: str
    name: str
    provider: str
    server: str
    organization: str
    organization_id: str
    identity: Identity
    owner: str
    is_owner_active: bool
    projects: list[ProjectRef] | None = Field(description="null when it covers all projects.")
    token_reach: Reach
    token_set_at: datetime
    expires_on: date | None
    never_expires: bool = Field(description="Whether nothing of its credential expires, so that there is no date.")
    is_date_read: bool = Field(
        description="Whether Azure DevOps itself said when the personal access token expires, or Microsoft Graph when "
        "the client secret does. Otherwise a person entered the date, or it is that of a certificate."
    )
    extra_recipients: list[str] | None = Field(description="null without the permission to edit connections.")
    is_disabled: bool
    is_default: bool
    health: Health = Field(description="What the last audits found; a disabled connection keeps it.")
    health_since: datetime
    problem: str | None = Field(description="The code of the problem, if there is one.")
    checked_at: datetime | None
    created_at: datetime
    url: str = Field(description="The connection's page, for people.")


class PolicyWarning(Schema):
    """A violated rule of the token policy that only warns."""

    code: str
    title: str


class DelayWarning(Schema):
    """Why work that was requested begins later than usual."""

    code: str
    title: str


class PolicyViolation(PolicyWarning):
    """A violated rule of the token policy."""

    is_refused: bool = Field(description="Whether such a token cannot be connected.")


class ChangedConnection(Connection):
    """A connection after its token was stored."""

    warnings: list[PolicyWarning]


class ConnectionRef(Schema):
    """Another connection."""

    id: int
    name: str


class OldToken(Schema):
    """A replaced token. It is valid in Azure DevOps until it is revoked there."""

    identity: Identity
    still_used_by: list[ConnectionRef] = Field(description="Revoking the token would break these connections.")
    still_used_by_others: int = Field(description="How many more it would break, to which the API token has no access.")


class RotatedConnection(ChangedConnection):
    """A connection after its token was replaced."""

    same_person: bool
    lost: list[str] = Field(description="Capabilities that the old token had and the new one lacks.")
    gained: list[str]
    old_token: OldToken | None


class ConnectionList(Schema):
    """A page of connections."""

    connections: list[Connection]
    next: str | None = Field(description="Address of the next page; null on the last one.")


class Capability(Schema):
    """The latest known verdict on one capability."""

    capability: str
    scope: str
    verdict: Verdict
    reason: str | None
    doubt: str | None = Field(description="Why the last check could not confirm the verdict.")
    verified_at: datetime | None


class CapabilityList(Schema):
    """The capabilities of a connection's token."""

    capabilities: list[Capability]


class FindingResult(Schema):
    """The result of a verification for one capability."""

    capability: str
    verdict: Verdict
    reason: str | None


class ReportProblem(Schema):
    """Why a token was rejected or could not be verified."""

    code: str
    title: str
    detail: str
    activity_id: str | None = Field(description="For the support of Azure DevOps.")


class TestResult(Schema):
    """The result of verifying a token."""

    health: Health
    finished_at: datetime
    is_accepted: bool
    has_passed: bool = Field(description="Whether every capability is confirmed.")
    problem: ReportProblem | None
    identity: Identity | None
    capabilities: list[FindingResult]
    projects_seen: int
    is_project_list_complete: bool


class NewTestResult(TestResult):
    """The result of verifying a token that is not stored."""

    violations: list[PolicyViolation] = Field(description="Rules of the token policy that the token violates.")


class AuditState(StrEnum):
    """The progress of an audit."""

    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class Audit(Schema):
    """An audit and its progress."""

    id: int
    state: AuditState
    started_at: datetime
    started_by: str
    is_by_hand: bool
    finished_at: datetime | None
    total: int
    done: int
    problems: int = Field(description="How many of those done were not found healthy.")
    cancelled: int
    url: str = Field(description="Where to follow it.")


class AuditList(Schema):
    """A page of audits."""

    audits: list[Audit]
    next: str | None = Field(description="Address of the next page; null on the last one.")


class StartedAudit(Audit):
    """An audit that was started or was already running."""

    warnings: list[DelayWarning]


class AuditedConnection(Schema):
    """The result of an audit for one connection."""

    connection_id: int | None = Field(description="null when it was disconnected meanwhile.")
    name: str
    state: models.AuditedConnection.State
    health: Health | None
    problem: str | None
    finished_at: datetime | None


class AuditedConnectionList(Schema):
    """A page of audit results."""

    connections: list[AuditedConnection]
    next: str | None = Field(description="Address of the next page; null on the last one.")


class Subject(Schema):
    """What an event is about. It may be gone."""

    kind: str
    id: int
    name: str = Field(description="Its name at that time.")


class Event(Schema):
    """An event of the history."""

    id: int
    at: datetime
    kind: str = Field(description="A stable code.")
    title: str = Field(description="The same in words, which may change.")
    description: str = Field(description="The details in words, which may change.")
    actor: str
    address: str | None
    subject: Subject
    details: dict[str, Any] = Field(description="The details as they are stored; they depend on the kind.")


class EventList(Schema):
    """A page of events."""

    events: list[Event]
    next: str | None = Field(description="Address of the next page; null on the last one.")


class HealthPart(Schema):
    """One part of the product."""

    name: str
    is_ok: bool
    says: str
    seconds: int | None = Field(description="Age of its last heartbeat.")


class HealthReport(Schema):
    """The state of each part of the product."""

    is_ready: bool
    parts: list[HealthPart]
