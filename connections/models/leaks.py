"""Tokens that were declared leaked."""

from datetime import timedelta

from django.db import models
from django.urls import reverse

from connections.models.register import RegisterEntry
from connections.models.sealed import SealedCredential
from connections.providers.azure_devops.credentials import PersonalAccessToken
from core.leases import Leased, LeasedQuerySet


class LeakState(models.TextChoices):
    """Whether a leaked credential was proved dead."""

    WAITING = "waiting", "Waiting for the proof"
    PROVED = "proved", "Proved dead"
    NOT_PROVED = "not_proved", "Not proved"
    CANNOT_BE_PROVED = "cannot_be_proved", "Can't be proved"


class LeakedToken(SealedCredential, Leased):
    """A token that someone declared leaked: no request is made with it, and it can't be stored again.

    Workers lease the row while they ask Azure DevOps whether it still accepts the token. Only for that, the encrypted
    token is kept until the answer is known; the keyed fingerprint remains.
    """

    State = LeakState

    sealed_for = "leaked token"
    lease_setting, due_field, done_field = "AUDIT_LEASE_SECONDS", "next_ask_at", "asked_at"

    fingerprint = models.CharField(max_length=64, unique=True, editable=False)
    server = models.CharField(max_length=100)
    organization = models.CharField(max_length=64)
    # Its owner in Azure DevOps, who alone can revoke it there.
    identity_name = models.CharField(max_length=256)
    identity_account = models.CharField(max_length=256, blank=True)
    # Its owner's id there, without which no one can revoke it by signing in here.
    identity_id = models.CharField(max_length=64, blank=True)
    # The entry of the register, for a credential that is not stored here.
    entry = models.ForeignKey(RegisterEntry, on_delete=models.SET_NULL, null=True, related_name="leaks")
    # For each connection that stored it: id, name, organization, whether it was replaced, the verdicts, and whether
    # Azure DevOps rejected the token before the declaration.
    connections = models.JSONField(default=list)
    declared_at = models.DateTimeField()
    declared_by = models.CharField(max_length=150)
    # When the mails about the declaration were written, after the declaration applied.
    notified_at = models.DateTimeField(null=True)
    # How many contacts of what uses the credential were notified with them.
    notified_contacts = models.PositiveIntegerField(default=0)
    # What it may be among the tokens of its owner, until that is certain.
    candidates = models.JSONField(default=list, blank=True)
    # When these were read. They are deleted after a day.
    candidates_read_at = models.DateTimeField(null=True)
    # When its owner revoked it by signing in here.
    revoked_at = models.DateTimeField(null=True)
    # When Azure DevOps is asked next; None if it isn't any more.
    next_ask_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)
    asks = models.PositiveSmallIntegerField(default=0)
    # The problem code of the latest answer; empty if Azure DevOps accepted the token.
    last_answer = models.CharField(max_length=64, blank=True)
    # When Azure DevOps rejected the token for certain, or when we stopped asking.
    proved_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-declared_at", "-pk")
        default_permissions = ()
        permissions = (("declare_leak", "Can declare a token leaked"),)
        indexes = (models.Index(fields=("next_ask_at",), name="leaked_token_by_next_ask"),)

    def __str__(self) -> str:
        return f"Leaked token of {self.organization}"

    @staticmethod
    def unsettled() -> LeasedQuerySet["LeakedToken"]:
        """Those whose declaration is still to be notified of, or about which Azure DevOps is still asked."""
        return LeakedToken.objects.filter(models.Q(notified_at=None) | models.Q(next_ask_at__isnull=False))

    def get_absolute_url(self) -> str:
        """The page of the leak."""
        return reverse("connections:leak", args=[self.pk])

    @property
    def state(self) -> LeakState:
        """Whether the token was proved dead. What is not stored can't be."""
        if self.proved_at or self.ended_at:
            return self.State.PROVED if self.proved_at else self.State.NOT_PROVED
        return self.State.WAITING if self.next_ask_at else self.State.CANNOT_BE_PROVED

    @property
    def is_token(self) -> bool:
        """Whether it is a personal access token, which its owner finds in Azure DevOps."""
        return self.kind == PersonalAccessToken.kind

    @property
    def was_rejected(self) -> bool:
        """Whether Azure DevOps rejected the token already before it was declared leaked."""
        return any(user.get("rejected") for user in self.connections if user["organization"] == self.organization)

    @property
    def is_over(self) -> bool:
        """Whether nothing is done about it any more: it was revoked here or proved dead, or we stopped asking."""
        return bool(self.revoked_at or self.proved_at or self.ended_at)

    @property
    def took(self) -> timedelta | None:
        """The time from the declaration to the proof; None without one."""
        return self.proved_at - self.declared_at if self.proved_at else None
