"""Token expiry and reminders, in days of the site's time zone. The day before is the last safe day."""

from collections.abc import Container, Iterable, Sequence
from datetime import date, timedelta

from connections.domain.health import Expiry
from connections.providers.credential import NEVER

# The scale of urgency on every page, chart and mail: neutral over 30 days, amber from 30 to 8, red from 7.
SOON_DAYS = 30
URGENT_DAYS = 7
ADVISED_DAYS = 90
PRESETS = (30, 60, 90)
# From this day, Azure DevOps rejects tokens for "All accessible organizations".
# https://learn.microsoft.com/azure/devops/release-notes/2026/sprint-270-update
GLOBAL_TOKENS_END = date(2026, 12, 1)
# Azure DevOps allows custom dates of up to a year.
LONGEST_LIFE = timedelta(days=366)
# Microsoft Entra allows client secrets of up to 24 months.
LONGEST_SECRET_LIFE = timedelta(days=731)


def never_expires(expires_on: date | None) -> bool:
    """Whether nothing expires, as with an identity of the server."""
    return expires_on == NEVER


def days_left(expires_on: date, today: date) -> int:
    """Days until the expiry date: 0 on the day itself, negative after it."""
    return (expires_on - today).days


def due_threshold(
    expires_on: date, today: date, *, thresholds: Iterable[int], token_set_on: date, reminded: Container[int]
) -> int | None:
    """The threshold in days of the reminder that is due now, or None.

    A threshold is due when it is crossed, so a missed day delays a reminder but never skips it. Only the smallest
    crossed threshold can be due, and none that exceeds the token's lifetime.
    """
    left = days_left(expires_on, today)
    lifetime = days_left(expires_on, token_set_on)
    crossed = [threshold for threshold in thresholds if left <= threshold and (threshold < lifetime or threshold == 0)]
    if not crossed:
        return None
    smallest = min(crossed)
    return None if smallest in reminded else smallest


def next_reminder(expires_on: date, today: date, *, thresholds: Iterable[int]) -> date | None:
    """The next day after today on which an expiry reminder is due."""
    if never_expires(expires_on):
        return None
    left = days_left(expires_on, today)
    ahead = [left - threshold for threshold in thresholds if threshold < left]
    return today + timedelta(days=min(ahead)) if ahead else None


# Without an expiry date, people are asked for it on given days, then every month.
NAG_EVERY = 30


