"""When a connection is audited next. Pure: the caller passes the outcome and a random number."""

from dataclasses import dataclass
from datetime import datetime, timedelta

CONFIRMATION_DELAY = timedelta(minutes=5)
FIRST_RETRY = timedelta(minutes=2)
# Ten percent more or less, so that connections created together are not audited together for ever.
JITTER = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an audit means for the next one. `retry_after` is in seconds, if Azure DevOps sent it."""

    consecutive_failures: int = 0
    needs_confirmation: bool = False
    retry_after: float | None = None


def next_run(now: datetime, outcome: Outcome, *, every: timedelta, chance: float) -> datetime:
    """The time of the next audit. `chance` is between 0 and 1."""
    wait = every * (1 + JITTER * (2 * chance - 1))
    if outcome.consecutive_failures:
        wait = min(wait, FIRST_RETRY * 2 ** min(outcome.consecutive_failures - 1, 10) * (1 + chance))
    elif outcome.needs_confirmation:
        wait = min(wait, CONFIRMATION_DELAY)
    if outcome.retry_after is not None:
        wait = max(wait, timedelta(seconds=outcome.retry_after))
    return now + wait
