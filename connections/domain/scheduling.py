"""When a connection is looked at next. Pure: the caller says what happened and brings the chance."""

from dataclasses import dataclass
from datetime import datetime, timedelta

SECOND_RUN = timedelta(minutes=5)
FIRST_RETRY = timedelta(minutes=2)
# A tenth more or less, so that what was connected together is not asked together for ever.
JITTER = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an audit means for the next one. `retry_after` is in seconds, when Azure DevOps said it."""

    consecutive_failures: int = 0
    wants_second_look: bool = False
    retry_after: float | None = None


def next_run(now: datetime, outcome: Outcome, *, every: timedelta, chance: float) -> datetime:
    """The time of the next audit. `chance` is between 0 and 1."""
    wait = every * (1 + JITTER * (2 * chance - 1))
    if outcome.consecutive_failures:
        wait = min(wait, FIRST_RETRY * 2 ** min(outcome.consecutive_failures - 1, 10) * (1 + chance))
    elif outcome.wants_second_look:
        wait = min(wait, SECOND_RUN)
    if outcome.retry_after is not None:
        wait = max(wait, timedelta(seconds=outcome.retry_after))
    return now + wait
