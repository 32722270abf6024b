"""Notifications: mails and messages in the outbox, reminders sent, stopped reminders, and calendars."""

from django.conf import settings
from django.db import models

from connections.models.channels import NotificationChannel
from connections.models.connections import Connection
from core.leases import Leased, LeasedQuerySet


class Mail(Leased):
    """A mail in the outbox, pending or sent. It is created in the transaction of the change that it reports.

    A message to a notification channel is such a row too, with a `channel_kind`: it is claimed, retried, shown and
    removed as a mail is. Its `recipient` is the name of the channel, and its `payload` holds the parts of the message.
    """

    lease_setting = "MAIL_LEASE_SECONDS"
    # The columns that hold what is sent, which lists leave in the database.
    CONTENT = ("text", "html", "payload", "headers", "basis")

    kind = models.CharField(max_length=32)
    connection = models.ForeignKey(Connection, on_delete=models.SET_NULL, null=True, related_name="mails")
    # The id and name of each connection it is about. The name remains when the connection is deleted.
    about = models.JSONField(default=list)
    # The rows that a reminder is based on, and how they were (`mail_basis.py`); empty for any other mail.
    basis = models.JSONField(default=list)
    recipient = models.EmailField()
    # Empty for a mail. It remains when the channel is removed, so that no message is ever sent as a mail.
    channel_kind = models.CharField(max_length=8, blank=True, choices=NotificationChannel.Kind.choices)
    channel = models.ForeignKey(NotificationChannel, on_delete=models.SET_NULL, null=True, related_name="messages")
    payload = models.JSONField(default=dict)
    subject = models.CharField(max_length=250)
    text = models.TextField()
    html = models.TextField()
    headers = models.JSONField(default=dict)
    message_id = models.CharField(max_length=120, unique=True)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    # Saved to a folder instead of being sent, because no mail server is configured.
    is_only_written = models.BooleanField(default=False)
    # Since when the mail server has rejected this mail or its recipient; not set for failures of the server itself.
    refused_since = models.DateTimeField(null=True)
    # When its recipient was last rejected, and the days (ISO dates in UTC) on which the rejection was permanent.
    refused_at = models.DateTimeField(null=True)
    refused_on = models.JSONField(default=list)
    given_up_at = models.DateTimeField(null=True)
    # When it was about to be sent and no longer true.
    withdrawn_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        default_permissions = ("view",)
        permissions = (("resend_mail", "Can send mails again and send a test mail"),)
        indexes = (models.Index(fields=("sent_at", "due_at"), name="mail_by_due"),)

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient}"

    @staticmethod
    def unsent() -> LeasedQuerySet["Mail"]:
        """Those that are still to be sent, now or later."""
        return Mail.objects.filter(sent_at=None, given_up_at=None, withdrawn_at=None)


class Reminder(models.Model):
    """A reminder that was issued, so that each is issued only once.

    The threshold counts days before expiry, or, while no date is recorded, days since the token was stored. The
    reminder to record the token's organizations is issued once, with threshold 0.
    """

    class Kind(models.TextChoices):
        """The subject of the reminder."""

        EXPIRY = "expiry", "the token's end"
        ALL_ORGANIZATIONS = "all_organizations", "the end of tokens for all organizations"
        UNDATED = "undated", "the missing date"
        REACH_UNKNOWN = "reach_unknown", "for which organizations the token was made"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="reminders")
    token_set_at = models.DateTimeField()
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.EXPIRY)
    expires_on = models.DateField(null=True)
    threshold = models.PositiveIntegerField()
    made_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                fields=("connection", "token_set_at", "kind", "expires_on", "threshold"), name="reminded_once"
            ),
            # In a database, NULL is not equal to NULL.
            models.UniqueConstraint(
                fields=("connection", "token_set_at", "kind", "threshold"),
                condition=models.Q(expires_on=None),
                name="reminded_once_without_a_date",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind}, {self.threshold} days"


class MutedReminders(models.Model):
    """An address that gets no reminders about this connection, or about any connection if it is None."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, null=True, related_name="muted")
    address = models.EmailField()

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("connection", "address"), name="muted_once"),
            models.UniqueConstraint(
                fields=("address",), condition=models.Q(connection=None), name="muted_everywhere_once"
            ),
        )

    def __str__(self) -> str:
        return self.address

    @property
    def name(self) -> str:
        """The name under which the history shows it."""
        return self.address


class CalendarEntry(models.Model):
    """The revision of a calendar event, increased when its content has changed since the last fetch.

    It is the same in everyone's calendar. There is no database constraint, because a fetch during a disconnect may
    leave a row behind, which is harmless.
    """

    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="calendar_entries", db_constraint=False
    )
    kind = models.CharField(max_length=20)
    digest = models.CharField(max_length=64)
    sequence = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("connection", "kind"), name="calendar_entry_once"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.connection_id}, revision {self.sequence}"


class CalendarFeed(models.Model):
    """A user's calendar of expiry dates. Only a hash of its secret address is stored."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="calendar_feed")
    secret_digest = models.CharField(max_length=64, unique=True, editable=False)
    made_at = models.DateTimeField()
    fetched_at = models.DateTimeField(null=True)
    # When the content last changed, to answer conditional requests.
    content_digest = models.CharField(max_length=64, blank=True, editable=False)
    changed_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Calendar of {self.user_id}"
