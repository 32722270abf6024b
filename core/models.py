"""Heartbeats of the product's processes."""

from django.db import models


class Heartbeat(models.Model):
    """When a part of the product was last seen at work. One row for each part, however many processes it has."""

    class Part(models.TextChoices):
        """The parts that nobody sees working: the web is seen by whoever opens a page."""

        SCHEDULER = "clock", "Scheduler"
        WORKER = "worker", "Worker"

    part = models.CharField(max_length=16, primary_key=True, choices=Part.choices)
    seen_at = models.DateTimeField()
    # When the loop of one of its processes was last known to turn, and when one last was known to stand still.
    loop_seen_at = models.DateTimeField(null=True)
    stalled_at = models.DateTimeField(null=True)
    # Of the scheduler alone: since when it cannot reach the broker.
    broker_lost_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "orchestrator"
        # No one edits it, and everyone who can see connections sees the alarms.
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.get_part_display()}, seen {self.seen_at:%Y-%m-%d %H:%M:%S} UTC"


class MetricTotal(models.Model):
    """A counter for monitoring, added up over all processes. `labels` is JSON with sorted keys."""

    name = models.CharField(max_length=100)
    labels = models.CharField(max_length=300)
    value = models.FloatField(default=0.0)

    class Meta:
        app_label = "orchestrator"
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("name", "labels"), name="metric_total_once"),)

    def __str__(self) -> str:
        return f"{self.name} {self.labels}"
