"""What a result means for a connection: its health, and the worse of health and expiry."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from connections.domain.verification import Report


class Health(StrEnum):
    """How the last checks went."""

    HEALTHY = "healthy"
    LIMITED = "limited"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    NOT_CHECKED = "not_checked"
    DISABLED = "disabled"


class Expiry(StrEnum):
    """Where the token stands between its making and its end."""

    FINE = "fine"
    SOON = "soon"
    EXPIRED = "expired"
    NOT_RECORDED = "not_recorded"


# Worst first: one chip shows the worse of both axes.
_RANK: tuple[StrEnum, ...] = (
    Health.DISABLED,
    Expiry.EXPIRED,
    Health.REJECTED,
    Health.UNREACHABLE,
    Health.LIMITED,
    Expiry.SOON,
    Health.NOT_CHECKED,
    Expiry.NOT_RECORDED,
    Health.HEALTHY,
    Expiry.FINE,
)
NEEDS_ATTENTION = (Health.REJECTED, Health.UNREACHABLE, Health.LIMITED)


def worse(health: Health, expiry: Expiry) -> Health | Expiry:
    """The state that a person must know first."""
    return health if _RANK.index(health) <= _RANK.index(expiry) else expiry


class AuditOutcome(StrEnum):
    """What one look showed. Trouble on the way that has repeated is an outage."""

    PROVED = "proved"
    LACKING = "lacking"
    REFUSED = "refused"
    INCONCLUSIVE = "inconclusive"
    OUTAGE = "outage"


# What speaks against the token, its owner or the organization. Every other trouble is on the way: it says nothing about
# the token, even where waiting alone does not help.
REFUSALS = frozenset(
    {
        "access_denied",
        "anonymous",
        "another_organization",
        "blocked_by_policy",
        "conditional_access",
        "global_token_blocked",
        "global_tokens_ended",
        "global_tokens_ended_likely",
        "interactive_sign_in_needed",
        "not_a_member",
        "organization_not_found",
        "organization_unavailable",
        "server_unknown",
        "sign_in_required",
        "token_ended_early",
        "token_expired",
        "token_refused",
        "token_unreadable",
    }
)


# Refusals of our own: Azure DevOps was not asked.
NEVER_ASKED = frozenset({"server_unknown", "token_unreadable"})


def was_tested(report: Report) -> bool:
    """Whether Azure DevOps said something about the token, for or against it."""
    return report.failure is None or report.failure.code in REFUSALS - NEVER_ASKED


def outcome_of(report: Report, *, lacking: Collection[str]) -> AuditOutcome:
    """What a report shows. `lacking` are the capabilities that are known to be missing, or were never proved."""
    if report.failure is None:
        return AuditOutcome.LACKING if lacking else AuditOutcome.PROVED
    return AuditOutcome.REFUSED if report.failure.code in REFUSALS else AuditOutcome.INCONCLUSIVE


def health_of(report: Report) -> Health:
    """The health that one fresh look at an unknown token shows."""
    sight = outcome_of(report, lacking=() if report.passed else ("something",))
    return _NEXT[Health.NOT_CHECKED][AuditOutcome.OUTAGE if sight is AuditOutcome.INCONCLUSIVE else sight]


# The health after a look, by the health before it. A refusal and a lost scope are shown at once. Trouble on the way
# changes nothing until it has repeated, and then it does not hide a refusal, which is the harder fact.
_NEXT: dict[Health, dict[AuditOutcome, Health]] = {
    before: {
        AuditOutcome.PROVED: Health.HEALTHY,
        AuditOutcome.LACKING: Health.LIMITED,
        AuditOutcome.REFUSED: Health.REJECTED,
        AuditOutcome.INCONCLUSIVE: before,
        AuditOutcome.OUTAGE: Health.REJECTED if before is Health.REJECTED else Health.UNREACHABLE,
    }
    for before in Health
}


@dataclass(frozen=True, slots=True)
class HealthState:
    """Where a connection stands between two checks. `problem` is the code of why, `host` the one that it names."""

    health: Health
    problem: str = ""
    consecutive_failures: int = 0
    host: str = ""


def next_state(before: HealthState, sight: AuditOutcome, problem: str, *, repeats: int, host: str = "") -> HealthState:
    """What a new look makes of a standing. `repeats` is how many troubles in a row make an outage."""
    if sight not in (AuditOutcome.INCONCLUSIVE, AuditOutcome.OUTAGE):
        return HealthState(_NEXT[before.health][sight], problem, host=host)
    troubles = before.consecutive_failures + 1
    has_repeated = troubles >= repeats
    after = _NEXT[before.health][AuditOutcome.OUTAGE if has_repeated else AuditOutcome.INCONCLUSIVE]
    shows_it = has_repeated and after is Health.UNREACHABLE
    shown, shown_host = (problem, host) if shows_it else (before.problem, before.host)
    return HealthState(after, shown, troubles, shown_host)


class StatusChange(StrEnum):
    """What people are told of a connection."""

    REJECTED = "rejected"
    LIMITED = "limited"
    UNREACHABLE = "unreachable"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class NotifiedState:
    """What is so, or what people believe to be so: a health, and what the token cannot do."""

    health: Health
    lacking: frozenset[str] = frozenset()


def status_change(told: NotifiedState, now: NotifiedState) -> StatusChange | None:
    """What people do not know yet, if anything. `told` is what they were told last."""
    if now.health is Health.REJECTED:
        return StatusChange.REJECTED if told.health is not Health.REJECTED else None
    if now.health is Health.UNREACHABLE:
        return StatusChange.UNREACHABLE if told.health is not Health.UNREACHABLE else None
    if now.health is Health.LIMITED and now.lacking - told.lacking:
        return StatusChange.LIMITED
    if now.health is Health.HEALTHY:
        return StatusChange.RECOVERED if told.health in NEEDS_ATTENTION else None
    works_again = now.health is Health.LIMITED and told.health in (Health.REJECTED, Health.UNREACHABLE)
    return StatusChange.RECOVERED if works_again else None


# A refusal and a lost scope are mailed after a second look, an outage when it has lasted.
CONFIRMATIONS_NEEDED = 2
OUTAGE_BEFORE_MAIL = timedelta(hours=6)


def should_notify(what: StatusChange, *, looks: int, lasted: timedelta, confirmed: bool = False) -> bool:
    """Whether it is time to tell. `looks` is how often in a row it was seen, `lasted` how long it has been so.

    `confirmed` says that a person saw it already, as after an update of the token.
    """
    if what is StatusChange.UNREACHABLE:
        return lasted >= OUTAGE_BEFORE_MAIL
    return what is StatusChange.RECOVERED or confirmed or looks >= CONFIRMATIONS_NEEDED
