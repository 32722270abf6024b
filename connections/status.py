"""What a result means for a connection: its health, and the worse of health and expiry."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from connections.checks import Report


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


def health_of(report: Report) -> Health:
    """The health that one fresh look shows; trouble on the way is Unreachable, never Rejected."""
    if report.trouble is not None:
        lost_on_the_way = report.trouble.transient or report.trouble.code in (
            "tls_failure",
            "unexpected_answer",
            "answer_too_large",
            "no_such_address",
        )
        return Health.UNREACHABLE if lost_on_the_way else Health.REJECTED
    return Health.HEALTHY if report.passed else Health.LIMITED


# A refusal and a lost scope are mailed after a second look, an outage when it has lasted.
LOOKS_BEFORE_NEWS = 2
OUTAGE_BEFORE_NEWS = timedelta(hours=6)


def is_news(told: Health, now_is: Health, *, looks: int, lasted: timedelta, sudden: bool = False) -> bool:
    """Whether people should be told. `told` is what they know, `lasted` how long it has been so.

    `sudden` is a token that ended before its recorded date, which is news at once.
    """
    if now_is == told or now_is in (Health.NOT_CHECKED, Health.DISABLED):
        return False
    if now_is is Health.HEALTHY:
        return told in NEEDS_ATTENTION
    if now_is is Health.UNREACHABLE:
        return lasted >= OUTAGE_BEFORE_NEWS
    return sudden or looks >= LOOKS_BEFORE_NEWS


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a connection stands between two checks."""

    health: Health
    problem: str = ""
    troubles_in_a_row: int = 0


def next_status(before: Standing, report: Report, *, repeats: int) -> Standing:
    """What a new report makes of a standing.

    A refusal is shown at once. Trouble on the way must come `repeats` times in a row before it is shown, and
    until then everything known stays as it is.
    """
    seen = health_of(report)
    if seen is not Health.UNREACHABLE:
        return Standing(seen, report.trouble.code if report.trouble else "")
    troubles = before.troubles_in_a_row + 1
    code = report.trouble.code if report.trouble else ""
    if troubles >= repeats or before.health is Health.NOT_CHECKED:
        return Standing(Health.UNREACHABLE, code, troubles)
    return Standing(before.health, before.problem, troubles)
