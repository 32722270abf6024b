"""Append-only events (what was done, by whom, when and from where), and the seals that protect them."""

from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from django.db import models, transaction

from core.bulk_insert import insert_rows
from history import locks

# The second is its name in events from before it was renamed; sealed events are never changed.
SCHEDULER_NAMES = ("the scheduler", "the clock")


class AppendOnly(Exception):
    """An attempt to change or remove an event."""


class EventQuerySet(models.QuerySet["Event"]):
    """Allows only reading and appending."""

    def update(self, **_kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnly("Events are never changed.")

    def delete(self) -> NoReturn:
        """Refuse."""
        raise AppendOnly("Events are never removed.")

    def bulk_update(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnly("Events are never changed.")

    def bulk_create(self, objs: Iterable["Event"], *args: Any, **kwargs: Any) -> list["Event"]:
        """Append several events."""
        with transaction.atomic(savepoint=False):
            locks.for_appending()
            return super().bulk_create(objs, *args, **kwargs)

    def append(self, events: Sequence["Event"]) -> None:
        """Append several events, faster than `bulk_create`."""
        with transaction.atomic(savepoint=False):
            locks.for_appending()
            insert_rows(events)

    def prune(self) -> int:
        """Remove the selected events. Only for `history.pruning`, which removes whole batches and adds a checkpoint."""
        return int(self._raw_delete(self.db))


class Event(models.Model):
    """An event. It stores ids and names of people and subjects without foreign keys, so that it outlives them."""

    at = models.DateTimeField()
    kind = models.CharField(max_length=64)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150)
    address = models.GenericIPAddressField(null=True)
    subject_kind = models.CharField(max_length=32)
    subject_id = models.BigIntegerField()
    subject_name = models.CharField(max_length=200)
    detail = models.JSONField(default=dict)
    # 1 if the scheduler did it. A number, because SQLite does not treat NOT of a boolean as a single value.
    automatic = models.GeneratedField(
        expression=models.Case(
            models.When(actor_name__in=SCHEDULER_NAMES, then=models.Value(1)), default=models.Value(0)
        ),
        output_field=models.PositiveSmallIntegerField(),
        db_persist=True,
    )

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ("-at", "-id")
        # One for each filter of the History page, each in the order of the page.
        indexes = (
            models.Index(fields=("subject_kind", "subject_id", "-at", "-id"), name="event_of_subject"),
            models.Index(fields=("-at", "-id"), name="event_by_time"),
            models.Index(fields=("automatic", "-at", "-id"), name="event_by_people"),
            models.Index(fields=("kind", "-at", "-id"), name="event_by_kind"),
            models.Index(fields=("actor_id", "-at", "-id"), name="event_by_actor"),
            models.Index(fields=("actor_name", "-at", "-id"), name="event_by_actor_name"),
            models.Index(fields=("subject_name", "subject_kind", "subject_id"), name="event_by_subject_name"),
        )
        default_permissions = ("view",)
        permissions = (("view_all_events", "Can see and export the whole history"),)

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject_name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Append the event. Raises `AppendOnly` if it is stored already."""
        if self.pk is not None:
            raise AppendOnly("Events are never changed.")
        with transaction.atomic(savepoint=False):
            locks.for_appending()
            super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnly("Events are never removed.")


class Seal(models.Model):
    """A sealed batch: all events with ids above the previous seal's `last_id`, up to its own `last_id`."""

    number = models.BigIntegerField(primary_key=True)
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    count = models.PositiveIntegerField()
    newest_at = models.DateTimeField()
    sealed_at = models.DateTimeField()
    previous = models.CharField(max_length=64, blank=True)
    key = models.CharField(max_length=16)
    mac = models.CharField(max_length=64)
    # Shows which events were changed when the seal is broken; see `history.seals`.
    marks = models.BinaryField()

    class Meta:
        ordering = ("number",)
        default_permissions = ()

    def __str__(self) -> str:
        return f"Seal {self.number}"


class Checkpoint(models.Model):
    """Where the history begins after pruning: the last pruned seal, signed. There is one row."""

    number = models.BigIntegerField()
    last_id = models.BigIntegerField()
    newest_at = models.DateTimeField()
    seal = models.CharField(max_length=64)
    pruned = models.BigIntegerField()
    pruned_at = models.DateTimeField()
    key = models.CharField(max_length=16)
    mac = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Everything up to event {self.last_id} was pruned"


class Acceptance(models.Model):
    """An operator's signed decision, with a reason, to seal events that are not sealed automatically.

    It covers the seals `number` to `last_number`, which follow seal `after_number`. It also explains why the seals with
    numbers above `superseded_after` and up to `lost_number` are gone. Numbers are never reused: the first new seal gets
    a number above `lost_number`.
    """

    number = models.BigIntegerField()
    last_number = models.BigIntegerField()
    after_number = models.BigIntegerField()
    after_seal = models.CharField(max_length=64, blank=True)
    superseded_after = models.BigIntegerField()
    lost_number = models.BigIntegerField()
    findings = models.JSONField(default=list)
    events = models.BigIntegerField()
    accepted_at = models.DateTimeField()
    accepted_by = models.CharField(max_length=150)
    reason = models.CharField(max_length=500)
    key = models.CharField(max_length=16)
    mac = models.CharField(max_length=64)

    class Meta:
        ordering = ("number", "pk")
        default_permissions = ()

    def __str__(self) -> str:
        return f"Seals {self.number} to {self.last_number}: {self.reason}"


class AnchorFileState(models.Model):
    """The result of the last write to HISTORY_ANCHOR_FILE, for the pages and /readyz. There is one row."""

    number = models.BigIntegerField(default=0)
    written_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.problem or f"Written up to seal {self.number}"


class AnchorNotice(models.Model):
    """Records that the anchor of a week was mailed to administrators. `week` is its Monday."""

    week = models.DateField(unique=True)
    number = models.BigIntegerField()
    seal = models.CharField(max_length=64, blank=True)
    sent_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Anchor of the week of {self.week}"


class Verification(models.Model):
    """The result of a verification. `finding` is empty if every seal is valid."""

    at = models.DateTimeField(db_index=True)
    holds = models.BooleanField()
    batches = models.BigIntegerField()
    events = models.BigIntegerField()
    last_number = models.BigIntegerField()
    last_event_at = models.DateTimeField(null=True)
    finding = models.TextField(blank=True)

    class Meta:
        ordering = ("-at", "-id")
        default_permissions = ()

    def __str__(self) -> str:
        return f"Verified {self.at:%Y-%m-%d %H:%M}: {'valid' if self.holds else 'failed'}"
