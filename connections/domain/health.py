"""Health state machine of connections, and when people are notified of status changes."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from connections.domain.verification import Report
from connections.providers.azure_devops.entra_errors import ENTRA_REFUSAL_CODES


class Health(StrEnum):
    """The health that the last audits showed."""

    HEALTHY = "healthy"
    LIMITED = "limited"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    NOT_CHECKED = "not_checked"
    DISABLED = "disabled"


class Expiry(StrEnum):
    """How close the token is to its expiry date."""

    FINE = "fine"
    SOON = "soon"
    EXPIRED = "expired"
    NOT_RECORDED = "not_recorded"


# Worst first.
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


def shown_states(health: Health, expiry: Expiry) -> tuple[Health | Expiry, ...]:
    """Both states, worst first, if both need attention; otherwise only the worse. A disabled connection needs none."""
    both: list[Health | Expiry] = sorted((health, expiry), key=_RANK.index)
    has_two = health in NEEDS_ATTENTION and expiry is not Expiry.FINE
    return tuple(both) if has_two else tuple(both[:1])


class AuditOutcome(StrEnum):
    """What one audit showed. Repeated inconclusive audits are an outage."""

    PROVED = "proved"
    LACKING = "lacking"
    REFUSED = "refused"
    INCONCLUSIVE = "inconclusive"
    OUTAGE = "outage"


# Problems of an application and its organization.
_OF_PRINCIPALS = frozenset(
    {
        *ENTRA_REFUSAL_CODES,
        "entra_certificate_ended",
        "entra_not_offered",
        "identity_not_offered",
        "organization_without_tenant",
        "principal_not_added",
        "principal_of_another_tenant",
        "principal_refused",
        "principal_without_access",
    }
)
# Problems of the token, its owner or the organization. All others say nothing about the token, even if waiting alone
# does not help.
REFUSALS = frozenset(
    {
        *_OF_PRINCIPALS,
        "access_denied",
        "anonymous",
        "another_organization",
        "blocked_by_policy",
        "conditional_access",
        "global_token_blocked",
        "global_tokens_ended",
        "global_tokens_ended_likely",
        "interactive_sign_in_needed",
        "leaked",
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


# Refusals without a call to Azure DevOps.
NEVER_ASKED = frozenset({"entra_not_offered", "identity_not_offered", "leaked", "server_unknown", "token_unreadable"})


def was_tested(report: Report) -> bool:
    """Whether Azure DevOps accepted or rejected the token."""
    return report.failure is None or report.failure.code in REFUSALS - NEVER_ASKED


def outcome_of(report: Report, *, lacking: Collection[str]) -> AuditOutcome:
    """The outcome of an audit. `lacking` are capabilities that are missing or were never confirmed."""
    if report.failure is None:
        return AuditOutcome.LACKING if lacking else AuditOutcome.PROVED
    return AuditOutcome.REFUSED if report.failure.code in REFUSALS else AuditOutcome.INCONCLUSIVE


def health_of(report: Report) -> Health:
    """The health of a new token after its first verification."""
    outcome = outcome_of(report, lacking=() if report.passed else ("something",))
    return _NEXT[Health.NOT_CHECKED][AuditOutcome.OUTAGE if outcome is AuditOutcome.INCONCLUSIVE else outcome]


# The health after an audit, by the health before. Rejections and lost scopes take effect at once. Inconclusive audits
# change nothing until they repeat, and an outage does not replace a rejection, which is the more certain fact.
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
    """The state of a connection between audits. `problem` is the problem code, `host` the host that it names."""

    health: Health
    problem: str = ""
    consecutive_failures: int = 0
    host: str = ""


def next_state(
    before: HealthState, outcome: AuditOutcome, problem: str, *, repeats: int, host: str = ""
) -> HealthState:
    """The state after an audit. `repeats` is how many inconclusive audits in a row make an outage."""
    if outcome not in (AuditOutcome.INCONCLUSIVE, AuditOutcome.OUTAGE):
        return HealthState(_NEXT[before.health][outcome], problem, host=host)
    failures = before.consecutive_failures + 1
    has_repeated = failures >= repeats
    after = _NEXT[before.health][AuditOutcome.OUTAGE if has_repeated else AuditOutcome.INCONCLUSIVE]
    shows_it = has_repeated and after is Health.UNREACHABLE
    shown, shown_host = (problem, host) if shows_it else (before.problem, before.host)
    return HealthState(after, shown, failures, shown_host)


class StatusChange(StrEnum):
    """A change that people are notified of."""

    REJECTED = "rejected"
    LIMITED = "limited"
    UNREACHABLE = "unreachable"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class NotifiedState:
    """The current state, or the one that people were last notified of: health and missing capabilities."""

    health: Health
    lacking: frozenset[str] = frozenset()


def status_change(notified: NotifiedState, now: NotifiedState) -> StatusChange | None:
    """The change that people do not know yet, if any. `notified` is what they were last notified of."""
    if now.health is Health.REJECTED:
        return StatusChange.REJECTED if notified.health is not Health.REJECTED else None
    if now.health is Health.UNREACHABLE:
        return StatusChange.UNREACHABLE if notified.health is not Health.UNREACHABLE else None
    if now.health is Health.LIMITED and now.lacking - notified.lacking:
        return StatusChange.LIMITED
    if now.health is Health.HEALTHY:
        return StatusChange.RECOVERED if notified.health in NEEDS_ATTENTION else None
    works_again = now.health is Health.LIMITED and notified.health in (Health.REJECTED, Health.UNREACHABLE)
    return StatusChange.RECOVERED if works_again else None


# Rejections and lost scopes are mailed after a second audit confirms them, outages after some hours.
CONFIRMATIONS_NEEDED = 2
OUTAGE_BEFORE_MAIL = timedelta(hours=6)


def should_notify(change: StatusChange, *, confirmations: int, lasted: timedelta, confirmed: bool = False) -> bool:
    """Whether to notify people now. `confirmations` is how many audits in a row saw the change.

    `lasted` is how long ago the health changed. `confirmed` says that a person saw the result, as after a token update.
    """
    if change is StatusChange.UNREACHABLE:
        return lasted >= OUTAGE_BEFORE_MAIL
    return change is StatusChange.RECOVERED or confirmed or confirmations >= CONFIRMATIONS_NEEDED
