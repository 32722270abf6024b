"""Several connections of one person that are renewed in one sign-in."""

from django.db import models
from django.urls import reverse

from connections.models.connections import Connection
from connections.models.renewals import Renewal


class BulkRenewal(models.Model):
    """What someone wants to renew in one sign-in, with one row for each connection.

    Written before the person leaves for Microsoft. What is not started can be continued by another sign-in.
    """

    server = models.CharField(max_length=100)
    # The owner of the tokens, as the first connection names them.
    identity_name = models.CharField(max_length=256)
    identity_account = models.CharField(max_length=256, blank=True)
    days = models.PositiveSmallIntegerField()
    started_by = models.CharField(max_length=150)
    started_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ("-started_at", "-pk")
        default_permissions = ()

    def __str__(self) -> str:
        return f"Bulk renewal of {self.identity_name}"

    def get_absolute_url(self) -> str:
        """The page that says what became of each connection."""
        return reverse("connections:bulk-renewal", args=[self.pk])


class BulkRenewalItem(models.Model):
    """One connection of a bulk renewal: its renewal, or why it could not start. It has neither until it is tried."""

    bulk = models.ForeignKey(BulkRenewal, on_delete=models.CASCADE, related_name="items")
    connection = models.ForeignKey(Connection, on_delete=models.SET_NULL, null=True, related_name="+")
    connection_name = models.CharField(max_length=200)
    scopes = models.JSONField(default=list)
    renewal = models.ForeignKey(Renewal, on_delete=models.SET_NULL, null=True, related_name="+")
    problem = models.CharField(max_length=64, blank=True)
    problem_word = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("pk",)
        default_permissions = ()

    def __str__(self) -> str:
        return self.connection_name
