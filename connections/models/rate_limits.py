"""Until when Azure DevOps told a person to wait, for all processes to see."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Exists, OuterRef

from core.database_time import lies_ahead

# Longer than this nobody waits for what a page shows; audits and refreshes keep the whole time in their own rows.
LONGEST_PAUSE = timedelta(minutes=5)


class RateLimitPause(models.Model):
    """A person behind tokens who reached a rate limit: all tokens of one person share what Azure DevOps allows.

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
        """Those that are not over."""
        return cls.objects.filter(lies_ahead("until", now, at_most=LONGEST_PAUSE))

    @classmethod
    def holds(cls, now: datetime, *, connection: str = "") -> Exists:
        """A condition for rows of `Connection`, or for rows that lead to one by the prefix `connection`."""
        server, person = OuterRef(f"{connection}server"), OuterRef(f"{connection}identity_id")
        return Exists(cls.under_way(now).filter(server=server, identity_id=person))
