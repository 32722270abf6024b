"""One row for each counter that is not at rest."""

from django.db import models


class Counter(models.Model):
    """How far ahead of time somebody is. `key` is a keyed digest: what was typed is not kept."""

    key = models.CharField(max_length=64, primary_key=True)
    # When everything taken so far would have been due, one after another at the even pace.
    due_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Counter until {self.due_at:%Y-%m-%d %H:%M:%S}"
