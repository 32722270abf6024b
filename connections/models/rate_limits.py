"""Rate limit pauses imposed by Azure DevOps, shared by all processes."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Exists, OuterRef

from core.database_time import lies_ahead

# Pages honor a pause up to this long; audits and syncs store the full time in their own rows.
LONGEST_PAUSE = timedelta(minutes=5)


class RateLimitPause(models.Model):
    """A pause for an Azure DevOps user who reached a rate limit, which all tokens of that user share.

    https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits
    """

    server = models.CharField(max_length=100)
    identity_id = models.CharField(max_length=64)
    until = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("server", "identity_id"), name="rate_limit_pause_once"),)

    def __str__(self) -> str:
        return f"Rate limit until {self.until:%H:%M:%S}"

    @classmethod
    def under_way(cls, now: datetime) -> models.QuerySet["RateLimitPause"]:
        """Pauses that are still active."""
        return cls.objects.filter(lies_ahead("until", now, at_most=LONGEST_PAUSE))

    @classmethod
    def holds(cls, now: datetime, *, connection: str = "") -> Exists:
        """A condition on `Connection`, or on rows related to one through the prefix `connection`."""
        server, person = OuterRef(f"{connection}server"), OuterRef(f"{connection}identity_id")
        return Exists(cls.under_way(now).filter(server=server, identity_id=person))
