"""Audit runs, and the connections in each."""

from django.db import models

from connections.input_rules import NAME_LENGTH
from connections.models.connections import Connection


class AuditRun(models.Model):
    """A set of connections that is audited together, by the scheduler or by hand."""

    started_at = models.DateTimeField(db_index=True)
    started_by = models.CharField(max_length=150)
    by_hand = models.BooleanField()
    finished_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-started_at", "-id")
        default_permissions = ("view",)
        constraints = (
            models.UniqueConstraint(
                fields=("by_hand",), condition=models.Q(finished_at=None), name="one_open_audit_of_each_kind"
            ),
        )

    def __str__(self) -> str:
        return f"Audit of {self.started_at:%Y-%m-%d %H:%M}"


class AuditedConnection(models.Model):
    """A connection in an audit run. The row with its name remains when the connection is deleted."""

    class State(models.TextChoices):
        """Progress of the audit of this connection."""

        WAITING = "waiting"
        DONE = "done"
        CANCELLED = "cancelled"

    run = models.ForeignKey(AuditRun, on_delete=models.CASCADE, related_name="audited")
    connection = models.ForeignKey(Connection, on_delete=models.SET_NULL, null=True, related_name="audits")
    name = models.CharField(max_length=NAME_LENGTH)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    health = models.CharField(max_length=16, blank=True)
    problem = models.CharField(max_length=64, blank=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("run", "connection"), name="audited_once_in_a_run"),)
        indexes = (
            models.Index(fields=("connection", "state"), name="audited_by_connection"),
            models.Index(fields=("run", "state"), name="audited_by_run"),
        )

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"
