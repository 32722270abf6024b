"""The register: credentials that are watched and not stored, and what uses a credential."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models.functions import Concat, Lower, Upper

from connections import register_rules
from connections.models.connections import Connection
from core.row_urls import row_url


class EntryKind(models.TextChoices):
    """What a credential of the register is."""

    PAT = "pat", "Personal access token"
    CLIENT_SECRET = "client_secret", "Entra client secret"
    CERTIFICATE = "certificate", "Certificate"
    SSH_KEY = "ssh_key", "SSH key"
    SERVICE_CONNECTION = "service_connection", "Service connection"
    OTHER = "other", "Other"


class ClosingReason(models.TextChoices):
    """Why an entry of the register was closed."""

    REPLACED = "replaced", "Replaced by another credential"
    REVOKED = "revoked", "Revoked"
    UNUSED = "unused", "No longer used"
    OTHER = "other", "Other reason"


class RegisterEntry(models.Model):
    """A credential that is watched: who owns it, what it is for, what uses it, when it expires. Never its secret."""

    # The subject kind of its events in the history.
    subject_kind = "register_entry"

    Kind = EntryKind
    Reason = ClosingReason

    class State(models.IntegerChoices):
        """Whether it is watched."""

        OPEN = 0
        CLOSED = 1

    name = models.CharField(max_length=register_rules.NAME_LENGTH)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    organization = models.CharField(max_length=register_rules.ORGANIZATION_LENGTH, blank=True)
    # The person here who gets the reminders, and the name of someone outside, if the credential is theirs.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="register_entries", db_index=False
    )
    outside_owner = models.CharField(max_length=register_rules.OUTSIDE_OWNER_LENGTH, blank=True)
    purpose = models.CharField(max_length=register_rules.LINE_LENGTH, blank=True)
    scopes = models.CharField(max_length=register_rules.LINE_LENGTH, blank=True)
    expires_on = models.DateField(null=True, blank=True)
    extra_recipients = models.TextField(blank=True)
    notes = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_reason = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    closed_note = models.CharField(max_length=register_rules.LINE_LENGTH, blank=True)
    # Of this expiry date, the last reminder that was written: days before it, or -1 for the question after it. Without
    # a date, the days since its absence was recorded.
    reminded_days = models.SmallIntegerField(null=True)
    # When the expiry date was recorded: no reminder is due for a time before it.
    date_set_at = models.DateTimeField()
    # When it last got a later expiry date. A leak declared before that was of the previous credential.
    renewed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    # When it last changed, and how often: the revision of its event in calendars.
    changed_at = models.DateTimeField()
    revision = models.PositiveIntegerField(default=0)
    # Generated columns, so that lists read one index instead of every row.
    state = models.GeneratedField(
        expression=models.Case(
            models.When(closed_at=None, then=models.Value(State.OPEN.value)), default=models.Value(State.CLOSED.value)
        ),
        output_field=models.PositiveSmallIntegerField(),
        db_persist=True,
    )
    search_text = models.GeneratedField(
        expression=Upper(
            Concat(
                "name",
                models.Value(" "),
                "organization",
                models.Value(" "),
                "outside_owner",
                models.Value(" "),
                "purpose",
            )
        ),
        output_field=models.TextField(),
        db_persist=True,
    )

    class Meta:
        ordering = (Lower("name"), "id")
        verbose_name_plural = "register entries"
        constraints = (models.UniqueConstraint(Lower("name"), name="register_name_once"),)
        indexes = (
            models.Index("state", "expires_on", Lower("name"), "id", name="register_worst_first"),
            # These cover counts and the chart. SQLite takes no index with a generated column as covering.
            models.Index(fields=("expires_on", "closed_at", "name"), name="register_by_end"),
            # Instead of the index of a foreign key.
            models.Index(fields=("owner", "closed_at"), name="register_by_owner"),
            models.Index(fields=("closed_at",), condition=models.Q(closed_at__isnull=False), name="register_closed"),
            models.Index(Lower("organization"), Lower("name"), "id", name="register_by_organization"),
            models.Index("kind", Lower("name"), "id", name="register_by_kind"),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The page of the entry."""
        return row_url("connections:register-entry", self.pk)

    @property
    def credential_since(self) -> datetime:
        """Since when it is about the credential that it is about now."""
        return self.renewed_at or self.created_at

    @property
    def is_closed(self) -> bool:
        """Whether it is no longer watched."""
        return self.closed_at is not None


class Consumer(models.Model):
    """Something that uses a credential, such as a pipeline or a service: of a connection or of an entry."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, null=True, related_name="consumers")
    entry = models.ForeignKey(RegisterEntry, on_delete=models.CASCADE, null=True, related_name="consumers")
    name = models.CharField(max_length=register_rules.CONSUMER_NAME_LENGTH)
    url = models.CharField(max_length=register_rules.LINE_LENGTH, blank=True)
    # Who is notified when the credential is replaced or declared leaked.
    contact = models.EmailField(blank=True)

    class Meta:
        ordering = ("pk",)
        default_permissions = ()
        constraints = (
            models.CheckConstraint(
                condition=models.Q(connection=None) ^ models.Q(entry=None), name="consumer_of_one_credential"
            ),
        )

    def __str__(self) -> str:
        return self.name

    def as_input(self) -> register_rules.ConsumerInput:
        """As it is entered."""
        return register_rules.ConsumerInput(self.name, self.url, self.contact)
