"""The token policy that an administrator sets for every token, and what violates it. Pure rules."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from connections.domain import expiry


class Rule(StrEnum):
    """What happens when a rule is violated."""

    ALLOW = "allow"
    WARN = "warn"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """The rules. The defaults are those of the user guide."""

    longest_life_days: int = expiry.ADVISED_DAYS
    longest_life: Rule = Rule.WARN
    reuse: Rule = Rule.WARN
    missing_date: Rule = Rule.ALLOW

    def last_day(self, born_on: date) -> date:
        """The latest expiry date for a token created on this day."""
        return born_on + timedelta(days=self.longest_life_days)


@dataclass(frozen=True, slots=True)
class Violation:
    """A violated rule: the code of its problem, what it leads to, and the form field it belongs beside."""

    code: str
    rule: Rule
    field: str


def violations(rails: TokenPolicy, *, born_on: date, expires_on: date | None, reused: bool) -> list[Violation]:
    """Every violated rule that is not simply allowed. `born_on` is the day from which the token's life counts."""
    too_long = expires_on is not None and expires_on > rails.last_day(born_on)
    found = [
        (too_long, Violation("life_too_long", rails.longest_life, "expires_on")),
        (reused, Violation("token_reused", rails.reuse, "token")),
        (expires_on is None, Violation("date_missing", rails.missing_date, "expires")),
    ]
    return [violation for is_violated, violation in found if is_violated and violation.rule is not Rule.ALLOW]
