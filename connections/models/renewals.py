"""Renewals of personal access tokens: the sign-ins for them, their steps, and what Azure DevOps says about tokens."""

from django.conf import settings
from django.db import models
from django.urls import reverse

from connections.domain.renewal import IN_PROGRESS, State
from connections.models.connections import Connection
from connections.models.sealed import SealedCredential
from core.leases import Leased


class RenewalSignIn(models.Model):
    """A person was sent to Microsoft and has not returned yet. The row is deleted when they do.

    `state_digest` is a keyed digest of what comes back with them; the PKCE verifier is derived from it, so neither is
    stored. The rest is what to do afterwards.
    """

    class Purpose(models.TextChoices):
        """Why the person signs in. Whatever is pending for them is done each time."""

        RENEW = "renew", "Renew"
        RENEW_SEVERAL = "several", "Renew several"
        SETTLE = "settle", "Finish what is pending"
        EXTEND = "extend", "Extend"
        IMPORT = "import", "Read one's own tokens"
        REVOKE = "revoke", "Revoke a leaked token"

    state_digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=8, choices=Purpose.choices)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, null=True, related_name="+")
    # When the person finishes what is pending for it.
    renewal = models.ForeignKey("connections.Renewal", on_delete=models.CASCADE, null=True, related_name="+")
    bulk = models.ForeignKey("connections.BulkRenewal", on_delete=models.CASCADE, null=True, related_name="+")
    # The leaked token to revoke, and which of its owner's tokens that is, if a person picked one.
    leak = models.ForeignKey("connections.LeakedToken", on_delete=models.CASCADE, null=True, related_name="+")
    entry = models.CharField(max_length=64, blank=True)
    server = models.CharField(max_length=100)
    organization = models.CharField(max_length=64, blank=True)
    # The owner of the tokens, who has to be the one who signs in; empty for an import.
    identity_id = models.CharField(max_length=64, blank=True)
    # The organizations of an import.
    organizations = models.JSONField(default=list)
    scopes = models.JSONField(default=list)
    days = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Sign-in to {self.purpose} at {self.organization}"

    @property
    def page(self) -> str:
        """The address of the page that the person came from."""
        subject = self.renewal or self.bulk or self.leak or self.connection
        return subject.get_absolute_url() if subject else reverse("connections:token-import")


class Renewal(SealedCredential, Leased):
    """One renewal of a token, written before each of its steps, so that nothing is lost when a process dies.

    The request that works on it leases it. `sealed` is the new token until the connection uses it, and then the old
    one, which is kept only to ask whether Azure DevOps still accepts it; for that, workers lease the row.
    """

    sealed_for = "renewal"
    lease_setting, due_field, done_field = "AUDIT_LEASE_SECONDS", "next_ask_at", "asked_at"

    # None when it was disconnected, which leaves what is pending in Azure DevOps.
    connection = models.ForeignKey(Connection, on_delete=models.SET_NULL, null=True, related_name="renewals")
    connection_name = models.CharField(max_length=200)
    server = models.CharField(max_length=100)
    organization = models.CharField(max_length=64)
    identity_id = models.CharField(max_length=64)
    identity_name = models.CharField(max_length=256)
    identity_account = models.CharField(max_length=256, blank=True)
    started_by = models.CharField(max_length=150)
    state = models.CharField(max_length=12, default=State.CREATING.value)
    # In the name of the new token, and in no other.
    marker = models.CharField(max_length=40, unique=True)
    # What was asked for.
    scopes = models.JSONField(default=list)
    not_after = models.DateTimeField()
    # What Azure DevOps made.
    authorization_id = models.CharField(max_length=64, blank=True)
    valid_to = models.DateTimeField(null=True)
    # The old token: the fingerprint that was stored, its id in Azure DevOps if it is certain, and what it may be.
    old_fingerprint = models.CharField(max_length=64, editable=False)
    old_authorization_id = models.CharField(max_length=64, blank=True)
    candidates = models.JSONField(default=list, blank=True)
    started_at = models.DateTimeField()
    swapped_at = models.DateTimeField(null=True)
    # When the longest request that began with the old token has ended.
    revoke_from = models.DateTimeField(null=True)
    revoke_asked_at = models.DateTimeField(null=True)
    # When Azure DevOps is asked next whether it accepts the old token; None if it isn't.
    next_ask_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)
    asks = models.PositiveSmallIntegerField(default=0)
    # The problem code of the latest answer; empty if Azure DevOps accepted the old token.
    last_answer = models.CharField(max_length=64, blank=True)
    ended_at = models.DateTimeField(null=True)
    # Why the latest step failed, with the word of Azure DevOps if there is one.
    problem = models.CharField(max_length=64, blank=True)
    problem_word = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("-started_at", "-pk")
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                fields=("connection",),
                condition=models.Q(state__in=sorted(state.value for state in IN_PROGRESS)),
                name="one_renewal_in_progress",
            ),
        )
        indexes = (
            models.Index(fields=("state", "server", "organization"), name="renewal_by_state"),
            models.Index(fields=("next_ask_at",), name="renewal_by_next_ask"),
        )

    def __str__(self) -> str:
        return f"Renewal of {self.connection_name}"

    def get_absolute_url(self) -> str:
        """The page of the renewal."""
        return reverse("connections:renewal", args=[self.pk])

    @property
    def picked_name(self) -> str | None:
        """The name of the entry that a person picked as the old token; None if none was, or we know it ourselves."""
        names = (candidate["name"] for candidate in self.candidates if candidate["id"] == self.old_authorization_id)
        return next(names, None)
