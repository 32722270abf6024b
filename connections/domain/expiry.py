"""When a token ends, counted in days of the site's time zone. The day before is the last safe one."""

from collections.abc import Container, Iterable, Sequence
from datetime import date, timedelta

from connections.domain.health import Expiry

SOON_DAYS = 30
ADVISED_DAYS = 90
PRESETS = (30, 60, 90)
# Azure DevOps stops tokens for "All accessible organizations" on this day.
# https://learn.microsoft.com/azure/devops/release-notes/2026/sprint-270-update
GLOBAL_TOKENS_END = date(2026, 12, 1)
# A custom date at Azure DevOps is at most a year away.
LONGEST_LIFE = timedelta(days=366)


def days_left(expires_on: date, today: date) -> int:
    """Whole days until the token's date; 0 on the day itself, negative after it."""
    return (expires_on - today).days


def due_threshold(
    expires_on: date, today: date, *, thresholds: Iterable[int], token_set_on: date, reminded: Container[int]
) -> int | None:
    """The one reminder that is due now, as its threshold in days, or None.

    Crossing counts, not hitting: a missed day delays a reminder and never skips it. Only the tightest that is
    crossed can be due, and none that is longer than the token's own life.
    """
    left = days_left(expires_on, today)
    life = days_left(expires_on, token_set_on)
    crossed = [threshold for threshold in thresholds if left <= threshold and (threshold < life or threshold == 0)]
    if not crossed:
        return None
    tightest = min(crossed)
    return None if tightest in reminded else tightest


def next_reminder(expires_on: date, today: date, *, thresholds: Iterable[int]) -> date | None:
    """The next day, after today, on which a reminder of the end is due."""
    left = days_left(expires_on, today)
    ahead = [left - threshold for threshold in thresholds if threshold < left]
    return today + timedelta(days=min(ahead)) if ahead else None


# While no date is recorded people are asked for it, weekly at first, then every month.
NAG_EVERY = 30


def next_nag(token_set_on: date, today: date, *, days: Sequence[int]) -> date | None:
    """The next day on which people are asked for a date that nobody recorded."""
    age = (today - token_set_on).days
    if not days:
        return None
    last = max(days)
    step = min((day for day in days if day > age), default=last + (max(age - last, 0) // NAG_EVERY + 1) * NAG_EVERY)
    return token_set_on + timedelta(days=step)


def due_nag(token_set_on: date, today: date, *, days: Sequence[int], nagged: Container[int]) -> int | None:
    """The step, in days since the token was stored, at which people are asked for its date now, or None.

    The steps are `days`, then every NAG_EVERY days after the last of them. Only the newest that has come can be
    due: a missed day delays, and never doubles.
    """
    age = (today - token_set_on).days
    come = [day for day in days if day <= age]
    if not come:
        return None
    last = max(days)
    newest = max(come) if age < last else last + (age - last) // NAG_EVERY * NAG_EVERY
    return None if newest in nagged else newest


def expiry_of(expires_on: date | None, today: date, *, soon_days: int = SOON_DAYS) -> Expiry:
    """The state on the expiry axis."""
    if expires_on is None:
        return Expiry.NOT_RECORDED
    left = days_left(expires_on, today)
    if left < 0:
        return Expiry.EXPIRED
    return Expiry.SOON if left <= soon_days else Expiry.FINE


def in_words(expires_on: date | None, today: date) -> str:
    """How long it is until the date, as people say it."""
    if expires_on is None:
        return "not recorded, add a date"
    left = days_left(expires_on, today)
    if left == 0:
        return "today"
    if left in (1, -1):
        return "tomorrow" if left == 1 else "yesterday"
    return f"in {left} days" if left > 0 else f"{-left} days ago"


# How Azure DevOps refuses a token that was revoked, regenerated or ended, without saying which.
_DEAD = ("token_refused", "anonymous")
# The same, and the sign-in page, which it shows to dead tokens too. No source says with which of them it refuses tokens
# for all organizations since that day.
_WITHOUT_A_REASON = (*_DEAD, "sign_in_required")
# What `cause_of_refusal` makes of those.
_CONCLUDED = ("token_ended_early", "global_tokens_ended", "global_tokens_ended_likely")
# The codes of a token that Azure DevOps does not accept: to extend or regenerate it is not possible, or does not help.
DEAD_TOKEN = frozenset({*_WITHOUT_A_REASON, *_CONCLUDED, "token_expired", "global_token_blocked"})
# Here Azure DevOps, or a person, said that the token was made for all organizations.
MADE_FOR_ALL = ("global_token_blocked", "global_tokens_ended")


def cause_of_refusal(
    code: str, *, expires_on: date | None, all_organizations: bool | None, today: date, since: date | None = None
) -> str:
    """The problem code that tells most of why a token was refused, from what is known of it beside the answer.

    `all_organizations` says whether the token was made for all accessible organizations of the service, and is None
    where nobody recorded it. `since` is the day on which the refusals began, when that was not today.
    """
    # Azure DevOps itself says of a token blocked by that policy that it was made for all organizations.
    if all_organizations is None and code == "global_token_blocked":
        all_organizations = True
    if (since or today) >= GLOBAL_TOKENS_END:
        if all_organizations and code in (*_WITHOUT_A_REASON, "global_token_blocked"):
            return "global_tokens_ended"
        if all_organizations is None and code in _WITHOUT_A_REASON:
            return "global_tokens_ended_likely"
    if code in _DEAD and expires_on is not None and expires_on > today:
        return "token_ended_early"
    return code


def without_cause(code: str) -> str:
    """A refusal as it was before `cause_of_refusal` looked at it, as far as that can still be told."""
    return "token_refused" if code in _CONCLUDED else code
