"""API tokens, and requests that may arrive twice."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from api.input_rules import NAME_LENGTH
from connections.models import Connection


class ApiToken(models.Model):
    """A token for the REST API. Of its text only a keyed digest is stored."""

    subject_kind = "api_token"

    class State(models.TextChoices):
        """Whether it can be used."""

        ACTIVE = "active", "Active"
        EXPIRED = "expired", "Expired"
        REVOKED = "revoked", "Revoked"

    name = models.CharField(max_length=NAME_LENGTH)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    # As `app.codename`; what the owner may not do any more, the token cannot do either.
    permissions = models.JSONField(default=list)
    # Without it, a token whose connections are all disconnected would be one for every connection.
    all_connections = models.BooleanField(default=True)
    connections = models.ManyToManyField(Connection, related_name="api_tokens", blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True)
    # The smallest of REMINDER_DAYS of which the owner was reminded.
    reminded_days = models.PositiveIntegerField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_used_address = models.GenericIPAddressField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(
                Lower("name"), "owner", condition=models.Q(revoked_at=None), name="api_token_name_once"
            ),
        )

    def __str__(self) -> str:
        return self.name

    def state_at(self, now: datetime) -> State:
        """Whether it can be used at that time."""
        if self.revoked_at is not None:
            return self.State.REVOKED
        return self.State.EXPIRED if self.expires_at <= now else self.State.ACTIVE


class IdempotentRequest(models.Model):
    """A creation that carries an `Idempotency-Key`, so that a repeated request creates nothing twice.

    The body may hold a secret, so it is known by a keyed digest. `created_id` is the id of an entry of the register, or
    of a build or release in Azure DevOps. While the first request runs, it and `connection_id` are None, and
    `is_outcome_unknown` is not set.
    """

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE)
    key = models.CharField(max_length=255)
    body_digest = models.CharField(max_length=64)
    connection_id = models.BigIntegerField(null=True)
    created_id = models.BigIntegerField(null=True)
    is_outcome_unknown = models.BooleanField(default=False)
    started_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("token", "key"), name="idempotency_key_once"),)

    def __str__(self) -> str:
        return f"Request of token {self.token_id} at {self.started_at:%Y-%m-%d %H:%M}"
