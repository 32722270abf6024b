"""The top of a connection's page: its status with the reason, the days left, and the one action that fits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.utils import timezone

from connections.domain import expiry
from connections.domain.health import Expiry, Health
from connections.domain.where_tried import and_join
from connections.models import CapabilityState, Connection
from connections.providers.capability import Verdict
from connections.providers.credential import Words
from connections.providers.registry import CAPABILITIES
from connections.views.presenters import HEALTH_CHIPS, CapabilityGroup, CapabilityRow, Chip, health_of_connection


class Action(StrEnum):
    """The primary action of the page."""

    TEST = "test"
    UPDATE = "update"
    TICK = "tick"
    DATE = "date"
    ENABLE = "enable"


_PERMISSIONS = {
    Action.TEST: "connections.test_connection",
    Action.UPDATE: "connections.rotate_connection",
    # What to tick is done in Azure DevOps.
    Action.TICK: "connections.view_connection",
    Action.DATE: "connections.change_connection",
    Action.ENABLE: "connections.disable_connection",
}
_ALWAYS_OFFERED = (Action.TEST, Action.UPDATE)


@dataclass(frozen=True, slots=True)
class DaysLeft:
    """The time from storing the token to its expiry date, in days, and how much of it has passed."""

    words: str
    tone: str
    total: int
    passed: int


@dataclass(frozen=True, slots=True)
class Status:
    """What the top of the page shows. `scopes_to_tick` are labels of Azure DevOps, the highest of each area.

    `action` is the primary action for this person, empty if they may not do it; `others` are those that they may
    always do.
    """

    chip: Chip
    reason: str
    days: DaysLeft
    scopes_to_tick: Sequence[str]
    action: str
    others: Sequence[str]


def status_of(
    connection: Connection,
    capabilities: Iterable[CapabilityState],
    *,
    user: AbstractBaseUser | AnonymousUser,
    tokens_page: str,
    today: date,
    words: Words,
) -> Status:
    """The status of a connection on this day, with the actions for this person."""
    health = health_of_connection(connection)
    capabilities = list(capabilities)
    to_tick = _scopes_to_tick(capabilities)
    action = _action(connection, health, can_tick=bool(to_tick and tokens_page), today=today)
    # Nothing of an identity of this server is updated here.
    offered = [act for act in Action if act is not Action.UPDATE or not connection.never_expires]
    allowed = [act for act in offered if _may(user, act)]
    action = action if action in offered else Action.TEST
    return Status(
        chip=HEALTH_CHIPS[health],
        reason=_reason(health, capabilities, words),
        days=days_left(connection, today=today),
        scopes_to_tick=to_tick if health is Health.LIMITED else (),
        action=action if action in allowed else "",
        others=[other for other in _ALWAYS_OFFERED if other in allowed and other is not action],
    )


def _reason(health: Health, capabilities: Iterable[CapabilityState], words: Words) -> str:
    reasons = {
        Health.HEALTHY: words.all_granted,
        Health.NOT_CHECKED: "This connection has not been checked yet.",
        Health.DISABLED: f"The {words.name} is stored but not used.",
        Health.LIMITED: _lacking(capabilities),
    }
    return reasons.get(health, "")


def _may(user: AbstractBaseUser | AnonymousUser, action: Action) -> bool:
    return isinstance(user, PermissionsMixin | AnonymousUser) and user.has_perm(_PERMISSIONS[action])


def _action(connection: Connection, health: Health, *, can_tick: bool, today: date) -> Action:
    if health is Health.DISABLED:
        return Action.ENABLE
    end = expiry.expiry_of(connection.expires_on, today)
    if connection.is_token_dead(today=today) or health is Health.REJECTED or end is Expiry.EXPIRED:
        return Action.UPDATE
    if health is Health.LIMITED and can_tick:
        return Action.TICK
    if health is Health.HEALTHY and end is Expiry.SOON:
        return Action.UPDATE
    return Action.DATE if health is Health.HEALTHY and end is Expiry.NOT_RECORDED else Action.TEST


def _scopes_to_tick(capabilities: Iterable[CapabilityState]) -> list[str]:
    missing = {state.capability for state in capabilities if state.verdict == Verdict.MISSING}
    # Later levels of an area include the earlier ones.
    highest = {known.area: known.azure_label for key, known in CAPABILITIES.items() if key in missing}
    return list(highest.values())


def _lacking(capabilities: Iterable[CapabilityState]) -> str:
    lacking = [state for state in capabilities if state.verdict != Verdict.GRANTED]
    unknown = [state for state in lacking if state.verdict == Verdict.UNKNOWN]
    parts = {"Not available": [state for state in lacking if state not in unknown], "Unknown": unknown}
    return " ".join(f"{words}: {_short_names(states)}." for words, states in parts.items() if states)


def _short_names(states: Iterable[CapabilityState]) -> str:
    return and_join(CAPABILITIES[state.capability].short_name for state in states)


def days_left(connection: Connection, *, today: date) -> DaysLeft:
    """How far the token is on its way to the expiry date."""
    end = connection.expires_on
    if end is None:
        return DaysLeft("No expiry date", "info", 0, 0)
    if expiry.never_expires(end):
        return DaysLeft("Never expires", "quiet", 0, 0)
    left = expiry.days_left(end, today)
    words = f"{left} days left" if left > 1 else f"Expires {expiry.relative_day(end, today)}"
    total = max(expiry.days_left(end, timezone.localdate(connection.token_set_at)), 1)
    words = words if left >= 0 else f"Expired {expiry.relative_day(end, today)}"
    return DaysLeft(words, expiry.tone_of(end, today), total, min(max(total - left, 0), total))


LEVELS = ("Read", "Write / execute", "Manage")


def matrix(groups: Iterable[CapabilityGroup]) -> list[tuple[str, list[CapabilityRow | None]]]:
    """The scopes by area and level. Build has no level to manage."""
    return [(group.label, [_at_level(group.rows, level) for level in LEVELS]) for group in groups]


def _at_level(rows: Iterable[CapabilityRow], level: str) -> CapabilityRow | None:
    between = LEVELS[1]
    return next(
        (row for row in rows if (row.capability.level if row.capability.level in LEVELS else between) == level), None
    )


def verified_at(groups: Iterable[CapabilityGroup]) -> datetime | None:
    """When the scopes were verified last, to show once."""
    return max((row.verified_at for group in groups for row in group.rows if row.verified_at), default=None)
