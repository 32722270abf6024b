"""What pages read of audit runs: their counts, and what they found."""

from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, Q, QuerySet, When

from connections.domain.health import Health
from connections.models import AuditedConnection, AuditRun

RUNS_PER_PAGE = 25
FINDINGS_PER_PAGE = 50
_WORST_FIRST = (Health.REJECTED, Health.UNREACHABLE, Health.LIMITED, Health.NOT_CHECKED, Health.HEALTHY)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. `problems` counts what was not found healthy so far."""

    total: int
    done: int
    problems: int
    cancelled: int

    @property
    def percent(self) -> int:
        """How much is done, as a whole number up to 100."""
        return 100 * (self.done + self.cancelled) // self.total if self.total else 100


def _counts() -> dict[str, Count]:
    state = AuditedConnection.State
    done = Q(audited__state=state.DONE)
    return {
        "total": Count("audited"),
        "done": Count("audited", filter=done),
        "problems": Count("audited", filter=done & ~Q(audited__health=Health.HEALTHY)),
        "cancelled": Count("audited", filter=Q(audited__state=state.CANCELLED)),
    }


def runs() -> QuerySet[AuditRun]:
    """Runs, newest first, each with its counts."""
    return AuditRun.objects.annotate(**_counts()).order_by("-started_at", "-id")


def page_of_runs(number: str | None) -> Page[AuditRun]:
    """One page of runs, newest first, each with its counts."""
    return Paginator(runs(), RUNS_PER_PAGE).get_page(number)


def counted(run: AuditRun) -> Progress:
    """The counts that came with a row of `runs`."""
    return Progress(**{name: getattr(run, name) for name in _counts()})


def progress(run: AuditRun) -> Progress:
    """The counts of one run."""
    counted = AuditRun.objects.filter(pk=run.pk).annotate(**_counts()).values(*_counts()).get()
    return Progress(**counted)


def findings_of(run: AuditRun, number: str | None) -> Page[AuditedConnection]:
    """What a run found, the worst first; what is the same is together."""
    severity = Case(*(When(health=health, then=rank) for rank, health in enumerate(_WORST_FIRST)), default=9)
    found = run.audited.select_related("connection").order_by(severity, "problem", "state", "name")
    return Paginator(found, FINDINGS_PER_PAGE).get_page(number)
