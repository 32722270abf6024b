"""What the token of a connection can do."""

from django.db import models

from connections.domain import report_json
from connections.domain.verification import NO_CHOSEN_PROJECT, NO_PROJECT, WRITE_PROBES_OFF
from connections.models.connections import Connection, choices
from connections.providers.capability import ProjectVerdict, Verdict


class CapabilityState(models.Model):
    """The state of one capability: the last definite verdict, and why the latest check was inconclusive, if it was.

    `by_project` holds the verdict of each project, as the fields of `ProjectVerdict`.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="capabilities")
    capability = models.CharField(max_length=32)
    verdict = models.CharField(max_length=16, choices=choices(Verdict))
    reason = models.CharField(max_length=64, blank=True)
    doubt = models.CharField(max_length=64, blank=True)
    by_project = models.JSONField(default=list, blank=True)
    verified_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("connection", "capability"), name="capability_once"),)

    def __str__(self) -> str:
        return f"{self.capability}: {self.verdict}"

    @property
    def is_lacking(self) -> bool:
        """Whether it can't be used now: not granted, or there is no project to use it in."""
        if self.is_untried:
            return True
        return self.verdict != Verdict.GRANTED and self.reason != WRITE_PROBES_OFF

    @property
    def is_untried(self) -> bool:
        """Whether the last check found no project to verify it in."""
        return self.doubt in (NO_PROJECT, NO_CHOSEN_PROJECT)

    def project_verdicts(self) -> tuple[ProjectVerdict, ...]:
        """The verdicts of the projects in which it was verified."""
        return tuple(map(report_json.project_verdict, self.by_project))
