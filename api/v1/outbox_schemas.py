"""Schemas of the outbox."""

from datetime import datetime
from enum import StrEnum

from ninja import Schema
from pydantic import Field

from api.v1.schemas import ConnectionRef, DelayWarning


class Outbox(Schema):
    """The state of the outbox."""

    due: int = Field(description="How many mails should have been sent by now.")
    waiting: int = Field(description="How many are not sent yet; those that are retried included.")
    failing: int = Field(description="How many are retried after an attempt that failed.")
    failed: int = Field(description="How many are not retried any more.")
    written_to: str | None = Field(description="Where mails are saved if no mail server is configured.")


class MailState(StrEnum):
    """The delivery of a mail."""

    WAITING = "waiting"
    FAILING = "failing"
    GIVEN_UP = "given-up"
    WITHDRAWN = "withdrawn"
    SENT = "sent"
    IN_A_FOLDER = "in-a-folder"


class ChannelKind(StrEnum):
    """The kind of a notification channel."""

    SLACK = "slack"
    TEAMS = "teams"
    WEBHOOK = "webhook"


class Mail(Schema):
    """A mail of the outbox or a message to a notification channel, without its text."""

    id: int
    kind: str
    channel_kind: ChannelKind | None = Field(description="The kind of the channel; null for a mail.")
    state: MailState
    recipient: str = Field(description="The address, or the name of the channel.")
    subject: str
    connection: ConnectionRef | None = Field(description="The connection that it is about, if there is one.")
    created_at: datetime
    due_at: datetime
    attempts: int
    sent_at: datetime | None
    failed_at: datetime | None
    last_error: str | None
    url: str = Field(description="Where to follow it.")


class MailList(Schema):
    """A page of mails."""

    mails: list[Mail]
    next: str | None = Field(description="Address of the next page; null on the last one.")


class RetriedMail(Mail):
    """A mail that is to be sent now."""

    warnings: list[DelayWarning]
