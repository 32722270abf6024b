"""What people are told: mails, the ledger of reminders, who wants none, and calendars."""

from django.conf import settings
from django.db import models

from connections.models.connections import Connection
from core.leases import Leased


class Mail(Leased):
    """A mail that is to be sent, or was. Written in the transaction of the fact it tells."""

    lease_setting = "MAIL_LEASE_SECONDS"

    kind = models.CharField(max_length=32)
    connection = models.ForeignKey(Connection, on_delete=models.SET_NULL, null=True, related_name="mails")
    # Of every connection it speaks of: the id, and the name by which the history knows it when it is gone.
    about = models.JSONField(default=list)
    recipient = models.EmailField()
    subject = models.CharField(max_length=250)
    text = models.TextField()
    html = models.TextField()
    headers = models.JSONField(default=dict)
    message_id = models.CharField(max_length=120, unique=True)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    # Written to a folder in place of being sent, as no mail server is set up: nobody got it.
    is_only_written = models.BooleanField(default=False)
    # Since when the mail server has refused this mail or its recipient; of a server in trouble nothing stands here.
    refused_since = models.DateTimeField(null=True)
    # When its recipient was last refused, and the days (ISO dates in UTC) on which that was for good.
    refused_at = models.DateTimeField(null=True)
    refused_on = models.JSONField(default=list)
    given_up_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        default_permissions = ("view",)
        permissions = (("resend_mail", "Can send mails again and send a test mail"),)
        indexes = (models.Index(fields=("sent_at", "due_at"), name="mail_by_due"),)

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient}"


class Reminder(models.Model):
    """The ledger: that people were reminded at this threshold.

    It counts days before the end, or, while no date is recorded, days since the token was stored. For which
    organizations the token was made is asked once, at 0.
    """

    class Kind(models.TextChoices):
        """What people were reminded of."""

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
            # To a database one missing date is not the same as another.
            models.UniqueConstraint(
                fields=("connection", "token_set_at", "kind", "threshold"),
                condition=models.Q(expires_on=None),
                name="reminded_once_without_a_date",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind}, {self.threshold} days"


class MutedReminders(models.Model):
    """Somebody who does not want reminders about this connection, or, without one, about any."""

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
        """What the history calls it."""
        return self.address


class CalendarEntry(models.Model):
    """The revision of an event in calendars: it moves when what the event says is another than at the last fetch.

    It is the same in every person's calendar. The database holds no constraint, as a fetch that meets a disconnect may
    leave a row behind; it means nothing then.
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
    """A person's calendar of expiry dates. Its secret address is known here by a digest only."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="calendar_feed")
    secret_digest = models.CharField(max_length=64, unique=True, editable=False)
    made_at = models.DateTimeField()
    fetched_at = models.DateTimeField(null=True)
    # When what the calendar says last changed, so that a program that asks again is told that nothing did.
    content_digest = models.CharField(max_length=64, blank=True, editable=False)
    changed_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Calendar of {self.user_id}"
