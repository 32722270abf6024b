"""Rate limits across all processes, by the generic cell rate algorithm, with one row for each counter.

A full allowance may be used at once; it then returns at an even pace. Each step is a conditional UPDATE, so that two
processes never both use the last one. https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac

from core.database_time import TOLERANCE
from throttling.models import Counter


class TooMany(Exception):
    """The allowance of `rate` is used up; `wait` says for how long."""

    def __init__(self, rate: "Rate", wait: timedelta) -> None:
        super().__init__(f"{rate.name}: wait {wait}")
        self.rate = rate
        self.wait = wait

    @property
    def seconds(self) -> int:
        """Whole seconds to wait, at least one."""
        return max(1, math.ceil(self.wait.total_seconds()))


def humanize(seconds: int) -> str:
    """A short wait as text."""
    if seconds < 120:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    return f"{-(-seconds // 60)} minutes"


@dataclass(frozen=True, slots=True)
class Rate:
    """`allowance` in `period`, for each of whatever the `name` counts. An allowance of 0 means no limit."""

    name: str
    allowance: int
    period: timedelta

    @property
    def pace(self) -> timedelta:
        """How long it takes until one comes back."""
        return self.period / self.allowance


@dataclass(frozen=True, slots=True)
class Cost:
    """One use of a rate limit, for whoever `who` identifies."""

    rate: Rate
    who: tuple[object, ...]

    @property
    def key(self) -> str:
        """The counter's key: a digest, because `who` may contain a password typed into the wrong field."""
        return salted_hmac(
            f"throttling.{self.rate.name}", "\0".join(map(str, self.who)), algorithm="sha256"
        ).hexdigest()


def consume(takes: Iterable[Cost], *, now: datetime) -> None:
    """Use one of each. Raises `TooMany` with the longest wait, and then gives the others back."""
    taken: list[Cost] = []
    refused: list[TooMany] = []
    for cost in takes:
        if cost.rate.allowance <= 0:
            continue
        try:
            _consume(cost, now)
        except TooMany as too_many:
            refused.append(too_many)
        else:
            taken.append(cost)
    if refused:
        give_back(taken)
        raise max(refused, key=lambda each: each.wait)


def _consume(cost: Cost, now: datetime) -> None:
    key, rate = cost.key, cost.rate
    while True:
        due_at = Counter.objects.filter(pk=key).values_list("due_at", flat=True).first()
        ends = _begins(due_at, rate, now) + rate.pace
        if ends - now > rate.period:
            raise TooMany(rate, ends - now - rate.period)
        if _move(key, due_at, ends):
            return


def _begins(due_at: datetime | None, rate: Rate, now: datetime) -> datetime:
    if due_at is None or due_at > now + rate.period + TOLERANCE:
        # None, or one that was counted while the clock was ahead. That would refuse everything until then.
        return now
    return max(due_at, now)


def _move(key: str, before: datetime | None, after: datetime) -> bool:
    if before is not None:
        return bool(Counter.objects.filter(pk=key, due_at=before).update(due_at=after))
    try:
        with transaction.atomic():
            Counter.objects.create(pk=key, due_at=after)
    except IntegrityError:
        return False
    return True


def give_back(takes: Iterable[Cost]) -> None:
    """Return one to each that has a limit."""
    for cost in takes:
        if cost.rate.allowance <= 0:
            continue
        key = cost.key
        while due_at := Counter.objects.filter(pk=key).values_list("due_at", flat=True).first():
            if _move(key, due_at, due_at - cost.rate.pace):
                break


def forget(takes: Iterable[Cost]) -> None:
    """Reset these counters to a full allowance."""
    Counter.objects.filter(pk__in=[cost.key for cost in takes]).delete()


def forget_rested(*, now: datetime) -> int:
    """Delete counters whose allowance is full again. Returns their number."""
    removed, _ = Counter.objects.filter(due_at__lt=now).delete()
    return removed
