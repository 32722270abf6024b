"""The token policy that administrators set, and its violations. Pure rules."""

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
    """A violated rule: its problem code, what happens, and the form field to show it at."""

    code: str
    rule: Rule
    field: str


def violations(policy: TokenPolicy, *, born_on: date, expires_on: date | None, reused: bool) -> list[Violation]:
    """The violations that warn or refuse. `born_on` is the first day of the token's lifetime."""
    last = None if expiry.never_expires(expires_on) else expires_on
    too_long = last is not None and last > policy.last_day(born_on)
    checks = [
        (too_long, Violation("life_too_long", policy.longest_life, "expires_on")),
        (reused, Violation("token_reused", policy.reuse, "token")),
        (expires_on is None, Violation("date_missing", policy.missing_date, "expires")),
    ]
    return [violation for is_violated, violation in checks if is_violated and violation.rule is not Rule.ALLOW]
