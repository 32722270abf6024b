"""Events: what was done, by whom, when and from where. Appended, never changed."""

from typing import Any, NoReturn

from django.db import models


class AppendOnly(Exception):
    """Somebody tried to change or remove an event."""


class EventQuerySet(models.QuerySet["Event"]):
    """Reads and appends only."""

    def update(self, **_kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnly("Events are never changed.")

    def delete(self) -> NoReturn:
        """Refuse."""
        raise AppendOnly("Events are never removed.")

    def bulk_update(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnly("Events are never changed.")


class Event(models.Model):
    """One act. People and things are kept by id and by the name they had, so that an event outlives them."""

    at = models.DateTimeField(db_index=True)
    kind = models.CharField(max_length=64)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150)
    address = models.GenericIPAddressField(null=True)
    subject_kind = models.CharField(max_length=32)
    subject_id = models.BigIntegerField()
    subject_name = models.CharField(max_length=200)
    detail = models.JSONField(default=dict)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ("-at", "-id")
        indexes = (models.Index(fields=("subject_kind", "subject_id", "-at", "-id"), name="event_of_subject"),)
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject_name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Append. Raises `AppendOnly` for an event that is stored already."""
        if self.pk is not None:
            raise AppendOnly("Events are never changed.")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnly("Events are never removed.")
