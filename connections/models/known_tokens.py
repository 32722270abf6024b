"""What Azure DevOps says about personal access tokens: about those stored here, and about all of a person."""

from django.conf import settings
from django.db import models
from django.urls import reverse

from connections.models.connections import Connection
from core.leases import Leased


class KnownToken(models.Model):
    """What Azure DevOps said about a token that is stored here, recognized by its fingerprint. It holds no secret."""

    class Source(models.TextChoices):
        """How we know which entry it is."""

        CREATED = "created", "Created here"
        PICKED = "picked", "Picked by its owner"

    fingerprint = models.CharField(max_length=64, unique=True, editable=False)
    server = models.CharField(max_length=100)
    organization = models.CharField(max_length=64)
    authorization_id = models.CharField(max_length=64)
    source = models.CharField(max_length=8, choices=Source.choices)
    # What its owner calls it in Azure DevOps.
    name = models.CharField(max_length=255, blank=True)
    scope = models.TextField(blank=True)
    valid_to = models.DateTimeField(null=True)
    read_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Token {self.authorization_id} of {self.organization}"

    @property
    def is_picked(self) -> bool:
        """Whether a person said which entry in Azure DevOps it is; otherwise we created it."""
        return self.source == self.Source.PICKED


class TokenExtension(Leased):
    """Azure DevOps was asked for a later expiry date of a stored token, and it is not known yet what became of it.

    Written before the call and deleted after its answer; otherwise the next sign-in of the owner reads what is true.
    The request that works on it leases it.
    """

    lease_setting = "AUDIT_LEASE_SECONDS"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="extensions")
    server = models.CharField(max_length=100)
    organization = models.CharField(max_length=64)
    identity_id = models.CharField(max_length=64)
    # One at a time for each token, which several connections may use.
    fingerprint = models.CharField(max_length=64, unique=True, editable=False)
    authorization_id = models.CharField(max_length=64)
    until = models.DateTimeField()
    started_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Extension of {self.authorization_id}"


class TokenImport(models.Model):
    """What a person read of their own tokens in one organization, to match them with stored ones.

    Only that person sees it, for a day. A later import of the same organization replaces it.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    server = models.CharField(max_length=100)
    organization = models.CharField(max_length=64)
    organization_id = models.CharField(max_length=64, blank=True)
    # Who signed in; empty if Azure DevOps did not answer.
    identity_id = models.CharField(max_length=64, blank=True)
    identity_name = models.CharField(max_length=256, blank=True)
    identity_account = models.CharField(max_length=256, blank=True)
    # The valid tokens, as `connections.domain.token_entries` writes them.
    entries = models.JSONField(default=list, blank=True)
    is_whole = models.BooleanField(default=True)
    # Why there are none, with the word of Azure DevOps if there is one.
    problem = models.CharField(max_length=64, blank=True)
    problem_word = models.CharField(max_length=64, blank=True)
    read_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ("organization", "pk")
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("user", "server", "organization"), name="token_import_once"),)

    def __str__(self) -> str:
        return f"Tokens of {self.identity_name} in {self.organization}"

    def get_absolute_url(self) -> str:
        """The page where they are matched."""
        return reverse("connections:token-import")
