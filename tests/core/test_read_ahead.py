"""Items are read by another thread before they are taken, in the same order and only a few of them."""

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from threading import Event, current_thread
from typing import TypeVar

import pytest

from core.read_ahead import ReadAhead

PATIENCE = 10
Item = TypeVar("Item")
who: ContextVar[str] = ContextVar("who", default="")


class Source:
    """Numbers, and an event for each of them that tells that it is being read."""

    def __init__(self, count: int) -> None:
        self.reading = [Event() for _ in range(count)]

    def __iter__(self) -> Iterator[int]:
        for number, event in enumerate(self.reading):
            event.set()
            yield number

    def read(self) -> int:
        return sum(event.is_set() for event in self.reading)


def ahead(items: Iterable[Item], most: int) -> ReadAhead[Item]:
    return ReadAhead(items, most=most, size=lambda _: 1)


def test_items_come_in_their_order() -> None:
    with ahead(range(20), 3) as items:
        assert list(items) == list(range(20))


def test_nothing_comes_of_nothing() -> None:
    with ahead(range(0), 3) as items:
        assert list(items) == []


def test_the_next_items_are_read_while_one_is_worked_on() -> None:
    source = Source(9)
    with ahead(source, 2) as items:
        assert next(iter(items)) == 0
        assert source.reading[2].wait(PATIENCE)


def test_nothing_is_read_while_enough_waits() -> None:
    source = Source(9)
    with ahead(source, 2) as items:
        for taken, _ in enumerate(items, 1):
            assert source.read() <= taken + 2


def test_a_large_item_is_enough_by_itself() -> None:
    source = Source(9)
    with ReadAhead(source, most=10, size=lambda _: 10) as items:
        assert next(iter(items)) == 0
        assert source.reading[1].wait(PATIENCE)
        assert source.read() == 2


def test_no_more_is_read_when_no_more_is_wanted() -> None:
    source = Source(9)
    with ahead(source, 1) as items:
        next(iter(items))
        assert source.reading[1].wait(PATIENCE)
    assert source.read() <= 3


def test_what_reading_raises_comes_after_the_items_before_it() -> None:
    def fail() -> Iterator[int]:
        yield from (1, 2)
        raise LookupError

    taken: list[int] = []
    with pytest.raises(LookupError), ahead(fail(), 5) as items:
        taken.extend(items)
    assert taken == [1, 2]


def test_it_ends_only_after_the_item_that_is_being_read() -> None:
    begun, may_end, ended = Event(), Event(), Event()

    def slow() -> Iterator[int]:
        yield 1
        begun.set()
        may_end.wait(PATIENCE)
        ended.set()
        yield 2

    with ahead(slow(), 2) as items:
        next(iter(items))
        assert begun.wait(PATIENCE)
        may_end.set()
    assert ended.is_set()


def test_they_are_read_elsewhere_with_the_same_context() -> None:
    who.set("maya")
    with ahead(((who.get(), current_thread()) for _ in range(1)), 1) as items:
        ((name, thread),) = items
    assert (name, thread is current_thread()) == ("maya", False)