def next_nag(token_set_on: date, today: date, *, days: Sequence[int]) -> date | None:
    """The next day on which people are asked for the missing expiry date."""
    age = (today - token_set_on).days
    if not days:
        return None
    last = max(days)
    step = min((day for day in days if day > age), default=last + (max(age - last, 0) // NAG_EVERY + 1) * NAG_EVERY)
    return token_set_on + timedelta(days=step)


def due_nag(token_set_on: date, today: date, *, days: Sequence[int], nagged: Container[int]) -> int | None:
    """The step, in days since the token was stored, at which to ask for its expiry date now, or None.

    The steps are `days`, then every NAG_EVERY days. Only the latest reached step can be due, so a missed day delays a
    reminder but never causes two.
    """
    age = (today - token_set_on).days
    reached = [day for day in days if day <= age]
    if not reached:
        return None
    last = max(days)
    latest = max(reached) if age < last else last + (age - last) // NAG_EVERY * NAG_EVERY
    return None if latest in nagged else latest


def expiry_of(expires_on: date | None, today: date, *, soon_days: int = SOON_DAYS) -> Expiry:
    """The expiry state of a date."""
    if expires_on is None:
        return Expiry.NOT_RECORDED
    left = days_left(expires_on, today)
    if left < 0:
        return Expiry.EXPIRED
    return Expiry.SOON if left <= soon_days else Expiry.FINE


def tone_of(expires_on: date | None, today: date) -> str:
    """The tone of an expiry date on the scale above: quiet, warn or bad; info if there is no date."""
    return "info" if expires_on is None else tone_of_days(days_left(expires_on, today))


def tone_of_days(left: int) -> str:
    """The tone of a token with this many days left."""
    if left <= URGENT_DAYS:
        return "bad"
    return "warn" if left <= SOON_DAYS else "quiet"


def urgency_of_days(left: int | None) -> str:
    """The first words of a mail's subject about a token with this many days left; empty when there is time."""
    if left is None or left > URGENT_DAYS:
        return ""
    return "Urgent" if left <= 1 else "Action needed"


def in_words(expires_on: date | None, today: date) -> str:
    """The expiry date as people read it: "in 3 days", "tomorrow", "today" or "expired 2 days ago"."""
    if expires_on is None:
        return "not recorded, add a date"
    if never_expires(expires_on):
        return "never expires"
    relative = relative_day(expires_on, today)
    return f"expired {relative}" if expires_on < today else relative


def relative_day(day: date, today: date) -> str:
    """A day relative to today, such as "in 3 days" or "yesterday"."""
    left = days_left(day, today)
    if left == 0:
        return "today"
    if left in (1, -1):
        return "tomorrow" if left == 1 else "yesterday"
    return f"in {left} days" if left > 0 else f"{-left} days ago"


# How Azure DevOps rejects revoked, regenerated and no longer valid tokens, without a reason.
_DEAD = ("token_refused", "anonymous")
# The same, and the sign-in page, which it also shows for dead tokens. Which of them it uses for tokens for all
# organizations is not documented.
_WITHOUT_A_REASON = (*_DEAD, "sign_in_required")
# The causes that `cause_of_refusal` concludes.
_CONCLUDED = ("token_ended_early", "global_tokens_ended", "global_tokens_ended_likely")
# The code of tokens that someone declared leaked.
LEAKED = "leaked"
# How Microsoft Entra refuses any certificate that it does not accept; and one whose last day has come.
_CERTIFICATE_UNKNOWN, CERTIFICATE_ENDED = "entra_certificate_unknown", "entra_certificate_ended"
# Codes of tokens that cannot be repaired by extending or regenerating them.
DEAD_TOKEN = frozenset(
    {
        *_WITHOUT_A_REASON,
        *_CONCLUDED,
        CERTIFICATE_ENDED,
        "entra_secret_ended",
        "entra_secret_wrong",
        "global_token_blocked",
        LEAKED,
        "token_expired",
    }
)
# Codes that say that it has reached its expiry date.
EXPIRED = frozenset({CERTIFICATE_ENDED, "entra_secret_ended", "token_expired"})
# Codes of tokens that are known to be valid for all organizations.
MADE_FOR_ALL = ("global_token_blocked", "global_tokens_ended")


def cause_of_refusal(
    code: str, *, expires_on: date | None, all_organizations: bool | None, today: date, since: date | None = None
) -> str:
    """The most specific problem code for a rejected token, from its recorded data.

    `all_organizations` says whether the token is valid for all accessible organizations; None if that is not recorded.
    `since` is the day of the first rejection, if that was before today.
    """
    # This policy blocks only tokens for all organizations.
    if all_organizations is None and code == "global_token_blocked":
        all_organizations = True
    if (since or today) >= GLOBAL_TOKENS_END:
        if all_organizations and code in (*_WITHOUT_A_REASON, "global_token_blocked"):
            return "global_tokens_ended"
        if all_organizations is None and code in _WITHOUT_A_REASON:
            return "global_tokens_ended_likely"
    if code == _CERTIFICATE_UNKNOWN and expires_on is not None and expires_on <= today:
        return CERTIFICATE_ENDED
    if code in _DEAD and expires_on is not None and expires_on > today:
        return "token_ended_early"
    return code


def without_cause(code: str) -> str:
    """Undo `cause_of_refusal`, as far as possible."""
    if code == CERTIFICATE_ENDED:
        return _CERTIFICATE_UNKNOWN
    return "token_refused" if code in _CONCLUDED else code
