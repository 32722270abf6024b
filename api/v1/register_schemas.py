"""Schemas of the register, of what uses a credential, and of leaks."""

from datetime import date, datetime
from typing import Annotated

from ninja import Schema
from pydantic import Field, StringConstraints

from api.v1.input_schemas import Input, Line, SecretText
from api.v1.schemas import ConnectionRef, Day, Identity
from connections.models.leaks import LeakState
from connections.models.register import ClosingReason, EntryKind
from connections.register_rules import MOST_CONSUMERS

# Longer than any; the actions say how long a text may be.
Text = Annotated[str, StringConstraints(max_length=10_000)]
_NEXT = "Address of the next page; null on the last one."


class Consumer(Schema):
    """Something that uses a credential, such as a pipeline or a service."""

    name: str
    url: str | None = Field(description="Where it is found.")
    contact: str | None = Field(description="Who is notified by mail when the credential is replaced or leaks.")


class ConsumerInput(Input):
    """Something that uses a credential. Without a name, it is named after its contact or link."""

    name: Line = ""
    url: Line | None = Field(None, description="A link with http or https.")
    contact: Line | None = Field(None, description="A mail address.")


Consumers = Annotated[list[ConsumerInput], Field(max_length=MOST_CONSUMERS)]


class UsedBy(Schema):
    """What uses the credential of a connection. `version` is the ETag without its quotes."""

    version: str
    used_by: list[Consumer]


class UsedByInput(Input):
    """What uses the credential of a connection. The list replaces the stored one."""

    used_by: Consumers


class RegisterEntry(Schema):
    """A credential that is watched and not stored. `version` is the ETag without its quotes."""

    id: int
    version: str
    name: str
    kind: EntryKind
    organization: str
    owner: str
    is_owner_active: bool
    outside_owner: str
    purpose: str
    used_by: list[Consumer]
    scopes: str
    expires_on: date | None
    extra_recipients: list[str]
    notes: str
    is_closed: bool
    closed_at: datetime | None
    closed_reason: ClosingReason | None
    closed_note: str
    leak_id: int | None = Field(description="The declaration, if the credential was declared leaked.")
    created_at: datetime
    changed_at: datetime
    url: str = Field(description="The entry's page, for people.")


class RegisterEntryList(Schema):
    """A page of entries of the register."""

    entries: list[RegisterEntry]
    next: str | None = Field(description=_NEXT)


class NewRegisterEntry(Input):
    """A new entry of the register. No field may hold a secret."""

    name: Line
    kind: EntryKind
    organization: Line = Field("", description="Where it is valid: an organization, a tenant or a host.")
    owner: Line | None = Field(None, description="Username of who gets the reminders; the API token's owner if null.")
    outside_owner: Line = ""
    purpose: Line = ""
    used_by: Consumers = Field([])
    scopes: Line = ""
    expires_on: Day | None = None
    extra_recipients: Annotated[list[Line], Field(max_length=100)] = Field([])
    notes: Text = ""


class RegisterEntryInput(Input):
    """The fields of an entry of the register. Every field replaces the stored value."""

    name: Line
    kind: EntryKind
    organization: Line
    owner: Line = Field(description="Username of who gets the reminders.")
    outside_owner: Line
    purpose: Line
    used_by: Consumers
    scopes: Line
    expires_on: Day | None
    extra_recipients: Annotated[list[Line], Field(max_length=100)]
    notes: Text


class ClosingInput(Input):
    """Why an entry of the register is closed."""

    reason: ClosingReason
    note: Line = Field("", description="Needed for another reason.")


class RegisterEntryRef(Schema):
    """An entry of the register."""

    id: int
    name: str


class LeakSummary(Schema):
    """A credential that was declared leaked, and whether it was proved dead."""

    id: int
    state: LeakState
    kind: str = Field(description="The kind of the credential.")
    organization: str
    server: str | None = Field(description="null for an entry of the register.")
    identity: Identity
    entry: RegisterEntryRef | None = Field(description="The entry of the register, if the credential is not stored.")
    declared_at: datetime
    declared_by: str
    notified_at: datetime | None
    notified_contacts: int = Field(description="How many contacts of what uses it were notified.")
    revoked_at: datetime | None = Field(description="When its owner revoked it by signing in here.")
    asks: int = Field(description="How often Azure DevOps was asked whether it still accepts the credential.")
    asked_at: datetime | None
    last_answer: str | None = Field(description="The problem code of the latest answer; null if it was accepted.")
    next_ask_at: datetime | None = Field(description="null if Azure DevOps is not asked any more.")
    proved_at: datetime | None
    ended_at: datetime | None = Field(description="When we stopped asking, without a proof.")
    seconds: float | None = Field(description="From the declaration to the proof.")
    url: str = Field(description="The leak's page, for people.")


class LeakUse(Schema):
    """A connection that stored the leaked credential, and what the credential could do there."""

    connection_id: int | None = Field(description="null when it was disconnected meanwhile.")
    name: str
    organization: str
    was_replaced: bool = Field(description="Whether it had another credential before the declaration.")
    is_stopped: bool = Field(description="Whether it waits for a new credential.")
    granted: list[str] = Field(description="What the credential could do.")
    unknown: list[str] = Field(description="What is not known.")


class Leak(LeakSummary):
    """A leaked credential, and where it is used."""

    connections: list[LeakUse]
    used_by: list[Consumer] | None = Field(description="null without the permission to read the register.")


class LeakList(Schema):
    """A page of leaked credentials."""

    leaks: list[LeakSummary]
    next: str | None = Field(description=_NEXT)


class LeakedTokenInput(Input):
    """A text that may be a stored token or client secret."""

    token: SecretText = Field(description="It is compared with what is stored, not kept, and never returned.")


class FoundToken(Schema):
    """Where a token is stored."""

    stored_by: list[ConnectionRef] = Field(description="These connections stop when it is declared leaked.")
    replaced_in: list[ConnectionRef] = Field(description="It was the previous one of these connections.")
    leak_id: int | None = Field(description="The declaration, if it was declared leaked before.")
