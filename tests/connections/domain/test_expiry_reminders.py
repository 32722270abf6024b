"""When a reminder is due: once for each threshold, the tightest only, late rather than never."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connections.domain import expiry

DAYS = (30, 14, 7, 3, 1, 0)
TODAY = date(2026, 11, 24)


def due(left: int, *, life: int = 365, reminded: tuple[int, ...] = ()) -> int | None:
    ends = TODAY + timedelta(days=left)
    return expiry.due_threshold(
        ends, TODAY, thresholds=DAYS, token_set_on=ends - timedelta(days=life), reminded=reminded
    )


@pytest.mark.parametrize(
    ("left", "expected"), [(31, None), (30, 30), (29, 30), (14, 14), (8, 14), (2, 3), (1, 1), (0, 0), (-5, 0)]
)
def test_crossing_counts_and_only_the_tightest_is_due(left: int, expected: int | None) -> None:
    assert due(left) == expected


def test_none_is_longer_than_the_tokens_own_life() -> None:
    assert due(7, life=7) is None
    assert due(3, life=7) == 3


def test_what_was_reminded_is_not_due_again() -> None:
    assert due(13, reminded=(14,)) is None
    assert due(7, reminded=(14,)) == 7


@given(st.lists(st.integers(-10, 60), min_size=1, max_size=80, unique=True), st.integers(1, 400))
def test_any_days_without_runs_never_remind_twice_nor_skip_the_tightest(lefts: list[int], life: int) -> None:
    reminded: set[int] = set()
    for left in sorted(lefts, reverse=True):
        threshold = due(left, life=life, reminded=tuple(reminded))
        possible = [one for one in DAYS if left <= one and (one < life or one == 0)]
        if threshold is None:
            assert not possible or min(possible) in reminded
        else:
            assert threshold not in reminded
            assert threshold == min(possible)
            reminded.add(threshold)


def nag(age: int, *, nagged: tuple[int, ...] = ()) -> int | None:
    return expiry.due_nag(TODAY - timedelta(days=age), TODAY, days=(7, 14, 21, 28), nagged=nagged)


@pytest.mark.parametrize(
    ("age", "step"),
    [(0, None), (6, None), (7, 7), (13, 7), (14, 14), (28, 28), (57, 28), (58, 58), (88, 88), (400, 388)],
)
def test_a_missing_date_nags_weekly_and_then_monthly(age: int, step: int | None) -> None:
    assert nag(age) == step
    if step is not None:
        assert nag(age, nagged=(step,)) is None


def test_without_days_nobody_is_asked_for_a_date() -> None:
    assert expiry.due_nag(TODAY - timedelta(days=90), TODAY, days=(), nagged=()) is None


@given(st.lists(st.integers(-3, 500), min_size=1, max_size=80))
def test_any_days_without_runs_never_nag_twice_nor_skip_the_newest(ages: list[int]) -> None:
    """Also when the clock jumps back and forth."""
    steps = [7, 14, 21, *range(28, 600, 30)]
    nagged: set[int] = set()
    for age in ages:
        newest = max((one for one in steps if one <= age), default=None)
        step = nag(age, nagged=tuple(nagged))
        assert step == (None if newest in nagged else newest)
        if step is not None:
            nagged.add(step)


@given(st.lists(st.integers(-10, 60), min_size=1, max_size=80), st.integers(1, 400))
def test_a_clock_that_jumps_back_and_forth_reminds_of_nothing_twice(lefts: list[int], life: int) -> None:
    reminded: list[int] = []
    for left in lefts:
        threshold = due(left, life=life, reminded=tuple(reminded))
        if threshold is not None:
            reminded.append(threshold)
    assert len(reminded) == len(set(reminded))
