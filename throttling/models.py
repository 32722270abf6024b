"""Counters of rate limits; a full allowance needs no row."""

from django.db import models


class Counter(models.Model):
    """The state of one rate limit. `key` is a keyed digest, so that nothing that was typed is stored."""

    key = models.CharField(max_length=64, primary_key=True)
    # When the allowance will be full again.
    due_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Counter until {self.due_at:%Y-%m-%d %H:%M:%S}"
