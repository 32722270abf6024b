"""Models: connections and their tokens, audits, notifications, the token policy."""

from connections.models.audits import AuditedConnection, AuditRun
from connections.models.bulk_renewals import BulkRenewal, BulkRenewalItem
from connections.models.capabilities import CapabilityState
from connections.models.channels import ChannelTarget, NotificationChannel
from connections.models.connections import (
    ChosenProject,
    Connection,
    ProbeResult,
    StoredCredential,
)
from connections.models.known_tokens import KnownToken, TokenExtension, TokenImport
from connections.models.leaks import LeakedToken
from connections.models.notifications import CalendarEntry, CalendarFeed, Mail, MutedReminders, Reminder
from connections.models.rate_limits import RateLimitPause
from connections.models.register import Consumer, RegisterEntry
from connections.models.register_imports import ImportBatch, RegisterImport
from connections.models.renewals import Renewal, RenewalSignIn
from connections.models.token_policy import StoredTokenPolicy

__all__ = [
    "AuditRun",
    "AuditedConnection",
    "BulkRenewal",
    "BulkRenewalItem",
    "CalendarEntry",
    "CalendarFeed",
    "CapabilityState",
    "ChannelTarget",
    "ChosenProject",
    "Connection",
    "Consumer",
    "ImportBatch",
    "KnownToken",
    "LeakedToken",
    "Mail",
    "MutedReminders",
    "NotificationChannel",
    "ProbeResult",
    "RateLimitPause",
    "RegisterEntry",
    "RegisterImport",
    "Reminder",
    "Renewal",
    "RenewalSignIn",
    "StoredCredential",
    "StoredTokenPolicy",
    "TokenExtension",
    "TokenImport",
]
