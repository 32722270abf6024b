"""Imports into the register: a file that was read, its checked lines, and how far it is."""

from django.conf import settings
from django.db import models

from core.leases import Leased


class RegisterImport(Leased):
    """A file of credentials. A worker checks its lines; a person sees the preview; a worker imports them."""

    lease_setting = "AUDIT_LEASE_SECONDS"
    # The subject kind of its events in the history.
    subject_kind = "register_import"

    class State(models.TextChoices):
        """How far it is."""

        CHECKING = "checking", "Checking"
        READY = "ready", "Ready"
        IMPORTING = "importing", "Importing"
        DONE = "done", "Done"

    class OnExisting(models.TextChoices):
        """What happens to a line whose name is in the register already."""

        REFUSE = "refuse", "Report an error"
        UPDATE = "update", "Update the entry"

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # Who it is by in the history.
    actor_name = models.CharField(max_length=150)
    address = models.GenericIPAddressField(null=True)
    file_name = models.CharField(max_length=100)
    state = models.CharField(max_length=10, choices=State.choices, default=State.CHECKING)
    on_existing = models.CharField(max_length=8, choices=OnExisting.choices)
    is_month_first = models.BooleanField(default=False)
    unread_columns = models.JSONField(default=list)
    lines = models.PositiveIntegerField(default=0)
    # Lines checked, and then lines imported.
    lines_done = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0)
    to_add = models.PositiveIntegerField(default=0)
    to_update = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    # Contacts are notified of what was renewed in the order of their addresses; this one was notified last.
    notified_to = models.TextField(blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=("state", "created_at"), name="register_import_by_state"),)

    def __str__(self) -> str:
        return self.file_name

    @property
    def name(self) -> str:
        """The name under which the history shows it."""
        return self.file_name

    @property
    def is_busy(self) -> bool:
        """Whether a worker has something to do."""
        return self.state in (self.State.CHECKING, self.State.IMPORTING)


class ImportBatch(models.Model):
    """Some lines of an import. They are texts until they are checked, and then values. A line never holds a secret."""

    register_import = models.ForeignKey(RegisterImport, on_delete=models.CASCADE, related_name="batches")
    number = models.PositiveIntegerField()
    # Lists of a line's number and its texts or values.
    rows = models.JSONField(default=list)
    # Lists of a line's number, column and message.
    errors = models.JSONField(default=list)
    # The ids of the entries that its lines renewed to a later date.
    renewed = models.JSONField(default=list)
    is_checked = models.BooleanField(default=False)
    is_imported = models.BooleanField(default=False)

    class Meta:
        ordering = ("number",)
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("register_import", "number"), name="import_batch_once"),)

    def __str__(self) -> str:
        return f"Batch {self.number} of import {self.register_import_id}"
