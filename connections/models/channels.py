"""Notification channels beside mail: where messages go, and who chose them."""

import json
from dataclasses import dataclass

from django.conf import settings
from django.db import models
from django.views.decorators.debug import sensitive_variables

from connections.models.connections import Connection
from connections.models.register import RegisterEntry
from core import encryption
from core.secrets import Secret

NAME_LENGTH = 64


@dataclass(frozen=True, slots=True)
class ChannelTarget:
    """Where a channel's messages are sent, and the key that signs them (empty where none are signed)."""

    url: Secret
    signing_secret: Secret


class NotificationChannel(models.Model):
    """A Slack channel, a Teams channel or a webhook that gets notifications.

    Anyone who knows the target's URL can post there, so the whole target is encrypted like a token. `host` alone is
    shown, so that administrators recognize it.
    """

    # The subject kind of its events in the history.
    subject_kind = "channel"

    class Kind(models.TextChoices):
        """The format of the messages that the target accepts."""

        SLACK = "slack", "Slack"
        TEAMS = "teams", "Microsoft Teams"
        WEBHOOK = "webhook", "Signed webhook"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=NAME_LENGTH, unique=True)
    host = models.CharField(max_length=255)
    sealed = models.BinaryField(editable=False)
    created_at = models.DateTimeField()
    # Until when nothing is sent, because the target asked to wait (Retry-After) or failed.
    paused_until = models.DateTimeField(null=True)
    # The target answered 410 Gone. Nothing is sent until an administrator enters another target.
    gone_at = models.DateTimeField(null=True)
    connections = models.ManyToManyField(Connection, related_name="channels")
    entries = models.ManyToManyField(RegisterEntry, related_name="channels")
    people = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="channels")

    class Meta:
        ordering = ("name", "pk")
        default_permissions = ()
        permissions = (("manage_channels", "Can manage notification channels"),)

    def __str__(self) -> str:
        return self.name

    @sensitive_variables("content")
    def seal(self, target: ChannelTarget) -> None:
        """Encrypt the target for this row. The caller saves."""
        content = {"url": target.url.reveal(), "signing_secret": target.signing_secret.reveal()}
        self.sealed = encryption.encrypt(Secret(json.dumps(content)), owner=self.seal_owner)

    @sensitive_variables("content")
    def reveal(self) -> ChannelTarget:
        """Decrypt the target. Raises `encryption.UnreadableToken`."""
        content = json.loads(encryption.decrypt(bytes(self.sealed), owner=self.seal_owner).reveal())
        return ChannelTarget(Secret(content["url"]), Secret(content["signing_secret"]))

    @property
    def seal_owner(self) -> str:
        """The identity of this row that is authenticated with the encrypted target."""
        return f"channel {self.pk}"
