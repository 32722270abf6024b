"""The steps of a bulk rotation: which connections take one token together, in which order, and how far a person is."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connections.domain import rotation_plan
from connections.domain.rotation_plan import BulkRotation, PlannedConnection

ENTRIES = [
    PlannedConnection(1, "maya", "a"),
    PlannedConnection(2, "maya", "b"),
    PlannedConnection(3, "noor", "a"),
    PlannedConnection(4, "gale", ""),
]


def test_connections_that_keep_one_token_are_a_set() -> None:
    assert rotation_plan.sharing(ENTRIES) == [(1, 3)]


def test_connections_of_one_person_at_one_place_are_a_set() -> None:
    assert rotation_plan.same_person(ENTRIES) == [(1, 2)]


@pytest.mark.parametrize(
    ("order", "together", "expected"),
    [
        ([], [], []),
        ([3, 1, 2], [], [(3,), (1,), (2,)]),
        ([3, 1, 2], [(1, 3)], [(3, 1), (2,)]),
        ([3, 1, 2], [(1, 2), (2, 3)], [(3, 1, 2)]),
        ([1, 2], [(1, 9)], [(1,), (2,)]),
    ],
)
def test_steps_keep_the_order_and_join_what_belongs_together(
    order: list[int], together: list[tuple[int, ...]], expected: list[tuple[int, ...]]
) -> None:
    assert rotation_plan.steps(order, together) == expected


@given(
    st.lists(st.integers(1, 40), unique=True, max_size=30),
    st.lists(st.lists(st.integers(1, 40), min_size=2, max_size=4), max_size=8),
)
def test_every_chosen_connection_is_in_exactly_one_step(order: list[int], together: list[list[int]]) -> None:
    found = rotation_plan.steps(order, together)
    assert sorted(one for step in found for one in step) == sorted(order)
    assert rotation_plan.read(rotation_plan.write(found)) == found


@given(st.text())
def test_no_address_makes_a_round_fail(text: str) -> None:
    found = rotation_plan.read(text)
    assert len({one for step in found for one in step}) == sum(map(len, found)) <= rotation_plan.MOST_CONNECTIONS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.7,9", [(3, 7), (9,)]),
        ("3,3.4", [(3,), (4,)]),
        ("x,-1,,5.", [(5,)]),
        ("²", []),
        ("9" * 30, []),
    ],
)
def test_what_cannot_be_read_is_left_out(text: str, expected: list[tuple[int, ...]]) -> None:
    assert rotation_plan.read(text) == expected


NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BEGUN = BulkRotation.starting([(1,), (2, 3), (4,)], now=NOW, within=30)


def test_it_begins_at_its_first_step_now() -> None:
    assert (BEGUN.step, BEGUN.began) == ((1,), NOW)


def test_past_the_last_step_there_is_none() -> None:
    assert BEGUN.at_step(4).step == ()


@pytest.mark.parametrize(("at", "expected"), [(-1, 1), (2, 2), (99, 4)])
def test_a_step_that_does_not_exist_is_the_nearest(at: int, expected: int) -> None:
    assert BulkRotation.read("1,2.3,4", at=at, since=0, within=30).at == expected


def test_no_start_is_too_late_to_be_a_time() -> None:
    assert BulkRotation.read("1", at=1, since=10**18, within=30).began.year == 2096


def test_what_failed_becomes_the_step_after_what_is_done() -> None:
    narrowed = BEGUN.at_step(2).narrowed_to((3,), done=(2,))
    assert (narrowed.steps, narrowed.step) == ([(1,), (2,), (3,), (4,)], (3,))


def test_a_step_that_failed_as_a_whole_stays_where_it_is() -> None:
    narrowed = BEGUN.at_step(2).narrowed_to((2, 3), done=())
    assert (narrowed.steps, narrowed.at) == (BEGUN.steps, 2)


def test_what_is_left_goes_step_by_step_from_the_first() -> None:
    again = BEGUN.at_step(4).again_with([2, 4])
    assert (again.steps, again.step) == ([(2,), (4,)], (2,))
