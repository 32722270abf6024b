"""Geometry of the expiry chart, in units of the SVG view box."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from typing import NamedTuple

from connections.domain import expiry

DAYS = 90
STEP = 10
WIDTH = (DAYS + 1) * STEP
HEIGHT = 96
_BASE = 72
_SHORTEST = 8
# A bar of this many tokens fills the height, if no day has more.
_FEW = 4
_MARKED_DAYS = (0, expiry.URGENT_DAYS, expiry.SOON_DAYS, 60, 90)


class Day(NamedTuple):
    """A day on which a number of tokens expire. `names` are some of them, `more` is the number of others."""

    date: date
    left: int
    number: int
    names: tuple[str, ...]
    more: int

    @property
    def tone(self) -> str:
        """The urgency: bad, warn or quiet."""
        return expiry.tone_of_days(self.left)


class Bar(NamedTuple):
    """The bar of a day, standing on the base line."""

    day: Day
    x: int
    y: float
    height: float
    width: int = STEP - 2


class Tick(NamedTuple):
    """A mark below the base line. `anchor` is SVG's text-anchor."""

    x: int
    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The next 90 days, and how many tokens have already expired."""

    bars: tuple[Bar, ...]
    total: int
    ended: int
    ticks: tuple[Tick, ...]
    until: date
    width: int = WIDTH
    height: int = HEIGHT
    base: int = _BASE


def timeline(days: Iterable[tuple[date, int, tuple[str, ...]]], *, ended: int, today: date) -> Timeline:
    """The chart of tokens that expire on each day: day, count and some names.

    The height is proportional to the square root of the count, so that a day with one token remains visible beside a
    day with a thousand.
    """
    until = today + timedelta(days=DAYS)
    shown = [
        Day(day, (day - today).days, count, names, count - len(names))
        for day, count, names in sorted(days)
        if today <= day <= until
    ]
    most = max((day.number for day in shown), default=1)
    total = sum(day.number for day in shown)
    return Timeline(tuple(_bar(day, most) for day in shown), total, ended, tuple(map(_tick, _MARKED_DAYS)), until)


def _bar(day: Day, most: int) -> Bar:
    height = round(max(_SHORTEST, _BASE * sqrt(day.number / max(most, _FEW))), 1)
    return Bar(day, day.left * STEP + 1, round(_BASE - height, 1), height)


def _tick(left: int) -> Tick:
    anchor = {0: "start", DAYS: "end"}.get(left, "middle")
    x = {0: 0, DAYS: WIDTH}.get(left, left * STEP + STEP // 2)
    return Tick(x, "Today" if left == 0 else f"{left} days", anchor)
